/** Writes TNEF streams as Outlook does, honest ones and others. MS-OXTNEF, MS-OXRTFCP. */
import { crc32 } from 'node:zlib';
import { Base64Encoder } from '#mime/transfer-encode';

/** A property: its id, its type and its value as it stands in the stream. */
export interface WrittenProperty {
  readonly id: number;
  readonly type: number;
  readonly value: Uint8Array;
  /** Of a named one: its set. */
  readonly set?: string;
}

/** A file to be written. */
export interface WrittenFile {
  /** attAttachTitle. */
  readonly title?: string;
  /** attAttachData. */
  readonly data?: Uint8Array;
  readonly properties?: readonly WrittenProperty[];
}

/** A stream to be written. */
export interface WrittenTnef {
  readonly codePage?: number;
  readonly subject?: string;
  /** attMessageClass. */
  readonly messageClass?: string;
  /** attBody. */
  readonly body?: Uint8Array;
  readonly properties?: readonly WrittenProperty[];
  readonly recipients?: readonly (readonly WrittenProperty[])[];
  readonly files?: readonly WrittenFile[];
}

const string8 = 0x001e;
const unicode = 0x001f;
const binary = 0x0102;

export function u32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, at) => {
    bytes.writeUInt32LE(number, at * 4);
  });
  return bytes;
}

export function attribute(level: number, id: number, value: Uint8Array): Buffer {
  let sum = 0;
  for (const byte of value) sum = (sum + byte) & 0xffff;
  const head = Buffer.concat([Buffer.from([level]), u32(id, value.length)]);
  return Buffer.concat([head, value, Buffer.from([sum & 0xff, sum >> 8])]);
}

/** Properties of the types that are used here. */
export const property = {
  text: (id: number, text: string): WrittenProperty => ({
    id,
    type: unicode,
    value: Buffer.from(`${text}\0`, 'utf16le'),
  }),
  text8: (id: number, text: Uint8Array): WrittenProperty => ({
    id,
    type: string8,
    value: Buffer.concat([text, Buffer.alloc(1)]),
  }),
  bytes: (id: number, value: Uint8Array): WrittenProperty => ({ id, type: binary, value }),
  number: (id: number, value: number): WrittenProperty => ({ id, type: 0x0003, value: u32(value) }),
  flag: (id: number, value: boolean): WrittenProperty => ({ id, type: 0x000b, value: u32(value ? 1 : 0) }),
  time: (id: number, ms: number): WrittenProperty => {
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE((BigInt(ms) + 11_644_473_600_000n) * 10_000n);
    return { id, type: 0x0040, value };
  },
  /** PidTagAttachDataObject: a message. */
  message: (stream: Uint8Array): WrittenProperty => ({
    id: 0x3701,
    type: 0x000d,
    value: Buffer.concat([Buffer.from('0703020000000000c000000000000046', 'hex'), stream]),
  }),
};

const isFixed = (type: number) => [0x0003, 0x000b, 0x0040].includes(type);

