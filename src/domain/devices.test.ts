import { expect, test } from 'vitest';
import { testDeviceAccess } from '#test/support/device-access';
import { noGroups } from '#test/support/no-groups';
import { tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { listStart } from './change.ts';
import { type DeviceIndex, Devices } from './devices.ts';
import type { DeviceId, FolderId } from './ids.ts';
import { Policies } from './policy.ts';

const sighting = {
  id: 'phone' as DeviceId,
  type: 'Phone',
  userAgent: 'Phone/1',
  protocolVersion: '16.1',
};

async function open(comesBack: () => Promise<unknown> = async () => undefined) {
  const database = await tempDatabase();
  const ref = await tempMailbox(database, tempOrganization(database));
  const entries = new Set<DeviceId>();
  const index: DeviceIndex = {
    addDevice: async (_ref, device) => void entries.add(device),
    removeDevice: async (_ref, device) => {
      await comesBack();
      entries.delete(device);
    },
    deviceEntries: async () => ({ rows: [...entries].map((device) => ({ ref, device })) }),
  };
  const none = {
    policy: async () => undefined,
    updatePolicy: async () => undefined,
  };
  const clock = { now: () => 0, after: () => () => undefined };
  const policies = new Policies(none, noGroups);
  const { access } = testDeviceAccess(database, policies, clock);
  const devices = new Devices(database.mail, index, policies, access, clock);
  return { database, ref, index, policies, clock, devices };
}

test('a device that comes back while it is removed stays on the list of its organisation', async () => {
  let comesBack: (() => Promise<unknown>) | undefined;
  const { devices, ref } = await open(async () => comesBack?.());
  const listed = async () => (await devices.listAll(ref.organization, undefined, 10)).rows.length;
  await devices.meet(ref, sighting);
  expect(await listed()).toBe(1);
  comesBack = () => devices.meet(ref, sighting);
  await devices.remove(ref, sighting.id);
  expect(await listed()).toBe(1);
  comesBack = undefined;
  await devices.remove(ref, sighting.id);
  expect(await listed()).toBe(0);
});

test('a device that is removed while it asks comes as a new one: listed, and as new devices are taken', async () => {
  const { database, ref, index, policies, clock } = await open();
  let meanwhile: (() => Promise<unknown>) | undefined;
  const access = {
    settings: async () => {
      const happens = meanwhile;
      meanwhile = undefined;
      await happens?.();
      return { maxDevicesPerUser: 5 };
    },
    welcome: async () => 'QUARANTINE' as const,
  };
  const devices = new Devices(database.mail, index, policies, access, clock);
  await devices.meet(ref, sighting);
  meanwhile = () => devices.remove(ref, sighting.id);
  const met = await devices.meet(ref, { ...sighting, userAgent: 'Phone/2' });
  expect(met).toMatchObject({ userAgent: 'Phone/2', cameAs: 'QUARANTINE' });
  expect((await devices.listAll(ref.organization, undefined, 10)).rows).toHaveLength(1);
});

test('a device that synchronised thousands of folders is removed with all it held', async () => {
  const { database, devices, ref } = await open();
  await devices.meet(ref, sighting);
  const state = {
    nonce: 'n',
    seq: 1,
    skip: 0,
    walked: listStart,
    unsent: [],
    past: [],
    options: '',
    adds: [],
  };
  for (let from = 1; from <= 2500; from += 500) {
    await database.mail.transact([ref], async (of) => {
      for (let folder = from; folder < from + 500; folder++) {
        for (const number of [1, 2])
          of(ref).putSyncState(sighting.id, folder as FolderId, { ...state, number });
      }
    });
  }
  const { mail } = database;
  expect(await mail.mailbox(ref).syncedFolders(sighting.id)).toHaveLength(2500);
  await devices.remove(ref, sighting.id);
  expect(await mail.mailbox(ref).syncedFolders(sighting.id)).toEqual([]);
  expect(await mail.mailbox(ref).device(sighting.id)).toBeUndefined();
});
