import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { child, childrenOf, type Element, textOf } from '#protocols/activesync/wbxml/element';
import { freeText, inFolder, searchMail } from './search-phone.ts';
import { deliverRaw, elsewhere, preference, startPhone, versions } from './sync-phone.ts';

/** `Name` and its text, bytes in hex, or children, in their order. */
type Reading = [string, string | Reading[]];
const reading = ({ tag, text, opaque, children }: Element): Reading => [
  tag.name,
  children.length > 0
    ? children.map(reading)
    : opaque === undefined
      ? text
      : `0x${Buffer.from(opaque).toString('hex')}`,
];

const lines = (...parts: readonly string[]) => parts.map((line) => `${line}\r\n`).join('');
const whole = lines(
  'From: =?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <juergen@example.org>',
  'Sender: Office <office@example.org>',
  'Reply-To: "List, The" <list@example.org>, second@example.org',
  'To: "Alice" <alice@example.test>, bob@example.test',
  'Cc: carol@example.net',
  'Subject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'Date: Sun, 22 Nov 2026 10:00:00 +0000',
  'Message-ID: <two@example.org>',
  'In-Reply-To: <one@example.org>',
  'References: <one@example.org>',
  'Importance: high',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=m',
  '',
  '--m',
  'Content-Type: multipart/related; boundary=r',
  '',
  '--r',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Hi <img src="cid:logo@x"></p>',
  '--r',
  'Content-Type: image/png; name=logo.png',
  'Content-ID: <logo@x>',
  'Content-Disposition: inline; filename=logo.png',
  'Content-Transfer-Encoding: base64',
  '',
  'AAECAwQFBgc=',
  '--r--',
  '--m',
  'Content-Type: message/rfc822',
  '',
  'Subject: Inner',
  '',
  'Inner text',
  '--m',
  'Content-Type: application/pdf',
  'Content-Disposition: attachment; filename="../../a/b.pdf"',
  'Content-Transfer-Encoding: base64',
  '',
  'JVBERi0=',
  '--m--',
);

const oldAttachment = (
  name: string,
  reference: string,
  method: number,
  size: number,
  id?: string,
): Reading => [
  'Attachment',
  [
    ['AttMethod', String(method)],
    ['AttSize', String(size)],
    ['DisplayName', name],
    ['AttName', reference],
    ...(id === undefined ? [] : ([['Att0Id', id]] satisfies Reading[])),
  ],
];

const attachment = (
  name: string,
  reference: string,
  method: number,
  size: number,
  ...rest: Reading[]
): Reading => [
  'Attachment',
  [
    ['DisplayName', name],
    ['FileReference', reference],
    ['Method', String(method)],
    ['EstimatedDataSize', String(size)],
    ...rest,
  ],
];

test.each(versions)('%s: a message has these properties in this order', async (version) => {
  const { server, phone, inbox } = await startPhone(version);
  const before = Date.now();
  await deliverRaw(server, whole);
  const [entry] = await phone.syncAll(inbox, { body: { type: 1, truncationSize: 500 } });
  if (entry === undefined) throw new Error('no message');
  const [serverId, item] = entry;
  const received = textOf(item, Email.DateReceived) ?? '';
  expect(received).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(Date.parse(received)).toBeGreaterThanOrEqual(before);
  const since12 = isAtLeast(version, '12.0');
  const since14 = isAtLeast(version, '14.0');
  const conversation = createHash('sha256').update('<one@example.org>').digest('hex').slice(0, 32);
  const index =
    textOf(item, Email2.ConversationIndex) === undefined
      ? ''
      : reading(child(item, Email2.ConversationIndex) as Element)[1];
  if (since14) expect(index).toMatch(/^0x[\da-f]{10}$/);
  const expected: Reading[] = [
    ['To', '"Alice" <alice@example.test>, bob@example.test'],
    ['Cc', 'carol@example.net'],
    ['From', '"Jürgen Müller" <juergen@example.org>'],
    ['ReplyTo', '"List, The" <list@example.org>; second@example.org'],
    ['Subject', 'Re: Grüße'],
    ['DateReceived', received],
    ['DisplayTo', 'Alice;bob@example.test'],
    ['ThreadTopic', 'Grüße'],
    ['Importance', '2'],
    ['Read', '0'],
    [
      'Attachments',
      !since12
        ? [
            oldAttachment('logo.png', `${serverId}:1.2`, 1, 8, 'logo@x'),
            oldAttachment('Inner.eml', `${serverId}:2`, 5, 28),
            oldAttachment('__.._a_b.pdf', `${serverId}:3`, 1, 5),
          ]
        : [
            attachment('logo.png', `${serverId}:1.2`, 1, 8, ['ContentId', 'logo@x'], ['IsInline', '1']),
            attachment('Inner.eml', `${serverId}:2`, 5, 28),
            attachment('__.._a_b.pdf', `${serverId}:3`, 1, 5),
          ],
    ],
    ...(since12
      ? ([
          [
            'Body',
            [
              ['Type', '1'],
              ['EstimatedDataSize', '2'],
              ['Truncated', '0'],
              ['Data', 'Hi'],
            ],
          ],
        ] satisfies Reading[])
      : ([
          ['BodyTruncated', '0'],
          ['BodySize', '2'],
          ['Body', 'Hi'],
        ] satisfies Reading[])),
    ['MessageClass', 'IPM.Note'],
    ['InternetCPID', '65001'],
    ...(since12
      ? ([
          ['Flag', ''],
          ['ContentClass', 'urn:content-classes:message'],
          ['NativeBodyType', '2'],
        ] satisfies Reading[])
      : []),
    ...(since14
      ? ([
          ['ConversationId', `0x${conversation}`],
          ['ConversationIndex', index],
          ['Sender', '"Office" <office@example.org>'],
          ['Categories', ''],
        ] satisfies Reading[])
      : []),
  ];
  expect(item.children.map(reading)).toEqual(expected);
});

