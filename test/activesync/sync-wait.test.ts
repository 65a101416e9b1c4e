import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { type Content, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import {
  answered,
  commands,
  elsewhere,
  startPhone,
  syncRaw,
  untilWaiting,
  type Version,
  versionsThatWait,
} from './sync-phone.ts';

const { read } = commands;

/** A phone that holds these folders of alice, by type. */
async function startHolding(
  version: Version,
  types: readonly number[] = [2],
  options: Parameters<typeof startPhone>[1] = {},
) {
  const started = await startPhone(version, options);
  const folders = types.map((type) => started.phone.folder(type));
  for (const folder of folders) await started.phone.syncAll(folder);
  return { ...started, folders };
}

/** Sync of these folders that waits so many minutes. */
const wait = (phone: EasClient, folders: readonly string[], ...rest: readonly Content[]) =>
  syncRaw(
    phone,
    folders.map((folder) => phone.collectionElement(folder)),
    ...(rest.length > 0 ? rest : [el(AirSync.Wait, 5)]),
  );
const empty = (phone: EasClient) => phone.post('Sync');
const partial = (phone: EasClient, ...rest: readonly Content[]) =>
  phone.post('Sync', el(AirSync.Sync, ...rest, el(AirSync.Partial)), { validateRequest: false });

describe.each(versionsThatWait)('%s: waiting', (version) => {
  test('a change ends the wait, and only its folder is answered', async () => {
    const { server, phone, folders, inbox } = await startHolding(version, [4, 2, 5]);
    const waiting = wait(phone, folders);
    await untilWaiting(server);
    await server.deliver('New');
    const response = await waiting;
    expect(answered(response)).toEqual([{ id: inbox, status: 1, more: false, commands: 1 }]);
    phone.applySync(inbox, response);
    const again = empty(phone);
    await untilWaiting(server);
    await server.deliver('Other', Number(folders[0]));
    expect(answered(await again)).toMatchObject([{ id: folders[0], commands: 1 }]);
  });

  test('a change that came before is answered at once', async () => {
    const { server, phone, folders } = await startHolding(version);
    await server.deliver('New');
    expect(answered(await wait(phone, folders, el(AirSync.HeartbeatInterval, 60)))).toMatchObject([
      { commands: 1 },
    ]);
  });

  test('the end of the time answers nothing', async () => {
    const { phone, folders } = await startHolding(version, [2, 8], { quickHeartbeat: true });
    for (const element of [el(AirSync.Wait, 1), el(AirSync.HeartbeatInterval, 3540)]) {
      const response = await wait(phone, folders, element);
      expect([response.status, response.body.length]).toEqual([200, 0]);
    }
  });

  test('both Wait and HeartbeatInterval answer Status 4, values out of range 14 with the nearest Limit', async () => {
    const { phone, folders } = await startHolding(version);
    const both = await wait(phone, folders, el(AirSync.Wait, 5), el(AirSync.HeartbeatInterval, 300));
    expect(both.rootStatus).toBe(4);
    for (const [tag, value, limit] of [
      [AirSync.Wait, '0', '1'],
      [AirSync.Wait, '60', '59'],
      [AirSync.Wait, 'long', '59'],
      [AirSync.HeartbeatInterval, '59', '60'],
      [AirSync.HeartbeatInterval, '3541', '3540'],
    ] as const) {
      const { rootStatus, element } = await wait(phone, folders, el(tag, value));
      expect([rootStatus, textOf(element, AirSync.Limit)], `${tag.name} ${value}`).toEqual([14, limit]);
    }
  });

  test('a request with commands is answered at once', async () => {
    const { server, phone, inbox } = await startHolding(version);
    const id = await server.deliver('One');
    await phone.syncAll(inbox);
    expect(
      (await phone.sync(inbox, { waitMinutes: 5, commands: [read(`${inbox}:${id}`, true)] })).status,
    ).toBe(1);
  });
});

describe.each(versionsThatWait)('%s: the request that is kept', (version) => {
  test('an empty Sync repeats the last one with the keys of the last answers', async () => {
    const { server, phone, inbox, folders } = await startHolding(version, [4, 2]);
    const whole = () =>
      syncRaw(
        phone,
        folders.map((folder) => phone.collectionElement(folder, { windowSize: 1 })),
      );
    await whole();
    for (const subject of ['One', 'Two']) await server.deliver(subject);
    for (const [ask, more] of [
      [whole, true],
      [() => empty(phone), false],
    ] as const) {
      const response = await ask();
      expect(answered(response)).toEqual([{ id: inbox, status: 1, more, commands: 1 }]);
      phone.applySync(inbox, response);
    }
    expect((await whole()).body).toHaveLength(0);
    for (let n = 0; n < 2; n++) expect((await empty(phone)).body).toHaveLength(0);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test.each([
    ['an empty', (phone: EasClient) => empty(phone)],
    ['a Partial', (phone: EasClient) => partial(phone, el(AirSync.WindowSize, 5))],
  ])('the answer to %s Sync is lost: it is asked for whole (Status 13), and given again', async (_, ask) => {
    const { server, phone, inbox, trash, folders } = await startHolding(version, [4, 2]);
    const whole = () =>
      syncRaw(
        phone,
        folders.map((folder) => phone.collectionElement(folder)),
      );
    expect((await whole()).body).toHaveLength(0);
    await server.deliver('One');
    const lost = await ask(phone);
    expect(answered(lost)).toEqual([{ id: inbox, status: 1, more: false, commands: 1 }]);
    await server.deliver('Two');
    for (let n = 0; n < 2; n++) expect((await ask(phone)).rootStatus).toBe(13);
    const named = el(AirSync.Collections, phone.collectionElement(trash));
    expect((await partial(phone, named)).rootStatus, 'another folder is named').toBe(13);
    phone.applySync(inbox, await whole());
    expect(phone.collection(inbox).items.size).toBe(2);
    expect((await ask(phone)).body).toHaveLength(0);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test('with nothing kept an empty and a Partial Sync answer Status 13', async () => {
    const { server, phone, inbox } = await startPhone(version);
    expect((await empty(phone)).rootStatus).toBe(13);
    expect((await partial(phone, el(AirSync.Wait, 5))).rootStatus).toBe(13);
    await phone.sync(inbox);
    expect((await empty(phone)).rootStatus, 'after key 0').toBe(13);
    const id = await server.deliver('One');
    await phone.syncAll(inbox);
    expect((await empty(phone)).body).toHaveLength(0);
    await phone.sync(inbox, { commands: [read(`${inbox}:${id}`, true)] });
    expect((await empty(phone)).rootStatus, 'after commands').toBe(13);
  });

  test('Partial names what is new, and the rest is as it was', async () => {
    const { server, phone, inbox, trash, folders } = await startHolding(version, [4, 2]);
    const elements = folders.map((folder) => phone.collectionElement(folder, { windowSize: 1 }));
    await syncRaw(phone, elements, el(AirSync.WindowSize, 2));
    for (const folder of [1, 1, Number(trash), Number(trash)]) await server.deliver('m', folder);
    const named = phone.collectionElement(inbox, { windowSize: 5 });
    const response = await partial(phone, el(AirSync.Collections, named));
    expect(answered(response)).toEqual([{ id: inbox, status: 1, more: false, commands: 2 }]);
    phone.applySync(inbox, response);
    const rest = await empty(phone);
    expect(answered(rest)).toEqual([{ id: trash, status: 1, more: true, commands: 1 }]);
  });

  test('Partial changes the wait, and says something or answers Status 4', async () => {
    const { server, phone, inbox, folders } = await startHolding(version);
    await syncRaw(
      phone,
      folders.map((folder) => phone.collectionElement(folder)),
    );
    const waiting = partial(phone, el(AirSync.HeartbeatInterval, 600));
    await untilWaiting(server);
    await server.deliver('New');
    const response = await waiting;
    expect(answered(response)).toMatchObject([{ id: inbox, commands: 1 }]);
    phone.applySync(inbox, response);
    const named = el(AirSync.Collections, phone.collectionElement(inbox));
    const again = partial(phone, named, el(AirSync.WindowSize, 5));
    await untilWaiting(server);
    server.endpoint.stop();
    expect((await again).body).toHaveLength(0);
    expect((await partial(phone)).rootStatus).toBe(4);
  });
});

describe.each(['12.1', '14.1', '16.1'] as const)('%s', (version) => {
  test('a newer waiting Sync ends the older one; the end of the connection ends its own', async () => {
    const { server, phone, folders } = await startHolding(version);
    const older = wait(phone, folders);
    await untilWaiting(server);
    const newer = wait(phone, folders);
    expect((await older).body).toHaveLength(0);
    expect(server.endpoint.waiting).toBe(1);
    phone.close();
    await expect(newer).rejects.toThrow();
    await untilWaiting(server, 0);
  });
});

test('a Sync that waits while the phone goes on from its key takes nothing from it', async () => {
  const { server, phone, inbox, folders } = await startHolding('14.1');
  const id = await server.deliver('One');
  await phone.syncAll(inbox);
  const abandoned = wait(phone, folders);
  await untilWaiting(server);
  await phone.sync(inbox, { commands: [read(`${inbox}:${id}`, true)] });
  await server.deliver('Two');
  await server.deliver('Three');
  const items = await phone.syncAll(inbox);
  expect(items.size).toBe(3);
  server.endpoint.stop();
  expect((await abandoned).body).toHaveLength(0);
  expect((await phone.sync(inbox)).status).toBe(1);
  expect(phone.collection(inbox).anomalies).toEqual([]);
});

test.each(['Inbox', 'recipient cache'])(
  'a Sync of the %s that waits while the phone goes on twice, or starts over, says nothing',
  async (what) => {
    const { server, phone, inbox } = await startHolding('14.1');
    const folder = what === 'Inbox' ? inbox : (phone.recipientCache ?? '');
    await phone.syncAll(folder);
    const abandoned = wait(phone, [folder]);
    await untilWaiting(server);
    // It has looked when this one has.
    await phone.sync(folder);
    for (const conflict of [0, 1]) await phone.sync(folder, { options: [el(AirSync.Conflict, conflict)] });
    const news = async (name: string) => {
      if (what === 'Inbox') await server.deliver(name);
      else await phone.sendMail(`To: ${name}@example.org\r\nSubject: ${name}\r\n\r\n`);
      await phone.syncAll(folder);
    };
    await news('one');
    phone.collection(folder).reset();
    await phone.syncAll(folder);
    await news('two');
    expect(server.endpoint.waiting).toBe(1);
    server.endpoint.stop();
    expect((await abandoned).body).toHaveLength(0);
    expect((await phone.sync(folder)).status).toBe(1);
    expect(phone.collection(folder)).toMatchObject({ anomalies: [], items: { size: 2 } });
  },
);

test('what the phone itself changes, and what it is not told of, does not end the wait', async () => {
  const { server, phone, inbox, folders } = await startHolding('12.1');
  const id = await server.deliver('One');
  await phone.syncAll(inbox);
  const waiting = wait(phone, folders);
  await untilWaiting(server);
  await elsewhere(server).mark(id, { categories: ['red'] });
  await elsewhere(server).remove(await server.deliver('In the trash', 4), 4);
  expect(server.endpoint.waiting).toBe(1);
  await elsewhere(server).mark(id, { read: true });
  expect(answered(await waiting)).toMatchObject([{ id: inbox, commands: 1 }]);
});

test('a stopping server answers a waiting Sync with nothing', async () => {
  const { server, phone, folders } = await startHolding('16.1');
  const waiting = wait(phone, folders);
  await untilWaiting(server);
  server.endpoint.stop();
  expect((await waiting).body).toHaveLength(0);
});

test.each(['12.1', '14.1'] as const)(
  '%s: a new policy and a wipe end a waiting Sync, which says so',
  async (version) => {
    const { server, phone, folders } = await startHolding(version);
    const said = ({ status, rootStatus }: Awaited<ReturnType<typeof wait>>) =>
      !isAtLeast(version, '14.0') ? status : rootStatus;
    const waiting = wait(phone, folders);
    await untilWaiting(server);
    const policy = { settings: { AllowCamera: false }, allowNonProvisionableDevices: false } as const;
    await server.policies.put(server.organization, 'organization', policy);
    expect(said(await waiting)).toBe(!isAtLeast(version, '14.0') ? 449 : 143);
    await phone.provision();
    const again = wait(phone, folders);
    await untilWaiting(server);
    await server.devices.requestWipe(server.alice.mailbox, phone.deviceId.toLowerCase() as DeviceId, false);
    expect(said(await again)).toBe(!isAtLeast(version, '14.0') ? 449 : 140);
  },
);

test('a waiting Sync without folders waits: old Android asks so when nothing is to be synchronised', async () => {
  const { phone } = await startHolding('14.1', [2], { quickHeartbeat: true });
  const response = await phone.post('Sync', el(AirSync.Sync, el(AirSync.HeartbeatInterval, 60)), {
    validateRequest: false,
  });
  expect([response.status, response.body.length]).toEqual([200, 0]);
});
