/** What old clients do, each as it was seen: Nokia Mail for Exchange, BlackBerry, Android 2 to 4, Windows Mobile. */
import { describe, expect, test } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { child, type Element, el, has, textOf } from '#protocols/activesync/wbxml/element';
import { smartMail } from '#test/support/smart-mail';
import { startEndpoint } from './server.ts';
import { answered, commands, deliverRaw, startPhone, syncRaw } from './sync-phone.ts';

const old = ['2.5', '12.0', '12.1'] as const;
const folderSync = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));

describe.each(old)('%s', (version) => {
  test('Sync: Nokia: To and ReplyTo are there, even when the message has none', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await deliverRaw(server, 'From: Anna <anna@example.org>\r\nSubject: S\r\n\r\nText\r\n');
    const [item] = (await phone.syncAll(inbox)).values();
    expect([textOf(item, Email.To), textOf(item, Email.ReplyTo)]).toEqual(['', '"Anna" <anna@example.org>']);
  });

  test('Sync: Nokia: DeletesAsMoves is taken empty, as 1 and at any place of the Collection', async () => {
    const { server, phone, inbox, trash } = await startPhone(version);
    await phone.syncAll(trash);
    for (const moves of [el(AirSync.DeletesAsMoves), el(AirSync.DeletesAsMoves, '1')]) {
      const id = await server.deliver('One');
      await phone.syncAll(inbox);
      const sent = [commands.remove(`${inbox}:${id}`)];
      const { tag, children } = phone.collectionElement(inbox, { commands: sent });
      phone.applySync(inbox, await syncRaw(phone, [el(tag, ...children, moves)]), sent);
      expect([...(await phone.syncAll(trash)).keys()]).toContain(`${trash}:${id}`);
    }
  });

  test('Sync: BlackBerry: the elements of a Collection come in any order', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await phone.sync(inbox);
    await server.deliver('One');
    const { tag, children } = phone.collectionElement(inbox, {
      windowSize: 5,
      getChanges: true,
      options: [el(AirSync.FilterType, 0)],
    });
    const response = await syncRaw(phone, [el(tag, ...[...children].reverse())]);
    expect(answered(response)).toMatchObject([{ status: 1, commands: 1 }]);
  });

  test('SendMail: BlackBerry: the same message sent again after a lost answer reaches nobody twice', async () => {
    const { server, phone } = await startPhone(version);
    const mime = `From: a@b\r\nTo: ${server.bob.address}\r\nMessage-ID: <one@phone>\r\nSubject: Once\r\n\r\nx\r\n`;
    for (let n = 0; n < 3; n++) expect((await phone.sendMail(mime)).status).toBe(200);
    expect(await server.messages(server.bob, 2)).toHaveLength(1);
    expect(await server.messages(server.alice, 5)).toHaveLength(1);
  });

  test('FolderSync: BlackBerry: policy key 0 sent again and again is refused, and the key in force stays good', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const key = phone.policyKey;
    phone.policyKey = 0;
    for (let n = 0; n < 3; n++) expect((await phone.post('FolderSync', folderSync)).status).toBe(449);
    phone.policyKey = key;
    expect((await phone.post('FolderSync', folderSync)).status).toBe(200);
  });

  test('Ping: Android: the Outbox, and a list without any folder, are waited for', async () => {
    const { phone } = await startPhone(version, { quickHeartbeat: true });
    expect((await phone.ping([phone.folder(6)], 60)).status).toBe(1);
    const empty = el(Ping.Ping, el(Ping.HeartbeatInterval, 60), el(Ping.Folders));
    expect((await phone.post('Ping', empty, { validateRequest: false })).rootStatus).toBe(1);
  });

  test('Sync: Android: GetChanges with key 0 primes, and Importance and DateReceived always come', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await deliverRaw(server, 'From: a@example.org\r\n\r\nText\r\n');
    expect(await phone.sync(inbox, { syncKey: '0', getChanges: true })).toMatchObject({
      status: 1,
      commands: undefined,
    });
    const [item] = (await phone.syncAll(inbox)).values();
    expect(textOf(item, Email.Importance)).toBe('1');
    expect(has(item, Email.DateReceived)).toBe(true);
  });

  test('Sync: Android: an attached message is a file that ends in .eml, and every file has its size', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const mime =
      'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner\r\n\r\nx\r\n--b--\r\n';
    await deliverRaw(server, mime);
    const [item] = (await phone.syncAll(inbox)).values();
    const page = version === '2.5' ? Email : AirSyncBase;
    const attachment = child(item, page.Attachments, page.Attachment);
    expect(textOf(attachment, page.DisplayName)).toBe('Inner.eml');
    const size = version === '2.5' ? Email.AttSize : AirSyncBase.EstimatedDataSize;
    expect(Number(textOf(attachment, size))).toBeGreaterThan(0);
  });

  test('SendMail: Android: recipients apart by semicolons, a Bcc among them, and no From', async () => {
    const { server, phone } = await startPhone(version);
    const mime = `To: ${server.bob.address}; ${server.alice.address}\r\nBcc: alice.alias@example.test\r\nSubject: Hi\r\n\r\nx\r\n`;
    expect((await phone.sendMail(mime)).status).toBe(200);
    const [received = ''] = await server.messages(server.bob, 2);
    expect(received).toMatch(/^From: .*alice@example\.test/m);
    expect(received).not.toMatch(/^Bcc:/m);
    expect(await server.messages(server.alice, 2)).toHaveLength(1);
  });

  test('Provision: Android: DeviceId validate is answered, and becomes no partnership', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version, { deviceId: 'validate' });
    expect((await phone.options()).status).toBe(200);
    expect((await phone.post('FolderSync', folderSync)).status).toBe(449);
    const type = version === '2.5' ? 'MS-WAP-Provisioning-XML' : 'MS-EAS-Provisioning-WBXML';
    const asked = el(Provision.Policies, el(Provision.Policy, el(Provision.PolicyType, type)));
    const { element } = await phone.command('Provision', el(Provision.Provision, asked));
    expect(has(element, Provision.Policies, Provision.Policy, Provision.Data)).toBe(true);
    expect(await server.devices.list(server.alice.mailbox)).toEqual([]);
  });

  test('Sync: Windows Mobile: no answer is chunked, MoreAvailable stands before Commands, nothing is empty', async () => {
    const { server, phone, inbox } = await startPhone(version);
    for (let n = 0; n < 3; n++) await server.deliver(`m${n}`);
    await phone.sync(inbox);
    const { response } = await phone.sync(inbox, { windowSize: 2 });
    expect(response.headers['transfer-encoding']).toBeUndefined();
    expect(response.headers['content-length']).toBe(String(response.body.length));
    const names = child(response.element, AirSync.Collections, AirSync.Collection)?.children.map(
      ({ tag }) => tag.name,
    );
    expect(names?.slice(-3)).toEqual(['Status', 'MoreAvailable', 'Commands']);
    const empties = (element: Element): Element[] => [
      ...(element.children.length === 0 && element.text === '' ? [element] : []),
      ...element.children.flatMap(empties),
    ];
    const bare = response.element === undefined ? [] : empties(response.element).map(({ tag }) => tag);
    expect(bare).not.toContain(AirSync.Commands);
    expect(bare).not.toContain(AirSync.Responses);
  });

  test('Sync: Windows Mobile: NotifyGUID and other words of its own are passed over', async () => {
    const { phone, inbox } = await startPhone(version);
    const { tag, children } = phone.collectionElement(inbox);
    const response = await syncRaw(phone, [
      el(tag, ...children, el(AirSync.NotifyGUID, 'x'), el(AirSync.Version, '1')),
    ]);
    expect(answered(response)).toMatchObject([{ status: 1 }]);
  });

  test.each(['SmartReply', 'SmartForward'] as const)(
    '%s: by CollectionId and ItemId of the query; SaveInSent T keeps a copy, F and none do not',
    async (command) => {
      const { server, phone, inbox } = await startPhone(version);
      const id = await server.receive(
        'From: x@example.org\r\nTo: alice@example.test\r\nSubject: Q\r\n\r\nThe question\r\n',
      );
      const mime = (n: number) =>
        `To: ${server.bob.address}\r\nSubject: Re: Q ${n}\r\nMessage-ID: <${n}@p>\r\n\r\nMy words\r\n`;
      const with1 = await smartMail(phone, command, {
        mime: mime(1),
        itemId: id,
        folderId: inbox,
        saveInSent: true,
      });
      // Escaped twice, as some do.
      const twice = id.replace(':', '%3a');
      const with2 = await smartMail(phone, command, { mime: mime(2), itemId: twice, saveInSent: false });
      const query = { CollectionId: inbox, ItemId: id };
      const with3 = await phone.post(command, Buffer.from(mime(3)), { query });
      for (const { status, body } of [with1, with2, with3]) expect([status, body.length]).toEqual([200, 0]);
      const other = server.phone('14.1', { user: server.bob.address, deviceId: 'other' });
      await other.provision();
      await other.folderSync();
      const received = [...(await other.syncAll(other.folder(2), { body: { type: 1 } })).values()];
      expect(received).toHaveLength(3);
      for (const item of received) {
        expect(textOf(item, AirSyncBase.Body, AirSyncBase.Data)).toMatch(/^My words[\s\S]*The question/);
      }
      expect(await server.messages(server.alice, 5)).toHaveLength(1);
    },
  );
});

