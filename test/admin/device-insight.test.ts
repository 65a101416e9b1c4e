import { expect, test } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { el } from '#protocols/activesync/wbxml/element';
import { EasClient } from '#test/support/eas-client';
import { startServer, type TestUser } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';

interface Request {
  readonly Command: string;
  readonly Request: string;
  readonly Answer: string;
  readonly RequestHeaders: Record<string, string>;
  readonly AnswerHeaders: Record<string, string>;
  readonly [member: string]: unknown;
}

/** A server with a user whose phone has provisioned. */
async function open(options: { folder?: string; version?: '12.1' | '14.1' } = {}) {
  const server = await startServer(options);
  const user = await server.addUser('alice');
  const phone = phoneOf(server, user, options.version ?? '14.1');
  await phone.provision();
  const device = { OrganizationId: server.organization, UserId: 'alice', DeviceId: phone.deviceId };
  return { server, user, phone, ...calls(server, device) };
}

type Server = Awaited<ReturnType<typeof startServer>>;

function phoneOf({ baseUrl, ca }: Server, { address, password }: TestUser, version: '12.1' | '14.1') {
  return new EasClient({ baseUrl, ca, user: address, password, version, deviceId: 'Phone1' });
}

function calls(server: Server, device: object) {
  const call = (operation: string, input: object = {}) =>
    server.admin(`Mailstead.${operation}`, { ...device, ...input });
  const requests = async (): Promise<Request[]> => (await call('GetDeviceTrace'))['Requests'] as Request[];
  const recent = async () => (await call('DescribeMobileDevice'))['RecentRequests'] as Request[];
  return { call, requests, recent };
}

test('DescribeMobileDevice: RecentRequests survive a restart of the server', async () => {
  const folder = await tempFolder();
  const first = await open({ folder });
  await first.phone.folderSync();
  const before = await first.recent();
  expect(before.map(({ Command }) => Command)).toEqual(['FolderSync', 'Provision', 'Provision']);
  expect(before[0]).toMatchObject({
    HttpStatus: 200,
    Status: 1,
    PolicyKey: 'CURRENT',
    ProtocolVersion: '14.1',
    Time: expect.any(Number),
    DurationMs: expect.any(Number),
    BytesOut: expect.any(Number),
    Collections: [
      { CollectionId: '0', KeyIn: '0', KeyOut: expect.any(String), ItemsSent: expect.any(Number) },
    ],
  });
  // Noted, and not yet written down.
  await first.phone.folderSync();
  first.phone.close();
  await first.server.server.stop();
  const again = await startServer({ folder });
  const { recent } = calls(again, {
    OrganizationId: again.organization,
    UserId: 'alice',
    DeviceId: 'phone1',
  });
  expect((await recent()).map(({ Command }) => Command)).toEqual([
    'FolderSync',
    'FolderSync',
    'Provision',
    'Provision',
  ]);
});

test('PutDeviceTrace: requests and answers are kept in order while it is on, without credentials', async () => {
  const { user, phone, call, requests } = await open();
  expect(await call('GetDeviceTrace')).toEqual({ Enabled: false, Requests: [] });
  await phone.folderSync();
  expect(await call('PutDeviceTrace', { Enabled: true, Minutes: 5, RequestedBy: 'root' })).toMatchObject({
    Enabled: true,
    RequestedBy: 'root',
  });
  const inbox = phone.folder(2);
  await phone.syncAll(inbox, { body: { type: 1, truncationSize: 100 } });
  await phone.settings(el(Settings.DevicePassword, el(Settings.Set, el(Settings.Password, 'hunter2'))));
  await phone.sendMail(`To: ${user.address}\r\nSubject: Hi\r\n\r\nA secret body\r\n`);
  const off = await call('PutDeviceTrace', { Enabled: false });
  expect(off).toMatchObject({ Enabled: false, EndTime: expect.any(Number) });
  await phone.folderSync();
  const kept = await requests();
  expect(kept.map(({ Command }) => Command)).toEqual(['Sync', 'Sync', 'Settings', 'SendMail']);
  const [, sync, settings, mail] = kept;
  expect(sync?.Request).toContain(`<CollectionId>${inbox}</CollectionId>`);
  expect(sync?.Request).toContain('<AirSyncBase:TruncationSize>100</AirSyncBase:TruncationSize>');
  expect(sync).toMatchObject({ HttpStatus: 200, ProtocolVersion: '14.1' });
  expect(sync?.RequestHeaders).toMatchObject({ authorization: 'withheld', 'ms-asprotocolversion': '14.1' });
  expect(settings?.Answer).toContain('<Status>7</Status>');
  expect(mail?.Request).toContain('Subject: Hi');
  expect(JSON.stringify(kept)).not.toMatch(/hunter2|secret body|Basic /);
  expect(kept[0]?.AnswerHeaders['Content-Type']).toBe('application/vnd.ms-sync.wbxml');
});

test('PutDeviceTrace: of a request that cannot be decoded the tokens are kept as hex, with the place of its fault', async () => {
  const { phone, call, requests } = await open();
  await call('PutDeviceTrace', { Enabled: true });
  await phone.post('Sync', Buffer.from('03016a00454603', 'hex'));
  await phone.post('Sync', Buffer.from('hello'), { headers: { 'Content-Type': 'text/plain' } });
  const [cut, text] = await requests();
  expect(cut?.Request).toBe('cannot be decoded: the end of the document at byte 7\n03016a00454603(0 bytes)');
  expect(cut?.Answer).toContain('<Status>102</Status>');
  expect(text?.Request).toBe('cannot be decoded: no document\n68 and 4 bytes more');
});

