import { createSecretKey, randomBytes } from 'node:crypto';
import {
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OrganizationId } from '#domain/ids';
import { KeyRing } from '../key-ring.ts';
import type { BlobRef } from '../store.ts';
import { type FileBlobStore, openFileBlobStore } from './file-blob-store.ts';
import { FRAME_BYTES, frameOffset, HEADER_BYTES } from './frames.ts';

const acme = `m-${'a'.repeat(32)}` as OrganizationId;
const other = `m-${'b'.repeat(32)}` as OrganizationId;
const MEBIBYTE = 1024 * 1024;

let folder: string;
let keys: KeyRing;
let blobs: FileBlobStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailstead-blobs-'));
  keys = new KeyRing(createSecretKey(randomBytes(32)));
  for (const owner of [acme, other]) keys.add(owner, keys.create(owner));
  blobs = await openFileBlobStore(join(folder, 'blobs'), keys);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const damaged = expect.objectContaining({ name: 'BlobError', code: 'damaged' });
const missing = expect.objectContaining({ name: 'BlobError', code: 'missing' });
const writerClosed = expect.objectContaining({ name: 'BlobError', code: 'writer-closed' });
const unknownKey = expect.objectContaining({ name: 'SealError', code: 'unknown-key' });

async function write(content: Buffer, chunkBytes = 16 * 1024, owner = acme): Promise<BlobRef> {
  const writer = blobs.write(owner);
  for (let at = 0; at < content.length; at += chunkBytes) {
    await writer.append(content.subarray(at, at + chunkBytes));
  }
  return writer.finish();
}

async function read(ref: BlobRef, range?: readonly [number, number], owner = acme): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blobs.open(owner, ref, range)) {
    expect(chunk.length).toBeGreaterThan(0);
    expect(chunk.length).toBeLessThanOrEqual(FRAME_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function pathOf(ref: BlobRef): string {
  const name = Buffer.from(ref.id).toString('hex');
  return join(folder, 'blobs', name.slice(0, 2), name);
}

const drafts = () => readdir(join(folder, 'blobs', 'tmp'));

describe('a blob', () => {
  it.each([0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES, 5 * MEBIBYTE + 7])(
    'of %i bytes comes back',
    async (size) => {
      const content = randomBytes(size);
      const ref = await write(content);
      expect(ref.id).toHaveLength(32);
      expect(ref.size).toBe(size);
      expect(content.equals(await read(ref))).toBe(true);
      expect(await drafts()).toEqual([]);
    },
  );

  it.each([1_000, FRAME_BYTES, FRAME_BYTES + 1, 10 * FRAME_BYTES])(
    'comes back however it was cut: chunks of %i bytes',
    async (chunkBytes) => {
      const content = randomBytes(4 * FRAME_BYTES);
      expect(content.equals(await read(await write(content, chunkBytes)))).toBe(true);
    },
  );

  it('is read in ranges, also at the borders of frames', async () => {
    const content = randomBytes(3 * FRAME_BYTES + 100);
    const ref = await write(content);
    const borders = [0, 1, 3 * FRAME_BYTES + 99, 3 * FRAME_BYTES + 100];
    for (let frame = 1; frame <= 3; frame++) {
      borders.push(frame * FRAME_BYTES - 1, frame * FRAME_BYTES, frame * FRAME_BYTES + 1);
    }
    for (const start of borders) {
      for (const end of borders) {
        const expected = start < end ? content.subarray(start, end) : Buffer.alloc(0);
        expect(expected.equals(await read(ref, [start, end]))).toBe(true);
      }
    }
    expect(content.subarray(50).equals(await read(ref, [50, Number.MAX_SAFE_INTEGER]))).toBe(true);
    await expect(read(ref, [-1, 5])).rejects.toThrow(RangeError);
    await expect(read(ref, [0.5, 5])).rejects.toThrow(RangeError);
  });

  it('is read in ranges of many frames', async () => {
    const content = randomBytes(11 * FRAME_BYTES + 100);
    const ref = await write(content);
    for (let start = 0; start < 11; start += 2) {
      for (let frames = 4; frames < 10; frames++) {
        const range = [start * FRAME_BYTES + 7, (start + frames) * FRAME_BYTES + 3] as const;
        expect(content.subarray(...range).equals(await read(ref, range))).toBe(true);
      }
    }
  });

  it('is read by frames: damage elsewhere does not keep a range from being read', async () => {
    const content = randomBytes(3 * FRAME_BYTES);
    const ref = await write(content);
    await flipByte(ref, frameOffset(1));
    expect(content.subarray(0, FRAME_BYTES).equals(await read(ref, [0, FRAME_BYTES]))).toBe(true);
    expect((await read(ref, [2 * FRAME_BYTES, 3 * FRAME_BYTES])).length).toBe(FRAME_BYTES);
    await expect(read(ref, [FRAME_BYTES - 1, FRAME_BYTES + 1])).rejects.toThrow(damaged);
  });

  it('does not stand in clear in its file', async () => {
    const content = Buffer.from('Subject: the secret plan\r\n'.repeat(4_000));
    const ref = await write(content);
    const stored = await readFile(pathOf(ref));
    expect(stored.includes('secret')).toBe(false);
    expect((await stat(pathOf(ref))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'blobs'))).mode & 0o777).toBe(0o700);
  });

  it('may be left half-read, and removed while it is read', async () => {
    const content = randomBytes(3 * FRAME_BYTES);
    const ref = await write(content);
    for await (const chunk of blobs.open(acme, ref)) {
      expect(chunk.length).toBe(FRAME_BYTES);
      break;
    }
    const reading = blobs.open(acme, ref);
    const first = await reading.next();
    await blobs.remove(ref);
    const chunks = [first.value ?? Buffer.alloc(0)];
    for await (const chunk of reading) chunks.push(chunk);
    expect(content.equals(Buffer.concat(chunks))).toBe(true);
  });

  it('removed is missing, and removing it again does nothing', async () => {
    const ref = await write(randomBytes(10));
    await blobs.remove(ref);
    await blobs.remove(ref);
    await expect(read(ref)).rejects.toThrow(missing);
  });
});

