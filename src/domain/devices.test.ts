import { expect, test } from 'vitest';
import { testDeviceAccess } from '#test/support/device-access';
import { noGroups } from '#test/support/no-groups';
import { tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { type DeviceIndex, Devices } from './devices.ts';
import type { DeviceId } from './ids.ts';
import { Policies } from './policy.ts';

const sighting = {
  id: 'phone' as DeviceId,
  type: 'Phone',
  userAgent: 'Phone/1',
  protocolVersion: '16.1',
};

test('a device that comes back while it is removed stays on the list of its organisation', async () => {
  const database = await tempDatabase();
  const ref = await tempMailbox(database, tempOrganization(database));
  const entries = new Set<DeviceId>();
  let comesBack: (() => Promise<unknown>) | undefined;
  const index: DeviceIndex = {
    addDevice: async (_ref, device) => void entries.add(device),
    removeDevice: async (_ref, device) => {
      await comesBack?.();
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