test('PutDeviceTrace: nothing that was written into a request that cannot be decoded is kept, as it may be a password', async () => {
  const { phone, call, requests } = await open();
  await call('PutDeviceTrace', { Enabled: true });
  const text = (value: string) => Buffer.from(`\x03${value}\0`);
  // Settings, DevicePassword, Set, Password; cut short, or with bytes at its end that are no tokens.
  const password = Buffer.concat([
    Buffer.from('03016a000012455448', 'hex'),
    Buffer.of(0x55),
    text('hunter2'),
  ]);
  await phone.post('Settings', password);
  await phone.post(
    'Settings',
    Buffer.concat([password, Buffer.of(0x01, 0x01, 0x84), Buffer.from('hunter3')]),
  );
  const opaque = Buffer.concat([Buffer.of(0xc3, 7), Buffer.from('hunter4')]);
  await phone.post('Settings', Buffer.concat([password.subarray(0, 10), opaque]));
  await phone.post('Settings', Buffer.from('hunter5'), { headers: { 'Content-Type': 'text/plain' } });
  const kept = JSON.stringify(await requests());
  expect(kept).toContain('03(7 bytes)');
  expect(kept).toContain('c3(7 bytes)');
  for (const n of [2, 3, 4, 5]) {
    expect(kept).not.toContain(`hunter${n}`);
    expect(kept).not.toContain(Buffer.from(`nter${n}`).toString('hex'));
  }
});

test('PutDeviceTrace: below 14.0 a message is kept as its header', async () => {
  const { user, phone, call, requests } = await open({ version: '12.1' });
  await call('PutDeviceTrace', { Enabled: true });
  await phone.sendMail(`To: ${user.address}\r\nSubject: Hi\r\n\r\nA secret body\r\n`);
  const [mail] = await requests();
  expect(mail?.Request).toMatch(/^To: alice@.*\r\nSubject: Hi\n<!-- \d+ bytes left out -->$/);
});

test('PutDeviceTrace: it goes on after a restart, and its requests are given page by page', async () => {
  const folder = await tempFolder();
  const first = await open({ folder });
  await first.call('PutDeviceTrace', { Enabled: true, Minutes: 30 });
  for (let n = 0; n < 3; n++) await first.phone.folderSync();
  first.phone.close();
  await first.server.server.stop();
  const again = await startServer({ folder });
  const phone = phoneOf(again, first.user, '14.1');
  phone.policyKey = first.phone.policyKey;
  const device = { OrganizationId: again.organization, UserId: 'alice', DeviceId: 'PHONE1' };
  const { call } = calls(again, device);
  await phone.post('Sync', el(AirSync.Sync, el(AirSync.Collections)), { validateRequest: false });
  const seen: string[] = [];
  let NextToken: unknown;
  do {
    const page = await call('GetDeviceTrace', { MaxResults: 2, ...(NextToken ? { NextToken } : {}) });
    expect(page['Enabled']).toBe(true);
    const requests = page['Requests'] as Request[];
    expect(requests.length).toBeLessThanOrEqual(2);
    seen.push(...requests.map(({ Command }) => Command));
    NextToken = page['NextToken'];
  } while (NextToken !== undefined);
  expect(seen).toEqual(['FolderSync', 'FolderSync', 'FolderSync', 'Sync']);
  phone.close();
});

test('DeleteMobileDevice takes the diary, the trace and the recovery password along', async () => {
  const { phone, call, recent, requests } = await open();
  await call('PutDeviceTrace', { Enabled: true });
  await phone.folderSync();
  await call('DeleteMobileDevice');
  await expect(call('GetDeviceTrace')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await phone.provision();
  expect(await requests()).toEqual([]);
  expect((await recent()).map(({ Command }) => Command)).toEqual(['Provision', 'Provision']);
});

test('GetDeviceRecoveryPassword: what the device gave, and nothing once it is cleared', async () => {
  const { server, phone, call } = await open();
  await server.admin('Mailstead.PutMobilePolicy', {
    OrganizationId: server.organization,
    Policy: { PasswordRecoveryEnabled: true },
  });
  await phone.provision();
  expect(await call('GetDeviceRecoveryPassword')).toEqual({});
  const tell = (password: string) =>
    phone.settings(el(Settings.DevicePassword, el(Settings.Set, el(Settings.Password, password))));
  await tell('1234-5678');
  expect(await call('GetDeviceRecoveryPassword', { RequestedBy: 'root' })).toEqual({
    RecoveryPassword: '1234-5678',
    SetTime: expect.any(Number),
  });
  expect(JSON.stringify(await call('DescribeMobileDevice'))).not.toContain('1234-5678');
  await tell('');
  expect(await call('GetDeviceRecoveryPassword')).toEqual({});
});

test.each([
  ['PutDeviceTrace', { Enabled: true, Minutes: 1441 }],
  ['PutDeviceTrace', { Enabled: true, Minutes: 0 }],
  ['PutDeviceTrace', { Enabled: true, Other: 1 }],
  ['PutDeviceTrace', {}],
  ['GetDeviceTrace', { NextToken: 'x' }],
])('%s with %j is refused', async (operation, input) => {
  const { call } = await open();
  await expect(call(operation, input)).rejects.toMatchObject({ name: 'InvalidParameterException' });
});

test.each(['PutDeviceTrace', 'GetDeviceTrace', 'GetDeviceRecoveryPassword'])(
  '%s of a device or a user that is not there is refused',
  async (operation) => {
    const { call } = await open();
    const input = operation === 'PutDeviceTrace' ? { Enabled: true } : {};
    await expect(call(operation, { ...input, DeviceId: 'other' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    await expect(call(operation, { ...input, UserId: 'nobody' })).rejects.toMatchObject({
      name: 'EntityNotFoundException',
    });
  },
);
