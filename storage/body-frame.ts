/** Large bodies that share their file: what stands before and after it in the raw message is in a row of its own. */
import type { BodyRef, NewBody } from '#domain/item';
import type { BodyFrame } from './records/mail.ts';
import type { Bytes } from './store.ts';

const nothing = new Uint8Array(0);

/** What stands around the file of a new body; undefined if there is no file, or nothing around it. */
export function frameOf(body: NewBody): BodyFrame | undefined {
  if (body.kind === 'inline') return undefined;
  const { before = nothing, after = nothing, from = 0 } = body;
  return before.length + after.length + from === 0 ? undefined : { before, after, from };
}

/** What a row keeps of a new body. */
export function bodyRef(body: NewBody): BodyRef {
  if (body.kind === 'inline') return { kind: 'inline' };
  const { id } = body;
  return frameOf(body) === undefined ? { kind: 'blob', id } : { kind: 'blob', id, isFramed: true };
}

/** The bytes of the file in a raw message of `size` bytes. */
export function fileBytes(size: number, frame: BodyFrame | undefined): number {
  return frame === undefined ? size : size - frame.before.length - frame.after.length + frame.from;
}

/** Bytes [start, end) of a raw message of `size` bytes; `open` reads a range of the file, which has `fileSize` bytes. */
export async function* openFramed(
  size: number,
  frame: BodyFrame | undefined,
  [start, end]: readonly [number, number],
  open: (fileSize: number, range: readonly [number, number]) => AsyncIterable<Bytes>,
): AsyncIterable<Bytes> {
  if (frame === undefined) {
    yield* open(size, [start, end]);
    return;
  }
  const { before, after, from } = frame;
  const fileSize = fileBytes(size, frame);
  const afterAt = size - after.length;
  const shift = from - before.length;
  if (start < before.length && start < end) yield before.subarray(start, end);
  const range = [Math.max(from, start + shift), Math.min(fileSize, end + shift)] as const;
  if (range[0] < range[1]) yield* open(fileSize, range);
  if (end > afterAt && start < size) yield after.subarray(Math.max(0, start - afterAt), end - afterAt);
}
