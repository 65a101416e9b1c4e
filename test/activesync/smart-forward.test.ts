import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { FolderType } from '#domain/folder';
import { MessageIndexer } from '#mime/index-message';
import { decodeTransferWhole } from '#mime/transfer';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import { smartMail } from '#test/support/smart-mail';
import { maxMessageBytes, startEndpoint, type TestServer } from './server.ts';

const part = (type: string, fields: string, content: Buffer) =>
  `--b\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n${fields}\r\n${content.toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`;

const picture = randomBytes(300);
const table = randomBytes(5000);

/** A message with HTML, a picture in it, a file of that name, and an attached message. */
const original = (name = 'table.ods') =>
  [
    'From: "Éva" <eva@example.org>\r\nTo: alice@example.test, bob@example.test\r\nSubject: Figures\r\n',
    'Date: Mon, 16 Nov 2026 09:00:00 +0000\r\nMessage-ID: <o@example.org>\r\nReferences: <root@example.org>\r\n',
    'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n',
    part('text/html; charset=iso-8859-1', '', Buffer.from('<p>Très <img src="cid:pic@x"></p>', 'latin1')),
    part('image/png', 'Content-ID: <pic@x>\r\nContent-Disposition: inline\r\n', picture),
    part('application/octet-stream', `Content-Disposition: attachment; filename="${name}"\r\n`, table),
    '--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inside\r\n\r\nText inside\r\n\r\n--b--\r\n',
  ].join('');

const plain = (to: string, more = '') => `To: ${to}\r\nSubject: FW: Figures\r\n${more}\r\nSee below.\r\n`;
const rich = (to: string) =>
  `To: ${to}\r\nSubject: FW: Figures\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n` +
  '--a\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n--a\r\nContent-Type: text/html\r\n\r\n<html><body><b>See</b> below.</body></html>\r\n--a--\r\n';

/** What a reader finds in a message: its texts, and its files by name. */
function read(raw = '') {
  const bytes = Buffer.from(raw);
  const indexer = new MessageIndexer();
  indexer.write(bytes);
  const { parts, text, html, attachments, headers } = indexer.end();
  const content = (at: number) => {
    const { start = 0, end = 0, encoding = '' } = parts[at] ?? {};
    return decodeTransferWhole(encoding, bytes.subarray(start, end));
  };
  return {
    headers,
    text: text.map((at) => content(at).toString()).join(),
    html: html.map((at) => content(at).toString()).join(),
    files: new Map(attachments.map(({ name, part: at }) => [name, content(at)])),
    types: parts.map(({ type }) => type),
  };
}

