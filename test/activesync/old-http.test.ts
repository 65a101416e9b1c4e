/** HTTP below 14.0: a common status is an HTTP status, and what a version does not know is not served. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Move } from '#protocols/activesync/wbxml/code-pages/move';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { decode } from '#protocols/activesync/wbxml/decode';
import { type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { smartMail } from '#test/support/smart-mail';
import { maxMessageBytes, password, startEndpoint, type TestServer } from './server.ts';
import { elsewhere, startPhone as startSyncPhone } from './sync-phone.ts';

const old = ['2.5', '12.0', '12.1'] as const;
const device = 'testdevice0001' as DeviceId;
const folderSync = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));

/** A POST with exactly these headers beside credentials. */
async function post(server: TestServer, query: string, headers: Record<string, string>, body?: Element) {
  const outgoing = request(`${server.baseUrl}/Microsoft-Server-ActiveSync?${query}`, {
    method: 'POST',
    ca: server.ca,
    checkServerIdentity: () => undefined,
    auth: `${server.alice.address}:${password}`,
    headers,
  }).end(body && encode(body));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const bytes = await buffer(response);
  const isDocument = response.headers['content-type'] === 'application/vnd.ms-sync.wbxml';
  return { status: response.statusCode, element: isDocument ? decode(bytes).root : undefined };
}

describe.each(old)('%s', (version) => {
  async function startPhone() {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    return { server, phone };
  }

  test('FolderSync: without, with another and with an old policy key it is HTTP 449 (142, 144, 143)', async () => {
    const { server, phone } = await startPhone();
    const key = phone.policyKey ?? 0;
    const answers = [];
    for (const sent of [undefined, 0, (key % 0xfffffffe) + 1]) {
      phone.policyKey = sent;
      answers.push((await phone.post('FolderSync', folderSync)).status);
    }
    phone.policyKey = key;
    answers.push((await phone.post('FolderSync', folderSync)).status);
    await server.policies.put(server.organization, 'organization', {
      settings: { PasswordRequired: true },
      allowNonProvisionableDevices: false,
    });
    answers.push((await phone.post('FolderSync', folderSync)).status);
    expect(answers).toEqual([449, 449, 449, 200, 449]);
  });

  test('FolderSync: a body that is no WBXML is HTTP 400 (102), none at all 400 (101), too many moves 400 (103)', async () => {
    const { phone } = await startPhone();
    expect((await phone.post('FolderSync', Buffer.from([3, 1, 0x6a, 0, 0x85, 1]))).status).toBe(400);
    expect((await phone.post('FolderSync')).status).toBe(400);
    const options = { validateRequest: false };
    expect((await phone.post('MoveItems', el(Move.MoveItems), options)).status).toBe(400);
  });

  test('FolderSync: its own statuses stand in the document: 9 and 10', async () => {
    const { phone } = await startPhone();
    const ask = async (...keys: string[]) => {
      const body = el(FolderHierarchy.FolderSync, ...keys.map((key) => el(FolderHierarchy.SyncKey, key)));
      const { status, rootStatus } = await phone.post('FolderSync', body, { validateRequest: false });
      return [status, rootStatus];
    };
    expect(await ask('x.1')).toEqual([200, 9]);
    expect(await ask()).toEqual([200, 10]);
  });

  test('SendMail: HTTP 500 for 116, 119 and 120, 507 for 113, and 503 for 111', async () => {
    const { server, phone } = await startPhone();
    const send = async (mime: string) => (await phone.sendMail(mime)).status;
    expect(await send('To: unknown@example.test\r\n\r\nx\r\n')).toBe(500);
    expect(await send('Subject: to nobody\r\n\r\nx\r\n')).toBe(500);
    const many = Array.from({ length: 51 }, (_, n) => `u${n}@example.net`).join(', ');
    expect(await send(`To: ${many}\r\n\r\nx\r\n`)).toBe(500);
    const fault = await phone.sendMail('To: fault@example.test\r\n\r\nx\r\n');
    expect([fault.status, fault.headers['retry-after']]).toEqual([503, '60']);
    const filling = `To: bob@example.test\r\n\r\n${'x'.repeat(70)}\r\n`.padEnd(
      maxMessageBytes - 1000,
      'x'.repeat(70).concat('\r\n'),
    );
    let status = 200;
    for (let n = 0; n < 12 && status === 200; n++) status = await send(`Subject: ${n}\r\n${filling}`);
    expect(status).toBe(507);
    expect(await server.messages(server.bob, 2)).not.toHaveLength(12);
  });

  test('SmartReply: HTTP 500 for a message that is gone, 400 for none that is named', async () => {
    const { server, phone } = await startPhone();
    const mime = `To: ${server.bob.address}\r\n\r\nYes\r\n`;
    expect((await smartMail(phone, 'SmartReply', { mime, itemId: '1:99' })).status).toBe(500);
    expect((await phone.post('SmartReply', Buffer.from(mime))).status).toBe(400);
    const both = { CollectionId: '1', ItemId: '1:99', LongId: 'x' };
    expect((await phone.post('SmartForward', Buffer.from(mime), { query: both })).status).toBe(400);
    const noDate = { ItemId: '1:99', Occurrence: 'soon' };
    expect((await phone.post('SmartForward', Buffer.from(mime), { query: noDate })).status).toBe(400);
    const itemId = `1:${await server.deliver('no series')}`;
    const instance = { ItemId: itemId, Occurrence: '2026-11-22T10:00:00.000Z' };
    const noSeries = await phone.post('SmartReply', Buffer.from(mime), { query: instance });
    expect([noSeries.status, noSeries.rootStatus]).toEqual([500, undefined]);
    expect(await server.messages(server.bob, 2)).toEqual([]);
  });

  test('SendMail: a document in place of a message is HTTP 400', async () => {
    const { phone } = await startPhone();
    const { status } = await phone.post('SendMail', Buffer.from(encode(el(Settings.Settings))));
    expect(status).toBe(400);
  });

  test('Ping: a wipe that waits is HTTP 449, with no policy key 403', async () => {
    const { server, phone } = await startPhone();
    await server.devices.requestWipe(server.alice.mailbox, device, false);
    expect((await phone.post('Ping')).status).toBe(449);
    phone.policyKey = undefined;
    expect((await phone.post('Ping')).status).toBe(403);
  });

  test('a command that nobody knows is HTTP 501, a DeviceId or DeviceType that is none 400', async () => {
    const { server, phone } = await startPhone();
    expect((await phone.post('Nonsense')).status).toBe(501);
    const headers = { 'MS-ASProtocolVersion': version };
    for (const query of [
      'DeviceId=a,b&DeviceType=t',
      'DeviceType=t',
      'DeviceId=a',
      'DeviceId=a&DeviceType=',
    ]) {
      expect((await post(server, `Cmd=FolderSync&${query}`, headers, folderSync)).status, query).toBe(400);
    }
  });
});