describe('damage to a blob file', () => {
  it.each([0, 5, FRAME_BYTES, 2 * FRAME_BYTES + 5])(
    'of a content of %i bytes shows: truncated or longer at any place',
    async (size) => {
      const content = randomBytes(size);
      const ref = await write(content);
      const stored = await readFile(pathOf(ref));
      const ends = [stored.length + 1, stored.length - 1, stored.length - 16, 0, 1, HEADER_BYTES - 1];
      for (let frame = 0; frameOffset(frame) < stored.length; frame++) {
        ends.push(frameOffset(frame), frameOffset(frame) + 1, frameOffset(frame) + 17);
      }
      for (const end of ends.filter((bytes) => bytes !== stored.length)) {
        await writeFile(pathOf(ref), stored);
        await truncate(pathOf(ref), end);
        await expect(read(ref)).rejects.toThrow(damaged);
        if (size > 0) await expect(read(ref, [0, 1])).rejects.toThrow(damaged);
      }
    },
  );

  it('shows even if the reference was shortened to match', async () => {
    const ref = await write(randomBytes(3 * FRAME_BYTES));
    await truncate(pathOf(ref), frameOffset(2));
    await expect(read({ id: ref.id, size: 2 * FRAME_BYTES })).rejects.toThrow(damaged);
    await truncate(pathOf(ref), HEADER_BYTES + 16);
    await expect(read({ id: ref.id, size: 0 })).rejects.toThrow(damaged);
  });

  it('shows for every byte of the header and of a short frame', async () => {
    const ref = await write(Buffer.from('hello'));
    const stored = await readFile(pathOf(ref));
    for (let at = 0; at < stored.length; at++) {
      await flipByte(ref, at);
      await expect(read(ref)).rejects.toThrow(at === 6 || at === 7 ? unknownKey : damaged);
      await flipByte(ref, at);
    }
    expect((await read(ref)).toString()).toBe('hello');
  });

  it('shows when frames change places', async () => {
    const ref = await write(randomBytes(3 * FRAME_BYTES));
    const stored = await readFile(pathOf(ref));
    const first = stored.subarray(frameOffset(0), frameOffset(1));
    const second = stored.subarray(frameOffset(1), frameOffset(2));
    const swapped = [stored.subarray(0, HEADER_BYTES), second, first, stored.subarray(frameOffset(2))];
    await writeFile(pathOf(ref), Buffer.concat(swapped));
    await expect(read(ref)).rejects.toThrow(damaged);
  });

  it('shows when files are swapped, in an organisation or between two', async () => {
    const mine = await write(randomBytes(100));
    const second = await write(randomBytes(100));
    const theirs = await write(randomBytes(100), 100, other);
    await rename(pathOf(second), pathOf(mine));
    await expect(read(mine)).rejects.toThrow(damaged);
    await expect(read(theirs)).rejects.toThrow(damaged);
    await copyFile(pathOf(theirs), pathOf(mine));
    await expect(read(mine, undefined, other)).rejects.toThrow(damaged);
    expect((await read(theirs, undefined, other)).length).toBe(100);
  });
});