describe.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const)('%s', (version) => {
  const legacy = !isAtLeast(version, '14.0');
  const start = async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    return { server, phone };
  };
  const nothingWasSent = async (server: TestServer) => {
    expect(await server.messages(server.bob, FolderType.Inbox)).toEqual([]);
    expect(await server.messages(server.alice, FolderType.SentItems)).toEqual([]);
  };

  test('what is forwarded stands below the text, with every file as it came', async () => {
    const { server, phone } = await start();
    const itemId = await server.receive(original());
    const answer = await smartMail(phone, 'SmartForward', {
      mime: plain(server.bob.address),
      folderId: phone.folder(2),
      itemId,
    });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    const [raw] = await server.messages(server.bob, FolderType.Inbox);
    const { text, files, headers } = read(raw);
    expect(text).toMatch(/^See below\.\r\n[\s\S]*From: "Éva" <eva@example\.org>\r\nSent: Mon, 16 Nov 2026 /);
    expect(text).toMatch(/Subject: Figures\r\n\r\nTrès/);
    expect([...files.keys()]).toEqual([expect.any(String), 'table.ods', 'Inside.eml']);
    expect([...files.values()].slice(0, 2)).toEqual([picture, table]);
    expect(files.get('Inside.eml')?.toString()).toBe('Subject: Inside\r\n\r\nText inside\r\n');
    expect(headers.inReplyTo).toBe('<o@example.org>');
    expect(headers.references).toEqual(['<root@example.org>', '<o@example.org>']);
    expect(headers.from[0]?.address).toBe(server.alice.address);
    const [sent] = await server.messages(server.alice, FolderType.SentItems);
    expect(read(sent).files.get('table.ods')).toEqual(table);
  });

  test('HTML goes below HTML, text below text, and a picture stays in its text', async () => {
    const { server, phone } = await start();
    const itemId = await server.receive(original());
    await smartMail(phone, 'SmartForward', { mime: rich(server.bob.address), itemId });
    const [raw] = await server.messages(server.bob, FolderType.Inbox);
    const { text, html, types } = read(raw);
    expect(text).toMatch(/^See below\.[\s\S]*Très/);
    expect(html).toMatch(
      /<b>See<\/b> below\.<br>[\s\S]*Figures[\s\S]*<p>Très <img src="cid:pic@x">[\s\S]*<\/body><\/html>/,
    );
    expect(types.slice(0, 6)).toEqual([
      'multipart/mixed',
      'multipart/alternative',
      'text/plain',
      'multipart/related',
      'text/html',
      'image/png',
    ]);
  });

  test('a message that is one file, forwarded by a message that is one, goes along', async () => {
    const { server, phone } = await start();
    const file = (type: string, to: string) =>
      `From: a@b.example\r\nTo: ${to}\r\nContent-Type: ${type}\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n${type}`;
    const itemId = await server.receive(file('application/one', server.alice.address));
    await smartMail(phone, 'SmartForward', { mime: file('application/two', server.bob.address), itemId });
    const { text, files, types } = read((await server.messages(server.bob, FolderType.Inbox))[0]);
    expect(text).toContain('From: a@b.example');
    expect(types).toEqual(['multipart/mixed', 'text/plain', 'application/two', 'application/one']);
    expect([...files.values()].map(String)).toEqual(['application/one']);
  });

  test('the source is marked as forwarded, and the phone itself is told', async () => {
    const { server, phone } = await start();
    const itemId = await server.receive(original());
    const inbox = phone.folder(2);
    await phone.syncAll(inbox);
    await smartMail(phone, 'SmartForward', { mime: plain(server.bob.address), folderId: inbox, itemId });
    const reader = server.database.mail.mailbox(server.alice.mailbox);
    const item = await reader.item(1 as never, Number(itemId.slice(2)) as never);
    expect(item?.marks).toMatchObject({ lastVerb: 3, lastVerbMs: expect.any(Number), read: false });
    // Below 14.0 there is no such mark, and the message is not sent once more.
    const { commands } = await phone.sync(inbox);
    const sent = JSON.stringify(commands ?? []);
    expect([sent.includes(itemId), sent.includes('"LastVerbExecuted"')]).toEqual([!legacy, !legacy]);
  });

  test('a repeated request sends nothing, also when its source is gone by then', async () => {
    const { server, phone } = await start();
    const itemId = await server.receive(original());
    const mime = plain(server.bob.address, 'Message-ID: <own@example.test>\r\n');
    for (const clientId of ['one', 'one', 'two']) {
      expect((await smartMail(phone, 'SmartForward', { mime, itemId, clientId })).status).toBe(200);
    }
    const { mailbox } = server.alice;
    await server.database.mail.transact([mailbox], async (of) => {
      const item = await of(mailbox).item(1 as never, Number(itemId.slice(2)) as never);
      if (item) await of(mailbox).deleteItem(item);
    });
    const again = await smartMail(phone, 'SmartForward', { mime, itemId, clientId: 'one' });
    expect([again.status, again.body.length]).toEqual([legacy ? 500 : 200, 0]);
    // What Android sends after a refusal.
    expect((await phone.sendMail(mime)).status).toBe(200);
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(1);
  });

  test('the same words may forward one message after another', async () => {
    const { server, phone } = await start();
    for (const name of ['a.ods', 'b.ods']) {
      const itemId = await server.receive(original(name));
      await smartMail(phone, 'SmartForward', { mime: plain(server.bob.address), itemId });
    }
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(2);
  });

  test('a source with a file of a blocked kind is refused: 120, and nobody has anything of it', async () => {
    const { server, phone } = await start();
    const itemId = await server.receive(original('run.exe'));
    const answer = await smartMail(phone, 'SmartForward', { mime: plain(server.bob.address), itemId });
    expect(legacy ? answer.status : answer.rootStatus).toBe(legacy ? 500 : 120);
    await nothingWasSent(server);
    const reader = server.database.mail.mailbox(server.alice.mailbox);
    const item = await reader.item(1 as never, Number(itemId.slice(2)) as never);
    expect(item?.marks.lastVerb).toBeUndefined();
    const reply = await smartMail(phone, 'SmartReply', { mime: plain(server.bob.address), itemId });
    expect([reply.status, reply.body.length]).toEqual([200, 0]);
  });

  test('what is too large together is refused with 122, alone with 120', async () => {
    const { server, phone } = await start();
    const filled = (to: string) => plain(to, `X-Fill: ${'x'.repeat(0.6 * maxMessageBytes)}\r\n`);
    const large = original().replace(
      table.toString('base64').slice(0, 76),
      'QUFB'.repeat(maxMessageBytes / 6),
    );
    const itemId = await server.receive(large);
    for (const [mime, status] of [
      [filled(server.bob.address), 122],
      [plain(server.bob.address, `X-Fill: ${'x'.repeat(maxMessageBytes)}\r\n`), 120],
    ] as const) {
      const answer = await smartMail(phone, 'SmartForward', { mime, itemId });
      expect(legacy ? answer.status : answer.rootStatus).toBe(legacy ? 500 : status);
    }
    await nothingWasSent(server);
    expect((await smartMail(phone, 'SmartForward', { mime: plain(server.bob.address), itemId })).status).toBe(
      200,
    );
  });

  test.each(['1:99', 'nonsense'])('of no message (%s) it is refused with 150', async (itemId) => {
    const { server, phone } = await start();
    const answer = await smartMail(phone, 'SmartForward', { mime: plain(server.bob.address), itemId });
    expect(legacy ? answer.status : answer.rootStatus).toBe(legacy ? 500 : 150);
    await nothingWasSent(server);
  });

  test('a source in another folder than is said is refused, one that was moved is found', async () => {
    const { server, phone } = await start();
    const itemId = await server.receive(original());
    const elsewhere = { folderId: phone.folder(3), itemId };
    const refused = await smartMail(phone, 'SmartForward', { mime: plain(server.bob.address), ...elsewhere });
    expect(legacy ? refused.status : refused.rootStatus).toBe(legacy ? 500 : 150);
    await phone.moveItems({ item: itemId, from: phone.folder(2), to: phone.folder(4) });
    const inbox = { folderId: phone.folder(2), itemId };
    expect(
      (await smartMail(phone, 'SmartForward', { mime: plain(server.bob.address), ...inbox })).status,
    ).toBe(200);
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(1);
  });

  test.each([
    ['unknown@example.test', 116],
    ['', 119],
  ] as const)('to "%s" it is refused: %i', async (to, status) => {
    const { server, phone } = await start();
    const itemId = await server.receive(original());
    const answer = await smartMail(phone, 'SmartForward', { mime: plain(to), itemId });
    expect(legacy ? answer.status : answer.rootStatus).toBe(legacy ? 500 : status);
    await nothingWasSent(server);
  });
});

