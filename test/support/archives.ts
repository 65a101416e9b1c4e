/** Makes archives for tests, honest ones and others. */
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

interface ZipMember {
  readonly name: string | Uint8Array;
  readonly content?: Uint8Array | string;
  /** 8 (deflated) if not said. */
  readonly method?: number;
  readonly flags?: number;
  /** What the local header says in place of `name`, and the central directory. */
  readonly localName?: string | Uint8Array;
  readonly centralName?: string | Uint8Array;
  readonly extra?: Uint8Array;
  /** What the headers say that it unpacks to. */
  readonly declaredBytes?: number;
  readonly localBytes?: number;
}

/** A zip file (APPNOTE.TXT). */
export function zip(...members: readonly ZipMember[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const content = Buffer.from(member.content ?? 'content');
    const method = member.method ?? 8;
    const packed = method === 8 ? deflateRawSync(content) : content;
    const extra = Buffer.from(member.extra ?? []);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(member.flags ?? 0, 2);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(member.declaredBytes ?? content.length, 18);
    const localName = Buffer.from(member.localName ?? member.name);
    const centralName = Buffer.from(member.centralName ?? member.name);
    const localFields = Buffer.from(fields);
    if (member.localBytes !== undefined) localFields.writeUInt32LE(member.localBytes, 14);
    localFields.writeUInt16LE(localName.length, 22);
    localFields.writeUInt16LE(extra.length, 24);
    fields.writeUInt16LE(centralName.length, 22);
    fields.writeUInt16LE(extra.length, 24);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), localFields, localName, extra, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, rest, centralName, extra]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

interface TarMember {
  readonly name: string;
  readonly content?: Uint8Array | string;
  readonly type?: string;
  readonly prefix?: string;
}

/** One header with its content; POSIX.1-2017, ustar. */
function tarMember({ name, content = '', type = '0', prefix = '' }: TarMember): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write('0000644\0', 100);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  header.write(prefix, 345, 155);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export function tar(...members: readonly TarMember[]): Buffer {
  return Buffer.concat([...members.map(tarMember), Buffer.alloc(1024)]);
}

/** The member, with its name in a pax header only. */
export function paxTar(name: string): Buffer {
  const text = ` path=${name}\n`;
  let length = Buffer.byteLength(text) + 2;
  length = Buffer.byteLength(text) + String(length).length;
  return tar({ name: 'x', type: 'x', content: `${length}${text}` }, { name: 'short', content: 'content' });
}

/** The member, with its name in a GNU long name only. */
export function gnuTar(name: string): Buffer {
  return tar(
    { name: '././@LongLink', type: 'L', content: `${name}\0` },
    { name: 'short', content: 'content' },
  );
}

/** A gzip file that says what it was called; RFC 1952. */
export function gzip(content: Uint8Array | string, name?: string): Buffer {
  const plain = gzipSync(content);
  if (name === undefined) return plain;
  plain[3] = 0x08;
  return Buffer.concat([plain.subarray(0, 10), Buffer.from(`${name}\0`), plain.subarray(10)]);
}

function tnefAttribute(level: number, id: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head[0] = level;
  head.writeUInt32LE(id, 1);
  head.writeUInt32LE(value.length, 5);
  const sum = value.reduce((total, byte) => (total + byte) & 0xffff, 0);
  return Buffer.concat([head, value, Buffer.from([sum & 0xff, sum >> 8])]);
}

function u32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, at) => {
    bytes.writeUInt32LE(number, at * 4);
  });
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

interface TnefAttachment {
  readonly title?: string;
  /** PidTagAttachLongFilename. */
  readonly longName?: string;
  readonly content?: Uint8Array;
  /** An embedded message, in TNEF. */
  readonly message?: Uint8Array;
}

/** A winmail.dat; MS-OXTNEF. */
export function tnef(...attachments: readonly TnefAttachment[]): Buffer {
  const parts = [u32(0x223e9f78), Buffer.from([1, 0]), tnefAttribute(1, 0x00089006, u32(0x00010000))];
  for (const { title, longName, content, message } of attachments) {
    parts.push(tnefAttribute(2, 0x00069002, Buffer.alloc(14)));
    if (title !== undefined) parts.push(tnefAttribute(2, 0x00018010, Buffer.from(`${title}\0`)));
    if (content !== undefined) parts.push(tnefAttribute(2, 0x0006800f, content));
    const properties: Buffer[] = [
      u32(0x37050003, 1),
      // A named property, which has its name in front.
      Buffer.concat([
        u32(0x8001001e),
        Buffer.alloc(16),
        u32(1, 6),
        padded(Buffer.from('a\0b\0c\0')),
        u32(1, 2),
      ]),
      padded(Buffer.from('x\0')),
    ];
    let count = 2;
    if (longName !== undefined) {
      const text = Buffer.from(`${longName}\0`, 'utf16le');
      properties.push(u32(0x3707001f, 1, text.length), padded(text));
      count++;
    }
    if (message !== undefined) {
      properties.push(
        u32(0x3701000d, 1, message.length + 16),
        padded(Buffer.concat([Buffer.alloc(16), message])),
      );
      count++;
    }
    parts.push(tnefAttribute(2, 0x00069005, Buffer.concat([u32(count), ...properties])));
  }
  return Buffer.concat(parts);
}
