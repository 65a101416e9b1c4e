/** DER (ITU-T X.690), as much of it as a certificate needs. Each function gives a complete element. */

const Tag = {
  Boolean: 0x01,
  Integer: 0x02,
  BitString: 0x03,
  OctetString: 0x04,
  ObjectIdentifier: 0x06,
  Utf8String: 0x0c,
  UtcTime: 0x17,
  GeneralizedTime: 0x18,
  Sequence: 0x30,
  Set: 0x31,
} as const;

/** element writes tag, definite length (§8.1.3) and contents. */
function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const hex = length.toString(16);
  const digits = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | digits.length), digits, content]);
}

/** sequence is a SEQUENCE of complete elements. */
export function sequence(...members: readonly Uint8Array[]): Buffer {
  return element(Tag.Sequence, ...members);
}

/** set is a SET of one element; more would have to be sorted (§11.6). */
export function set(member: Uint8Array): Buffer {
  return element(Tag.Set, member);
}

/** integer is a positive INTEGER from its big-endian bytes; the first one must be neither 0 nor above 0x7f. */
export function integer(bytes: Uint8Array): Buffer {
  return element(Tag.Integer, bytes);
}

/** boolean is a BOOLEAN. */
export function boolean(value: boolean): Buffer {
  return element(Tag.Boolean, Buffer.of(value ? 0xff : 0));
}

/** oid is an OBJECT IDENTIFIER from its dotted notation (§8.19). */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(Tag.ObjectIdentifier, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let high = value >>> 7; high > 0; high >>>= 7) digits.unshift(0x80 | (high & 0x7f));
  return digits;
}

/** utf8String is a UTF8String. */
export function utf8String(text: string): Buffer {
  return element(Tag.Utf8String, Buffer.from(text, 'utf8'));
}

/** octetString is an OCTET STRING. */
export function octetString(bytes: Uint8Array): Buffer {
  return element(Tag.OctetString, bytes);
}

/** bitString is a BIT STRING whose last byte leaves `unusedBits` unused. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return element(Tag.BitString, Buffer.of(unusedBits), bytes);
}

/** time is a Time of RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime after. */
export function time(date: Date): Buffer {
  const digits = `${date.toISOString().replace(/[-:T]|\..*/g, '')}Z`;
  return date.getUTCFullYear() < 2050
    ? element(Tag.UtcTime, Buffer.from(digits.slice(2)))
    : element(Tag.GeneralizedTime, Buffer.from(digits));
}

/** context is an element of the context-specific class: constructed around elements, or primitive around bytes. */
export function context(
  number: number,
  kind: 'constructed' | 'primitive',
  ...contents: readonly Uint8Array[]
): Buffer {
  return element((kind === 'constructed' ? 0xa0 : 0x80) | number, ...contents);
}
