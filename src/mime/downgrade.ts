import { Buffer } from 'node:buffer';
import { AsciiError, changeHeader, maxLine } from './downgrade-header.ts';
import { isMessageType } from './part-header.ts';
import { PartScanner } from './part-scanner.ts';
import type { ScannedPart } from './scanned-part.ts';
import { Look, noTraits, type Traits, traitsOf } from './traits.ts';
import { transferDecoder } from './transfer.ts';
import { Base64Encoder, QuotedPrintableEncoder, type TransferEncoder } from './transfer-encode.ts';

/** What a message is sent over. */
export interface Transport {
  /** Lines may have bytes beyond ASCII. RFC 6152. */
  readonly is8bit: boolean;
  /** Headers may be UTF-8: the transaction says so, it could say so, or it cannot. RFC 6531. */
  readonly utf8: 'used' | 'possible' | 'absent';
  /** What is in it must arrive as it is, if its bytes can: long lines and 8-bit header fields of messages inside stay. */
  readonly isVerbatim?: boolean | undefined;
}

/** A message as it can be sent, from its beginning each time it is asked for. */
export interface SendableContent {
  readonly size: number;
  readonly is8bit: boolean;
  /** The transaction must say SMTPUTF8 for its header. */
  readonly needsUtf8: boolean;
  /** It is what it was made from, byte for byte. */
  readonly isUnchanged: boolean;
  open(): AsyncIterable<Uint8Array>;
}

/** DowngradeError: the message cannot be put in a form that the next hop takes. */
export class DowngradeError extends Error {
  override readonly name = 'DowngradeError';
  /** RFC 3463. */
  readonly status: '5.6.3' | '5.6.7';

  constructor(status: '5.6.3' | '5.6.7', text: string) {
    super(text);
    this.status = status;
  }
}

/** A stretch of a message: the header of a part, the body of a part that holds no others, or what is between them. */
interface Segment extends Traits {
  readonly kind: 'header' | 'body' | 'between';
  readonly part: ScannedPart | undefined;
  readonly end: number;
  /** A signature in the message covers it. */
  readonly isSigned: boolean;
  /** A header with an address that only UTF-8 can write. */
  needsUtf8: boolean;
}

type Open = () => AsyncIterable<Uint8Array>;

const CR = 0x0d;
const LF = 0x0a;

/**
 * Makes a message fit for its transport: lines of at most 998 octets that end with CR LF, no NUL, and ASCII where the
 * transport takes nothing else. Only the parts and fields that need it are written anew: text as quoted-printable,
 * everything else as base64; what a signature covers stays as it is. What needs nothing passes untouched, after one look
 * at it, which `known` saves; the message is never in memory. RFC 6152 §3, RFC 5321 §4.5.3.1.6. Throws DowngradeError.
 */
export async function sendableContent(
  open: Open,
  transport: Transport,
  known?: Readonly<Traits> & { readonly size: number },
): Promise<SendableContent> {
  const whole = known ?? (await traitsOf(open()));
  const source = whole.hasBareLineEnd ? () => withLineEnds(open()) : open;
  const isKept = transport.isVerbatim === true;
  const isUsual = !whole.hasLongLine && (!whole.has8bit || transport.utf8 === 'used');
  const isFit = !whole.hasNul && (isKept || isUsual);
  const kept = async (needsUtf8: boolean): Promise<SendableContent> => ({
    size: whole.hasBareLineEnd ? await sizeOf(source()) : whole.size,
    is8bit: whole.has8bit,
    needsUtf8,
    isUnchanged: !whole.hasBareLineEnd,
    open: source,
  });
  if (isFit && (transport.is8bit || !whole.has8bit)) return kept(false);
  const segments = await survey(source);
  const needsUtf8 = transport.utf8 === 'possible' && segments.some((segment) => segment.needsUtf8);
  const plan = new Plan(segments, transport.is8bit, needsUtf8 || transport.utf8 === 'used');
  if (!segments.some((segment) => plan.changes(segment))) return kept(needsUtf8);
  const changed = () => rewrite(source(), segments, plan);
  const result = await traitsOf(changed());
  const { size, has8bit: is8bit } = result;
  return { size, is8bit, needsUtf8, isUnchanged: false, open: changed };
}

/** The same bytes with CR LF for every CR and LF that stands alone. */
async function* withLineEnds(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let isAfterCr = false;
  for await (const chunk of source) {
    const out = Buffer.allocUnsafe(2 * chunk.length + 1);
    let length = 0;
    for (const byte of chunk) {
      if (isAfterCr && byte !== LF) out[length++] = LF;
      else if (byte === LF && !isAfterCr) out[length++] = CR;
      out[length++] = byte;
      isAfterCr = byte === CR;
    }
    yield out.subarray(0, length);
  }
  if (isAfterCr) yield Buffer.of(LF);
}

