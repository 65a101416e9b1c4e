/** A store that counts what is read from it outside of transactions. */
import type { Reader, Store } from '#storage/store';

const readers: ReadonlySet<string | symbol> = new Set<keyof Reader>(['get', 'getMany', 'page']);

/** `take` gives how many reads there were since it was asked last. */
export function countingStore(store: Store): { readonly store: Store; take(): number } {
  let reads = 0;
  const counting = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (readers.has(name)) reads++;
      return value.bind(target);
    },
  });
  return {
    store: counting,
    take: () => {
      const taken = reads;
      reads = 0;
      return taken;
    },
  };
}
