import { describe, expect, test } from 'vitest';
import type { FolderId, ItemId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { child, type Element, el, has, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { email, freeText, mail, searchMail } from './search-phone.ts';
import { startEndpoint } from './server.ts';

const versions = ['12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;

async function start(version: (typeof versions)[number] = '14.1') {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  await phone.folderSync();
  const serverId = await server.receive(mail('Found', 'the words of it'));
  const { results } = await searchMail(phone, [email, freeText('found')]);
  const longId = textOf(results[0], Search.LongId) ?? '';
  return { server, phone, serverId, longId };
}

async function fetch(phone: EasClient, selector: readonly Element[], options: readonly Element[] = []) {
  const request = el(
    ItemOperations.ItemOperations,
    el(
      ItemOperations.Fetch,
      el(ItemOperations.Store, 'Mailbox'),
      ...selector,
      options.length === 0 ? undefined : el(ItemOperations.Options, ...options),
    ),
  );
  const { element } = await phone.command('ItemOperations', request, { validateRequest: false });
  const answer = child(element, ItemOperations.Response, ItemOperations.Fetch);
  return { status: integerOf(answer, ItemOperations.Status), answer };
}

/** The statuses of HTTP and the root. */
async function smartReply(phone: EasClient, longId: string, clientId: string) {
  const request = el(
    ComposeMail.SmartReply,
    el(ComposeMail.ClientId, clientId),
    el(ComposeMail.Source, el(ComposeMail.LongId, longId)),
    el(ComposeMail.Mime, Buffer.from('To: bob@example.test\r\nSubject: Re\r\n\r\nmine\r\n')),
  );
  const { status, rootStatus } = await phone.post('SmartReply', request);
  return [status, rootStatus];
}

describe.each(versions)('LongId in %s', (version) => {
  test('ItemOperations: Fetch by the LongId of a Search gives the item and repeats the LongId', async () => {
    const { phone, longId } = await start(version);
    const plain = el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, 1));
    const { status, answer } = await fetch(phone, [el(Search.LongId, longId)], [plain]);
    expect(status).toBe(1);
    expect(textOf(answer, Search.LongId)).toBe(longId);
    expect(has(answer, AirSync.ServerId)).toBe(false);
    expect(textOf(answer, AirSync.Class)).toBe('Email');
    const properties = child(answer, ItemOperations.Properties);
    expect(textOf(properties, Email.Subject)).toBe('Found');
    expect(textOf(properties, AirSyncBase.Body, AirSyncBase.Data)).toContain('the words of it');
  });

  test.each(['SmartReply', 'SmartForward'] as const)(
    '%s: a Source by LongId goes along, and is marked',
    async (name) => {
      const { server, phone, longId, serverId } = await start(version);
      const mime = Buffer.from('To: bob@example.test\r\nSubject: Re\r\n\r\nmine\r\n');
      const query = { SaveInSent: 'T', LongId: longId };
      const answer = !isAtLeast(version, '14.0')
        ? await phone.post(name, mime, { query })
        : await phone.post(
            name,
            el(
              ComposeMail[name],
              el(ComposeMail.ClientId, 'c1'),
              el(ComposeMail.Source, el(ComposeMail.LongId, longId)),
              el(ComposeMail.SaveInSentItems),
              el(ComposeMail.Mime, mime),
            ),
          );
      expect([answer.status, answer.rootStatus]).toEqual([200, undefined]);
      const [sent = ''] = await server.messages(server.bob, 2);
      const body = Buffer.from(sent.split('\r\n\r\n')[1] ?? '', 'base64').toString();
      expect(body).toContain('mine');
      expect(body).toContain('the words of it');
      const reader = server.database.mail.mailbox(server.alice.mailbox);
      const source = await reader.item(1 as never, Number(serverId.split(':')[1]) as never);
      expect(source?.marks.lastVerb).toBe(name === 'SmartReply' ? 1 : 3);
    },
  );
});

test('LongId: an item that was moved since is found', async () => {
  const { phone, longId, serverId } = await start();
  await phone.moveItems({ item: serverId, from: '1', to: phone.folder(4) });
  expect((await fetch(phone, [el(Search.LongId, longId)])).status).toBe(1);
});

test('LongId: an item that is gone answers ItemOperations Status 6, SmartReply 150', async () => {
  const { server, phone, longId, serverId } = await start();
  await phone.moveItems({ item: serverId, from: '1', to: phone.folder(4) });
  expect(await smartReply(phone, longId, 'c1')).toEqual([200, undefined]);
  await server.database.mail.transact([server.alice.mailbox], async (of) => {
    const tx = of(server.alice.mailbox);
    const item = await tx.item(Number(phone.folder(4)) as FolderId, Number(serverId.split(':')[1]) as ItemId);
    if (item !== undefined) await tx.deleteItem(item);
  });
  expect((await fetch(phone, [el(Search.LongId, longId)])).status).toBe(6);
  expect(await smartReply(phone, longId, 'c2')).toEqual([200, 150]);
});

test('LongId: one of another user is nobody to SmartReply', async () => {
  const { server, longId } = await start();
  const bob = server.phone('14.1', { user: server.bob.address, deviceId: 'BOB' });
  await bob.provision();
  expect(await smartReply(bob, longId, 'c1')).toEqual([200, 150]);
});

test('LongId: one that a client has escaped is found, and is at most 256 characters', async () => {
  const { phone, longId } = await start();
  expect(longId.length).toBeLessThanOrEqual(256);
  expect((await fetch(phone, [el(Search.LongId, longId.replace(':', '%3A'))])).status).toBe(1);
});

test.each(['1:999', '99:1', 'nonsense', '1', 'x'.repeat(256), '1:1:1'])(
  'ItemOperations: Fetch by the LongId %.20s answers Status 6',
  async (longId) => {
    const { phone } = await start();
    expect((await fetch(phone, [el(Search.LongId, longId)])).status).toBe(6);
  },
);

test('ItemOperations: Fetch by a LongId of more than 256 characters answers Status 2', async () => {
  const { phone } = await start();
  expect((await fetch(phone, [el(Search.LongId, 'x'.repeat(257))])).status).toBe(2);
});

test('ItemOperations: Fetch by LongId and by CollectionId and ServerId at once answers Status 2', async () => {
  const { phone, longId, serverId } = await start();
  const both = [el(AirSync.CollectionId, '1'), el(AirSync.ServerId, serverId), el(Search.LongId, longId)];
  expect((await fetch(phone, both)).status).toBe(2);
});

test('ItemOperations: nobody fetches the item of another by its LongId', async () => {
  const { server, longId } = await start();
  const bob = server.phone('14.1', { user: server.bob.address, deviceId: 'BOB' });
  await bob.provision();
  expect((await fetch(bob, [el(Search.LongId, longId)])).status).toBe(6);
});
