/** Plain bodies over the wire, what other types of text become, and the attachments beside them. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { deliverRaw, preference, startPhone } from './sync-phone.ts';

const { TruncationSize, AllOrNone } = AirSyncBase;
const head = 'From: A <a@example.org>\r\nTo: alice@example.test\r\nSubject: S\r\nMIME-Version: 1.0\r\n';
const ofType = (type: string, text: string) => `${head}Content-Type: ${type}\r\n\r\n${text}`;
const fixture = (name: string) => readFileSync(new URL(`../fixtures/mail/${name}.eml`, import.meta.url));

async function startWith(raw: string | Uint8Array) {
  const started = await startPhone('14.1');
  await deliverRaw(started.server, raw);
  const { phone, inbox } = started;
  const item = async (...options: readonly Element[]) => {
    phone.collection(inbox).reset();
    const [only] = (await phone.syncAll(inbox, { options })).values();
    return only;
  };
  return { ...started, item, body: async (...options: readonly Element[]) => bodyOf(await item(...options)) };
}

function bodyOf(item: Element | undefined) {
  const body = child(item, AirSyncBase.Body);
  return {
    type: textOf(body, AirSyncBase.Type),
    data: child(body, AirSyncBase.Data)?.text,
    size: textOf(body, AirSyncBase.EstimatedDataSize),
    truncated: textOf(body, AirSyncBase.Truncated),
    native: textOf(item, AirSyncBase.NativeBodyType),
  };
}

/** Name, method, size, and whether it is inline. */
const attachmentsOf = (item: Element | undefined) =>
  (child(item, AirSyncBase.Attachments)?.children ?? []).map((one) => [
    textOf(one, AirSyncBase.DisplayName),
    Number(textOf(one, AirSyncBase.Method)),
    textOf(one, AirSyncBase.IsInline) === '1',
  ]);

const cluttered = `Dear all,\r\n[cid:logo@x]\r\n[https://x.example/p.png]\r\nsee our offer <https://x.example/${'a'.repeat(300)}> now\r\n${'More text. '.repeat(100)}\r\n`;

test('Sync: a short plain text (TruncationSize up to 1024) comes without links and pictures in brackets', async () => {
  const { body } = await startWith(ofType('text/plain', cluttered));
  const short = await body(preference(1, [TruncationSize, 200]));
  expect(short.data).toMatch(/^Dear all,\r\nsee our offer now\r\nMore text\. More/);
  expect(short.data).toHaveLength(200);
  expect(short.truncated).toBe('1');
});

test('Sync: a plain text that is whole, or cut later, keeps its links', async () => {
  const { body } = await startWith(ofType('text/plain', cluttered));
  expect((await body(preference(1))).data).toBe(cluttered);
  const long = await body(preference(1, [TruncationSize, 1025]));
  expect(long).toMatchObject({ data: cluttered.slice(0, 1025), truncated: '1' });
  const note = 'See <https://x.example/a>\r\n';
  const short = await startWith(ofType('text/plain', note));
  expect(await short.body(preference(1, [TruncationSize, 500]))).toMatchObject({
    data: note,
    truncated: '0',
  });
});

test('Sync: a short plain text made of HTML comes without its links, the whole one with them', async () => {
  const html = `<p><a href="https://x.example/${'a'.repeat(400)}">Read</a> <img src="cid:a"> on</p><p>${'More text. '.repeat(60)}</p>`;
  const { body } = await startWith(ofType('text/html', html));
  expect((await body(preference(1, [TruncationSize, 100]))).data).toMatch(/^Read on\s+More text/);
  expect((await body(preference(1))).data).toContain('<https://x.example/');
});

describe('Sync: Type 1 of a message of another type alone', () => {
  test.each([
    ['text/enriched', '<bold>Now</bold> is\r\nthe time\r\n\r\nLast', 'Now is the time\r\nLast'],
    ['text/richtext', '<bold>Now</bold>', 'Now'],
    ['text/markdown; charset=utf-8', '# Title\r\n\r\n*text*\r\n', '# Title\r\n\r\n*text*\r\n'],
    ['text/x-markdown', '# Title\r\n', '# Title\r\n'],
  ])('%s', async (type, text, expected) => {
    const { item } = await startWith(ofType(type, text));
    const made = await item(preference(1));
    expect(bodyOf(made)).toMatchObject({ type: '1', data: expected, native: '1', truncated: '0' });
    expect(attachmentsOf(made)).toEqual([]);
  });

  test.each(['text/csv', 'application/pdf', 'image/png', 'text/vcard'])(
    '%s has an empty Body and is a file',
    async (type) => {
      const { item } = await startWith(ofType(type, 'x'));
      const made = await item(preference(1));
      expect(bodyOf(made)).toMatchObject({ type: '1', size: '0', data: '', truncated: '0' });
      expect(attachmentsOf(made)).toHaveLength(1);
    },
  );
});

const picture = (bytes: number) => `<img src="data:image/png;base64,${'A'.repeat(bytes)}">`;
const markup = `<p style="${'color:#ffffff;'.repeat(30)}">`;
const numbered = (count: number, make: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => make(n)).join('');