export function propertyList(properties: readonly WrittenProperty[]): Buffer {
  const written = properties.map(({ id, type, value, set }) => {
    const padded = Buffer.concat([value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
    // A named property has its name in front: a number in a set of names. Its own is given anew in each stream.
    const isNamed = set !== undefined || id >= 0x8000;
    const tag = u32((((set === undefined ? id : 0x8000 + (id & 0xff)) << 16) | type) >>> 0);
    const nameSet = set === undefined ? Buffer.alloc(16) : Buffer.from(set, 'hex');
    const name = isNamed
      ? Buffer.concat([nameSet, u32(0, set === undefined ? 0x8501 : id)])
      : Buffer.alloc(0);
    return Buffer.concat([tag, name, isFixed(type) ? Buffer.alloc(0) : u32(1, value.length), padded]);
  });
  return Buffer.concat([u32(properties.length), ...written]);
}

/** A winmail.dat. */
export function writeTnef({
  codePage = 1252,
  subject,
  messageClass = 'IPM.Microsoft Mail.Note',
  body,
  properties,
  recipients,
  files = [],
}: WrittenTnef): Buffer {
  return Buffer.concat([
    u32(0x223e9f78),
    Buffer.from([1, 0]),
    attribute(1, 0x00089006, u32(0x00010000)),
    attribute(1, 0x00069007, u32(codePage, 0)),
    attribute(1, 0x00078008, Buffer.from(`${messageClass}\0`)),
    ...(subject === undefined ? [] : [attribute(1, 0x00018004, Buffer.from(`${subject}\0`, 'latin1'))]),
    ...(body === undefined ? [] : [attribute(1, 0x0002800c, body)]),
    ...(properties === undefined ? [] : [attribute(1, 0x00069003, propertyList(properties))]),
    ...(recipients === undefined
      ? []
      : [attribute(1, 0x00069004, Buffer.concat([u32(recipients.length), ...recipients.map(propertyList)]))]),
    ...files.flatMap(writeFile),
  ]);
}

function writeFile({ title, data, properties }: WrittenFile): readonly Buffer[] {
  return [
    attribute(2, 0x00069002, Buffer.alloc(14)),
    ...(data === undefined ? [] : [attribute(2, 0x0006800f, data)]),
    ...(title === undefined ? [] : [attribute(2, 0x00018010, Buffer.from(`${title}\0`, 'latin1'))]),
    ...(properties === undefined ? [] : [attribute(2, 0x00069005, propertyList(properties))]),
  ];
}

/** What a dictionary begins with is as good as none: text is repeated from itself. */
const dictionaryStart = 207;

/** An RTF document as PidTagRtfCompressed: by references to what came before where there is any. */
export function compressRtf(text: string, { rawSize }: { readonly rawSize?: number } = {}): Buffer {
  const raw = Buffer.from(text, 'latin1');
  const out: Buffer[] = [];
  let group: Buffer[] = [];
  let control = 0;
  const add = (token: Buffer, isReference: boolean) => {
    if (isReference) control |= 1 << group.length;
    group.push(token);
    if (group.length < 8) return;
    out.push(Buffer.from([control]), ...group);
    group = [];
    control = 0;
  };
  const reference = (offset: number, length: number) => {
    const token = Buffer.alloc(2);
    token.writeUInt16BE(((offset % 4096) << 4) | (length - 2));
    add(token, true);
  };
  let at = 0;
  while (at < raw.length) {
    const [from, length] = longest(raw, at);
    if (length > 2) {
      reference(dictionaryStart + from, length);
      at += length;
    } else add(raw.subarray(at, ++at), false);
  }
  reference(dictionaryStart + raw.length, 2);
  if (group.length > 0) out.push(Buffer.from([control]), ...group);
  const content = Buffer.concat(out);
  const crc = ~crc32(content, 0xffffffff) >>> 0;
  return Buffer.concat([u32(content.length + 12, rawSize ?? raw.length, 0x75465a4c, crc), content]);
}

/** The longest repetition of what comes next within the last 2,000 bytes. */
function longest(raw: Buffer, at: number): readonly [from: number, length: number] {
  for (let length = 17; length > 2; length--) {
    if (at + length > raw.length) continue;
    const window = Math.max(0, at - 2_000);
    const found = raw.subarray(window, at).indexOf(raw.subarray(at, at + length));
    if (found >= 0) return [window + found, length];
  }
  return [0, 0];
}

/** The same document, not compressed. */
export function storedRtf(text: string): Buffer {
  const raw = Buffer.from(text, 'latin1');
  return Buffer.concat([u32(raw.length + 12, raw.length, 0x414c454d, 0), raw]);
}

/** A message with a winmail.dat, with or without a text beside it. */
export function mailWithTnef(
  stream: Uint8Array,
  { text, type = 'application/ms-tnef' }: { readonly text?: string; readonly type?: string } = {},
): Buffer {
  const encoder = new Base64Encoder();
  const encoded = Buffer.concat([encoder.write(stream), encoder.end()]);
  const head =
    'From: A <a@example.org>\r\nTo: alice@example.test\r\nSubject: S\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n';
  const first = text === undefined ? '' : `--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n`;
  const part = `--b\r\nContent-Type: ${type}; name="winmail.dat"\r\nContent-Disposition: attachment; filename="winmail.dat"\r\nContent-Transfer-Encoding: base64\r\n\r\n`;
  return Buffer.concat([Buffer.from(head + first + part), encoded, Buffer.from('\r\n--b--\r\n')]);
}

const appointment = '0220060000000000c000000000000046';
const common = '0820060000000000c000000000000046';
const meeting = '90dad86e0b451b1098da00aa003f1305';

/** Named properties of meetings. MS-OXOCAL. */
export const meetingProperty = {
  appointment: (written: WrittenProperty): WrittenProperty => ({ ...written, set: appointment }),
  common: (written: WrittenProperty): WrittenProperty => ({ ...written, set: common }),
  meeting: (written: WrittenProperty): WrittenProperty => ({ ...written, set: meeting }),
};

/** PidLidTimeZoneStruct of Berlin. */
export function berlinZone(): Buffer {
  const struct = Buffer.alloc(48);
  struct.writeInt32LE(-60, 0);
  struct.writeInt32LE(-60, 8);
  [10, 0, 5, 3].forEach((value, n) => {
    struct.writeUInt16LE(value, 16 + 2 * n);
  });
  [3, 0, 5, 2].forEach((value, n) => {
    struct.writeUInt16LE(value, 34 + 2 * n);
  });
  return struct;
}

/** PidLidAppointmentRecur: how often, its own numbers, how it ends (0x2021 with the last day, 0x2022 with a number, 0x2023). */
export function recurrencePattern({
  frequency,
  type,
  period,
  specific = [],
  end,
  count = 0,
  deleted = [],
  lastDayMs = 0,
}: {
  readonly frequency: number;
  readonly type: number;
  readonly period: number;
  readonly specific?: readonly number[];
  readonly end: number;
  readonly count?: number;
  readonly deleted?: readonly number[];
  readonly lastDayMs?: number;
}): Buffer {
  const head = Buffer.alloc(10);
  [0x3004, 0x3004, frequency, type, 0].forEach((value, n) => {
    head.writeUInt16LE(value, 2 * n);
  });
  const lastDay = lastDayMs / 60_000 + 194_074_560;
  return Buffer.concat([
    head,
    u32(0, period, 0, ...specific, end, count, 1, deleted.length, ...deleted, 0, 0, lastDay),
  ]);
}
