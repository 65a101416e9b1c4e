import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Move } from '#protocols/activesync/wbxml/code-pages/move';
import { el } from '#protocols/activesync/wbxml/element';
import { startEndpoint } from './server.ts';

const id = 'testdevice0001' as DeviceId;

/** A phone of alice that has provisioned, and what its diary says. */
async function open(version: '12.1' | '14.1' | '16.1' = '14.1') {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  await phone.folderSync();
  const recent = () => server.diary.recent(server.alice.mailbox, id);
  return { server, phone, recent };
}

describe.each(['12.1', '14.1', '16.1'] as const)('device diary: %s', (version) => {
  test('each request has its command, version, key state, statuses, bytes and collections, newest first', async () => {
    const { server, phone, recent } = await open(version);
    await server.deliver('one');
    await server.deliver('two');
    const inbox = phone.folder(2);
    await phone.syncAll(inbox, { windowSize: 1 });
    const [last, more, primed, folders, ...before] = await recent();
    expect(last).toMatchObject({
      command: 'Sync',
      version,
      httpStatus: 200,
      policyKey: 'CURRENT',
      bytesIn: expect.any(Number),
      collections: [{ id: inbox, status: 1, sent: 1, isMoreAvailable: false }],
    });
    expect(last?.bytesIn).toBeGreaterThan(20);
    expect(last?.bytesOut).toBeGreaterThan(100);
    expect(more?.collections).toMatchObject([{ sent: 1, isMoreAvailable: true }]);
    expect(last?.collections[0]?.keyIn).toBe(more?.collections[0]?.keyOut);
    expect(primed?.collections).toMatchObject([{ id: inbox, keyIn: '0' }]);
    expect(folders).toMatchObject({
      command: 'FolderSync',
      status: 1,
      collections: [{ id: '0', keyIn: '0' }],
    });
    expect(folders?.collections[0]?.sent).toBeGreaterThan(3);
    expect(before.map(({ command }) => command).filter((name) => name === 'Provision')).toHaveLength(2);
    expect(before.map(({ policyKey }) => policyKey)).toContain('TEMPORARY');
    const keys = (await recent()).flatMap(({ collections }) => collections.map(({ keyOut = '' }) => keyOut));
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThanOrEqual(9);
  });

  test('a refusal has its status and its reason, and nothing of the mail', async () => {
    const { server, phone, recent } = await open(version);
    await phone.sendMail('To: nobody@example.test\r\nSubject: Secret\r\n\r\nSecret\r\n');
    await phone.sendMail(`To: ${server.bob.address}\r\nSubject: Secret\r\n\r\nSecret\r\n`);
    phone.policyKey = 7;
    await phone.post('FolderSync', Buffer.from([3, 1, 0x6a, 0, 0x47, 0x56, 0x57]));
    const [refused, sent, unknown] = await recent();
    const isOld = version === '12.1';
    expect(refused).toMatchObject({
      command: 'FolderSync',
      httpStatus: isOld ? 449 : 200,
      status: 144,
      policyKey: 'OTHER',
      error: 'invalid-policy-key',
    });
    expect(sent).toMatchObject({ command: 'SendMail', httpStatus: 200, status: undefined, error: undefined });
    expect(unknown).toMatchObject({ command: 'SendMail', status: 116, error: 'a recipient is unknown' });
    expect(JSON.stringify(await recent())).not.toMatch(/Secret|nobody|example\.test/);
  });
});

test('device diary: what cannot be decoded is told with the place of the fault', async () => {
  const { phone, recent } = await open();
  await phone.post('FolderSync', Buffer.from([3, 1, 0x6a, 0, 0x47, 0x56]));
  const [entry] = await recent();
  expect(entry).toMatchObject({ status: 102, bytesIn: 6, error: 'the end of the document at byte 6' });
});

