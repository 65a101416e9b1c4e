import type { Part, Unwatch } from '../store.ts';

type Callback = (part: Part, topic: number) => void;

/** Who wants to hear of which partition. */
export class Watchers {
  readonly #watchers = new Map<string, Set<Callback>>();

  /** Registers a callback for the partitions, until the answer is called. */
  add(parts: readonly Part[], callback: Callback): Unwatch {
    // A function of its own, so that the same callback can be registered twice.
    const own: Callback = (part, topic) => callback(part, topic);
    const names = new Set(parts.map(({ name }) => name));
    for (const name of names) {
      const set = this.#watchers.get(name) ?? new Set();
      this.#watchers.set(name, set.add(own));
    }
    return () => {
      for (const name of names) {
        const set = this.#watchers.get(name);
        if (set?.delete(own) && set.size === 0) {
          this.#watchers.delete(name);
        }
      }
    };
  }

  /** Calls everybody who watches the partition, once for each topic. */
  notify(part: Part, topics: ReadonlySet<number>): void {
    for (const callback of [...(this.#watchers.get(part.name) ?? [])]) {
      for (const topic of topics) {
        call(callback, part, topic);
      }
    }
  }
}

/** A callback that throws is a fault of its own, an uncaught one; the commits behind it go on. */
function call(callback: Callback, part: Part, topic: number): void {
  try {
    callback(part, topic);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