describe('keys of blobs', () => {
  it('a rotated data key leaves old blobs readable, a destroyed one none', async () => {
    const old = await write(Buffer.from('old'));
    keys.add(acme, keys.create(acme));
    const recent = await write(Buffer.from('new'));
    expect((await readFile(pathOf(recent)))[7]).toBe(2);
    expect((await read(old)).toString() + (await read(recent)).toString()).toBe('oldnew');
    keys.forget(acme);
    await expect(read(old)).rejects.toThrow(unknownKey);
    expect(() => blobs.write(acme)).toThrow(unknownKey);
    keys.add(acme, keys.create(acme));
    await expect(read(old)).rejects.toThrow(damaged);
  });
});

describe('a blob writer', () => {
  it('aborted leaves nothing, at whatever point', async () => {
    await blobs.write(acme).abort();
    const writer = blobs.write(acme);
    await writer.append(randomBytes(3 * FRAME_BYTES));
    expect(await drafts()).toHaveLength(1);
    await writer.abort();
    await writer.abort();
    await expect(writer.append(randomBytes(1))).rejects.toThrow(writerClosed);
    await expect(writer.finish()).rejects.toThrow(writerClosed);
    const busy = blobs.write(acme);
    const appending = busy.append(randomBytes(5 * FRAME_BYTES));
    await busy.abort();
    await appending;
    expect(await drafts()).toEqual([]);
    expect(await blobs.list()).toEqual([]);
    expect(blobs.framesHeld).toBe(0);
  });

  it('finished keeps its blob, whatever is called after', async () => {
    const writer = blobs.write(acme);
    await writer.append(Buffer.from('hello'));
    const ref = await writer.finish();
    await writer.abort();
    await expect(writer.finish()).rejects.toThrow(writerClosed);
    expect((await read(ref)).toString()).toBe('hello');
  });

  it('takes one call at a time', async () => {
    const writer = blobs.write(acme);
    const appending = writer.append(randomBytes(2 * FRAME_BYTES));
    await expect(writer.append(randomBytes(1))).rejects.toThrow(writerClosed);
    await appending;
    expect((await writer.finish()).size).toBe(2 * FRAME_BYTES);
  });

  it('that cannot write fails, closes and leaves nothing', async () => {
    const writer = blobs.write(acme);
    await writer.append(randomBytes(FRAME_BYTES));
    await rm(join(folder, 'blobs', 'tmp'), { recursive: true });
    await expect(writer.append(randomBytes(1))).rejects.toThrow('ENOENT');
    await expect(writer.finish()).rejects.toThrow(writerClosed);
    expect(blobs.framesHeld).toBe(0);
  });

  it('that fails to write behind a call fails the next, and leaves nothing', async () => {
    const some = await open(join(folder, 'some'), 'w');
    const full = vi.spyOn(Object.getPrototypeOf(some), 'writev').mockRejectedValue(new Error('ENOSPC'));
    await some.close();
    const writer = blobs.write(acme);
    await writer.append(randomBytes(5 * FRAME_BYTES));
    await expect(writer.append(randomBytes(4 * FRAME_BYTES))).rejects.toThrow('ENOSPC');
    full.mockRestore();
    await expect(writer.finish()).rejects.toThrow(writerClosed);
    expect(blobs.framesHeld).toBe(0);
    expect(await drafts()).toEqual([]);
  });

  it('copies what it is given: the caller may use its buffer again', async () => {
    const writer = blobs.write(acme);
    const buffer = Buffer.alloc(10_000);
    const all: Buffer[] = [];
    for (let i = 0; i < 20; i++) {
      buffer.fill(i);
      all.push(Buffer.from(buffer));
      await writer.append(buffer);
    }
    expect(Buffer.concat(all).equals(await read(await writer.finish()))).toBe(true);
  });

  it('64 at once hold nine frames each at most', async () => {
    const content = randomBytes(2 * MEBIBYTE);
    let most = 0;
    let writing = true;
    const watch = () => {
      most = Math.max(most, blobs.framesHeld);
      if (writing) setImmediate(watch);
    };
    watch();
    const refs = await Promise.all(Array.from({ length: 64 }, () => write(content, 200_000)));
    writing = false;
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(9 * 64);
    expect(blobs.framesHeld).toBe(0);
    for (const ref of refs.slice(0, 8)) expect(content.equals(await read(ref))).toBe(true);
    expect(await blobs.list()).toHaveLength(64);
  });
});

