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
