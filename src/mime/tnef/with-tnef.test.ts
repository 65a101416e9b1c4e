import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import {
  attribute,
  compressRtf,
  mailWithTnef,
  property,
  propertyList,
  storedRtf,
  u32,
  type WrittenTnef,
  writeTnef,
} from '#test/support/tnef-writer';
import { readBody } from '../body.ts';
import { MessageIndexer } from '../index-message.ts';
import type { MessageIndex } from '../message-index.ts';
import { contentOfPart, openPart } from '../open-part.ts';
import { readSearchText } from '../search-text.ts';
import { withTnef } from './with-tnef.ts';

const { text, text8, bytes, number, flag, time, message } = property;
const htmlId = 0x1013;
const rtfId = 0x1009;
const bodyId = 0x1000;
const longName = (name: string) => text(0x3707, name);

interface Read {
  readonly index: MessageIndex;
  readonly plain: string;
  readonly html: string;
  readonly files: readonly { readonly name: string; readonly type: string; readonly content: Buffer }[];
}

/** The message in pieces of so many bytes, as it comes out of a store. */
async function readMail(raw: Buffer, pieceBytes = 1000): Promise<Read> {
  const indexer = new MessageIndexer();
  indexer.write(raw);
  const read = async function* (start: number, end: number) {
    for (let at = start; at < end; at += pieceBytes) yield raw.subarray(at, Math.min(end, at + pieceBytes));
  };
  const index = await withTnef(indexer.end(0), read);
  const bodyOf = async (kind: 'plain' | 'html') =>
    (
      await readBody(index, kind, async ({ start, end }, most) =>
        raw.subarray(start, Math.min(end, start + most)),
      )
    ).text;
  const files = [];
  for (const { name, type, part } of index.attachments) {
    const found = index.parts[part];
    if (found === undefined) throw new Error('no such part');
    files.push({ name, type, content: await contentOfPart(found, read) });
  }
  return { index, plain: await bodyOf('plain'), html: await bodyOf('html'), files };
}

const readTnef = (stream: WrittenTnef | Buffer, beside: { text?: string; type?: string } = {}) =>
  readMail(mailWithTnef(Buffer.isBuffer(stream) ? stream : writeTnef(stream), beside));

describe('the files in TNEF', () => {
  test('stand in the place of winmail.dat by their own names, types, sizes and Content-IDs', async () => {
    const { index, files, plain } = await readTnef(
      {
        files: [
          { title: 'REPORT~1.PDF', data: Buffer.from('pdf'), properties: [longName('Bericht für Ö.pdf')] },
          {
            title: 'image001.png',
            data: Buffer.from('png'),
            properties: [text(0x370e, 'image/png'), text(0x3712, '<image001.png@01D>'), number(0x3714, 4)],
          },
          { properties: [longName('by property.bin'), bytes(0x3701, Buffer.from([1, 2, 3]))] },
          { title: 'only a title.docx', data: Buffer.alloc(0) },
          { data: Buffer.from('x') },
        ],
      },
      { text: 'Own text' },
    );
    expect(
      index.attachments.map(({ name, type, size, contentId, isInline }) => [
        name,
        type,
        size,
        contentId,
        isInline,
      ]),
    ).toEqual([
      ['Bericht für Ö.pdf', 'application/pdf', 3, undefined, false],
      ['image001.png', 'image/png', 3, 'image001.png@01D', false],
      ['by property.bin', 'application/octet-stream', 3, undefined, false],
      ['only a title.docx', expect.stringContaining('wordprocessingml'), 0, undefined, false],
      ['ATT00005.bin', 'application/octet-stream', 1, undefined, false],
    ]);
    expect(files.map(({ content }) => content.toString('hex'))).toEqual([
      '706466',
      '706e67',
      '010203',
      '',
      '78',
    ]);
    expect(plain).toBe('Own text');
    expect(index.attachments.map(({ part }) => index.parts[part]?.path)).toEqual(
      [1, 2, 3, 4, 5].map((n) => `2.0.${n}`),
    );
  });

  test('have names without path characters, in the code page of the stream', async () => {
    const { index } = await readTnef({
      codePage: 1251,
      files: [
        { data: Buffer.from('a'), properties: [text8(0x3707, Buffer.from('cff0e8ece5f02e747874', 'hex'))] },
        { data: Buffer.from('b'), properties: [longName('..\\..\\C:evil\u202etxt.exe')] },
      ],
    });
    expect(index.attachments.map(({ name }) => name)).toEqual([
      'Пример.txt',
      expect.not.stringMatching(/[\\/:\u202e]/),
    ]);
  });

  test('are known by the name too when the type is not said', async () => {
    const stream = { files: [{ title: 'a.txt', data: Buffer.from('x') }] };
    expect((await readTnef(stream, { type: 'application/octet-stream' })).files).toMatchObject([
      { name: 'a.txt' },
    ]);
  });

  test('that is the whole message', async () => {
    const stream = writeTnef({
      properties: [text(bodyId, 'All in one')],
      files: [{ title: 'a.txt', data: Buffer.from('x') }],
    });
    const raw = Buffer.from(
      `Subject: S\r\nContent-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n${stream.toString('base64')}`,
    );
    const { plain, files, index } = await readMail(raw);
    expect([plain, files.length, index.preview]).toEqual(['All in one', 1, 'All in one']);
  });

  test('that are referred to only, or are too many, leave winmail.dat beside them', async () => {
    const byReference = await readTnef(
      { files: [{ properties: [number(0x3705, 2), longName('a.txt')] }] },
      { text: 'T' },
    );
    expect(byReference.files.map(({ name }) => name)).toEqual(['winmail.dat']);
    const many = Array.from({ length: 200 }, (_, n) => ({ title: `${n}.txt`, data: Buffer.from(`${n}`) }));
    const { files } = await readTnef({ files: many }, { text: 'T' });
    expect(files.map(({ name }) => name)).toEqual([
      'winmail.dat',
      ...many.slice(0, 150).map(({ title }) => title),
    ]);
    expect(files[150]?.content.toString()).toBe('149');
  });
});