describe('a blob folder', () => {
  it('is listed as empty when it is new', async () => {
    expect(await blobs.list()).toEqual([]);
    expect(await blobs.list(Buffer.alloc(32, 0xff))).toEqual([]);
    expect(await blobs.linkAll(join(folder, 'backup'))).toEqual({ files: 0, bytes: 0 });
  });

  it('opened again has its blobs, and forgets what was being written', async () => {
    const ref = await write(Buffer.from('hello'));
    const crashed = blobs.write(acme);
    await crashed.append(randomBytes(2 * FRAME_BYTES));
    expect(await drafts()).toHaveLength(1);
    const reopened = await openFileBlobStore(join(folder, 'blobs'), keys);
    expect(await drafts()).toEqual([]);
    expect((await reopened.list()).map(({ id }) => Buffer.from(id).toString('hex'))).toEqual([
      Buffer.from(ref.id).toString('hex'),
    ]);
    expect((await read(ref)).toString()).toBe('hello');
    await crashed.abort();
  });

  it('lists its blobs in order, a page at a time, with the time each was written', async () => {
    const paged = await openFileBlobStore(join(folder, 'blobs'), keys, { pageSize: 7 });
    const refs = await Promise.all(Array.from({ length: 30 }, () => write(Buffer.from('x'))));
    const written = new Date('2026-01-02T03:04:05Z');
    for (const ref of refs) await utimes(pathOf(ref), written, written);
    await mkdir(join(folder, 'blobs', '00'), { recursive: true });
    await writeFile(join(folder, 'blobs', '00', 'README'), 'not a blob');
    await writeFile(join(folder, 'blobs', 'README'), 'not a shard');
    const seen: string[] = [];
    for (let page = await paged.list(); page.length > 0; page = await paged.list(page.at(-1)?.id)) {
      expect(page.length).toBeLessThanOrEqual(7);
      for (const { id, writtenMs } of page) {
        seen.push(Buffer.from(id).toString('hex'));
        expect(writtenMs).toBe(written.getTime());
      }
    }
    expect(seen).toEqual(refs.map(({ id }) => Buffer.from(id).toString('hex')).sort());
  });

  it('linked into a backup can be opened as it was, whatever is removed after', async () => {
    const refs = [await write(Buffer.from('one')), await write(randomBytes(2 * FRAME_BYTES))];
    const to = join(folder, 'backup', 'blobs');
    const sizes = await Promise.all(refs.map(async (ref) => (await stat(pathOf(ref))).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    expect(await blobs.linkAll(to)).toEqual({ files: 2, bytes });
    for (const ref of refs) await blobs.remove(ref);
    blobs = await openFileBlobStore(to, keys);
    const [first] = refs;
    if (first === undefined) throw new Error('no blob');
    expect((await read(first)).toString()).toBe('one');
    expect(await blobs.list()).toHaveLength(2);
  });
});

async function flipByte(ref: BlobRef, at: number): Promise<void> {
  const file = await open(pathOf(ref), 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 1;
    await file.write(byte, 0, 1, at);
  } finally {
    await file.close();
  }
}
