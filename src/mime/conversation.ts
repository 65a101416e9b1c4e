import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import type { MessageHeaders } from './message-index.ts';

/** Milliseconds between 1601, where FILETIME begins, and 1970. */
const filetimeEpochMs = 11_644_473_600_000;

/**
 * MS-ASCON, ConversationId: the GUID of the Thread-Index where a message has one, else 128 bits of a
 * hash of the thread's root Message-ID. A message without any id is a thread of its own, and two
 * indexings of the same bytes agree on it.
 */
export function conversationIdOf(headers: MessageHeaders, receivedMs: number | undefined): Uint8Array {
  if (headers.threadIndex !== undefined) return Uint8Array.from(headers.threadIndex.subarray(6, 22));
  const root = headers.references[0] ?? (headers.inReplyTo || headers.messageId);
  const name = root || `${headers.from[0]?.address}\n${headers.subject}\n${headers.date ?? receivedMs}`;
  return Uint8Array.from(hash('sha256', name, 'buffer').subarray(0, 16));
}

/**
 * MS-ASCON, ConversationIndex: bytes 1 to 5 of PidTagConversationIndex and what follows its GUID,
 * copied; without one, 40 bits of the FILETIME of the message (FILETIME >> 16), a thread's first.
 */
export function conversationIndexOf(headers: MessageHeaders, receivedMs: number | undefined): Uint8Array {
  const index = headers.threadIndex;
  if (index !== undefined) return Uint8Array.from([...index.subarray(1, 6), ...index.subarray(22)]);
  const filetime = BigInt(Math.trunc(headers.date ?? receivedMs ?? 0) + filetimeEpochMs) * 10_000n;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE((filetime >> 16n) & 0xff_ffff_ffffn);
  return Uint8Array.from(bytes.subarray(3));
}

/** An index keeps the answers of so many levels; a line of a header holds it. */
const maxLevels = 100;

/**
 * The Thread-Index of an answer, written `atMs`, to a message of which the conversation is known: without one, who goes by
 * it sees a conversation of its own. The random byte tells apart answers of the same moment. MS-OXOMSG, PidTagConversationIndex.
 */
export function threadIndexOfAnswer(
  original: { readonly conversationId: Uint8Array; readonly conversationIndex: Uint8Array },
  { atMs, randomByte }: { readonly atMs: number; readonly randomByte: number },
): Buffer {
  const { conversationId, conversationIndex: index } = original;
  const before = Buffer.concat([Buffer.of(1), index.subarray(0, 5), conversationId, index.subarray(5)]);
  if (before.length >= 22 + 5 * maxLevels) return before.subarray(0, 22 + 5 * maxLevels);
  const beganAt = BigInt(before.readUIntBE(0, 6)) << 16n;
  const at = BigInt(Math.trunc(atMs) + filetimeEpochMs) * 10_000n;
  const delta = at > beganAt ? at - beganAt : 0n;
  const isLong = delta >> 49n > 0n;
  const level = Buffer.alloc(5);
  level.writeUInt32BE(Number(isLong ? 0x8000_0000n | ((delta >> 23n) & 0x7fff_ffffn) : delta >> 18n));
  level.writeUInt8(randomByte, 4);
  return Buffer.concat([before, level]);
}
