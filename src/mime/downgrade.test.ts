import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { mailFixtures } from '#test/fixtures/mail/load';
import { type DowngradeError, sendableContent, type Transport } from './downgrade.ts';
import { MessageIndexer } from './index-message.ts';
import type { MessageIndex } from './message-index.ts';
import { type Traits, traitsOf } from './traits.ts';
import { decodeTransferWhole } from './transfer.ts';

const sevenBit: Transport = { is8bit: false, utf8: 'absent' };
const eightBit: Transport = { is8bit: true, utf8: 'absent' };

async function* chunksOf(raw: Buffer, size: number) {
  for (let at = 0; at < raw.length; at += size) yield raw.subarray(at, at + size);
}

async function sent(raw: Buffer | string, transport = sevenBit, chunk = 4_096): Promise<Buffer> {
  const bytes = typeof raw === 'string' ? Buffer.from(raw) : raw;
  const content = await sendableContent(() => chunksOf(bytes, chunk), transport);
  const pieces: Uint8Array[] = [];
  for await (const piece of content.open()) pieces.push(Buffer.from(piece));
  const all = Buffer.concat(pieces);
  expect(content.size).toBe(all.length);
  expect(content.is8bit).toBe(all.some((byte) => byte > 0x7f));
  return all;
}

const text = async (raw: Buffer | string, transport = sevenBit) =>
  (await sent(raw, transport)).toString('latin1');

function indexOf(raw: Buffer): MessageIndex {
  const indexer = new MessageIndexer();
  indexer.write(raw);
  return indexer.end(0);
}

/** What a reader makes of a message: its header, and every part that holds no others, decoded. */
function readingOf(raw: Buffer) {
  const { headers, parts, attachments, messageClass } = indexOf(raw);
  const leaves = parts.filter((_, index) => !parts.some(({ parent }) => parent === index));
  return {
    headers,
    messageClass,
    attachments: attachments.map(({ name, type, isInline }) => ({ name, type, isInline })),
    leaves: leaves.map(({ type, charset, filename, contentId, flowed, encoding, start, end }) => {
      const body = decodeTransferWhole(encoding, raw.subarray(start, end)).toString('latin1');
      // At the end of a message a line end may have come to it.
      return { type, charset, filename, contentId, flowed, body: body.replace(/\r\n$/, '') };
    }),
  };
}