async function sizeOf(source: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of source) size += chunk.length;
  return size;
}

/** The stretches of a message in order, each with what is in it. */
async function survey(open: Open): Promise<readonly Segment[]> {
  const scanner = new PartScanner({ onHeader: () => 0 });
  for await (const chunk of open()) scanner.write(chunk);
  const segments = segmentsOf(scanner.parts, scanner.end());
  let header = '';
  let look: Look | undefined;
  for await (const { segment, chunk, isEnd } of bySegment(open(), segments)) {
    look ??= new Look(segment);
    look.write(chunk);
    if (segment.kind === 'header') header += Buffer.from(chunk).toString('latin1');
    if (!isEnd) continue;
    segment.needsUtf8 = segment.has8bit && needsUtf8(header);
    header = '';
    look = undefined;
  }
  return segments;
}

function needsUtf8(header: string): boolean {
  try {
    if (header !== '') changeHeader(header, { encoding: undefined, isAscii: true });
    return false;
  } catch (error) {
    if (error instanceof AsciiError) return true;
    throw error;
  }
}

function segmentsOf(parts: readonly ScannedPart[], size: number): readonly Segment[] {
  const segments: Segment[] = [];
  const signed = parts.filter(({ header }) => header.type === 'multipart/signed');
  let at = 0;
  const add = (kind: Segment['kind'], part: ScannedPart | undefined, to: number) => {
    const end = Math.max(at, to);
    if (end === at && kind !== 'header') return;
    const isSigned = signed.some((outer) => outer.start <= at && end <= outer.end);
    segments.push({ ...noTraits, kind, part, end, isSigned, needsUtf8: false });
    at = end;
  };
  for (const part of parts) {
    add('between', undefined, part.headerStart);
    add('header', part, part.start);
    if (part.children === 0) add('body', part, part.end);
  }
  add('between', undefined, size);
  return segments;
}

/** The chunks of a message, cut where its segments end; each segment has at least one, an empty one at worst. */
async function* bySegment(source: AsyncIterable<Uint8Array>, segments: readonly Segment[]) {
  let offset = 0;
  let index = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let segment = segments[index]; segment !== undefined; segment = segments[index]) {
      const to = Math.min(chunk.length, from + segment.end - offset);
      const isEnd = offset + to - from === segment.end;
      if (to === chunk.length && !isEnd && to === from) break;
      yield { segment, chunk: chunk.subarray(from, to), isEnd };
      offset += to - from;
      from = to;
      if (!isEnd) break;
      index++;
    }
  }
  for (const segment of segments.slice(index)) yield { segment, chunk: Buffer.alloc(0), isEnd: true };
}

/** What is done to the segments of a message. Its methods throw DowngradeError. */
class Plan {
  readonly #is8bit: boolean;
  readonly #isUtf8: boolean;
  /** The transfer encodings that bodies get. */
  readonly #encodings = new Map<ScannedPart, 'base64' | 'quoted-printable'>();

  constructor(segments: readonly Segment[], is8bit: boolean, isUtf8: boolean) {
    this.#is8bit = is8bit;
    this.#isUtf8 = isUtf8;
    for (const segment of segments) {
      const encoding = this.#encodingFor(segment);
      if (segment.part !== undefined && encoding !== undefined) this.#encodings.set(segment.part, encoding);
    }
  }

  /** Whether it is written anew. */
  changes(segment: Segment): boolean {
    const { kind, part } = segment;
    if (kind === 'between') return this.isMended(segment);
    return kind === 'header' ? this.headerChange(segment) !== undefined : this.encodingOf(part) !== undefined;
  }

  encodingOf(part: ScannedPart | undefined): 'base64' | 'quoted-printable' | undefined {
    return part && this.#encodings.get(part);
  }

