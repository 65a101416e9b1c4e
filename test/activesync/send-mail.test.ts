import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Account } from '#directory/account';
import { FolderType } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { el } from '#protocols/activesync/wbxml/element';
import { zip } from '#test/support/archives';
import { newItem } from '#test/support/new-item';
import { systemOutside } from '../../src/outside.ts';
import { maxMessageBytes, maxRecipients, startEndpoint } from './server.ts';

const message = (to: string, more = '') =>
  `From: Someone Else <else@example.org>\r\nTo: ${to}\r\nSubject: Hello\r\n${more}\r\nText\r\n`;

describe.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const)('%s', (version) => {
  const legacy = !isAtLeast(version, '14.0');
  const start = async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    return { server, phone };
  };

  test('goes to its recipients, Bcc among them and not shown, with a copy in Sent Items if asked for', async () => {
    const { server, phone } = await start();
    const mime = message('nobody <alice.alias@example.test>', `Bcc: ${server.bob.address}\r\n`);
    const answer = await phone.sendMail(mime);
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    const [toBob] = await server.messages(server.bob, FolderType.Inbox);
    expect(toBob).toContain(`<${server.alice.address}>`);
    expect(toBob).toMatch(/^Message-ID: <[^>]+@example\.test>/m);
    expect(toBob).not.toMatch(/else@example\.org|^Bcc/m);
    expect(await server.messages(server.alice, FolderType.Inbox)).toHaveLength(1);
    const [sent] = await server.messages(server.alice, FolderType.SentItems);
    expect(sent).toMatch(/^Bcc: bob@example\.test/m);
    await phone.sendMail(message(server.bob.address, 'Message-ID: <b@c>\r\n'), { saveInSent: false });
    expect(await server.messages(server.alice, FolderType.SentItems)).toHaveLength(1);
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(2);
  });

  test('a repeated request is answered as done and sends nothing', async () => {
    const { server, phone } = await start();
    const mime = message(server.bob.address);
    for (const clientId of ['one', 'one', 'two'])
      expect((await phone.sendMail(mime, { clientId })).status).toBe(200);
    const same = message(server.bob.address, 'Message-ID: <a@b>\r\n');
    for (const clientId of ['three', 'four']) await phone.sendMail(same, { clientId });
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(2);
    expect(await server.messages(server.alice, FolderType.SentItems)).toHaveLength(2);
  });

  test('the same bytes by the same Message-ID are a repeat days later too, and other bytes or another Message-ID are none', async () => {
    let laterMs = 0;
    const now = () => systemOutside.clock.now() + laterMs;
    const server = await startEndpoint({ clock: { ...systemOutside.clock, now } });
    const phone = server.phone(version);
    await phone.provision();
    const named = (id: string, more = '') => message(server.bob.address, `Message-ID: <${id}@b>\r\n${more}`);
    await phone.sendMail(named('a'), { clientId: '1' });
    laterMs = 3 * 24 * 3_600_000;
    expect((await phone.sendMail(named('a'), { clientId: '2' })).status).toBe(200);
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(1);
    await phone.sendMail(named('a', 'X-Other: 1\r\n'), { clientId: '3' });
    await phone.sendMail(named('c'), { clientId: '4' });
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(3);
    // Without a name it may be meant: a script's report, a second "ok".
    await phone.sendMail(message(server.bob.address), { clientId: '5' });
    laterMs += 3_600_000;
    await phone.sendMail(message(server.bob.address), { clientId: '6' });
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(5);
  });

  test.each([
    ['unknown@example.test', 116],
    ['', 119],
  ] as const)('to "%s" it is refused as a whole: %i', async (to, status) => {
    const { server, phone } = await start();
    const others = to === '' ? '' : `${server.bob.address}, ${to}`;
    const answer = await phone.sendMail(message(others));
    expect(legacy ? answer.status : answer.rootStatus).toBe(legacy ? 500 : status);
    expect(await server.messages(server.bob, FolderType.Inbox)).toEqual([]);
    expect(await server.messages(server.alice, FolderType.SentItems)).toEqual([]);
  });

  test('a full mailbox keeps nothing from others, and its copy waits; only without room for the own copy it is refused', async () => {
    const { server, phone } = await start();
    const fill = ({ mailbox }: Account) =>
      server.database.mail.transact([mailbox], (of) =>
        of(mailbox).addItem(1 as FolderId, { ...newItem('Large', 0), size: 8 * maxMessageBytes }),
      );
    await fill(server.bob);
    const mime = message(`${server.bob.address}, ${server.alice.address}`);
    for (const clientId of ['one', 'one']) {
      const answer = await phone.sendMail(mime, { clientId });
      expect([answer.status, answer.body.length]).toEqual([200, 0]);
    }
    expect(await server.messages(server.alice, FolderType.Inbox)).toHaveLength(1);
    const { rows } = await server.database.mail.outbound.list(server.organization, undefined, 10);
    expect(rows.map(({ recipients }) => recipients.map(({ address }) => address))).toEqual([
      [server.bob.address],
    ]);
    await fill(server.alice);
    const refused = await phone.sendMail(message('someone@elsewhere.example'));
    expect(legacy ? refused.status : refused.rootStatus).toBe(legacy ? 507 : 113);
    const unkept = await phone.sendMail(message('someone@elsewhere.example'), { saveInSent: false });
    expect([unkept.status, unkept.body.length]).toEqual([200, 0]);
  });

  test('to another server it waits in the outbound queue, once, with its copy in Sent Items', async () => {
    const { server, phone } = await start();
    const mime = message(`${server.bob.address}, someone@elsewhere.example`, 'Bcc: other@second.example\r\n');
    for (const clientId of ['one', 'one']) {
      expect((await phone.sendMail(mime, { clientId })).status).toBe(200);
    }
    const { outbound } = server.database.mail;
    const { rows } = await outbound.list(server.organization, undefined, 10);
    const addresses = rows.flatMap(({ recipients }) => recipients.map(({ address }) => address));
    expect(addresses.sort()).toEqual(['other@second.example', 'someone@elsewhere.example']);
    expect(rows.map(({ reversePath }) => reversePath)).toEqual([server.alice.address, server.alice.address]);
    for (const mail of rows) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of outbound.open(mail)) chunks.push(chunk);
      const raw = Buffer.concat(chunks).toString();
      expect(raw).toMatch(/^Received: by mail\.test with ActiveSync\r\n/);
      expect(raw).not.toMatch(/^Bcc/m);
    }
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(1);
    expect(await server.messages(server.alice, FolderType.SentItems)).toHaveLength(1);
  });

  test('the same Message-ID to somebody else is another message: some clients send to Bcc apart', async () => {
    const { server, phone } = await start();
    const more = 'Message-ID: <a@b>\r\n';
    await phone.sendMail(message(server.alice.address, more), { clientId: 'one' });
    await phone.sendMail(message(server.alice.address, `${more}Bcc: ${server.bob.address}\r\n`), {
      clientId: 'two',
    });
    expect(await server.messages(server.bob, FolderType.Inbox)).toHaveLength(1);
  });

  test('more recipients than the server takes are refused, and nobody gets it', async () => {
    const { server, phone } = await start();
    const to = Array.from({ length: maxRecipients }, (_, n) => `nobody${n}@example.test`);
    const { status, rootStatus } = await phone.sendMail(message([server.bob.address, ...to].join(', ')));
    expect(legacy ? status : rootStatus).toBe(legacy ? 500 : 120);
    expect(await server.messages(server.bob, FolderType.Inbox)).toEqual([]);
  });

  test.each([
    ['by its name', 'run.exe', 0],
    ['in a zip file', 'all.zip', 10],
    ['in a large zip file', 'all.zip', 100_000],
  ])(
    'a file of a blocked kind, %s, is refused: 120, and nobody has anything of it',
    async (_how, name, bytes) => {
      const { server, phone } = await start();
      const mime = (file: string, member: string) => {
        const content = zip({ name: 'a.bin', content: randomBytes(bytes) }, { name: member });
        const fields = `Content-Type: application/octet-stream; name="${file}"\r\nContent-Transfer-Encoding: base64\r\n`;
        const base64 = content.toString('base64').replace(/.{76}/g, '$&\r\n');
        return message(server.bob.address, fields).replace('Text', base64);
      };
      const answer = await phone.sendMail(mime(name, 'run.exe'));
      expect(legacy ? answer.status : answer.rootStatus).toBe(legacy ? 500 : 120);
      expect(await server.messages(server.bob, FolderType.Inbox)).toEqual([]);
      expect(await server.messages(server.alice, FolderType.SentItems)).toEqual([]);
      expect(await server.database.blobs.list()).toEqual([]);
      const harmless = await phone.sendMail(mime('all.zip', 'run.txt'));
      expect([harmless.status, harmless.body.length]).toEqual([200, 0]);
    },
  );

  test('a message that is too large is refused, and an empty one', async () => {
    const { server, phone } = await start();
    const large = message(server.bob.address, `X-Fill: ${'x'.repeat(maxMessageBytes)}\r\n`);
    const answers = [await phone.sendMail(large), await phone.sendMail('')];
    expect(answers.map((answer) => (legacy ? answer.status : answer.rootStatus))).toEqual(
      legacy ? [500, 400] : [120, 107],
    );
    expect(await server.messages(server.bob, FolderType.Inbox)).toEqual([]);
  });
});

