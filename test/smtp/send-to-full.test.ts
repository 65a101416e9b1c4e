/** Who sends by ActiveSync hears once of a message, not once for each recipient: what one cannot take is told by a report. */
import { expect, test } from 'vitest';
import type { Account } from '#directory/account';
import { defaultFolder, FolderType } from '#domain/folder';
import type { DeviceId, ItemId } from '#domain/ids';
import type { LocalRecipient } from '#domain/mail-envelope';
import { newItem } from '#test/support/new-item';
import { hour, minute, type OutboundSite, startOutbound } from '#test/support/outbound-site';

const inbox = defaultFolder(FolderType.Inbox);
const quotaBytes = 1_000_000;

/** Fills a mailbox; gives what makes room again. */
async function fill({ database, clock }: OutboundSite, { mailbox }: Account) {
  const filling = { ...newItem('Large', clock.now()), size: quotaBytes };
  const added = await database.mail.transact([mailbox], (of) => of(mailbox).addItem(inbox, filling));
  return () =>
    database.mail.transact([mailbox], async (of) => {
      const item = await of(mailbox).item(inbox, added.id as ItemId);
      if (item !== undefined) await of(mailbox).deleteItem(item);
    });
}

const to = (...accounts: readonly Account[]): LocalRecipient[] =>
  accounts.map((account) => ({ address: account.address, accounts: [account], isGroup: false }));

async function start() {
  const site = await startOutbound({ mailboxQuotaBytes: quotaBytes });
  const [bob, carol] = [await site.user('bob@ours.example'), await site.user('carol@ours.example')];
  let count = 0;
  const send = async (recipients: readonly LocalRecipient[], clientId = `${++count}`, more: object = {}) => {
    const raw = [Buffer.from(`Subject: ${clientId}\r\n\r\nText\r\n`)];
    const done = await site.delivery.send({
      from: site.alice,
      device: { id: 'phone' as DeviceId, firstSyncMs: 1 },
      clientId,
      raw,
      rawForSent: raw,
      saveInSent: false,
      recipients,
      dedupeKeys: [],
      ...more,
    });
    await site.runner.settled();
    return done;
  };
  const subjects = async (account: Account) =>
    (await site.inbox(account)).map((raw) => /^Subject: (.*)\r$/m.exec(raw)?.[1]).filter((one) => one);
  return { ...site, site, bob, carol, send, subjects };
}

test('a full mailbox keeps nothing from the others; its copy waits, comes once when there is room, and a repeat adds nothing', async () => {
  const { site, bob, carol, send, subjects } = await start();
  const makeRoom = await fill(site, bob);
  expect(await send(to(bob, carol), 'one')).toBe('sent');
  expect(await subjects(carol)).toEqual(['one']);
  const [mail, ...others] = await site.queued();
  expect(others).toEqual([]);
  expect(mail).toMatchObject({ destination: 'this server', recipients: [{ address: bob.address }] });
  expect(mail?.recipients[0]?.last?.status).toBe('4.2.2');
  expect(await send(to(bob, carol), 'one')).toBe('duplicate');
  await makeRoom();
  await site.pass(2 * minute);
  expect([await subjects(bob), await subjects(carol)]).toEqual([['one'], ['one']]);
  expect([await site.queued(), await site.inbox()]).toEqual([[], []]);
});

test('of a mailbox that stays full the sender is told: of the delay, and in the end that it failed', async () => {
  const { site, bob, send } = await start();
  await fill(site, bob);
  await send(to(bob));
  for (let hours = 0; hours < 49; hours++) await site.pass(hour);
  const [failed, delayed, ...others] = await site.inbox();
  expect(others).toEqual([]);
  expect(delayed).toMatch(/^Action: delayed\r$/m);
  expect(failed).toMatch(/^Final-Recipient: rfc822; ?bob@ours\.example\r\n(?:.*\r\n)*Action: failed\r$/m);
  expect(failed).toContain('The mailbox is full.');
  expect(await site.queued()).toEqual([]);
});

test('a mailbox behind several addresses gets it once, whether it has room or not', async () => {
  const { site, bob, carol, send, subjects } = await start();
  const alias = { ...to(bob)[0], address: 'robert@ours.example' } as LocalRecipient;
  const group = (...accounts: readonly Account[]) => ({
    address: 'all@ours.example',
    accounts,
    isGroup: true,
  });
  for (const address of [alias.address, 'all@ours.example']) {
    site.recipients.set(address, { kind: 'mailbox', account: bob });
  }
  const makeRoom = await fill(site, bob);
  // A group of which one has room is for all of it.
  await send([...to(bob), group(bob, carol)], 'group');
  expect([await site.queued(), await subjects(carol)]).toEqual([[], ['group']]);
  await send([...to(bob), alias, group(bob)], 'alias');
  expect((await site.queued()).flatMap(({ recipients }) => recipients)).toHaveLength(1);
  await makeRoom();
  await site.pass(2 * minute);
  expect(await subjects(bob)).toEqual(expect.arrayContaining(['group', 'alias']));
});

test('one that is disabled keeps nothing from the others; the sender is told at once', async () => {
  const { site, carol, send, subjects } = await start();
  const address = 'dave@ours.example';
  site.recipients.set(address, { kind: 'disabled' });
  await send([{ address, accounts: [], isGroup: false }, ...to(carol)], 'one');
  expect(await subjects(carol)).toEqual(['one']);
  const [report] = await site.inbox();
  expect(report).toMatch(/^Final-Recipient: rfc822; ?dave@ours\.example\r\n(?:.*\r\n)*Status: 5\.2\.1\r$/m);
  expect(await site.queued()).toEqual([]);
});

test('a message that can be nobody’s copy is refused only for the sender’s own', async () => {
  const { site, bob, send } = await start();
  await fill(site, site.alice);
  await fill(site, bob);
  await expect(send(to(bob), 'kept', { saveInSent: true })).rejects.toMatchObject({
    code: 'mailbox/over-quota',
  });
  expect(await site.queued()).toEqual([]);
  expect(await send(to(bob, site.alice), 'not kept')).toBe('sent');
});

test('its journal record names who waits, once', async () => {
  const { site, bob, carol, send } = await start();
  const archive = await site.user('archive@ours.example');
  site.journaling.facts = {
    enabled: true,
    journalingAddress: archive.address,
    from: 'journaling@ours.example',
    reportTo: archive.address,
  };
  const makeRoom = await fill(site, bob);
  await send(to(bob, carol), 'one');
  await makeRoom();
  await site.pass(2 * minute);
  const records = await site.inbox(archive);
  expect(records).toHaveLength(1);
  expect(records[0]).toMatch(/^Bcc: bob@ours\.example\r\nBcc: carol@ours\.example\r$/m);
});

test('a device that was removed and came back sends by ClientIds that it has used before', async () => {
  const { carol, send, subjects } = await start();
  await send(to(carol), '1');
  const back = { device: { id: 'phone' as DeviceId, firstSyncMs: 2 } };
  expect(await send(to(carol), '1', back)).toBe('sent');
  expect(await send(to(carol), '1', back)).toBe('duplicate');
  expect(await subjects(carol)).toEqual(['1', '1']);
});
