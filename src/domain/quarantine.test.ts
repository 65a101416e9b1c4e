import { expect, test } from 'vitest';
import type { Account } from '#directory/account';
import { testDeviceAccess } from '#test/support/device-access';
import { dayMs, enabledUser, openMaintained } from '#test/support/maintenance';
import { noGroups } from '#test/support/no-groups';
import { listEnd, listStart } from './change.ts';
import type { Device } from './device.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { DeviceId, ItemId } from './ids.ts';
import { Policies } from './policy.ts';

const device: Device = {
  id: 'phone' as DeviceId,
  type: 'iPhone',
  userAgent: 'Phone/1',
  protocolVersion: '14.1',
  information: { model: 'Line\r\nBcc: all@example.test', friendlyName: 'Ärmel\u202eX' },
  wipe: 'none',
  wipeAccountOnly: false,
  firstSyncMs: 0,
  lastSyncMs: 0,
};

async function open() {
  const { clock, database, directory, organization, run } = await openMaintained();
  const { id: entity, ref } = await enabledUser(directory, organization, 'alice');
  const address = 'alice@acme.mailstead.test';
  const account: Account = {
    organization,
    entity,
    mailbox: ref,
    address,
    addresses: [address],
    displayName: 'Älice "A"',
  };
  const none = { policy: async () => undefined, updatePolicy: async () => undefined };
  const { quarantine, letters } = testDeviceAccess(database, new Policies(none, noGroups), clock);
  return { database, run, account, quarantine, letters };
}

test('the mailbox of a device in quarantine is removed after 30 days, and made anew for one that still waits', async () => {
  const { run, account, quarantine, letters } = await open();
  const mailbox = await quarantine.mailboxFor(account, device);
  const items = async () => (await mailbox.reader.usage()).items;
  expect(await items()).toBe(1);
  await run(30 * dayMs - 1);
  expect(await items()).toBe(1);
  await run(1);
  expect(await mailbox.reader.folders()).toEqual([]);
  await quarantine.mailboxFor(account, device);
  expect(await items()).toBe(1);
  expect(letters).toHaveLength(2);
});

test('many at once, and a message that was deleted, make no second one', async () => {
  const { account, quarantine } = await open();
  const mailboxes = await Promise.all([1, 2, 3, 4, 5].map(() => quarantine.mailboxFor(account, device)));
  const [mailbox] = mailboxes;
  expect((await mailbox?.reader.usage())?.items).toBe(1);
  await mailbox?.transact(async (tx) => {
    const inbox = defaultFolder(FolderType.Inbox);
    const [place] = await tx.list(inbox, { from: listStart, to: listEnd, limit: 1 });
    const item = place && (await tx.item(inbox, place.item as ItemId));
    if (item !== undefined) await tx.deleteItem(item);
  });
  const again = await quarantine.mailboxFor(account, device);
  expect((await again.reader.usage()).items).toBe(0);
});

test('a device that was removed and comes back to quarantine is new: it and all others are told again', async () => {
  const { account, quarantine, letters } = await open();
  const before = await quarantine.mailboxFor(account, device);
  const after = await quarantine.mailboxFor(account, { ...device, firstSyncMs: device.firstSyncMs + 1 });
  expect(after.ref).not.toEqual(before.ref);
  expect((await after.reader.usage()).items).toBe(1);
  expect(letters).toHaveLength(2);
});

test('what a device says of itself stays on its line of the message', async () => {
  const { account, quarantine, letters } = await open();
  await quarantine.mailboxFor(account, device);
  const [letter] = letters;
  const raw = letter && 'raw' in letter.content ? Buffer.from(letter.content.raw).toString() : '';
  const end = raw.indexOf('\r\n\r\n');
  const [header, body] = [raw.slice(0, end), raw.slice(end)];
  expect(header).not.toContain('Bcc');
  expect(header).toContain('Auto-Submitted: auto-generated');
  expect(body).toContain('Line Bcc: all@example.test');
  expect(body).toMatch(/Name +.*rmel X\r\n/);
  expect(letter?.reversePath).toBe('');
});
