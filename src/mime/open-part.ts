import { Buffer } from 'node:buffer';
import type { MessagePart } from './message-index.ts';
import { sliceOf } from './slices.ts';
import { embeddedMessage } from './tnef/embedded-message.ts';
import { decodeTransfer } from './transfer.ts';

/** What of a part opening it needs. */
type OpenedPart = Pick<MessagePart, 'encoding' | 'start' | 'end' | 'inside'>;

/** Bytes [start, end) of a raw message. */
export type ReadRange = (start: number, end: number) => AsyncIterable<Uint8Array>;

/** The content of a part as a file, decoded as it is read. Rejects when `read` does. */
export function openPart(part: OpenedPart, read: ReadRange): AsyncIterable<Uint8Array> {
  const { encoding, start, end, inside } = part;
  const whole = () => decodeTransfer(encoding, start < end ? read(start, end) : nothing());
  if (inside === undefined) return whole();
  const piece = () => sliceOf(whole(), inside.from, inside.to);
  return inside.form === 'message' ? embeddedMessage(piece) : piece();
}

/** The same, as a whole. */
export async function contentOfPart(part: OpenedPart, read: ReadRange): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of openPart(part, read)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}
