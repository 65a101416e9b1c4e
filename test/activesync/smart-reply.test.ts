import { describe, expect, test } from 'vitest';
import { FolderType } from '#domain/folder';
import type { Clock } from '#domain/outside';
import { MessageIndexer } from '#mime/index-message';
import { decodeTransferWhole } from '#mime/transfer';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { smartMail } from '#test/support/smart-mail';
import { systemOutside } from '../../src/outside.ts';
import { maxMessageBytes, startEndpoint, type TestServer } from './server.ts';

const original = (server: TestServer) =>
  [
    `From: ${server.bob.address}\r\nTo: ${server.alice.address}, carol@elsewhere.example\r\n`,
    'Subject: Lunch\r\nMessage-ID: <o@example.org>\r\nContent-Type: multipart/related; boundary=b\r\n\r\n',
    '--b\r\nContent-Type: text/html\r\n\r\n<p>At noon &amp; here</p><img src="cid:shown@x">\r\n',
    '--b\r\nContent-Type: image/png\r\nContent-ID: <shown@x>\r\n\r\nshown\r\n',
    '--b\r\nContent-Type: image/png\r\nContent-ID: <unused@x>\r\n\r\nunused\r\n',
    '--b\r\nContent-Type: application/pdf; name="menu.pdf"\r\n\r\nmenu\r\n--b--\r\n',
  ].join('');

const reply = (to: string, more = '') => `To: ${to}\r\nSubject: RE: Lunch\r\n${more}\r\nYes\r\n`;
const html = 'Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n';

function read(raw = '') {
  const bytes = Buffer.from(raw);
  const indexer = new MessageIndexer();
  indexer.write(bytes);
  const { parts, text, html: rich, attachments, headers } = indexer.end();
  const texts = [...new Set([...text, ...rich])].map((at) => {
    const { start = 0, end = 0, encoding = '' } = parts[at] ?? {};
    return decodeTransferWhole(encoding, bytes.subarray(start, end)).toString();
  });
  return { text: texts.join(), files: attachments.map(({ contentId, name }) => contentId ?? name), headers };
}

