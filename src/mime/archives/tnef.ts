import { decodeUnlabelled } from '../charset.ts';
import { fixedSizes } from '../tnef/properties.ts';
import { withoutAtEnd } from '../trim-end.ts';
import { type ByteReader, Section } from './byte-reader.ts';
import type { Scope } from './inspection.ts';

/** MS-OXTNEF, Attribute identifiers. */
const attAttachTitle = 0x00018010;
const attAttachData = 0x0006800f;
const attAttachment = 0x00069005;
const attAttachTransportFilename = 0x00069001;

/** MS-OXPROPS: the names that an attachment goes by. */
const nameProperties: ReadonlySet<number> = new Set([
  0x3001, // PidTagDisplayName
  0x3703, // PidTagAttachExtension
  0x3704, // PidTagAttachFilename
  0x3707, // PidTagAttachLongFilename
  0x3708, // PidTagAttachPathname
  0x370c, // PidTagAttachTransportName
  0x370d, // PidTagAttachLongPathname
]);
/** PidTagAttachDataBinary and PidTagAttachDataObject. */
const attachData = 0x3701;
/** A name is read so far. */
const maxName = 8 * 1024;
/** A property list may have no more rows. */
const maxProperties = 10_000;
/** MS-OXTNEF: the interface identifier in front of an embedded message. */
const interfaceIdBytes = 16;

/**
 * Judges the names of the attachments in a TNEF stream (MS-OXTNEF, winmail.dat) and looks into those that are archives or
 * messages in TNEF themselves. What is broken ends it.
 */
export async function readTnef(reader: ByteReader, scope: Scope): Promise<void> {
  await reader.skip(6);
  let title = '';
  for (;;) {
    const head = Buffer.from(await reader.read(9));
    if (head.length < 9) return;
    const id = head.readUInt32LE(1);
    const length = head.readUInt32LE(5);
    const value = new Section(reader, length);
    switch (id) {
      case attAttachTitle:
      case attAttachTransportFilename:
        title = textOf(await value.reader.peek(maxName), false);
        await scope.member([title]);
        break;
      case attAttachData:
        await scope.inside(title, value.reader, scope);
        break;
      case attAttachment:
        await readProperties(value.reader, title, scope);
        break;
      default:
        await scope.member([]);
    }
    await value.skipRest();
    // The checksum.
    await reader.skip(2);
  }
}

/** MS-OXTNEF, MsgPropertyList. */
async function readProperties(reader: ByteReader, title: string, scope: Scope): Promise<void> {
  const count = (await readNumber(reader)) ?? 0;
  for (let at = 0; at < Math.min(count, maxProperties); at++) {
    const tag = await reader.read(4);
    if (tag.length < 4) return;
    const type = tag.readUInt16LE(0);
    const id = tag.readUInt16LE(2);
    if (id >= 0x8000) await skipPropertyName(reader);
    const isMultiple = (type & 0x1000) !== 0;
    const size = fixedSizes.get(type & 0x0fff);
    const isSized = size === undefined;
    const values = isMultiple || isSized ? await readNumber(reader) : 1;
    if (values === undefined) return;
    if (size !== undefined) {
      await reader.skip(size * values);
      continue;
    }
    for (let value = 0; value < Math.min(values, maxProperties); value++) {
      const length = await readNumber(reader);
      if (length === undefined) return;
      const content = new Section(reader, length);
      if (nameProperties.has(id)) {
        const text = textOf(await content.reader.peek(Math.min(length, maxName)), (type & 0xfff) === 0x1f);
        await scope.member([text]);
      } else if (id === attachData) {
        if ((type & 0xfff) === 0x0d) await content.reader.skip(interfaceIdBytes);
        await scope.inside(title, content.reader, scope);
      }
      await content.skipRest();
      await reader.skip((4 - (length % 4)) % 4);
    }
    await scope.member([]);
  }
}

/** MS-OXTNEF, PropertyName: a number, or a text. */
async function skipPropertyName(reader: ByteReader): Promise<void> {
  await reader.skip(16);
  const isText = (await readNumber(reader)) === 1;
  const value = (await readNumber(reader)) ?? 0;
  if (isText) await reader.skip(value + ((4 - (value % 4)) % 4));
}

/** Undefined at the end. */
async function readNumber(reader: ByteReader): Promise<number | undefined> {
  const bytes = await reader.read(4);
  return bytes.length < 4 ? undefined : bytes.readUInt32LE(0);
}

function textOf(bytes: Buffer, isUtf16: boolean): string {
  return withoutAtEnd('\0', isUtf16 ? bytes.toString('utf16le') : decodeUnlabelled(bytes));
}
