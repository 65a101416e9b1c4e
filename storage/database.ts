/** Everything a data directory holds, opened together: the store, its keys, and the large bodies. */
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OrganizationId } from '#domain/ids';
import { type FileBlobStore, openFileBlobStore } from './blobs/file-blob-store.ts';
import { KeyRing } from './key-ring.ts';
import { organizationIdOf, systemPart, u16 } from './keys.ts';
import { systemRows } from './layout.ts';
import { StoreDamagedError } from './leveldb/errors.ts';
import { openLevelStore } from './leveldb/open.ts';
import { StoredMail } from './mail-store.ts';
import { loadMasterKey, MasterKeyError } from './master-key.ts';
import { Sealer } from './seal.ts';
import { SealError } from './seal-error.ts';
import { StoredIndexes } from './search/stored-indexes.ts';
import type { BackupInfo, Store } from './store.ts';

export interface DatabaseOptions {
  /** The data directory; made if it is missing, mode 0700. */
  readonly folder: string;
  readonly inlineBodyBytes: number;
  /** Opens a store that has lost commits; every device then starts over. */
  readonly acceptLostCommits?: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A write has failed: answer "try later" and end the process. */
  readonly onFatal: (error: unknown) => void;
}

export interface Database {
  readonly store: Store;
  readonly blobs: FileBlobStore;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
  readonly mail: StoredMail;
  /** The search indexes of mailboxes. */
  readonly indexes: StoredIndexes;
  /** Copies the live database, the large bodies and nothing else into the new folder `to`: the master key stays here. */
  backup(to: string): Promise<BackupInfo>;
  close(): Promise<void>;
}

/** The installation's own data key has this in the place of an organisation. */
const installation = new Uint8Array(16);

/**
 * Opens the data directory. Only an empty one gets a new store and a new master key; a first start that was cut short is
 * gone on with. Throws StoreOpenError (in use, damaged, of a newer version), MasterKeyError.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { folder, now } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const storeFolder = join(folder, 'store');
  const keyFile = join(folder, 'master.key');
  // A first start makes the store before the key: a key alone has lost its store, and a new one would let the sweep take
  // the bodies of the old.
  if ((await isMissingOrEmpty(storeFolder)) && (await exists(keyFile))) {
    throw new StoreDamagedError(
      `there is a master key, but no store at ${storeFolder}: bring it back, or restore the latest backup`,
    );
  }
  const store = await openLevelStore(storeFolder, {
    onFatal: options.onFatal,
    acceptLostCommits: options.acceptLostCommits === true,
  });
  try {
    const keys = await loadKeys(store, keyFile);
    const sealer = new Sealer(keys);
    const blobs = await openFileBlobStore(join(folder, 'blobs'), keys);
    const { inlineBodyBytes } = options;
    const mail = new StoredMail({ store, blobs, keys, sealer, now, inlineBodyBytes });
    return {
      store,
      blobs,
      keys,
      sealer,
      mail,
      indexes: new StoredIndexes({ store, sealer, now }),
      backup: async (to) => {
        // Rows first, bodies second: a body is written before and removed a day after the rows that name it.
        await mkdir(to, { mode: 0o700 });
        const rows = await store.backup(join(to, 'store'));
        const bodies = await blobs.linkAll(join(to, 'blobs'));
        return { files: rows.files + bodies.files, bytes: rows.bytes + bodies.bytes };
      },
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function isMissingOrEmpty(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return true;
    }
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** The keys of the store, under the master key in `keyFile`. A store that holds no key yet gets its first, and a master key. */
async function loadKeys(store: Store, keyFile: string): Promise<KeyRing> {
  const part = systemPart();
  const wrappedKeys = await readWrappedKeys(store);
  const keys = new KeyRing(await loadMasterKey(keyFile, { create: wrappedKeys.length === 0 }));
  try {
    for (const { owner, wrapped } of wrappedKeys) keys.add(owner, wrapped);
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause;
    const message = `${keyFile} does not open this store (${cause.message}): restore the key that belongs to it`;
    throw new MasterKeyError('wrong', message, { cause });
  }
  if (keys.has(undefined)) {
    return keys;
  }
  const wrapped = keys.create(undefined);
  const key = systemRows.dataKey.key(installation, u16(1));
  await store.transact([part], async (tx) =>
    tx.insert(part, key, systemRows.dataKey.encode(noSealer, part, key, wrapped)),
  );
  keys.add(undefined, wrapped);
  return keys;
}

interface WrappedKey {
  /** Undefined: the installation's own. */
  readonly owner: OrganizationId | undefined;
  readonly wrapped: Uint8Array;
}

async function readWrappedKeys(store: Store): Promise<WrappedKey[]> {
  const part = systemPart();
  const found: WrappedKey[] = [];
  const range = systemRows.dataKey.range();
  for (let { gte }: { gte: Uint8Array | undefined } = range; gte !== undefined; ) {
    const page = await store.page(part, { gte, lt: range.lt });
    for (const [key, stored] of page.rows) {
      const of = key.subarray(1, 17);
      const owner = of.every((byte) => byte === 0) ? undefined : organizationIdOf(of);
      found.push({ owner, wrapped: systemRows.dataKey.decode(noSealer, part, key, stored) });
    }
    gte = page.next;
  }
  return found;
}

/** Keys are wrapped, not sealed: their rows are read before there is anything to open rows with. */
const noSealer = {
  seal: (): never => {
    throw new Error('the row of a key is not sealed');
  },
  open: (): never => {
    throw new Error('the row of a key is not sealed');
  },
};