describe.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const)('%s', (version) => {
  const legacy = !isAtLeast(version, '14.0');
  const start = async (clock?: Clock) => {
    const server = await startEndpoint(clock && { clock });
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    const itemId = await server.receive(original(server));
    const marks = async () => {
      const reader = server.database.mail.mailbox(server.alice.mailbox);
      return (await reader.item(1 as never, Number(itemId.slice(2)) as never))?.marks;
    };
    return { server, phone, itemId, marks };
  };

  test('what is replied to stands below the text, without its files', async () => {
    const { server, phone, itemId } = await start();
    const source = { folderId: phone.folder(2), itemId };
    const answer = await smartMail(phone, 'SmartReply', { mime: reply(server.bob.address), ...source });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    const { text, files, headers } = read((await server.messages(server.bob, FolderType.Inbox))[0]);
    expect(text).toMatch(/^Yes\r\n\r\n\r\n-----Original Message-----\r\nFrom: bob@example\.test\r\n/);
    expect(text).toContain('Subject: Lunch\r\n\r\nAt noon & here');
    expect(files).toEqual([]);
    expect([headers.inReplyTo, headers.references]).toEqual(['<o@example.org>', ['<o@example.org>']]);
    expect(await server.messages(server.alice, FolderType.SentItems)).toHaveLength(1);
  });

  test('HTML brings the pictures that it shows, and no others', async () => {
    const { server, phone, itemId } = await start();
    const mime = Buffer.from(reply(server.bob.address, html).replace('Yes', '<p>Sí</p>'), 'latin1');
    await smartMail(phone, 'SmartReply', { mime, itemId });
    const { text, files } = read((await server.messages(server.bob, FolderType.Inbox))[0]);
    expect(text).toMatch(/^<p>Sí<\/p>[\s\S]*From: bob@example\.test<br>[\s\S]*<p>At noon &amp; here<\/p>/);
    expect(files).toEqual(['shown@x']);
  });

  test.each([
    ['bob@example.test', 1],
    ['bob@example.test, alice@example.test', 1],
    ['bob@example.test, new@elsewhere.example', 1],
    ['bob@example.test, Carol@elsewhere.example', 2],
  ] as const)('a reply to %s marks its source: %i', async (to, verb) => {
    const { phone, itemId, marks } = await start();
    await smartMail(phone, 'SmartReply', { mime: reply(to), itemId });
    expect(await marks()).toMatchObject({ lastVerb: verb, lastVerbMs: expect.any(Number) });
  });

  test.each(['', `Thread-Index: ${Buffer.alloc(27, 1).toString('base64')}\r\n`])(
    'it stays in the conversation of what it replies to (%j)',
    async (field) => {
      const { server, phone } = await start();
      const itemId = await server.receive(field + original(server));
      await smartMail(phone, 'SmartReply', { mime: reply(server.bob.address), itemId });
      const indexOf = (raw = '') => {
        const indexer = new MessageIndexer();
        indexer.write(Buffer.from(raw));
        return indexer.end();
      };
      const [sent] = await server.messages(server.alice, FolderType.SentItems);
      const before = indexOf(field + original(server));
      expect(indexOf(sent).conversationId).toEqual(before.conversationId);
      expect(indexOf(sent).conversationIndex).toHaveLength(before.conversationIndex.length + 5);
      for (const n of [1, 2, 3]) {
        await smartMail(phone, 'SmartReply', {
          mime: reply(server.bob.address, `X-Answer: ${n}\r\n`),
          itemId,
        });
      }
      const all = await server.messages(server.alice, FolderType.SentItems);
      // The last byte of a level is random.
      expect(
        all.map((raw) => indexOf(raw).conversationIndex.at(-1)).filter((byte) => byte !== 0),
      ).not.toEqual([]);
    },
  );

  test('the fields of its thread that the client wrote stay, and no copy is kept unless asked for', async () => {
    const { server, phone, itemId } = await start();
    const fields = 'In-Reply-To: <mine@x>\r\nReferences: <first@x> <mine@x>\r\n';
    await smartMail(phone, 'SmartReply', {
      mime: reply(server.bob.address, fields),
      itemId,
      saveInSent: false,
    });
    const { headers } = read((await server.messages(server.bob, FolderType.Inbox))[0]);
    expect([headers.inReplyTo, headers.references]).toEqual(['<mine@x>', ['<first@x>', '<mine@x>']]);
    expect(await server.messages(server.alice, FolderType.SentItems)).toEqual([]);
  });

  test('a repeated request sends nothing', async () => {
    const { server, phone, itemId } = await start();
    for (const clientId of ['one', 'one', 'two']) {
      const answer = await smartMail(phone, 'SmartReply', {
        mime: reply(server.bob.address),
        itemId,
        clientId,
      });
      expect(answer.status).toBe(200);
    }
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(1);
  });

  test.each(['SmartReply', 'SmartForward'] as const)(
    '%s: the same bytes days later are a repeat by any Message-ID, an ill-formed one too; of another source, or without one, they are none',
    async (command) => {
      let laterMs = 0;
      const now = () => systemOutside.clock.now() + laterMs;
      const { server, phone, itemId } = await start({ ...systemOutside.clock, now });
      let clientId = 0;
      const send = async (more: string, source = itemId) => {
        const mime = reply(server.bob.address, more);
        const answer = await smartMail(phone, command, {
          mime,
          itemId: source,
          clientId: `${command} ${clientId++}`,
        });
        expect([answer.status, answer.body.length]).toEqual([200, 0]);
        laterMs += 3 * 24 * 3_600_000;
        return (await server.messages(server.bob, FolderType.Inbox)).length;
      };
      const named = 'Message-ID: <a@b>\r\n';
      expect([await send(named), await send(named)]).toEqual([1, 1]);
      const illFormed = 'Message-ID: <reply 1@b>\r\n';
      expect([await send(illFormed), await send(illFormed)]).toEqual([2, 2]);
      expect([await send(''), await send('Message-ID: \r\n')]).toEqual([3, 4]);
      expect([await send(''), await send('Message-ID: \r\n')]).toEqual([5, 6]);
      const other = await server.receive(original(server));
      expect([await send(illFormed, other), await send(named, other)]).toEqual([7, 8]);
    },
  );

  test('refused, it leaves nothing: no source 150, blocked 120, no room 113', async () => {
    const { server, phone, itemId, marks } = await start();
    const { address } = server.bob;
    const blocked = 'Content-Type: application/octet-stream; name="run.exe"\r\n';
    const answers = [
      await smartMail(phone, 'SmartReply', { mime: reply(address), itemId: '1:99' }),
      await smartMail(phone, 'SmartReply', { mime: reply(address, blocked), itemId }),
    ];
    await server.receive(`Subject: large\r\n\r\n${'x'.repeat(8 * maxMessageBytes)}`);
    answers.push(await smartMail(phone, 'SmartReply', { mime: reply(address), itemId }));
    expect(answers.map((answer) => (legacy ? answer.status : answer.rootStatus))).toEqual(
      legacy ? [500, 500, 507] : [150, 120, 113],
    );
    expect(await server.messages(server.bob, FolderType.Inbox)).toEqual([]);
    expect((await marks())?.lastVerb).toBeUndefined();
  });
});
