/** Messages of every shape over the wire: what phones of different versions are told of each. */
import { expect, test } from 'vitest';
import { mailFixtures } from '#test/fixtures/mail/load';
import { mailsOf, openFile, sha256, type ToldMail } from './mail-phone.ts';
import { deliverRaw, startPhone } from './sync-phone.ts';

const head = 'From: A <a@example.org>\r\nTo: alice@example.test\r\nSubject: S\r\nMIME-Version: 1.0\r\n';

interface Part {
  readonly type: string;
  readonly fields?: string;
  readonly body: string | Buffer | readonly Part[];
}

let boundaries = 0;

/** A part as bytes, with its header; a list of parts is a multipart. */
function partOf({ type, fields = '', body }: Part): Buffer {
  const more = fields === '' ? '' : `${fields}\r\n`;
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    return Buffer.concat([Buffer.from(`Content-Type: ${type}\r\n${more}\r\n`), Buffer.from(body)]);
  }
  const boundary = `=_${++boundaries}`;
  return Buffer.concat([
    Buffer.from(`Content-Type: ${type}; boundary="${boundary}"\r\n${more}\r\n`),
    ...body.flatMap((one) => [Buffer.from(`--${boundary}\r\n`), partOf(one), Buffer.from('\r\n')]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
}

const plain = (body: string): Part => ({ type: 'text/plain; charset=utf-8', body });
const html = (body: string): Part => ({ type: 'text/html; charset=utf-8', body });
const file = (type: string, body: string, fields: string): Part => ({ type, body, fields });
const mixed = (...body: readonly Part[]): Part => ({ type: 'multipart/mixed', body });
const alternative = (...body: readonly Part[]): Part => ({ type: 'multipart/alternative', body });
const related = (...body: readonly Part[]): Part => ({ type: 'multipart/related', body });
const inCharset = (charset: string, body: Buffer): Part => ({
  type: `text/plain; charset=${charset}`,
  fields: 'Content-Transfer-Encoding: 8bit',
  body,
});
const embedded = 'From: B <b@example.org>\r\nSubject: Inner\r\n\r\nInner text';

/** A message, the plain text that a phone shows of it, and its files: name, method, whether it stands in the text, content. */
type Row = readonly [
  name: string,
  part: Part,
  text: string,
  files?: readonly (readonly [string, 1 | 5, boolean, string])[],
];

const rows: readonly Row[] = [
  [
    'related inside alternative inside mixed',
    mixed(
      alternative(
        plain('Plain'),
        related(html('<p>Rich <img src="cid:a@b"></p>'), file('image/png', 'PNG', 'Content-ID: <a@b>')),
      ),
      file('application/pdf', 'PDF', 'Content-Disposition: attachment; filename=a.pdf'),
    ),
    'Plain',
    [
      ['ATT00001.png', 1, true, 'PNG'],
      ['a.pdf', 1, false, 'PDF'],
    ],
  ],
  [
    'alternative inside related, and a picture by Content-Location',
    related(
      alternative(plain('Plain'), html('<img src="http://x.example/p.gif">')),
      file(
        'image/gif',
        'GIF',
        'Content-Location: http://x.example/p.gif\r\nContent-Disposition: inline; filename=p.gif',
      ),
    ),
    'Plain',
    [['p.gif', 1, true, 'GIF']],
  ],
  [
    'an attached message, and one in base64',
    mixed(
      plain('See'),
      { type: 'message/rfc822', body: embedded },
      {
        type: 'message/rfc822',
        fields: 'Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="Second"',
        body: Buffer.from(embedded).toString('base64'),
      },
    ),
    'See',
    [
      ['Inner.eml', 5, false, embedded],
      ['Second.eml', 5, false, embedded],
    ],
  ],
  [
    'AppleDouble',
    mixed(plain('Mac'), {
      type: 'multipart/appledouble',
      body: [
        file(
          'application/applefile; name="%a.jpg"',
          'FORK',
          'Content-Disposition: attachment; filename="%a.jpg"',
        ),
        file('image/jpeg; name=a.jpg', 'JPG', 'Content-Disposition: inline; filename=a.jpg'),
      ],
    }),
    'Mac',
    [
      ['%a.jpg', 1, false, 'FORK'],
      ['a.jpg', 1, false, 'JPG'],
    ],
  ],
  ['an empty multipart', { type: 'multipart/mixed; boundary=none', body: '' }, ''],
  [
    'an empty multipart inside another',
    mixed(plain('Text'), { type: 'multipart/alternative; boundary=x', body: '' }),
    'Text',
  ],
  ['alternatives that are both empty', alternative(plain(''), html('')), ''],
  [
    'windows-1252 that is called ISO-8859-1',
    inCharset('iso-8859-1', Buffer.from('\x93a\x94 \x80', 'latin1')),
    '“a” €',
  ],
  [
    'windows-1252 that is called ASCII',
    inCharset('us-ascii', Buffer.from('\x93Gr\xfc\xdfe\x94', 'latin1')),
    '“Grüße”',
  ],
  ['windows-1252 that is called UTF-8', inCharset('utf-8', Buffer.from('Gr\xfc\xdfe', 'latin1')), 'Grüße'],
  ['UTF-8 that is called nothing', inCharset('""', Buffer.from('Grüße 世界')), 'Grüße 世界'],
  ['a charset that nobody knows', inCharset('x-none', Buffer.from('Grüße')), 'Grüße'],
  ['ISO-2022-JP that is called nothing', inCharset('""', Buffer.from('\u001b$BF|K\\8l\u001b(B')), '日本語'],
  ['UTF-7', inCharset('utf-7', Buffer.from('Gr+APwA3w-e')), 'Grüße'],
  ['KOI8-R', inCharset('koi8-r', Buffer.from([0xf0, 0xd2, 0xc9])), 'При'],
  [
    'GB18030 beyond two bytes',
    inCharset('gb18030', Buffer.from([0xc4, 0xe3, 0x81, 0x30, 0x81, 0x30])),
    '你\u0080',
  ],
  [
    'format=flowed with DelSp',
    { type: 'text/plain; format=flowed; delsp=yes', body: 'One li \r\nne\r\n-- \r\nSignature' },
    'One line\r\n-- \r\nSignature',
  ],
  [
    'a name by RFC 2231 in pieces, beside one in an encoded word',
    mixed(
      plain('T'),
      file(
        'a/b',
        '1',
        "Content-Disposition: attachment; filename*0*=utf-8''%e4%b8; filename*1*=%96; filename*2=.txt",
      ),
      file('a/b; name="=?iso-8859-1?Q?=FC.txt?="', '2', 'Content-Disposition: attachment'),
    ),
    'T',
    [
      ['世.txt', 1, false, '1'],
      ['ü.txt', 1, false, '2'],
    ],
  ],
  [
    'a boundary that begins as another, and no end',
    {
      type: 'multipart/mixed; boundary=b',
      body: '--b\r\n\r\nText\r\n--bb\r\nstill text\r\n--b\r\nContent-Type: a/b; name=f.bin\r\nContent-Disposition: attachment\r\n\r\nfile',
    },
    'Text\r\n--bb\r\nstill text',
    [['f.bin', 1, false, 'file']],
  ],
  [
    'a calendar beside a text',
    alternative(plain('Meet'), { type: 'text/calendar', body: 'BEGIN:VCALENDAR\r\nEND:VCALENDAR' }),
    'Meet',
    [['ATT00001.ics', 1, false, 'BEGIN:VCALENDAR\r\nEND:VCALENDAR']],
  ],
];

const versions = ['2.5', '12.1', '14.1', '16.1'] as const;
const trimmed = (text: string | undefined) => (text ?? '').replace(/(?:\r\n)+$/, '');

/** A mailbox with these messages, each known by its place. */
async function startWith(raws: readonly Uint8Array[]) {
  const { server } = await startPhone('2.5');
  for (const raw of raws) await deliverRaw(server, raw);
  const inOrder = (mails: ReadonlyMap<string, ToldMail>) =>
    [...mails].sort(([a], [b]) => Number(a.split(':')[1]) - Number(b.split(':')[1])).map(([, mail]) => mail);
  return { server, inOrder };
}

test.each(versions)(
  '%s: messages of hard shape: their text, and their files as they are opened',
  async (version) => {
    const { server, inOrder } = await startWith(
      rows.map(([, part]) => Buffer.concat([Buffer.from(head), partOf(part)])),
    );
    const { phone, inbox } = await startPhone(version, { server, deviceId: 'second' });
    const mails = inOrder(await mailsOf(phone, inbox, 1));
    expect(mails).toHaveLength(rows.length);
    for (const [n, [name, , text, files = []]] of rows.entries()) {
      const mail = mails[n];
      expect(trimmed(mail?.body), name).toBe(text);
      const told = [];
      for (const one of mail?.files ?? []) {
        const { bytes } = await openFile(phone, one.reference);
        expect(one.size, name).toBe(bytes.length);
        told.push([one.name, one.method, one.isInline, bytes.toString()]);
      }
      const isOld = version === '2.5';
      expect(told, name).toEqual(
        files.map(([file, method, isInline, content]) => [
          file,
          method,
          isOld ? undefined : isInline,
          content,
        ]),
      );
    }
  },
);

test.each(versions)('%s: messages of real shape: text, class and files', async (version) => {
  const fixtures = mailFixtures();
  const { server, inOrder } = await startWith(fixtures.map(({ raw }) => raw));
  const { phone, inbox } = await startPhone(version, { server, deviceId: 'second' });
  const mails = inOrder(await mailsOf(phone, inbox, 1));
  expect(mails).toHaveLength(fixtures.length);
  for (const [n, { name, expected }] of fixtures.entries()) {
    const mail = mails[n];
    expect(mail?.subject, name).toBe(expected.subject);
    const said = (mail?.body ?? '').replaceAll('\r\n', '\n');
    if (expected.text !== undefined) expect(said, name).toBe(expected.text);
    for (const piece of [expected.textContains ?? []].flat()) expect(said, name).toContain(piece);
    const files = expected.attachments;
    expect(
      mail?.files.map((one) => [one.name, one.method, one.contentId]),
      name,
    ).toEqual(files.map((one) => [one.name, one.method ?? 1, one.contentId]));
    for (const [at, { sha256: digest }] of files.entries()) {
      const { bytes } = await openFile(phone, mail?.files[at]?.reference ?? '');
      expect(sha256(bytes), name).toBe(digest);
    }
  }
});

test.each(['12.1', '16.1'] as const)(
  '%s: messages of real shape: Type 4 is every byte of them',
  async (version) => {
    const fixtures = mailFixtures();
    const { server, inOrder } = await startWith(fixtures.map(({ raw }) => raw));
    const { phone, inbox } = await startPhone(version, { server, deviceId: 'second' });
    const mails = inOrder(await mailsOf(phone, inbox, 4));
    for (const [n, { name, raw }] of fixtures.entries()) {
      expect([raw.toString(), raw.toString('latin1')], name).toContain(mails[n]?.body);
    }
  },
);
