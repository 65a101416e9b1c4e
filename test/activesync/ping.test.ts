import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
import { el, textOf } from '#protocols/activesync/wbxml/element';
import { forms } from '#test/support/eas-versions';
import { folderCommands } from './folder-phone.ts';
import { startEndpoint, type TestServer } from './server.ts';

/** A phone that holds the Inbox. */
async function start(version: ProtocolVersion = '14.1', server?: TestServer, deviceId?: string) {
  const on = server ?? (await startEndpoint());
  const phone = on.phone(version, deviceId === undefined ? {} : { deviceId });
  await phone.provision();
  await phone.folderSync();
  const inbox = phone.folder(2);
  await phone.syncAll(inbox);
  return { server: on, phone, inbox };
}

/** Resolves when so many requests wait. */
async function untilWaiting({ endpoint }: TestServer, count = 1): Promise<void> {
  while (endpoint.waiting < count) await new Promise((resolve) => setImmediate(resolve));
}

const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;

describe.each(versions)('%s', (version) => {
  test('a new message ends the wait, and one that came before it', async () => {
    const { server, phone, inbox } = await start(version);
    const waiting = phone.ping([inbox], 60);
    await untilWaiting(server);
    await server.deliver('New');
    expect(await waiting).toMatchObject({ status: 2, folders: [inbox] });
    expect(await phone.ping()).toMatchObject({ status: 2, folders: [inbox] });
    await phone.syncAll(inbox);
    const again = phone.ping();
    await untilWaiting(server);
    await server.deliver('Newer');
    expect(await again).toMatchObject({ status: 2 });
  });

  test('what was never sent is asked for: Status 3', async () => {
    const { phone, inbox } = await start(version);
    expect((await phone.ping()).status).toBe(3);
    expect((await phone.ping(undefined, 60)).status).toBe(3);
    expect((await phone.ping([inbox])).status).toBe(3);
  });

  test('a heartbeat out of range answers Status 5 with the nearest bound', async () => {
    const { phone, inbox } = await start(version);
    for (const [asked, told] of [
      [1, '60'],
      [3541, '3540'],
    ] as const) {
      const { status, response } = await phone.ping([inbox], asked);
      expect(status).toBe(5);
      expect(response.element?.children[1]).toMatchObject({ tag: Ping.HeartbeatInterval, text: told });
    }
  });

  test('an unknown folder, or a tree that changed, answers Status 7', async () => {
    const { server, phone, inbox } = await start(version);
    expect((await phone.ping([inbox, '999'], 60)).status).toBe(7);
    const waiting = phone.ping([inbox], 60);
    await untilWaiting(server);
    await server.addFolders(1);
    expect((await waiting).status).toBe(7);
    expect((await phone.ping()).status).toBe(7);
    await phone.folderSync();
    await server.deliver('New');
    expect((await phone.ping()).status).toBe(2);
  });

  test('a folder that another device renamed before this one deleted it is no news: no Status 7', async () => {
    const { server, phone, inbox } = await start(version);
    const id = await folderCommands(phone).create('Mine');
    const { phone: tablet } = await start('16.1', server, 'tablet');
    expect(await folderCommands(tablet).update(id, '0', 'Renamed')).toBe(1);
    expect(await folderCommands(phone).remove(id)).toBe(1);
    const waiting = phone.ping([inbox], 60);
    await server.deliver('New');
    expect((await waiting).status).toBe(2);
  });

  test('nonsense answers Status 4, too many folders 6', async () => {
    const { phone, inbox } = await start(version);
    expect((await phone.ping([inbox, inbox], 60)).status).toBe(4);
    const body = el(Ping.Ping, el(Ping.HeartbeatInterval, 'soon'));
    expect((await phone.post('Ping', body, { validateRequest: false })).rootStatus).toBe(4);
    const many = Array.from({ length: 301 }, (_, n) => String(n + 1));
    expect((await phone.ping(many, 60)).status).toBe(6);
  });

  test('Ping: more than 300 folders answer Status 6 with MaxFolders, and the list is not kept', async () => {
    const { phone } = await start(version);
    const { response } = await phone.ping(
      Array.from({ length: 301 }, (_, n) => String(n + 1)),
      60,
    );
    expect(response.element?.children.map(({ tag, text }) => `${tag.name} ${text}`)).toEqual([
      'Status 6',
      'MaxFolders 300',
    ]);
    expect((await phone.ping()).status).toBe(3);
  });

  test('Ping: a Folder without Id, with an empty one or one over 64 characters answers Status 4', async () => {
    const { phone } = await start(version);
    for (const parts of [[], [el(Ping.Id)], [el(Ping.Id, 'x'.repeat(65))]]) {
      const folder = el(Ping.Folder, ...parts, el(Ping.Class, 'Email'));
      const body = el(Ping.Ping, el(Ping.HeartbeatInterval, 60), el(Ping.Folders, folder));
      expect((await phone.post('Ping', body, { validateRequest: false })).rootStatus).toBe(4);
    }
  });

  test('Ping: a Class that is missing, of another folder or unknown is no matter, nor is the order of elements', async () => {
    const { server, phone, inbox } = await start(version);
    await server.deliver('New');
    for (const parts of [
      [el(Ping.Id, inbox)],
      [el(Ping.Class, 'Calendar'), el(Ping.Id, inbox)],
      [el(Ping.Class, 'Fax'), el(Ping.Id, inbox)],
    ]) {
      const folders = el(Ping.Folders, el(Ping.Folder, ...parts));
      const body = el(Ping.Ping, folders, el(Ping.HeartbeatInterval, 60));
      const { element } = await phone.post('Ping', body, { validateRequest: false });
      expect([textOf(element, Ping.Status), textOf(element, Ping.Folders, Ping.Folder)]).toEqual([
        '2',
        inbox,
      ]);
    }
  });

  test('Ping: a list that is sent replaces the one before, a HeartbeatInterval alone leaves it', async () => {
    const { server, phone, inbox } = await start(version);
    const sent = phone.folder(5);
    await phone.syncAll(sent);
    await server.deliver('New');
    expect(await phone.ping([inbox, sent], 60)).toMatchObject({ status: 2, folders: [inbox] });
    expect(await phone.ping(undefined, 120)).toMatchObject({ status: 2, folders: [inbox] });
    const waiting = phone.ping([sent]);
    await untilWaiting(server);
    await server.deliver('Copy', 4);
    expect(await waiting).toMatchObject({ status: 2, folders: [sent] });
    expect(await phone.ping()).toMatchObject({ status: 2, folders: [sent] });
  });

  test('Ping: it is served without a policy key', async () => {
    const { server, phone, inbox } = await start(version);
    await server.deliver('New');
    phone.policyKey = undefined;
    expect(await phone.ping([inbox], 60)).toMatchObject({ status: 2, folders: [inbox] });
  });

  test('the end of the heartbeat answers Status 1', async () => {
    const server = await startEndpoint({ quickHeartbeat: true });
    const { phone, inbox } = await start(version, server);
    for (const seconds of [60, 3540]) {
      const { status, response } = await phone.ping([inbox], seconds);
      expect([status, response.element?.children.length]).toEqual([1, 1]);
    }
  });
});