test('a request without ClientId answers 103, one for another account 166', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await phone.provision();
  const mime = el(ComposeMail.Mime, Buffer.from(message(server.bob.address)));
  for (const [body, status] of [
    [el(ComposeMail.SendMail, mime), 103],
    [el(ComposeMail.SendMail, el(ComposeMail.ClientId, 'x'.repeat(41)), mime), 103],
    [el(ComposeMail.SendMail, el(ComposeMail.ClientId, 'x')), 103],
    [el(ComposeMail.SendMail, el(ComposeMail.ClientId, 'x'), el(ComposeMail.AccountId, '7'), mime), 166],
  ] as const) {
    expect((await phone.post('SendMail', body, { validateRequest: false })).rootStatus).toBe(status);
  }
});

test('a phone that was removed and added again may count its ClientIds from the beginning; what it repeats is still known', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  const send = (id: string) => {
    const mime = message(server.bob.address, `Message-ID: <${id}@x>\r\n`);
    return phone.sendMail(mime, { clientId: '1' });
  };
  for (const id of ['before', 'after']) {
    await phone.provision();
    for (let n = 0; n < 2; n++) expect((await send(id)).body.length).toBe(0);
    const [device] = await server.devices.list(server.alice.mailbox);
    if (device !== undefined) await server.devices.remove(server.alice.mailbox, device.id);
  }
  await phone.provision();
  await send('after');
  const got = await server.messages(server.bob, FolderType.Inbox);
  expect(got.map((raw) => /^Message-ID: <(.*)@x>/m.exec(raw)?.[1])).toEqual(['after', 'before']);
});

test('12.1 takes no WBXML for a message', async () => {
  const server = await startEndpoint();
  const phone = server.phone('12.1');
  await phone.provision();
  const body = el(
    ComposeMail.SendMail,
    el(ComposeMail.ClientId, 'x'),
    el(ComposeMail.Mime, Buffer.from('x')),
  );
  expect((await phone.post('SendMail', body)).status).toBe(400);
});