const withLineEnds = (raw: Buffer) =>
  Buffer.from(raw.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1');

/** But for the one with a local part beyond ASCII. */
const fixtures = mailFixtures().filter(({ name }) => name !== '63-idn-address');

describe('messages of real shape', () => {
  test.each(fixtures)('$name reads the same after it', async ({ name, raw }) => {
    const after = await sent(raw);
    const lines = after.toString('latin1').split('\r\n');
    expect(lines.filter((line) => line.length > 998 || /\P{ASCII}|[\0\r\n]/u.test(line))).toEqual([]);
    const before = withLineEnds(raw);
    if (name !== '71-nul-bytes') expect(readingOf(after)).toEqual(readingOf(before));
    expect(await sent(after)).toEqual(after);
  });

  test.each(fixtures)('$name comes out the same whatever the chunks', async ({ raw }) => {
    const whole = await sent(raw);
    for (const size of [1, 7, 100]) expect(await sent(raw, sevenBit, size)).toEqual(whole);
  });
});

test('what needs nothing passes byte for byte', async () => {
  const raw = 'Subject: x\r\n\r\nGr\u00fc\u00dfe =20 \r\n\r\n.\r\n';
  expect(await text(raw, eightBit)).toBe(Buffer.from(raw).toString('latin1'));
});

test.each(Array.from({ length: 80 }, (_, n) => n))(
  'a line broken after %i characters makes no delimiter',
  async (n) => {
    const part = `\u00fc\r\n${'x'.repeat(n)}--b--\r\n${'y'.repeat(999)}`;
    const after = await text(
      `From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${part}\r\n--b--\r\n`,
    );
    // Where the text has the delimiter itself there is no way around.
    expect(after.split('\r\n').filter((line) => line === '--b--')).toHaveLength(n === 0 ? 2 : 1);
  },
);

test('text becomes quoted-printable, and the rest base64, each part for itself', async () => {
  const raw = Buffer.from(
    [
      'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npr\u00e9',
      '--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\u00fc\u00dfe \r\n=\r\n',
      '--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\u0089PNG',
      '--b\r\n\r\nplain = as it is',
      '--b--\r\n',
    ].join('\r\n'),
  );
  expect(await text(raw)).toBe(
    [
      'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\npr??',
      '--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe=20\r\n=3D\r\n',
      '--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nwolQTkc=',
      '--b\r\n\r\nplain = as it is',
      '--b--\r\n',
    ].join('\r\n'),
  );
});

test('the parts of a message inside are encoded, never the message', async () => {
  const inner = 'Subject: Gr\u00fc\u00dfe\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\u00e4';
  const raw = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n${inner}\r\n--b--\r\n`;
  const after = await text(raw);
  expect(after).toContain('Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\r\n');
  expect(after).toContain('Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n--b--\r\n');
});

describe('lines of more than 998 octets', () => {
  const long = 'x y'.repeat(700);

  test('of text are encoded though the next hop takes 8 bits, and others stay', async () => {
    const raw = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${long}\r\n--b\r\n\r\n\u00fc\r\n--b--\r\n`;
    const after = await text(raw, eightBit);
    expect(after).toMatch(/Content-Transfer-Encoding: quoted-printable\r\n\r\nx yx y/);
    expect(after).toContain('--b\r\n\r\n\u00c3\u00bc\r\n');
    expect(after.split('\r\n').every((line) => line.length <= 998)).toBe(true);
  });

  test('of base64 are broken', async () => {
    const bytes = Buffer.alloc(3_000, 7);
    const after = await text(
      `Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n${bytes.toString('base64')}\r\n`,
    );
    expect(after.split('\r\n').every((line) => line.length <= 76)).toBe(true);
    expect(Buffer.from(after.split('\r\n\r\n')[1] ?? '', 'base64')).toEqual(bytes);
  });

  test('of a header are folded before white space; ids and addresses where there is none', async () => {
    const ids = Array.from({ length: 60 }, (_, n) => `<${n}.${'i'.repeat(30)}@a.example>`).join('');
    const to = Array.from({ length: 60 }, (_, n) => `person${n}@department.example`).join(',');
    const after = await text(`Subject: ${long}\r\nReferences: ${ids}\r\nTo: ${to}\r\n\r\nText\r\n`);
    expect(after.split('\r\n').every((line) => line.length <= 998)).toBe(true);
    const { subject, references, to: mailboxes } = indexOf(Buffer.from(after)).headers;
    expect(subject).toBe(long);
    expect(references).toHaveLength(60);
    expect(mailboxes).toHaveLength(60);
  });

  test('of a header without a place to fold stay', async () => {
    const raw = `X-Token: ${'x'.repeat(2_000)}\r\n\r\nText\r\n`;
    expect(await text(raw)).toBe(raw);
  });
});

describe('what a signature covers', () => {
  const signed = (body: string) =>
    `Subject: \u00fc\r\nContent-Type: multipart/signed; boundary=b; protocol="application/pgp-signature"\r\n\r\n--b\r\n\r\n${body}\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nsig\r\n--b--\r\n`;

  test('stays as it is, and the header around it is written anew', async () => {
    const after = await text(signed('plain'));
    expect(after).toMatch(/^Subject: =\?utf-8\?B\?w7w=\?=\r\n/);
    expect(after.endsWith(signed('plain').slice(signed('').indexOf('Content-Type')))).toBe(true);
  });

  test('is no reason to send 8 bits: 5.6.3', async () => {
    await expect(sent(signed('\u00fc'))).rejects.toMatchObject({
      status: '5.6.3',
    } satisfies Partial<DowngradeError>);
  });

  test('may have long lines', async () => {
    const raw = signed('x'.repeat(2_000)).replace('\u00fc', 'u');
    expect(await text(raw)).toBe(raw);
  });
});