describe('the text in TNEF', () => {
  const rtfHtml =
    "{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\*\\htmltag <p>}Gr\\'fc\\'dfe{\\*\\htmltag </p>}}";
  test.each<[string, WrittenTnef, string, string]>([
    [
      'HTML with its code page',
      { properties: [bytes(htmlId, Buffer.from('<p>Gr\xfc\xdfe</p>', 'latin1')), number(0x3fde, 1252)] },
      'Grüße',
      '<p>Grüße</p>',
    ],
    [
      'HTML that says its charset',
      { properties: [bytes(htmlId, Buffer.from('<meta charset="utf-8"><p>Grüße</p>'))] },
      'Grüße',
      '<meta charset="utf-8"><p>Grüße</p>',
    ],
    ['PR_BODY', { properties: [text(bodyId, 'Grüße 世界')] }, 'Grüße 世界', '<div>Grüße 世界</div>'],
    [
      'PR_BODY of 8 bits',
      { codePage: 932, properties: [text8(bodyId, Buffer.from([0x82, 0xa0]))] },
      'あ',
      '<div>あ</div>',
    ],
    ['attBody', { body: Buffer.from('Old\0') }, 'Old', '<div>Old</div>'],
    [
      'HTML and PR_BODY, each its own',
      { properties: [text(bodyId, 'Plain'), bytes(htmlId, Buffer.from('<b>Rich</b>'))] },
      'Plain',
      '<b>Rich</b>',
    ],
    ['HTML in RTF', { properties: [bytes(rtfId, compressRtf(rtfHtml))] }, 'Grüße', '<p>Grüße</p>'],
    [
      'HTML in RTF beside PR_BODY',
      { properties: [text(bodyId, 'Plain'), bytes(rtfId, compressRtf(rtfHtml))] },
      'Plain',
      '<p>Grüße</p>',
    ],
    [
      'RTF',
      { properties: [bytes(rtfId, compressRtf('{\\rtf1\\ansi Bold {\\b text}\\par}'))] },
      'Bold text\r\n',
      '<div>Bold text<br>',
    ],
    [
      'RTF beside PR_BODY',
      { properties: [text(bodyId, 'Plain'), bytes(rtfId, compressRtf('{\\rtf1 No}'))] },
      'Plain',
      '<div>Plain</div>',
    ],
    [
      'RTF that is out of date',
      { properties: [text(bodyId, 'Plain'), bytes(rtfId, compressRtf(rtfHtml)), flag(0x0e1f, false)] },
      'Plain',
      '<div>Plain</div>',
    ],
  ])('%s is that of a message without a text', async (_name, stream, plain, html) => {
    for (const own of [undefined, '']) {
      const read = await readTnef(stream, own === undefined ? {} : { text: own });
      expect([read.plain, read.files]).toEqual([plain, []]);
      expect(read.html).toContain(html);
      expect(read.index.preview).toBe(plain.trim());
    }
  });

  test('does not take the place of a text of the message itself', async () => {
    const read = await readTnef(
      { properties: [bytes(htmlId, Buffer.from('<b>Other</b>'))] },
      { text: 'Own' },
    );
    expect([read.plain, read.html.includes('Other'), read.files]).toEqual(['Own', false, []]);
  });

  test('shows pictures by their Content-ID', async () => {
    const { index } = await readTnef({
      properties: [bytes(htmlId, Buffer.from('<img src="cid:a@b">'))],
      files: [
        {
          title: 'a.png',
          data: Buffer.from('x'),
          properties: [text(0x3712, 'a@b'), text(0x370e, 'image/png')],
        },
      ],
    });
    expect(index.attachments).toMatchObject([{ contentId: 'a@b', isInline: true }]);
  });

  test('in RTF is read as far as it is wanted', async () => {
    const document = `{\\rtf1 ${'A line of text\\par '.repeat(100_000)}}`;
    const raw = mailWithTnef(writeTnef({ properties: [bytes(rtfId, storedRtf(document))] }));
    const { index } = await readMail(raw);
    const readPart = async ({ start, end }: { start: number; end: number }) => raw.subarray(start, end);
    const cut = await readBody(index, 'plain', readPart, 500);
    expect(cut).toMatchObject({ isWhole: false, text: expect.stringMatching(/^(?:A line of text\r\n)+/) });
    expect(cut.text).toHaveLength(500);
    expect(await readSearchText(index, readPart)).toMatch(/^A line of text/);
    const whole = await readBody(index, 'plain', readPart);
    expect(whole).toMatchObject({ isWhole: true, text: 'A line of text\r\n'.repeat(100_000) });
  });

  test.each([
    ['RTF that cannot be unpacked', [bytes(rtfId, Buffer.alloc(40, 7))]],
    ['RTF that is too long', [bytes(rtfId, compressRtf('{\\rtf1 x}', { rawSize: 9_000_000 }))]],
    ['HTML that is too long', [bytes(htmlId, Buffer.alloc(2 * 1024 * 1024 + 1, 0x61))]],
    [
      'a text too far from the beginning',
      [bytes(0x1234, Buffer.alloc(4 * 1024 * 1024)), text(bodyId, 'Far')],
    ],
  ])('%s leaves winmail.dat', async (_name, properties) => {
    const { files, plain } = await readTnef({ properties });
    expect([plain, files.map(({ name }) => name)]).toEqual(['', ['winmail.dat']]);
  });
});