  /** What changes in a header; undefined when nothing does. */
  headerChange(segment: Segment): Parameters<typeof changeHeader>[1] | undefined {
    const { part, isSigned, has8bit, hasLongLine, hasNul } = segment;
    if (part === undefined) return undefined;
    const isRefused = has8bit && !this.#isUtf8;
    if (isSigned && ((isRefused && !this.#is8bit) || hasNul)) throw signedError();
    if (isSigned) return undefined;
    if (isRefused && beyondAscii.test(part.header.params.get('boundary') ?? '')) {
      throw new DowngradeError('5.6.3', 'The message has a boundary beyond ASCII');
    }
    const isLabel = !this.#is8bit && ['8bit', 'binary'].includes(part.header.encoding);
    const encoding = this.encodingOf(part) ?? (isLabel ? '7bit' : undefined);
    if (encoding === undefined && !isRefused && !hasLongLine && !hasNul) return undefined;
    return { encoding, isAscii: isRefused, isMessage: part.parent < 0 };
  }

  /** Whether something between the parts has to go. */
  isMended({ isSigned, has8bit, hasLongLine, hasNul }: Segment): boolean {
    const isRefused = (has8bit && !this.#is8bit) || hasNul;
    if (isSigned && isRefused) throw signedError();
    return isRefused || (hasLongLine && !isSigned);
  }

  #encodingFor({ kind, part, isSigned, has8bit, hasLongLine, hasNul }: Segment) {
    if (kind !== 'body' || part === undefined) return undefined;
    const isRefused = (has8bit && !this.#is8bit) || hasNul;
    if (!isRefused && !hasLongLine) return undefined;
    const { type } = part.header;
    // RFC 2045 §6.4, RFC 2046 §5.2.2.1: these have no encoding of their own.
    const isWhole = type.startsWith('multipart/') || isMessageType(type) || type === 'message/partial';
    if (!isRefused && (isSigned || isWhole)) return undefined;
    if (isSigned) throw signedError();
    if (isWhole) throw new DowngradeError('5.6.3', `A part of type ${type} cannot be written in ASCII`);
    return /^(?:text|message)\//.test(type) && !hasNul ? 'quoted-printable' : 'base64';
  }
}

const beyondAscii = /[\u0080-\uffff]/;

function signedError(): DowngradeError {
  return new DowngradeError('5.6.3', 'Writing the message in ASCII would break its signature');
}

async function* rewrite(
  source: AsyncIterable<Uint8Array>,
  segments: readonly Segment[],
  plan: Plan,
): AsyncGenerator<Uint8Array, void, void> {
  let lastByte: number | undefined;
  let writer: TransferEncoder | undefined;
  for await (const { segment, chunk, isEnd } of bySegment(source, segments)) {
    writer ??= writerFor(segment, plan);
    for (const piece of isEnd ? [writer.write(chunk), writer.end()] : [writer.write(chunk)]) {
      if (piece.length === 0) continue;
      lastByte = piece[piece.length - 1];
      yield piece;
    }
    if (isEnd) writer = undefined;
  }
  if (lastByte !== undefined && lastByte !== LF) yield Buffer.from('\r\n');
}

function writerFor(segment: Segment, plan: Plan): TransferEncoder {
  const { kind, part } = segment;
  const encoding = kind === 'body' ? plan.encodingOf(part) : undefined;
  if (encoding !== undefined && part !== undefined) return reencoder(part.header.encoding, encoding);
  const change = kind === 'header' ? plan.headerChange(segment) : undefined;
  if (change !== undefined) return headerWriter(change);
  return kind === 'between' && plan.isMended(segment) ? new Mender() : verbatim;
}

const none = Buffer.alloc(0);
const verbatim: TransferEncoder = {
  write: (chunk) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length),
  end: () => none,
};

function reencoder(from: string, to: 'base64' | 'quoted-printable'): TransferEncoder {
  const decoder = transferDecoder(from);
  const encoder = to === 'base64' ? new Base64Encoder() : new QuotedPrintableEncoder();
  return {
    write: (chunk) => encoder.write(decoder === undefined ? chunk : decoder.write(chunk)),
    end: () => Buffer.concat([decoder === undefined ? none : encoder.write(decoder.end()), encoder.end()]),
  };
}

function headerWriter(change: Parameters<typeof changeHeader>[1]): TransferEncoder {
  const chunks: Buffer[] = [];
  return {
    write: (chunk) => {
      chunks.push(Buffer.from(chunk));
      return none;
    },
    end: () => {
      try {
        return Buffer.from(changeHeader(Buffer.concat(chunks).toString('latin1'), change), 'latin1');
      } catch (error) {
        if (error instanceof AsciiError) throw new DowngradeError('5.6.7', error.message);
        throw error;
      }
    },
  };
}

/** What stands between parts is for nobody: what cannot be sent is replaced, long lines are broken. */
class Mender implements TransferEncoder {
  #column = 0;

  write(chunk: Uint8Array): Buffer {
    const out: number[] = [];
    for (const byte of chunk) {
      if (this.#column >= maxLine && byte !== CR && byte !== LF) {
        out.push(CR, LF, 0x20);
        this.#column = 1;
      }
      this.#column = byte === LF ? 0 : this.#column + 1;
      out.push(byte === 0 || byte > 0x7f ? 0x3f : byte);
    }
    return Buffer.from(out);
  }

  end(): Buffer {
    return none;
  }
}