test.each([
  ['behind a picture of 100 KB in its address', `${picture(100_000)}<p>${'Words. '.repeat(200)}last</p>`],
  ['behind a picture of 300 KB in its address', `${picture(300_000)}<p>${'Words. '.repeat(200)}last</p>`],
  ['with little text in much markup', `${numbered(400, (n) => `${markup}w${n}</p>`)}<p>last</p>`],
  ['of 12,000 lines', `${numbered(12_000, (n) => `line ${n}<br>`)}last`],
])(
  'Sync: plain text made of HTML %s comes whole, and cut with Truncated 1 and about its size',
  async (_what, html) => {
    const { body } = await startWith(ofType('text/html', `<html><body>${html}</body></html>`));
    const whole = await body(preference(1));
    expect(whole).toMatchObject({ truncated: '0', data: expect.stringMatching(/last\s*$/) });
    const bytes = Buffer.byteLength(whole.data ?? '');
    expect(Number(whole.size)).toBe(bytes);
    for (const most of [500, bytes - 1]) {
      const cut = await body(preference(1, [TruncationSize, most]));
      expect(cut.truncated).toBe('1');
      expect(cut.data?.length).toBeGreaterThan(most - 4);
      expect(cut.data?.length).toBeLessThanOrEqual(most);
      expect(Number(cut.size)).toBeGreaterThan(bytes / 2);
      expect(Number(cut.size)).toBeLessThan(bytes * 2);
    }
    expect(await body(preference(1, [TruncationSize, bytes]))).toMatchObject({
      truncated: '0',
      size: String(bytes),
    });
  },
);

const parts = (kind: string, ...list: readonly string[]) =>
  `${head}Content-Type: multipart/${kind}; boundary=b\r\n\r\n${list.map((one) => `--b\r\n${one}\r\n`).join('')}--b--\r\n`;
const part = (type: string, text: string) => `Content-Type: ${type}; charset=utf-8\r\n\r\n${text}`;
const [news, foot] = [part('text/html', '<p>All the news</p>'), part('text/plain', '-- \r\n\tThe  list')];

test.each([
  [
    'behind an alternative with nothing in it',
    parts('alternative', part('text/plain', ''), news),
    /^All the news$/,
    'All the news',
  ],
  [
    'behind one with blanks in it',
    parts('alternative', part('text/plain', ' \u00a0\u200b\r\n'), news),
    /^All the news$/,
    'All the news',
  ],
  [
    'before a foot in plain text',
    parts('mixed', news, foot),
    /^All the news\r\n-- \r\n\tThe {2}list$/,
    'All the news',
  ],
  [
    'behind a head in plain text',
    parts('mixed', foot, news),
    /^-- \r\n\tThe {2}list\r\nAll the news$/,
    '-- The list',
  ],
])('2.5 to 16.1: Sync: plain text is made of the HTML %s', async (_what, raw, expected, preview) => {
  const { server, body, item } = await startWith(raw);
  expect((await body(preference(1))).data).toMatch(expected);
  expect((await body(preference(1, [TruncationSize, 4]))).truncated).toBe('1');
  const seen = await item(preference(2, [AirSyncBase.Preview, 12]));
  expect(textOf(seen, AirSyncBase.Body, AirSyncBase.Preview)).toBe(preview);
  for (const version of ['2.5', '12.0', '16.1'] as const) {
    const { phone, inbox } = await startPhone(version, { server, deviceId: `of${version}` });
    const options = version === '2.5' ? [el(AirSync.Truncation, 9)] : [preference(1)];
    const [only] = (await phone.syncAll(inbox, { options })).values();
    expect(textOf(only, Email.Body) ?? textOf(only, AirSyncBase.Body, AirSyncBase.Data)).toMatch(expected);
  }
});

test.each([
  ['empty HTML', '', '<html>'],
  ['HTML around nothing', '<html><head><style>p{}</style></head><body>&nbsp;<br></body></html>', '<html>'],
  ['HTML of a picture', '<html><body><img src="https://x.example/p.png"></body></html>', '<img'],
])('Sync: HTML of a message whose text stands beside %s', async (what, html, expected) => {
  const raw = parts('alternative', part('text/plain', 'All the words'), part('text/html', html));
  const { body } = await startWith(raw);
  const { data } = await body(preference(2));
  expect(data).toContain(expected);
  expect(data?.includes('All the words')).toBe(what !== 'HTML of a picture');
  expect((await body(preference(1))).data).toBe('All the words');
});

test('Sync: text/enriched beside plain text is neither body nor file', async () => {
  const raw = `${head}Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlain\r\n--b\r\nContent-Type: text/enriched\r\n\r\n<bold>Rich</bold>\r\n--b--\r\n`;
  const { item } = await startWith(raw);
  const made = await item(preference(1));
  expect(bodyOf(made).data?.trimEnd()).toBe('Plain');
  expect(attachmentsOf(made)).toEqual([]);
});

