import { Buffer } from 'node:buffer';
import { decodeCharset } from './charset.ts';
import type { InsidePart } from './message-index.ts';
import { decompressRtf, maxRtfBytes } from './tnef/compressed-rtf.ts';
import { readRtf } from './tnef/rtf.ts';
import { decodeTransferWhole } from './transfer.ts';

export { decodeTransfer } from './transfer.ts';

/** What decodeText must know of a part; a MessagePart has it. */
interface EncodedText {
  readonly type: string;
  readonly encoding: string;
  readonly charset?: string | undefined;
}

/** How far into an HTML text its own word about the charset is looked for (HTML standard, 13.2.3.2). */
const metaBytes = 1_024;

/**
 * The text of a part from its encoded body bytes. HTML without a charset in its header is asked for
 * its `<meta>`; a multipart (whose boundary was wrong) reads as it stands. Never throws.
 */
export function decodeText(part: EncodedText, encodedBytes: Uint8Array): string {
  const encoding = part.type.startsWith('multipart/') ? '7bit' : part.encoding;
  return textOf(part, decodeTransferWhole(encoding, encodedBytes));
}

/**
 * The same for a part that may stand inside another: the bytes are those of the other, up to its end or further. Of what is
 * made anew, reading ends behind `maxChars` characters.
 */
export async function decodeTextInside(
  part: EncodedText & { readonly inside?: InsidePart | undefined },
  encodedBytes: Uint8Array,
  maxChars: number = Number.POSITIVE_INFINITY,
): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  if (part.inside === undefined) return { text: decodeText(part, encodedBytes), isWhole: true };
  const { from, to, form } = part.inside;
  const bytes = decodeTransferWhole(part.encoding, encodedBytes).subarray(from, to);
  if (form !== 'rtf') return { text: textOf(part, bytes), isWhole: true };
  const rtf = decompressRtf(bytes, maxRtfBytes) ?? Buffer.alloc(0);
  const { text, isWhole } = await readRtf(rtf, maxChars);
  return { text: text.replaceAll('\0', ''), isWhole };
}

function textOf({ type, charset }: EncodedText, bytes: Buffer): string {
  const known = charset ?? (type === 'text/html' ? metaCharset(bytes) : undefined);
  return decodeCharset(bytes, known).replaceAll('\0', '');
}

function metaCharset(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, metaBytes).toString('latin1');
  return /<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})/i.exec(head)?.[1];
}