describe('a message in TNEF', () => {
  const inner = {
    subject: 'Inner',
    properties: [
      text(0x0037, 'Inneres Tréffen'),
      text(0x0042, 'Änne'),
      text(0x5d02, 'aenne@example.org'),
      time(0x0039, Date.UTC(2026, 10, 16, 8, 0, 0)),
      text(0x1035, '<inner@example.org>'),
      bytes(htmlId, Buffer.from('<p>Hällo <img src="cid:i@x"></p>')),
      number(0x3fde, 65001),
    ],
    recipients: [
      [number(0x0c15, 1), text(0x3001, 'Bob'), text(0x39fe, 'bob@example.org')],
      [number(0x0c15, 2), text(0x3001, 'Carol'), text(0x3003, 'SMTP:carol@example.org')],
      [number(0x0c15, 1), text(0x3001, 'Inside'), text(0x3003, '/O=ORG/CN=INSIDE')],
    ],
  };
  const embed = (stream: Buffer, name = 'Inneres') => ({
    properties: [number(0x3705, 5), text(0x3001, name), message(stream)],
  });

  test('is an .eml with its header, its text and its files, the same each time', async () => {
    const picture = {
      title: 'i.png',
      data: Buffer.from('picture'),
      properties: [text(0x3712, 'i@x'), text(0x370e, 'image/png')],
    };
    const deep = writeTnef({
      properties: [text(bodyId, 'Deepest')],
      files: [{ title: 'deep.txt', data: Buffer.from('deep') }],
    });
    const stream = writeTnef({
      ...inner,
      files: [picture, embed(deep, 'Deep'), { title: 'größe.txt', data: Buffer.from('z') }],
    });
    const outer = await readTnef(
      { files: [embed(stream), { title: 'after.txt', data: Buffer.from('after') }] },
      { text: 'T' },
    );
    expect(outer.index.attachments).toMatchObject([
      { name: 'Inneres.eml', type: 'message/rfc822', method: 5 },
      { name: 'after.txt', method: 1 },
    ]);
    expect(outer.files[1]?.content.toString()).toBe('after');
    const eml = outer.files[0]?.content ?? Buffer.alloc(0);
    const { index, html, files } = await readMail(eml);
    expect(index.headers).toMatchObject({
      subject: 'Inneres Tréffen',
      from: [{ name: 'Änne', address: 'aenne@example.org' }],
      to: [
        { name: 'Bob', address: 'bob@example.org' },
        { name: 'Inside', address: 'unknown@unknown.invalid' },
      ],
      cc: [{ name: 'Carol', address: 'carol@example.org' }],
      date: Date.UTC(2026, 10, 16, 8, 0, 0),
      messageId: '<inner@example.org>',
    });
    expect(html).toBe('<p>Hällo <img src="cid:i@x"></p>');
    expect(files.map(({ name, content }) => [name, content.toString().slice(0, 7)])).toEqual([
      ['i.png', 'picture'],
      ['Deep.eml', 'Subject'],
      ['größe.txt', 'z'],
    ]);
    const deepest = await readMail(files[1]?.content ?? Buffer.alloc(0));
    expect([deepest.plain, deepest.files.map(({ content }) => content.toString())]).toEqual([
      'Deepest',
      ['deep'],
    ]);
    const again = await readTnef({ files: [embed(stream)] });
    expect(again.files[0]?.content).toEqual(eml);
  });

  test('that is nested too deep, or is broken, is given as it is', async () => {
    let stream = writeTnef({ properties: [text(bodyId, 'Core')] });
    for (let n = 0; n < 8; n++) stream = writeTnef({ files: [embed(stream, `Level ${n}`)] });
    let raw = (await readTnef(stream)).files[0]?.content ?? Buffer.alloc(0);
    const names: string[] = [];
    for (;;) {
      const [file] = (await readMail(raw)).files;
      if (file === undefined) break;
      names.push(file.name);
      raw = file.content;
      if (!file.name.endsWith('.eml')) break;
    }
    expect(names).toEqual(['Level 6.eml', 'Level 5.eml', 'Level 4.eml', 'Level 3']);
    expect(raw.readUInt32LE(0)).toBe(0x223e9f78);
    const broken = Buffer.concat([writeTnef({}), Buffer.from('rubbish!!')]);
    const { files } = await readTnef({ files: [embed(broken, 'Broken')] });
    expect(files[0]?.content).toEqual(broken);
  });

  test('behind a large file is written anew as long as reading that again is no burden', async () => {
    const small = embed(writeTnef({ subject: 'x' }), 'M');
    const data = Buffer.alloc(12 * 1024 * 1024);
    const one = writeTnef({ files: [small, { title: 'large.bin', data }, small, small, small] });
    const { files } = await readTnef({ files: [embed(one)] });
    const { index } = await readMail(files[0]?.content ?? Buffer.alloc(0), 65_536);
    expect(index.attachments.map(({ method }) => method)).toEqual([5, 1, 5, 5, 1]);
  });

  test('a hundred messages in one cost bounded time', async () => {
    const one = writeTnef({
      files: Array.from({ length: 100 }, () => embed(writeTnef({ subject: 'x' }), 'M')),
    });
    const { files } = await readTnef({ files: [embed(one)] });
    const { index } = await readMail(files[0]?.content ?? Buffer.alloc(0));
    expect(index.attachments.filter(({ method }) => method === 5)).toHaveLength(16);
    expect(index.attachments).toHaveLength(100);
  });
});