describe('headers beyond ASCII', () => {
  const fields = [
    ['Subject: Gr\u00fc\u00dfe an alle', 'Subject: =?utf-8?B?R3LDvMOfZSBhbiBhbGxl?='],
    ['From: J\u00f6rg <j@b\u00fccher.example>', 'From: =?utf-8?B?SsO2cmc=?= <j@xn--bcher-kva.example>'],
    ['To: a@x.example, "\u00c4" <b@x.example>', 'To: <a@x.example>,\r\n =?utf-8?B?w4Q=?= <b@x.example>'],
    [
      'Content-Disposition: attachment; filename="a\u00fc.txt"; size=3',
      'Content-Disposition: attachment;\r\n filename*=utf-8\'\'a%C3%BC.txt;\r\n size="3"',
    ],
    ['Received: from x (h\u00e4) by y', 'Received: from x (h?) by y'],
  ] as const;
  test.each(fields)('%s', async (field, expected) => {
    expect(await text(`${field}\r\nMIME-Version: 1.0\r\n\r\nText\r\n`)).toBe(
      `${expected}\r\nMIME-Version: 1.0\r\n\r\nText\r\n`,
    );
    expect(await text(`${field}\r\nMIME-Version: 1.0\r\n\r\n\u00fc\r\n`, eightBit)).toBe(
      `${expected}\r\nMIME-Version: 1.0\r\n\r\n\u00c3\u00bc\r\n`,
    );
  });

  const address = 'To: j\u00f6rg@x.example\r\nSubject: \u00fc\r\n\r\nText\r\n';

  test('an address that only UTF-8 can write is 5.6.7 without SMTPUTF8', async () => {
    await expect(sent(address)).rejects.toMatchObject({ status: '5.6.7' });
    await expect(sent(address, eightBit)).rejects.toMatchObject({ status: '5.6.7' });
  });

  test('and asks for SMTPUTF8 where it is there; then the header stays', async () => {
    const raw = Buffer.from(address);
    const content = await sendableContent(() => chunksOf(raw, 100), { is8bit: true, utf8: 'possible' });
    expect(content.needsUtf8).toBe(true);
    expect(await sent(raw, { is8bit: true, utf8: 'possible' })).toEqual(raw);
    expect(await sent(raw, { is8bit: true, utf8: 'used' })).toEqual(raw);
  });
});

test('a NUL is sent in base64 only, and lone line ends become CR LF', async () => {
  const raw = 'Subject: a\nContent-Type: application/x\n\na\0b\n';
  expect(await text(raw, eightBit)).toBe(
    'Subject: a\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n\r\nYQBiDQo=\r\n',
  );
});

describe('with known traits', () => {
  const all = async (source: AsyncIterable<Uint8Array>) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of source) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  const isPlain = ({ has8bit, hasLongLine, hasNul, hasBareLineEnd }: Traits) =>
    !has8bit && !hasLongLine && !hasNul && !hasBareLineEnd;

  test.each(fixtures)('$name becomes the same, and a plain one is not even read', async ({ raw }) => {
    for (const bytes of [raw, withLineEnds(raw)]) {
      const known = await traitsOf(chunksOf(bytes, 4_096));
      for (const transport of [sevenBit, eightBit]) {
        let reads = 0;
        const open = () => {
          reads++;
          return chunksOf(bytes, 4_096);
        };
        const told = await sendableContent(open, transport, known);
        const [readsBefore, sent] = [reads, await all(told.open())];
        const looked = await sendableContent(() => chunksOf(bytes, 4_096), transport);
        expect(sent.equals(await all(looked.open()))).toBe(true);
        const { open: _, ...facts } = told;
        expect({ ...looked, ...facts }).toEqual(looked);
        if (told.isUnchanged) expect(sent.equals(bytes)).toBe(true);
        if (isPlain(known)) expect([told.isUnchanged, readsBefore]).toEqual([true, 0]);
      }
    }
  });
});
