import { ENTITY, OPAQUE, STR_I, SWITCH_PAGE } from './tokens.ts';

/** Version, public identifier, charset and string table, as devices write them. */
const headerBytes = 4;
/** Of tokens that are shown. */
const maxTokens = 250;

/**
 * skeleton shows what cannot be decoded, for people: its header and its tokens up to the fault (`end`, in bytes from the
 * start) as hex digits. Texts and bytes within stand as their lengths: a password may be among them.
 */
export function skeleton(raw: Uint8Array, end: number): string {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.byteLength, end + 1));
  const shown = [bytes.toString('hex', 0, headerBytes)];
  let at = headerBytes;
  for (let count = 0; at < bytes.length && count < maxTokens; count++) {
    const token = bytes.toString('hex', at, at + 1);
    const { written, next } = contentAt(bytes, at);
    shown.push(token, written);
    at = next;
  }
  const rest = raw.byteLength - Math.min(at, bytes.length);
  return `${shown.join('')}${rest > 0 ? ` and ${rest} bytes more` : ''}`;
}

/** What is shown of what belongs to a token, and where the next one begins. */
function contentAt(bytes: Buffer, at: number): { readonly written: string; readonly next: number } {
  const from = at + 1;
  switch (bytes[at]) {
    case SWITCH_PAGE:
      return { written: bytes.toString('hex', from, from + 1), next: from + 1 };
    case STR_I: {
      const end = bytes.indexOf(0, from);
      const to = end < 0 ? bytes.length : end;
      return { written: lengthOf(to - from), next: to + 1 };
    }
    case OPAQUE: {
      const { value, next } = integerAt(bytes, from);
      return { written: lengthOf(value), next: next + value };
    }
    case ENTITY:
      return { written: lengthOf(integerAt(bytes, from).next - from), next: integerAt(bytes, from).next };
    default:
      return { written: '', next: from };
  }
}

/** mb_u_int32 (WBXML 1.3, Multi-byte Integers). */
function integerAt(bytes: Buffer, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let next = at; next < bytes.length; next++) {
    const byte = bytes[next] ?? 0;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80 || next > at + 3) return { value, next: next + 1 };
  }
  return { value, next: bytes.length };
}

function lengthOf(bytes: number): string {
  return `(${bytes} bytes)`;
}