test('2.5: Settings and ItemOperations are not known: HTTP 501', async () => {
  const server = await startEndpoint();
  const phone = server.phone('2.5');
  await phone.provision();
  const options = { validateRequest: false };
  const information = el(Settings.UserInformation, el(Settings.Get));
  expect((await phone.post('Settings', el(Settings.Settings, information), options)).status).toBe(501);
  expect((await phone.post('ItemOperations', el(ItemOperations.ItemOperations), options)).status).toBe(501);
});

test('version 1.0 is HTTP 505, one that nobody knows 400', async () => {
  const server = await startEndpoint();
  const query = 'Cmd=FolderSync&DeviceId=a&DeviceType=t';
  for (const [version, status] of [
    ['1.0', 505],
    ['2.0', 400],
    ['12.2', 400],
    ['99', 400],
  ] as const) {
    const answer = await post(server, query, { 'MS-ASProtocolVersion': version }, folderSync);
    expect(answer.status, version).toBe(status);
  }
});

describe('a request without MS-ASProtocolVersion', () => {
  test('is served as one of 2.5: its refusals are HTTP statuses', async () => {
    const server = await startEndpoint();
    const query = 'Cmd=FolderSync&DeviceId=fresh&DeviceType=t';
    expect((await post(server, query, {}, folderSync)).status).toBe(449);
    const fresh = await server.devices.get(server.alice.mailbox, 'fresh' as DeviceId);
    expect(fresh).toMatchObject({ protocolVersion: '2.5' });
    expect(fresh).not.toHaveProperty('isVersionStated');
  });

  test('leaves the version that is known of the device as it is', async () => {
    const server = await startEndpoint();
    const phone = server.phone('16.1');
    await phone.provision();
    await phone.folderSync();
    const inbox = phone.folder(2);
    await phone.syncAll(inbox);
    await server.deliver('One');
    const body = el(
      Ping.Ping,
      el(Ping.HeartbeatInterval, 60),
      el(Ping.Folders, el(Ping.Folder, el(Ping.Id, inbox), el(Ping.Class, 'Email'))),
    );
    const query = `Cmd=Ping&DeviceId=${phone.deviceId}&DeviceType=${phone.deviceType}`;
    const { element } = await post(server, query, { 'User-Agent': 'MailsteadTest/1.0' }, body);
    expect(textOf(element, Ping.Status)).toBe('2');
    expect(await server.devices.get(server.alice.mailbox, device)).toMatchObject({ protocolVersion: '16.1' });
  });

  test('Ping: it hears what the version of the device knows: a flag, and the recipient cache', async () => {
    const { server, phone, inbox } = await startSyncPhone('16.1');
    const id = await server.deliver('One');
    await phone.syncAll(inbox);
    const folders = [inbox, 'RI'].map((name) => el(Ping.Folder, el(Ping.Id, name), el(Ping.Class, 'Email')));
    const body = el(Ping.Ping, el(Ping.HeartbeatInterval, 60), el(Ping.Folders, ...folders));
    await elsewhere(server).mark(id, { flag: { status: 2, type: 'x' } });
    const query = `Cmd=Ping&DeviceId=${phone.deviceId}&DeviceType=${phone.deviceType}`;
    const { element } = await post(server, query, { 'User-Agent': 'MailsteadTest/1.0' }, body);
    expect([textOf(element, Ping.Status), textOf(element, Ping.Folders, Ping.Folder)]).toEqual(['2', inbox]);
  });
});
