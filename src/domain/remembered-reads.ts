/** Reads that are kept until what they read changes. */
export interface RememberedReads<T> {
  /** The kept value, else what `read` gives; many at once read once. */
  get(key: string, read: () => Promise<T>): Promise<T>;
  /** Called after the change: the next one reads anew. */
  forget(key: string): void;
}

/** Keeps up to `limit` reads, and lets go of the oldest; what failed, or was begun before a change, is not kept. */
export function rememberedReads<T>(limit: number): RememberedReads<T> {
  const kept = new Map<string, Promise<T>>();
  return {
    get(key, read) {
      const known = kept.get(key);
      if (known !== undefined) return known;
      const [oldest] = kept.keys();
      if (kept.size >= limit && oldest !== undefined) kept.delete(oldest);
      const reading = read();
      kept.set(key, reading);
      reading.catch(() => {
        if (kept.get(key) === reading) kept.delete(key);
      });
      return reading;
    },
    forget(key) {
      kept.delete(key);
    },
  };
}