describe.each(versions)('%s', (version) => {
  test('a message without any header is one that phones can show', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await deliverRaw(server, '\r\nJust text\r\n');
    await deliverRaw(server, 'From: <>\r\n\r\nText\r\n');
    await deliverRaw(server, 'Sender: s@example.org\r\n\r\nText\r\n');
    const items = [...(await phone.syncAll(inbox)).values()];
    const unknown = '"Unknown sender" <unknown@unknown.invalid>';
    expect(items.map((item) => textOf(item, Email.From)).sort()).toEqual([unknown, unknown, 's@example.org']);
    for (const item of items) {
      for (const tag of [Email.To, Email.DisplayTo, Email.Subject, Email.ThreadTopic]) {
        expect(textOf(item, tag)).toBe('');
      }
      expect(textOf(item, Email.Importance)).toBe('1');
      expect(child(item, Email.DateReceived)).toBeDefined();
      expect(child(item, Email.Cc)).toBeUndefined();
      expect(child(item, AirSyncBase.Attachments)).toBeUndefined();
    }
  });

  test('marks of a message come with it', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const id = await server.deliver('One');
    await elsewhere(server).mark(id, {
      read: true,
      flag: { status: 2, type: 'Flag for follow up' },
      categories: ['red', 'blue'],
    });
    const [item] = (await phone.syncAll(inbox)).values();
    expect(textOf(item, Email.Read)).toBe('1');
    const flag = child(item, Email.Flag);
    expect(flag && reading(flag)[1]).toEqual(
      version === '2.5'
        ? undefined
        : [
            ['Subject', 'One'],
            ['Status', '2'],
            ['FlagType', 'Flag for follow up'],
          ],
    );
    const categories = childrenOf(child(item, Email.Categories), Email.Category).map(({ text }) => text);
    expect(categories).toEqual(!isAtLeast(version, '14.0') ? [] : ['red', 'blue']);
  });
});

