import { mkdir, open, readdir, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Level as LevelDatabase } from 'level';
import type { Bytes } from '../store.ts';
import { StoreDamagedError, StoreInUseError, StoreOpenError } from './errors.ts';
import type { Level } from './level.ts';
import { LevelStore } from './level-store.ts';
import { checkStore } from './schema.ts';

/** How to open a store; sizes in bytes. */
export interface LevelStoreOptions {
  /** Called once, when a write or its sync has failed: answer "try later" and end the process (rule 10). */
  readonly onFatal: (error: unknown) => void;
  /** Opens a store whose commit counter has a gap, and raises its epoch: every device starts over. */
  readonly acceptLostCommits?: boolean;
  /** Rows in memory before LevelDB writes a table: 64 MiB; 16 MiB on a small machine. */
  readonly writeBufferSize?: number;
  /** Cache of table blocks: 64 MiB. */
  readonly cacheSize?: number;
  /** Largest table: 8 MiB. */
  readonly maxFileSize?: number;
  /** Open tables: 5,000. */
  readonly maxOpenFiles?: number;
  /** What transactions gather to while a commit is on its way: 4 MiB. */
  readonly maxBatchBytes?: number;
  /** Partitions whose sequence numbers are kept in memory: 100,000. */
  readonly maxHeads?: number;
}

const MiB = 1024 * 1024;

/** Paths open in this process: a refused second open would drop LevelDB's own lock. */
const openPaths = new Set<string>();

/**
 * Opens the store in the folder `path`; creates one if the folder is missing or empty.
 * Throws StoreInUseError, StoreDamagedError, StoreVersionError, or StoreOpenError for anything else.
 */
export async function openLevelStore(path: string, options: LevelStoreOptions): Promise<LevelStore> {
  const isNew = await prepareFolder(path);
  const real = await realpath(path);
  if (openPaths.has(real)) {
    throw new StoreInUseError('the store is already open in this process');
  }
  openPaths.add(real);
  try {
    const level = await openLevel(real, isNew, options);
    try {
      const checked = await checkStore(level, options.acceptLostCommits === true);
      if (isNew) {
        await syncFolder(real);
        await syncFolder(dirname(real));
      }
      return new LevelStore(level, {
        ...checked,
        path: real,
        onFatal: options.onFatal,
        onClosed: () => openPaths.delete(real),
        maxBatchBytes: options.maxBatchBytes ?? 4 * MiB,
        maxHeads: options.maxHeads ?? 100_000,
      });
    } catch (error) {
      await level.close();
      throw error;
    }
  } catch (error) {
    openPaths.delete(real);
    throw error;
  }
}

async function openLevel(path: string, isNew: boolean, options: LevelStoreOptions): Promise<Level> {
  const level: Level = new LevelDatabase<Bytes, Bytes>(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    createIfMissing: isNew,
    compression: false,
    writeBufferSize: options.writeBufferSize ?? 64 * MiB,
    cacheSize: options.cacheSize ?? 64 * MiB,
    maxFileSize: options.maxFileSize ?? 8 * MiB,
    maxOpenFiles: options.maxOpenFiles ?? 5000,
  });
  try {
    await level.open();
    return level;
  } catch (error) {
    throw openError(error);
  }
}

function openError(error: unknown): StoreOpenError {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') {
    return new StoreInUseError('the store is in use by another process', { cause: error });
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new StoreDamagedError('files of the store are damaged or missing: restore the latest backup', {
      cause: error,
    });
  }
  const reason = cause instanceof Error ? cause.message : String(error);
  return new StoreOpenError(`the store cannot be opened: ${reason}`, { cause: error });
}

/** Makes the folder; true if it holds no database yet. */
async function prepareFolder(path: string): Promise<boolean> {
  let names: string[];
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    names = await readdir(path);
  } catch (error) {
    throw new StoreOpenError(`the folder ${path} of the store cannot be read or made`, { cause: error });
  }
  if (names.includes('CURRENT')) {
    return false;
  }
  // A first start that was cut short leaves a lock and the first MANIFEST, never tables or logs.
  const left = names.filter((name) => /\.(ldb|sst|log)$/.test(name) || /^MANIFEST-(?!000001$)/.test(name));
  if (left.length > 0) {
    throw new StoreDamagedError(
      `the store has data (${left[0]}) but no file CURRENT: opened like this it would be emptied. ` +
        'Bring the file back, or restore the latest backup',
    );
  }
  return true;
}

/** Brings the names of a folder's files to disk. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
