import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OrganizationId } from '#domain/ids';
import type { KeyRing } from '../key-ring.ts';
import type { BackupInfo, BlobRef, BlobStore, BlobWriter, Bytes } from '../store.ts';
import { DirectorySync, syncDirectory } from './directory-sync.ts';
import { FrameSealer, newHeader, SALT_BYTES } from './frames.ts';
import { readBlob } from './read-blob.ts';
import { FileBlobWriter, type FrameMeter } from './writer.ts';

const ID_BYTES = 32;
const DEFAULT_PAGE_SIZE = 1_000;
const DRAFTS = 'tmp';
const BLOB_NAME = /^[0-9a-f]{64}$/;
const SHARD_NAME = /^[0-9a-f]{2}$/;

export interface FileBlobStoreOptions {
  /** At most this many ids in one page of `list`. */
  readonly pageSize?: number;
}

/**
 * Opens the blobs in a folder, making it if it is not there, and forgets what was being written when the process last
 * stopped. The caller holds the lock of the data directory: two stores on one folder would empty each other's drafts.
 */
export async function openFileBlobStore(
  folder: string,
  keys: KeyRing,
  options: FileBlobStoreOptions = {},
): Promise<FileBlobStore> {
  await mkdir(join(folder, DRAFTS), { recursive: true, mode: 0o700 });
  await syncDirectory(folder);
  await syncDirectory(dirname(folder));
  for (const draft of await readdir(join(folder, DRAFTS))) {
    await rm(join(folder, DRAFTS, draft), { recursive: true, force: true });
  }
  return new FileBlobStore(folder, keys, options.pageSize ?? DEFAULT_PAGE_SIZE);
}

/** Large bodies as sealed files, `<first 2 hex digits>/<id>` (storage design, section 7). Errors are BlobErrors. */
export class FileBlobStore implements BlobStore {
  readonly #folder: string;
  readonly #keys: KeyRing;
  readonly #pageSize: number;
  readonly #directories = new DirectorySync();
  readonly #shards = new Map<string, Promise<void>>();
  readonly #meter: FrameMeter = { held: 0 };

  constructor(folder: string, keys: KeyRing, pageSize: number) {
    this.#folder = folder;
    this.#keys = keys;
    this.#pageSize = pageSize;
  }

  /** How many frames of 64 KiB the writers hold in memory now: at most nine each. */
  get framesHeld(): number {
    return this.#meter.held;
  }

  /** Throws SealError `unknown-key` for an organisation without a data key. */
  write(organization: OrganizationId): BlobWriter {
    const id = randomBytes(ID_BYTES);
    const header = newHeader(this.#keys.currentEpoch(organization), randomBytes(SALT_BYTES));
    const key = this.#keys.blobKey(organization, header.epoch, header.salt, id);
    const draft = join(this.#folder, DRAFTS, hex(id));
    const place = () => this.#place(draft, id);
    return new FileBlobWriter(
      { id, draft, place, header, sealer: new FrameSealer(key, header) },
      this.#meter,
    );
  }

  /** Reads when asked for the first chunk. Throws BlobError `missing` or `damaged`, SealError `unknown-key`. */
  open(
    organization: OrganizationId,
    ref: BlobRef,
    range?: readonly [number, number],
  ): AsyncGenerator<Bytes, void, undefined> {
    const keyOf = (epoch: number, salt: Bytes) => this.#keys.blobKey(organization, epoch, salt, ref.id);
    return readBlob(this.#pathOf(ref.id), ref, keyOf, range);
  }

  async remove(ref: BlobRef): Promise<void> {
    await rm(this.#pathOf(ref.id), { force: true });
  }

  async list(after?: Bytes): Promise<readonly { id: Bytes; writtenMs: number }[]> {
    const afterName = after === undefined ? '' : hex(after);
    const page: { id: Bytes; writtenMs: number }[] = [];
    for (const shard of await this.#shardNames()) {
      if (shard < afterName.slice(0, 2)) continue;
      let names = (await this.#namesIn(shard)).filter((name) => name > afterName);
      // A blob removed meanwhile leaves a gap, which the names after it fill: only the end gives an empty page.
      while (names.length > 0 && page.length < this.#pageSize) {
        const taken = names.slice(0, this.#pageSize - page.length);
        names = names.slice(taken.length);
        const found = await Promise.all(taken.map((name) => this.#writtenMs(shard, name)));
        for (const blob of found) if (blob !== undefined) page.push(blob);
      }
      if (page.length >= this.#pageSize) break;
    }
    return page;
  }

  /**
   * Hard-links every blob into the new folder `to`, on the same file system, which then has the shape of a blob
   * folder, and makes it durable. Blobs written or removed meanwhile may or may not be in it.
   */
  async linkAll(to: string): Promise<BackupInfo> {
    await mkdir(to, { recursive: true, mode: 0o700 });
    let files = 0;
    let bytes = 0;
    for (const shard of await this.#shardNames()) {
      await mkdir(join(to, shard), { mode: 0o700 });
      for (const name of await this.#namesIn(shard)) {
        const size = await linkFile(join(this.#folder, shard, name), join(to, shard, name));
        if (size === undefined) continue;
        files += 1;
        bytes += size;
      }
      await syncDirectory(join(to, shard));
    }
    await syncDirectory(to);
    await syncDirectory(dirname(to));
    return { files, bytes };
  }

  /** Moves a durable draft to where the blob stays; durable itself when this resolves. */
  async #place(draft: string, id: Bytes): Promise<void> {
    const path = this.#pathOf(id);
    const shard = dirname(path);
    await this.#makeShard(shard);
    await rename(draft, path);
    await this.#directories.sync(shard);
  }

  /** Makes a shard's folder, once, and its name durable: all who come meanwhile wait for that. */
  #makeShard(shard: string): Promise<void> {
    const known = this.#shards.get(shard);
    if (known !== undefined) return known;
    const made = mkdir(shard, { recursive: true, mode: 0o700 }).then(() =>
      this.#directories.sync(this.#folder),
    );
    this.#shards.set(shard, made);
    made.catch(() => this.#shards.delete(shard));
    return made;
  }

  #pathOf(id: Bytes): string {
    const name = hex(id);
    return join(this.#folder, name.slice(0, 2), name);
  }

  /** The shards that there are, in order: one byte of the id each. */
  async #shardNames(): Promise<string[]> {
    const names = await readdir(this.#folder);
    return names.filter((name) => SHARD_NAME.test(name)).sort();
  }

  async #namesIn(shard: string): Promise<string[]> {
    const names = await readdir(join(this.#folder, shard));
    return names.filter((name) => BLOB_NAME.test(name) && name.startsWith(shard)).sort();
  }

  async #writtenMs(shard: string, name: string): Promise<{ id: Bytes; writtenMs: number } | undefined> {
    const found = await unlessMissing(stat(join(this.#folder, shard, name)));
    return found === undefined ? undefined : { id: Buffer.from(name, 'hex'), writtenMs: found.mtimeMs };
  }
}

/** Gives a file a second name and says its size in bytes; undefined if it was removed meanwhile. */
async function linkFile(from: string, to: string): Promise<number | undefined> {
  const linked = await unlessMissing(link(from, to).then(() => stat(to)));
  return linked?.size;
}

async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function hex(id: Bytes): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex');
}