test('device diary: a Ping says how long it was held, which folders changed, and why it ended early', async () => {
  const { server, phone, recent } = await open();
  const inbox = phone.folder(2);
  await phone.syncAll(inbox);
  const first = phone.ping([inbox], 600);
  await server.deliver('news');
  await first;
  const [news] = await recent();
  expect(news).toMatchObject({ command: 'Ping', status: 2, collections: [{ id: inbox }] });
  expect(news?.waitedMs).toBeGreaterThanOrEqual(0);
  await phone.syncAll(inbox);
  const older = phone.ping([inbox], 600);
  await expect.poll(() => server.endpoint.waiting).toBe(1);
  const newer = phone.ping([inbox], 600);
  await older;
  const [superseded] = await recent();
  expect(superseded).toMatchObject({ command: 'Ping', httpStatus: 200, error: 'ended: superseded' });
  server.endpoint.stop();
  await newer;
  expect((await recent())[0]).toMatchObject({ error: 'ended: server-stopping' });
});

test('device diary: a client that went before its answer has no HTTP status', async () => {
  const { server, phone, recent } = await open();
  const inbox = phone.folder(2);
  await phone.syncAll(inbox);
  const gone = new AbortController();
  const ping = phone.ping([inbox], 600, gone.signal).catch(() => undefined);
  await expect.poll(() => server.endpoint.waiting).toBe(1);
  gone.abort();
  await ping;
  await expect.poll(() => server.endpoint.waiting).toBe(0);
  await expect
    .poll(async () => (await recent())[0])
    .toMatchObject({ command: 'Ping', httpStatus: undefined, error: 'ended: client-gone' });
});

test('device diary: of many collections ten are told, and how many more there were', async () => {
  const { server, phone, recent } = await open();
  await server.addFolders(15);
  await phone.folderSync();
  const ids = [...phone.folders.keys()].slice(-15);
  const collections = ids.map((folder) => phone.collectionElement(folder));
  await phone.command('Sync', el(AirSync.Sync, el(AirSync.Collections, ...collections)));
  const [entry] = await recent();
  expect(entry?.collections).toHaveLength(10);
  expect(entry?.moreCollections).toBe(5);
});

test('device diary: MoveItems counts by folder, the Sync that follows counts what the device sent', async () => {
  const { server, phone, recent } = await open();
  const item = await server.deliver('one');
  await server.deliver('two');
  const [inbox, deleted] = [phone.folder(2), phone.folder(4)];
  await phone.syncAll(inbox);
  const move = el(
    Move.Move,
    el(Move.SrcMsgId, `${inbox}:${item}`),
    el(Move.SrcFldId, inbox),
    el(Move.DstFldId, deleted),
  );
  await phone.command('MoveItems', el(Move.MoveItems, move));
  const [other = ''] = [...phone.collection(inbox).items.keys()].filter((one) => !one.endsWith(`:${item}`));
  await phone.sync(inbox, { commands: [el(AirSync.Delete, el(AirSync.ServerId, other))] });
  const [sync, moved] = await recent();
  expect(moved?.collections).toEqual([expect.objectContaining({ id: inbox, received: 1 })]);
  expect(sync?.collections).toMatchObject([{ id: inbox, received: 1 }]);
});

test('device diary: the trial device "validate" has none, and a removed device begins anew', async () => {
  const { server, phone, recent } = await open();
  const trial = server.phone('14.1', { deviceId: 'validate' });
  await trial.post('FolderSync');
  expect(await server.diary.recent(server.alice.mailbox, 'validate' as DeviceId)).toEqual([]);
  expect((await recent()).length).toBeGreaterThan(2);
  await server.devices.remove(server.alice.mailbox, id);
  await server.diary.forget(server.alice.mailbox, id);
  expect(await recent()).toEqual([]);
  await phone.provision();
  expect(await recent()).toHaveLength(2);
});

test('device diary: what HTTP refuses has its status, and our own faults lead to their line in the log', async () => {
  const { phone, recent } = await open();
  await phone.post('Sync', Buffer.alloc(3 * 1024 * 1024));
  await phone.sendMail('To: fault@example.test\r\nSubject: Secret\r\n\r\nx\r\n');
  await phone.post('Nonsense');
  const [unknown, fault, large] = await recent();
  expect(unknown).toMatchObject({
    command: 'Nonsense',
    httpStatus: 501,
    status: 137,
    error: 'command Nonsense',
  });
  expect(fault).toMatchObject({
    httpStatus: 200,
    status: 111,
    error: expect.stringMatching(/^local error [0-9a-f]{12}$/),
  });
  expect(large).toMatchObject({ command: 'Sync', httpStatus: 413, error: 'Content too large' });
});
