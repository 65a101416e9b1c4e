/** What the LevelDB adapter throws of its own; `LEVEL_*` codes stay inside it, as causes. */

/** The store cannot be opened as it is; the subclasses say why. Its message tells an operator what to do. */
export class StoreOpenError extends Error {
  override readonly name: string = 'StoreOpenError';
}

/** The folder is already open, in this process or in another. */
export class StoreInUseError extends StoreOpenError {
  override readonly name = 'StoreInUseError';
}

/** Files or commits are missing: restore a backup, or open with `acceptLostCommits`. */
export class StoreDamagedError extends StoreOpenError {
  override readonly name = 'StoreDamagedError';
}

/** The store was written by a program whose rows this one cannot read. */
export class StoreVersionError extends StoreOpenError {
  override readonly name = 'StoreVersionError';
}

/** A key, value or transaction is larger than every adapter accepts (storage/README.md). */
export class StoreLimitError extends Error {
  override readonly name = 'StoreLimitError';
}

/** The store was closed, or a write failed and nothing more is accepted. */
export class StoreClosedError extends Error {
  override readonly name = 'StoreClosedError';
}