test('ReplaceMime: nothing is added, and the source is marked', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await phone.provision();
  const itemId = await server.receive(original('run.exe'));
  await smartMail(phone, 'SmartForward', { mime: plain(server.bob.address), itemId, replaceMime: true });
  const { text, files } = read((await server.messages(server.bob, FolderType.Inbox))[0]);
  expect([text, files.size]).toEqual(['See below.\r\n', 0]);
  const reader = server.database.mail.mailbox(server.alice.mailbox);
  expect((await reader.item(1 as never, Number(itemId.slice(2)) as never))?.marks.lastVerb).toBe(3);
});

test('a signed message keeps every byte of its content', async () => {
  const server = await startEndpoint();
  const phone = server.phone('16.1');
  await phone.provision();
  const itemId = await server.receive(original());
  const content =
    '--s\r\n\r\nSigned\r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\r\nx\r\n--s--\r\n';
  const type = 'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=s';
  await smartMail(phone, 'SmartForward', {
    mime: `To: ${server.bob.address}\r\n${type}\r\n\r\n${content}`,
    itemId,
  });
  const [raw = ''] = await server.messages(server.bob, FolderType.Inbox);
  expect(raw.slice(raw.indexOf('\r\n\r\n') + 4)).toBe(content);
});

test('nonsense is refused with the status of its own', async () => {
  const server = await startEndpoint();
  const phone = server.phone('16.1');
  await phone.provision();
  const itemId = await server.receive(original());
  const { SmartForward, ClientId, Source, ItemId, LongId, InstanceId, Mime, AccountId, Email } = ComposeMail;
  const { Forwardees, Forwardee } = ComposeMail;
  const id = el(ClientId, 'x');
  const item = el(ItemId, itemId);
  const source = el(Source, item);
  const mime = el(Mime, Buffer.from(plain(server.bob.address)));
  const forwardees = (...children: Element[]) => el(Forwardees, el(Forwardee, ...children));
  const bob = el(Email, server.bob.address);
  const requests: readonly (readonly [readonly Element[], number])[] = [
    [[source, mime], 103],
    [[id, source], 103],
    [[id, mime], 103],
    [[id, el(Source), mime], 103],
    [[id, el(Source, item, el(LongId, '7')), mime], 105],
    [[id, el(Source, el(LongId, '7')), mime], 150],
    [[id, el(Source, item, el(InstanceId, 'soon')), mime], 104],
    [[id, el(Source, item, el(InstanceId, '2026-11-16T09:00:00.000Z')), mime], 146],
    [[id, source, el(AccountId, '7'), mime], 166],
    [[id, source, el(Mime, Buffer.alloc(0))], 107],
    [[id, source, mime, forwardees(bob)], 178],
    [[id, source, forwardees(el(ComposeMail.Name, 'Bob'))], 179],
    [[id, source, forwardees(bob)], 147],
    [[id, el(Source, el(ItemId, '1:99')), forwardees(bob)], 150],
  ];
  for (const [children, status] of requests) {
    const answer = await phone.post('SmartForward', el(SmartForward, ...children), {
      validateRequest: false,
    });
    expect([children.map(({ tag }) => tag.name), answer.rootStatus]).toEqual([expect.anything(), status]);
  }
  const random = await smartMail(phone, 'SmartForward', { mime: randomBytes(5000), itemId });
  expect(random.rootStatus).toBe(119);
  expect(await server.messages(server.bob, FolderType.Inbox)).toEqual([]);
});

test('12.1 names its source in the query, and nonsense there is refused', async () => {
  const server = await startEndpoint();
  const phone = server.phone('12.1');
  await phone.provision();
  const itemId = await server.receive(original());
  const mime = Buffer.from(plain(server.bob.address));
  for (const [query, status] of [
    [{}, 400],
    [{ ItemId: '' }, 400],
    [{ ItemId: itemId, LongId: '7' }, 400],
    [{ LongId: '7' }, 500],
    [{ ItemId: itemId, CollectionId: 'x' }, 500],
    [{ ItemId: itemId, Occurrence: 'soon' }, 400],
    [{ ItemId: itemId, Occurrence: '2026-11-16T09:00:00.000Z' }, 500],
    [{ ItemId: itemId, Occurrence: '20261116T090000Z' }, 500],
  ] as const) {
    expect([query, (await phone.post('SmartForward', mime, { query })).status]).toEqual([query, status]);
  }
  const document = el(ComposeMail.SmartForward, el(ComposeMail.ClientId, 'x'));
  const answer = await phone.post('SmartForward', document, {
    query: { ItemId: itemId },
    validateRequest: false,
  });
  expect(answer.status).toBe(400);
  expect(await server.messages(server.bob, FolderType.Inbox)).toEqual([]);
});