test('Sync: RTF (Type 3) asked alone is answered by plain text, cut as it says', async () => {
  const { body } = await startWith(ofType('text/html', '<p>Hello world</p>'));
  expect(await body(preference(3))).toMatchObject({ type: '1', data: 'Hello world', native: '2' });
  expect(await body(preference(3, [TruncationSize, 5]))).toMatchObject({ type: '1', data: 'Hello' });
  expect(await body(preference(3), preference(2))).toMatchObject({ type: '2' });
});

test('Sync: of several preferences with AllOrNone the first that fits in whole is taken, then the one that may be cut', async () => {
  const html = `<p>${'word '.repeat(30)}</p>`;
  const { body } = await startWith(ofType('text/html', html));
  const none = (type: number, bytes: number) => preference(type, [TruncationSize, bytes], [AllOrNone, true]);
  expect(await body(none(2, 50), preference(1, [TruncationSize, 50]))).toMatchObject({
    type: '1',
    data: 'word '.repeat(10),
    truncated: '1',
  });
  expect(await body(none(2, 5000), none(1, 5000))).toMatchObject({ type: '2', truncated: '0' });
  expect(await body(none(2, 152), none(1, 5000))).toMatchObject({ type: '1', truncated: '0' });
  const neither = await body(none(2, 10), none(1, 10));
  expect(neither).toMatchObject({ type: '2', data: undefined, truncated: '1' });
});

test('Sync: attachments have names without path characters, embedded messages end in .eml', async () => {
  const raw = [
    `${head}Content-Type: multipart/mixed; boundary=b`,
    '',
    '--b',
    '',
    'Text',
    '--b',
    'Content-Type: application/pdf; name="C:\\dir\\a:b|c?.pdf"',
    '',
    'x',
    '--b',
    'Content-Type: message/rfc822; name="../Inner"',
    '',
    'Subject: Other',
    '',
    'x',
    '--b',
    'Content-Type: application/octet-stream',
    'Content-Disposition: attachment',
    '',
    'x',
    '--b--',
    '',
  ].join('\r\n');
  const { item } = await startWith(raw);
  const names = attachmentsOf(await item(preference(1)));
  expect(names.map(([, method, isInline]) => [method, isInline])).toEqual([
    [1, false],
    [5, false],
    [1, false],
  ]);
  for (const [name] of names) expect(name).toMatch(/^[^\\/:|?]+$/);
  expect(names[1]?.[0]).toMatch(/\.eml$/);
  expect(names[2]?.[0]).toBe('ATT00003.bin');
});

test('Sync: ContentLocation of a picture, and no UmAttDuration or UmAttOrder for mail', async () => {
  const raw = `${head}Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<img src="https://x.example/a.png">\r\n--b\r\nContent-Type: image/png\r\nContent-Location: https://x.example/a.png\r\n\r\nx\r\n--b--\r\n`;
  const { item } = await startWith(raw);
  const [attachment] = child(await item(preference(2)), AirSyncBase.Attachments)?.children ?? [];
  expect(textOf(attachment, AirSyncBase.ContentLocation)).toBe('https://x.example/a.png');
  expect(textOf(attachment, AirSyncBase.IsInline)).toBe('1');
  expect(child(attachment, Email2.UmAttDuration)).toBeUndefined();
});

test.each([
  ['36-delivery-status', 'REPORT.IPM.NOTE.NDR', 'urn:content-classes:dsn'],
  ['37-read-receipt', 'REPORT.IPM.NOTE.IPNRN', 'urn:content-classes:dsn'],
  ['26-smime-signed', 'IPM.Note.SMIME.MultipartSigned', 'urn:content-classes:message'],
  ['27-smime-enveloped', 'IPM.Note.SMIME', 'urn:content-classes:message'],
  ['01-plain-ascii', 'IPM.Note', 'urn:content-classes:message'],
])(
  'Sync: MessageClass and ContentClass of %s, InternetCPID, and a Body',
  async (name, messageClass, contentClass) => {
    const { item } = await startWith(fixture(name));
    const made = await item(preference(1));
    expect(textOf(made, Email.MessageClass)).toBe(messageClass);
    expect(textOf(made, Email.ContentClass)).toBe(contentClass);
    expect(textOf(made, Email.InternetCPID)).toBe('65001');
    expect(bodyOf(made).type).toBe('1');
    expect(child(made, Email2.ConversationId)?.opaque).toHaveLength(16);
    expect((child(made, Email2.ConversationIndex)?.opaque?.length ?? 0) % 5).toBe(0);
  },
);

test('Sync: a signed receipt is IPM.Note.Receipt.SMIME, and comes as MIME with MIMESupport 1', async () => {
  const raw = `${head}Content-Type: application/pkcs7-mime; smime-type=signed-receipt; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n`;
  const { item, body } = await startWith(raw);
  expect(textOf(await item(preference(1)), Email.MessageClass)).toBe('IPM.Note.Receipt.SMIME');
  expect(await body(el(AirSync.MIMESupport, 1), preference(4))).toMatchObject({ type: '4', data: raw });
});
