import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { el, textOf } from '#protocols/activesync/wbxml/element';
import { seeded } from '#storage/store-fixtures';
import { EasClient } from '#test/support/eas-client';
import { callAdmin } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';
import { ServerProcess } from './server-process.ts';

const rounds = Number(process.env['CRASH_ROUNDS'] ?? 1);
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
const password = `Secret-${randomBytes(6).toString('hex')}`;
const address = 'alice@acme.mailstead.test';
const administrator = 'admin@acme.mailstead.test';

/** A server with alice, an administrator and quarantine for new devices, that can be killed and started again. */
async function serve() {
  const dataDir = join(await tempFolder(), 'data');
  const settings = { MAILSTEAD_QUICK_SETUP: 'false', MAILSTEAD_BASE_DOMAIN: 'mailstead.test' };
  let process = await ServerProcess.start({ dataDir, settings });
  const call = async (operation: string, input: object = {}) =>
    await callAdmin(join(dataDir, 'admin.sock'), operation, input);
  const phone = async (deviceId: string, user = address) => {
    const ca = await readFile(join(dataDir, 'tls', 'ca.pem'), 'utf8');
    const baseUrl = `https://${await process.address('https')}`;
    const client = new EasClient({ baseUrl, ca, user, password, deviceId });
    onTestFinished(() => client.close());
    return client;
  };
  const killAndStart = async () => {
    await process.end('SIGKILL');
    process = await ServerProcess.start({ dataDir, settings });
  };
  const { OrganizationId } = await call('CreateOrganization', { Alias: 'acme' });
  const ids = new Map<string, unknown>();
  for (const Email of [address, administrator]) {
    const Name = Email.slice(0, 5);
    const { UserId } = await call('CreateUser', {
      OrganizationId,
      Name,
      DisplayName: Name,
      Password: password,
    });
    await call('RegisterToWorkMail', { OrganizationId, EntityId: UserId, Email });
    ids.set(Email, UserId);
  }
  await call('Mailstead.PutMailRouting', { OrganizationId, Administrator: ids.get(administrator) });
  const ofAlice = (operation: string, input: object = {}) =>
    call(operation, { OrganizationId, UserId: ids.get(address), ...input });
  return {
    phone,
    ofAlice,
    killAndStart,
    settings: (input: object) =>
      call('Mailstead.PutMobileDeviceAccessSettings', { OrganizationId, ...input }),
  };
}

/** The texts in the Inbox, once there are so many. */
async function texts(phone: EasClient, count: number): Promise<readonly string[]> {
  await phone.provision();
  await phone.folderSync();
  const read = async () => [...(await phone.syncAll(phone.folder(2), { body: { type: 1 } })).values()];
  await expect.poll(async () => (await read()).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
  return (await read()).map((data) => textOf(data, AirSyncBase.Body, AirSyncBase.Data) ?? '');
}

test(
  `Provision, FolderSync: all are told once of a device in quarantine, and a wipe that was confirmed stays so, after ${rounds} kills`,
  async () => {
    const random = seeded(1 + seed);
    const { phone, ofAlice, killAndStart, settings } = await serve();
    const told = `CRASH_SEED=${seed}`;
    for (const [id, user] of [
      ['old', address],
      ['admins', administrator],
    ] as const) {
      await (await phone(id, user)).provision();
    }
    for (let n = 0; n < rounds; n++) await (await phone(`wiped${n}`)).provision();
    await settings({ NewDevices: 'QUARANTINE' });
    for (let n = 0; n < rounds; n++) {
      const device = { DeviceId: `wiped${n}` };
      const [fresh, wiped] = [await phone(`fresh${n}`), await phone(`wiped${n}`)];
      await fresh.provision();
      await ofAlice('Mailstead.WipeMobileDevice', device);
      await wiped.provision();
      const wipe = el(Provision.RemoteWipe);
      const furnished = fresh.folderSync().catch(() => undefined);
      const confirmed = wiped.acknowledgeWipe(wipe).then(
        () => true,
        () => false,
      );
      await pause(random(60));
      await killAndStart();
      await furnished;
      const state = async () => (await ofAlice('Mailstead.DescribeMobileDevice', device))['Status'];
      if (await confirmed) expect(await state(), told).toBe('WIPE_SUCCEEDED');
      const again = await phone(`wiped${n}`);
      expect((await again.provision()).wipe?.tag).toBe(Provision.RemoteWipe);
      await again.acknowledgeWipe(wipe);
      expect(await state(), told).toBe('WIPE_SUCCEEDED');
      const [notice, ...more] = await texts(await phone(`fresh${n}`), 1);
      expect([notice?.includes(`fresh${n}`), more], told).toEqual([true, []]);
    }
    for (const [id, user] of [
      ['old', address],
      ['admins', administrator],
    ] as const) {
      const letters = await texts(await phone(id, user), rounds);
      const named = letters.map((text) => /fresh\d+/.exec(text)?.[0]).toSorted();
      expect(named, told).toEqual(Array.from({ length: rounds }, (_one, n) => `fresh${n}`).toSorted());
    }
  },
  60_000 + rounds * 15_000,
);