describe('what is no TNEF', () => {
  const whole = writeTnef({
    subject: 'S',
    body: Buffer.from('Text\0'),
    properties: [text(bodyId, 'Text'), { ...number(0x8005, 1) }, text(0x8006, 'named')],
    recipients: [[number(0x0c15, 1), text(0x3001, 'Bob')]],
    files: [
      {
        title: 'a.txt',
        data: Buffer.from('content'),
        properties: [longName('a long name.txt'), bytes(0x3712, Buffer.from('x'))],
      },
      { properties: [number(0x3705, 5), message(writeTnef({ subject: 'inner' }))] },
    ],
  });

  test('stays the file it is, cut off anywhere too', async () => {
    const borders = new Set<number>();
    for (let at = 6; at < whole.length; at += 11 + whole.readUInt32LE(at + 5)) if (at > 6) borders.add(at);
    for (let length = 0; length < whole.length; length += 3) {
      const { files } = await readTnef(whole.subarray(0, length), { text: 'T' });
      const [first] = files;
      // Cut between two attributes it is a whole stream.
      if (first?.name === 'winmail.dat') expect(first.content).toEqual(whole.subarray(0, length));
      else expect(borders).toContain(length);
    }
    expect(
      (await readTnef(Buffer.concat([whole, Buffer.from('\r\n\r\n\r\n\r\n\r\n')]), { text: 'T' })).files,
    ).toHaveLength(2);
    expect(
      (await readTnef(Buffer.concat([whole, Buffer.from('rubbish!!')]), { text: 'T' })).files,
    ).toHaveLength(1);
  });

  test('with nothing in it stays where there is no text, and goes where there is one', async () => {
    expect((await readTnef({}, { text: 'T' })).files).toEqual([]);
    expect((await readTnef({})).files.map(({ name }) => name)).toEqual(['winmail.dat']);
  });

  test.each([
    [
      'more attributes than are read',
      Buffer.concat([whole, ...Array.from({ length: 20_001 }, () => attribute(1, 1, Buffer.alloc(0)))]),
    ],
    [
      'more properties than are read',
      writeTnef({ properties: Array.from({ length: 10_001 }, () => number(0x1234, 1)) }),
    ],
    [
      'values without size and end',
      Buffer.concat([
        writeTnef({}),
        attribute(1, 0x00069003, Buffer.concat([u32(1, 0x12341001, 0xffffffff)])),
      ]),
    ],
    [
      'properties that go beyond their attribute',
      Buffer.concat([
        writeTnef({}),
        attribute(1, 0x00069003, propertyList([text(bodyId, 'x')]).subarray(0, 14)),
        Buffer.alloc(5_000),
      ]),
    ],
    [
      'an attribute that is longer than the stream',
      Buffer.concat([writeTnef({}), Buffer.from([1]), u32(0x0002800c, 0xffffffff), Buffer.from('Text')]),
    ],
  ])('%s', async (_name, stream) => {
    const { files } = await readTnef(stream, { text: 'T' });
    expect(files).toMatchObject([{ name: 'winmail.dat', content: stream }]);
  });

  test('random bytes behind the signature, and streams with random faults, are read or not, but never throw', async () => {
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let run = 0; run < 200; run++) {
      const stream = Buffer.from(whole);
      for (let n = random(6); n >= 0; n--) {
        const at = 6 + random(stream.length - 10);
        if (random(2) === 0) stream[at] = random(256);
        else stream.writeUInt32LE([0, 1, 0xffffffff, 0x7fffffff, random(5_000)][random(5)] ?? 0, at);
      }
      const cut = random(4) === 0 ? stream.subarray(0, random(stream.length)) : stream;
      const { index, files } = await readTnef(cut);
      expect(index.attachments.length).toBe(files.length);
      for (const { content } of files) expect(content.length).toBeLessThan(20_000);
      const noise = Buffer.concat([
        whole.subarray(0, 6),
        Buffer.from(Array.from({ length: random(300) }, () => random(256))),
      ]);
      await readTnef(noise);
    }
  });
});

test('a file of 18 MB comes in pieces, as it is read', async () => {
  const data = Buffer.alloc(18 * 1024 * 1024, 'data');
  const files = [
    { title: 'big.bin', data },
    { title: 'last.txt', data: Buffer.from('last') },
  ];
  const raw = mailWithTnef(writeTnef({ files }), { text: 'T' });
  const indexer = new MessageIndexer();
  indexer.write(raw);
  let readBytes = 0;
  const read = async function* (start: number, end: number) {
    for (let at = start; at < end; at += 65_536) {
      const piece = raw.subarray(at, Math.min(end, at + 65_536));
      readBytes += piece.length;
      yield piece;
    }
  };
  const index = await withTnef(indexer.end(0), read);
  expect(index.attachments).toMatchObject([{ name: 'big.bin', size: data.length }, { name: 'last.txt' }]);
  const [big, last] = index.attachments.map(({ part }) => index.parts[part]);
  readBytes = 0;
  let given = 0;
  for await (const piece of big === undefined ? [] : openPart(big, read)) {
    given += piece.length;
    expect(readBytes - given * 1.37).toBeLessThan(150_000);
  }
  expect(given).toBe(data.length);
  expect(last && (await contentOfPart(last, read)).toString()).toBe('last');
});