test.each(['14.0', '14.1', '16.0', '16.1'] as const)(
  '%s: Sync, Search, ItemOperations: Sender is told where it is not the only address of From',
  async (version) => {
    const { server, phone, inbox } = await startPhone(version);
    const from = 'From: Eva <eva@example.org>';
    const heads: readonly (readonly [string, string, string | undefined])[] = [
      ['none', from, undefined],
      ['same', `${from}\r\nSender: Eva <eva@example.org>`, undefined],
      ['other name', `${from}\r\nSender: "Eva E." <EVA@Example.org>`, undefined],
      ['other', `${from}\r\nSender: Office <office@example.org>`, '"Office" <office@example.org>'],
      ['one of two', `${from}, ida@example.org\r\nSender: eva@example.org`, 'eva@example.org'],
      ['no author', 'Sender: office@example.org', undefined],
    ];
    for (const [subject, head] of heads)
      await server.receive(`${head}\r\nSubject: ${subject}\r\n\r\nneedle\r\n`);
    const sender = (of: Element | undefined) => [textOf(of, Email.Subject) ?? '', textOf(of, Email2.Sender)];
    const expected = heads.map(([subject, , told]) => [subject, told]).sort();
    const items = [...(await phone.syncAll(inbox)).entries()];
    expect(items.map(([, item]) => sender(item)).sort()).toEqual(expected);
    const fetched = await Promise.all(
      items.map(async ([serverId]) => phone.fetch({ collectionId: inbox, serverId }, [])),
    );
    expect(fetched.map(({ properties }) => sender(properties)).sort()).toEqual(expected);
    const { results } = await searchMail(phone, [freeText('needle'), inFolder(inbox)], []);
    expect(results.map((one) => sender(child(one, Search.Properties))).sort()).toEqual(expected);
  },
);

test('Sync: ReceivedAsBcc since 14.0, of a message that a user here sent, for who is in neither To nor Cc', async () => {
  const { server, phone } = await startPhone('14.1');
  const { address } = server.bob;
  await phone.sendMail(`To: ${server.alice.address}\r\nBcc: ${address}\r\nSubject: blind\r\n\r\nx`);
  await phone.sendMail(`To: ${server.alice.address}\r\nCc: ${address}\r\nSubject: open\r\n\r\nx`);
  for (const version of versions) {
    const other = server.phone(version, { user: address, deviceId: `bob${version.replace('.', '')}` });
    await other.provision();
    await other.folderSync();
    const items = [...(await other.syncAll(other.folder(2))).values()];
    const said = items.map((item) => [textOf(item, Email.Subject), textOf(item, Email2.ReceivedAsBcc)]);
    const since14 = isAtLeast(version, '14.0') ? '1' : undefined;
    expect(said.sort()).toEqual([
      ['blind', since14],
      ['open', undefined],
    ]);
  }
});

test.each(['16.0', '16.1'] as const)(
  '%s: Sync: Bcc of what was sent has up to 1,024 characters, and no part of an address',
  async (version) => {
    const { phone } = await startPhone(version);
    const long = Array.from({ length: 40 }, (_, n) => `r${n}${'x'.repeat(40)}@elsewhere.example`);
    await phone.sendMail(`Bcc: ${long.join(', ')}\r\nSubject: many\r\n\r\nx`, { saveInSent: true });
    const [item] = (await phone.syncAll(phone.folder(5))).values();
    const told = (textOf(item, Email2.Bcc) ?? '').split(', ');
    expect(told.length).toBeGreaterThan(10);
    expect(long.slice(0, told.length)).toEqual(told);
  },
);

test('a report, a signed message and a meeting say what they are', async () => {
  const { server, phone, inbox } = await startPhone('14.1');
  const report = (type: string) => `Content-Type: multipart/report; report-type=${type}; boundary=b`;
  const messages = [
    lines(
      'Subject: 1',
      report('delivery-status'),
      '',
      '--b',
      '',
      'x',
      '--b',
      'Content-Type: message/delivery-status',
      '',
      'Reporting-MTA: dns;x',
      '',
      'Action: failed',
      '--b--',
    ),
    lines(
      'Subject: 2',
      'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b',
      '',
      '--b',
      '',
      'x',
      '--b',
      'Content-Type: application/pkcs7-signature',
      '',
      'x',
      '--b--',
    ),
    lines(
      'Subject: 3',
      'Content-Type: text/calendar; method=REQUEST',
      '',
      'BEGIN:VCALENDAR',
      'METHOD:REQUEST',
      'END:VCALENDAR',
    ),
  ];
  for (const message of messages) await deliverRaw(server, message);
  const items = [...(await phone.syncAll(inbox, { options: [preference(1)] })).values()];
  const said = items.map((item) =>
    [Email.Subject, Email.MessageClass, Email.ContentClass].map((tag) => textOf(item, tag)),
  );
  expect(said.sort()).toEqual([
    ['1', 'REPORT.IPM.NOTE.NDR', 'urn:content-classes:dsn'],
    ['2', 'IPM.Note.SMIME.MultipartSigned', 'urn:content-classes:message'],
    ['3', 'IPM.Note', 'urn:content-classes:message'],
  ]);
});
