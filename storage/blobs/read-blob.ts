import type { KeyObject } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { BlobRef, Bytes } from '../store.ts';
import { BlobError } from './blob-error.ts';
import {
  FRAME_BYTES,
  FrameSealer,
  fileBytes,
  frameCount,
  frameOffset,
  HEADER_BYTES,
  readHeader,
  TAG_BYTES,
} from './frames.ts';

/** Larger reads wake the threads of the disk less often. */
const framesAtOnce = 4;

/**
 * The plain content of a blob file from `start` up to, not including, `end`, in chunks of at most 64 KiB; an end
 * beyond the content's is its end. Only the frames that hold the range are read. Throws BlobError.
 */
export async function* readBlob(
  path: string,
  ref: BlobRef,
  keyOf: (epoch: number, salt: Bytes) => KeyObject,
  [start, wantedEnd]: readonly [number, number] = [0, ref.size],
): AsyncGenerator<Bytes, void, undefined> {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(wantedEnd) || start < 0) {
    throw new RangeError(`[${start}, ${wantedEnd}) is not a range of bytes`);
  }
  const end = Math.min(wantedEnd, ref.size);
  if (start >= end && ref.size > 0) return;
  const file = await openBlob(path);
  try {
    const readFrame = await frameReader(file, ref.size, keyOf);
    // An empty content is read nevertheless: its one frame proves that it is whole.
    if (ref.size === 0) await readFrame(0, 0);
    const lastFrame = Math.floor((end - 1) / FRAME_BYTES);
    for (let at = start; at < end; ) {
      const frame = Math.floor(at / FRAME_BYTES);
      const frameAt = frame * FRAME_BYTES;
      const plain = await readFrame(frame, lastFrame);
      yield plain.subarray(at - frameAt, end - frameAt);
      at = frameAt + FRAME_BYTES;
    }
  } finally {
    await file.close();
  }
}

/**
 * Checks size and header, and gives what opens one frame after the other. It reads some at once, up to the last one that is
 * wanted; but the first alone: whoever wants a header stops there.
 */
async function frameReader(
  file: FileHandle,
  size: number,
  keyOf: (epoch: number, salt: Bytes) => KeyObject,
): Promise<(frame: number, lastWanted: number) => Promise<Bytes>> {
  const { size: actualBytes } = await file.stat();
  if (actualBytes !== fileBytes(size)) {
    throw new BlobError('damaged', `a blob file has ${actualBytes} bytes instead of ${fileBytes(size)}`);
  }
  const header = readHeader(await readExactly(file, Buffer.allocUnsafe(HEADER_BYTES), 0));
  const sealer = new FrameSealer(keyOf(header.epoch, header.salt), header);
  const lastFrame = frameCount(size) - 1;
  let held: { from: number; to: number; bytes: Buffer } = { from: 0, to: 0, bytes: Buffer.alloc(0) };
  let atOnce = 1;
  return async (frame, lastWanted) => {
    if (frame >= held.to) {
      const to = Math.min(frame + atOnce, lastWanted + 1);
      const length = Math.min(frameOffset(to), fileBytes(size)) - frameOffset(frame);
      const into = held.bytes.length < length ? Buffer.allocUnsafe(length) : held.bytes.subarray(0, length);
      held = { from: frame, to, bytes: await readExactly(file, into, frameOffset(frame)) };
      atOnce = framesAtOnce;
    }
    const at = frameOffset(frame) - frameOffset(held.from);
    const sealed = held.bytes.subarray(at, at + FRAME_BYTES + TAG_BYTES);
    return sealer.open(frame, frame === lastFrame, sealed);
  };
}

async function openBlob(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause;
    throw new BlobError('missing', 'a blob file is missing', { cause });
  }
}

async function readExactly(file: FileHandle, into: Buffer, position: number): Promise<Buffer> {
  for (let filled = 0; filled < into.length; ) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, position + filled);
    if (bytesRead === 0) throw new BlobError('damaged', 'a blob file became shorter while it was read');
    filled += bytesRead;
  }
  return into;
}