describe.each(forms)('%s', (version) => {
  test('Ping: a list is kept though its HeartbeatInterval answers Status 5, with the heartbeat before, or none', async () => {
    const { server, phone, inbox } = await start(version);
    const sent = phone.folder(5);
    await phone.syncAll(sent);
    await server.deliver('New');
    await server.deliver('Copy', 4);
    expect((await phone.ping([inbox], 59)).status).toBe(5);
    expect((await phone.ping()).status).toBe(3);
    expect(await phone.ping(undefined, 60)).toMatchObject({ status: 2, folders: [inbox] });
    expect((await phone.ping([sent], 3541)).status).toBe(5);
    expect(await phone.ping()).toMatchObject({ status: 2, folders: [sent] });
    const many = Array.from({ length: 301 }, (_, n) => String(n + 1));
    expect((await phone.ping(many, 59)).status).toBe(5);
    expect((await phone.ping(undefined, 3541)).status).toBe(5);
    expect(await phone.ping()).toMatchObject({ status: 2, folders: [sent] });
  });

  test('what the device changed itself does not count, what another changed does', async () => {
    const { server, phone, inbox } = await start(version);
    const id = await server.deliver('One');
    await phone.syncAll(inbox);
    const { phone: tablet } = await start('16.1', server, 'tablet');
    const waiting = phone.ping([inbox], 60);
    await untilWaiting(server);
    const read = (value: boolean) =>
      el(
        AirSync.Change,
        el(AirSync.ServerId, `${inbox}:${id}`),
        el(AirSync.ApplicationData, el(Email.Read, value)),
      );
    await phone.sync(inbox, { commands: [read(true)] });
    expect(server.endpoint.waiting).toBe(1);
    await tablet.syncAll(inbox);
    await tablet.sync(inbox, { commands: [read(false)] });
    expect(await waiting).toMatchObject({ status: 2, folders: [inbox] });
  });

  test('a newer Ping of the same device ends the older one, a client that leaves its own', async () => {
    const { server, phone, inbox } = await start(version);
    const older = phone.ping([inbox], 60);
    await untilWaiting(server);
    const newer = phone.ping([inbox], 120);
    expect((await older).status).toBe(1);
    expect(server.endpoint.waiting).toBe(1);
    phone.close();
    await expect(newer).rejects.toThrow();
    while (server.endpoint.waiting > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test('a new password, or a user who is disabled, ends what waits: who goes on has to sign in again', async () => {
    const { server, phone, inbox } = await start(version);
    await phone.syncAll(inbox);
    const { phone: tablet } = await start('16.1', server, 'tablet');
    await tablet.syncAll(inbox);
    const waiting = phone.ping([inbox], 3540);
    const syncing = tablet.sync(inbox, { waitMinutes: 59 });
    await untilWaiting(server, 2);
    server.changeAccount(server.bob);
    expect(server.endpoint.waiting).toBe(2);
    server.changeAccount(server.alice);
    expect((await waiting).status).toBe(1);
    expect(await syncing).toMatchObject({ status: 1, commands: undefined });
  });
});

/** A phone whose next Ping stands at the sign-in until `letIn` is called. */
async function startSigningIn() {
  let letIn: (() => void) | undefined;
  let isSlow = false;
  const beforeSignIn = async () => {
    if (isSlow) await new Promise<void>((resolve) => (letIn = resolve));
  };
  const { server, phone, inbox } = await start('16.1', await startEndpoint({ beforeSignIn }));
  isSlow = true;
  const waiting = phone.ping([inbox], 3540);
  while (letIn === undefined) await new Promise((resolve) => setImmediate(resolve));
  isSlow = false;
  return { server, phone, waiting, letIn };
}

test('a Ping that was signing in while its account changed does not wait', async () => {
  const { server, waiting, letIn } = await startSigningIn();
  server.changeAccount(server.alice);
  letIn();
  expect((await waiting).status).toBe(1);
});

test('a client that left while it was signing in leaves nothing that waits', async () => {
  const { server, phone, waiting, letIn } = await startSigningIn();
  phone.close();
  await expect(waiting).rejects.toThrow();
  const other = server.phone('14.1', { deviceId: 'other' });
  await other.options();
  letIn();
  await other.provision();
  expect(server.endpoint.waiting).toBe(0);
});

test('a device that is removed while it waits is not on the list again before it provisions', async () => {
  const { server, phone, inbox } = await start();
  const syncing = phone.sync(inbox, { waitMinutes: 59 });
  await untilWaiting(server);
  for (let n = 0; n < 5; n++) await phone.options();
  await server.devices.remove(server.alice.mailbox, 'testdevice0001' as DeviceId);
  // 3 when it was looking into the folder at that moment.
  expect([142, 3]).toContain((await syncing).status);
  expect(await server.devices.list(server.alice.mailbox)).toEqual([]);
  await phone.provision();
  expect(await server.devices.list(server.alice.mailbox)).toHaveLength(1);
});

describe.each(forms)('%s', (version) => {
  test('a stopping server ends what waits at once', async () => {
    const { server, phone, inbox } = await start(version);
    const waiting = phone.ping([inbox], 3540);
    await untilWaiting(server);
    server.endpoint.stop();
    expect((await waiting).status).toBe(1);
    expect((await phone.ping()).status).toBe(1);
  });

  test('a new policy ends the wait, and the FolderSync that follows is told of it', async () => {
    const { server, phone, inbox } = await start(version);
    const waiting = phone.ping([inbox], 60);
    await untilWaiting(server);
    const policy = { settings: { AllowCamera: false }, allowNonProvisionableDevices: false };
    await server.policies.put(server.organization, server.bob.entity, policy);
    expect(server.endpoint.waiting).toBe(1);
    await server.policies.put(server.organization, 'organization', policy);
    expect((await waiting).status).toBe(7);
    const body = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, phone.folderKey));
    const refused = await phone.post('FolderSync', body);
    expect(refused.rootStatus ?? refused.status).toBe(isAtLeast(version, '14.0') ? 143 : 449);
  });
});

test.each(forms)('%s: a wipe ends the wait, and no Ping goes on', async (version) => {
  const { server, phone, inbox } = await start(version);
  const body = el(
    Ping.Ping,
    el(Ping.HeartbeatInterval, 60),
    el(Ping.Folders, el(Ping.Folder, el(Ping.Id, inbox), el(Ping.Class, 'Email'))),
  );
  const waiting = phone.post('Ping', body);
  await untilWaiting(server);
  await server.devices.requestWipe(server.alice.mailbox, 'testdevice0001' as DeviceId, false);
  for (const answer of [await waiting, await phone.post('Ping', body)]) {
    expect(!isAtLeast(version, '14.0') ? answer.status : answer.rootStatus).toBe(
      !isAtLeast(version, '14.0') ? 449 : 140,
    );
  }
});