test('12.1: GetAttachment, SendMail, SmartReply, SmartForward: the parameters of a query in base64 are those of a plain one', async () => {
  const server = await startEndpoint();
  const phone = server.phone('12.1', { base64Query: true });
  await phone.provision();
  await phone.folderSync();
  const inbox = phone.folder(2);
  const id = await server.receive(
    'From: x@example.org\r\nSubject: Q\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nWords\r\n--b\r\nContent-Disposition: attachment; filename=n.txt\r\n\r\nfile\r\n--b--\r\n',
  );
  const item = (await phone.syncAll(inbox)).get(id);
  const reference = textOf(item, AirSyncBase.Attachments, AirSyncBase.Attachment, AirSyncBase.FileReference);
  expect((await phone.getAttachment(reference ?? '')).body.toString()).toBe('file');
  const post = async (command: string, query: Record<string, string>) => {
    const mime = `To: ${server.bob.address}\r\nSubject: ${command} ${Object.keys(query).join(' ')}\r\n\r\nx\r\n`;
    return (await phone.post(command, Buffer.from(mime), { query })).status;
  };
  const statuses = [
    await post('SendMail', { SaveInSent: 'T' }),
    await post('SendMail', {}),
    await post('SmartForward', { CollectionId: inbox, ItemId: id, SaveInSent: 'T' }),
    await post('SmartReply', { ItemId: id }),
    await post('SmartReply', { LongId: id, SaveInSent: 'T' }),
    await post('SmartReply', { LongId: id, ItemId: id }),
    await post('SmartReply', {}),
  ];
  expect(statuses).toEqual([200, 200, 200, 200, 200, 400, 400]);
  const received = await server.messages(server.bob, 2);
  expect(received.map((one) => /^Thread-Index:/m.test(one))).toEqual([true, true, true, false, false]);
  const subjects = (await server.messages(server.alice, 5)).map((one) => /^Subject: (.*)\r/m.exec(one)?.[1]);
  expect(subjects).toEqual([
    'SmartReply LongId SaveInSent',
    'SmartForward CollectionId ItemId SaveInSent',
    'SendMail SaveInSent',
  ]);
});

test('2.5: Sync: BlackBerry: a signed message comes whole as MIMEData with MIMESupport 1', async () => {
  const { server, phone, inbox } = await startPhone('2.5');
  const signed =
    'Subject: S\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nx\r\n--b--\r\n';
  await deliverRaw(server, signed);
  const options = [el(AirSync.MIMESupport, 1), el(AirSync.Truncation, 1)];
  const [item] = (await phone.syncAll(inbox, { options })).values();
  expect(textOf(item, Email.MIMEData)).toContain(signed.slice(signed.indexOf('--b')));
  expect(textOf(item, Email.MIMETruncated)).toBe('0');
});
