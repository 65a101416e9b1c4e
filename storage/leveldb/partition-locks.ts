import type { Part } from '../store.ts';

interface Lock {
  readonly waiters: (() => void)[];
}

/** Async mutexes, one per partition: first come, first served, and forgotten while nobody holds them. */
export class PartitionLocks {
  readonly #locks = new Map<string, Lock>();

  /** Takes all locks, in the order given: byte order, the same for everybody, so that nobody waits in a circle. */
  async acquire(parts: readonly Part[]): Promise<void> {
    for (const { name } of parts) {
      const lock = this.#locks.get(name);
      if (lock) {
        await new Promise<void>((resolve) => lock.waiters.push(resolve));
      } else {
        this.#locks.set(name, { waiters: [] });
      }
    }
  }

  /** Hands each lock to the next in line. */
  release(parts: readonly Part[]): void {
    for (const { name } of parts) {
      const next = this.#locks.get(name)?.waiters.shift();
      if (next) {
        next();
      } else {
        this.#locks.delete(name);
      }
    }
  }
}

/** The partitions in byte order, each once. */
export function inLockOrder(parts: readonly Part[]): readonly Part[] {
  if (parts.length < 2) {
    return parts;
  }
  const sorted = [...parts].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  return sorted.filter((part, i) => part.name !== sorted[i - 1]?.name);
}
