import type { Buffer } from 'node:buffer';
import { decodeCharset } from './charset.ts';
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
  const bytes = decodeTransferWhole(encoding, encodedBytes);
  const charset = part.charset ?? (part.type === 'text/html' ? metaCharset(bytes) : undefined);
  return decodeCharset(bytes, charset).replaceAll('\0', '');
}

function metaCharset(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, metaBytes).toString('latin1');
  return /<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})/i.exec(head)?.[1];
}
