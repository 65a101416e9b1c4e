import { constants, open } from 'node:fs/promises';

/**
 * Makes new names in a directory durable. Callers that come while a sync of the same directory is under way share the
 * next one: the running one may have begun before their rename.
 */
export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();
  readonly #syncOne: (directory: string) => Promise<void>;

  constructor(syncOne: (directory: string) => Promise<void> = syncDirectory) {
    this.#syncOne = syncOne;
  }

  /** Resolves when every name that the directory has now is durable. */
  sync(directory: string): Promise<void> {
    const running = this.#running.get(directory);
    if (running === undefined) return this.#start(directory);
    const waiting = this.#next.get(directory);
    if (waiting !== undefined) return waiting;
    const startNext = () => {
      this.#next.delete(directory);
      return this.#start(directory);
    };
    const next = running.then(startNext, startNext);
    this.#next.set(directory, next);
    return next;
  }

  #start(directory: string): Promise<void> {
    const running = this.#syncOne(directory).finally(() => {
      if (this.#running.get(directory) === running) this.#running.delete(directory);
    });
    this.#running.set(directory, running);
    return running;
  }
}

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
