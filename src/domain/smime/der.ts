/** DER (ITU-T X.690) read: as much of it as certificates, revocation lists and OCSP need. */

/** DerError is thrown for bytes that are no DER. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** One element; its bytes are views of what was read. */
export interface DerElement {
  /** The identifier octet: class, whether it is constructed, and number. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** With its header. */
  readonly whole: Uint8Array;
}

export const DerTag = {
  Boolean: 0x01,
  Integer: 0x02,
  BitString: 0x03,
  OctetString: 0x04,
  ObjectIdentifier: 0x06,
  Enumerated: 0x0a,
  UtcTime: 0x17,
  GeneralizedTime: 0x18,
  Sequence: 0x30,
} as const;

/** contextTag is the tag `[number]` of a constructed element, or of a primitive one. */
export function contextTag(number: number, kind: 'constructed' | 'primitive' = 'constructed'): number {
  return (kind === 'constructed' ? 0xa0 : 0x80) + number;
}

/** elementAt reads the element that begins at an offset. Throws DerError. */
export function elementAt(bytes: Uint8Array, offset = 0): DerElement {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new DerError('no element');
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first - 0x80;
    if (octets === 0 || octets > 4 || start + octets > bytes.length) throw new DerError('no definite length');
    length = 0;
    for (const octet of bytes.subarray(start, start + octets)) length = length * 256 + octet;
    start += octets;
  }
  if (start + length > bytes.length) throw new DerError('an element longer than what holds it');
  return {
    tag,
    content: bytes.subarray(start, start + length),
    whole: bytes.subarray(offset, start + length),
  };
}

/** elementsIn reads all elements of a content, one after the other. Throws DerError where one is broken. */
export function* elementsIn(content: Uint8Array): Generator<DerElement, void, void> {
  for (let offset = 0; offset < content.length; ) {
    const element = elementAt(content, offset);
    yield element;
    offset += element.whole.length;
  }
}

/** childrenOf reads the elements of a constructed element that has this tag. Throws DerError for another one. */
export function childrenOf(
  element: DerElement | undefined,
  tag: number = DerTag.Sequence,
): readonly DerElement[] {
  return [...elementsIn(expected(element, tag).content)];
}

/** expected gives an element back if it has this tag. Throws DerError. */
export function expected(element: DerElement | undefined, tag: number): DerElement {
  if (element?.tag !== tag) throw new DerError(`expected tag ${tag}, found ${element?.tag ?? 'nothing'}`);
  return element;
}

/** oidOf is an OBJECT IDENTIFIER in its dotted notation. Throws DerError. */
export function oidOf(element: DerElement | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of expected(element, DerTag.ObjectIdentifier).content) {
    arc = arc * 128 + (octet & 0x7f);
    if (octet >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [joint = 0, ...rest] = arcs;
  const first = Math.min(2, Math.floor(joint / 40));
  return [first, joint - 40 * first, ...rest].join('.');
}

/** timeOf is a UTCTime or GeneralizedTime in milliseconds since the epoch (RFC 5280 §4.1.2.5). Throws DerError. */
export function timeOf(element: DerElement | undefined): number {
  const text = Buffer.from(element?.content ?? []).toString('latin1');
  const isShort = element?.tag === DerTag.UtcTime;
  const match = (isShort ? /^(\d\d)(\d{10})Z$/ : /^(\d{4})(\d{10})(?:\.\d+)?Z$/).exec(text);
  const [, given = '', rest = ''] = match ?? [];
  if (match === null || (!isShort && element?.tag !== DerTag.GeneralizedTime)) throw new DerError('no time');
  const year = isShort ? Number(given) + (Number(given) < 50 ? 2000 : 1900) : Number(given);
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = (rest.match(/\d\d/g) ?? []).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** bitsOf is the bytes of a BIT STRING without unused bits, or with those as they are. Throws DerError. */
export function bitsOf(element: DerElement | undefined): Uint8Array {
  return expected(element, DerTag.BitString).content.subarray(1);
}

/** encoded writes an element: tag, definite length and contents. */
export function encoded(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const digits = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | digits.length), digits, content]);
}
