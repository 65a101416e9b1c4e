/** Mail that we make ourselves is queued wherever it goes: what is for addresses here is delivered here. */
import { expect, test } from 'vitest';
import type { Account } from '#directory/account';
import { listEnd, listStart } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import type { EntityId, ItemId } from '#domain/ids';
import type { NewOutboundMail, OutboundEnvelope } from '#domain/outbound';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { minute, type OutboundSite, startOutbound } from '#test/support/outbound-site';

const inbox = defaultFolder(FolderType.Inbox);
const text = 'From: r@ours.example\r\nSubject: Hello\r\n\r\nText\r\n';

/** Queues a letter without waiting. */
async function post(
  { database, organization, ownMail }: OutboundSite,
  to: readonly string[],
  more: Partial<OutboundEnvelope> = {},
  raw = text,
): Promise<readonly NewOutboundMail[]> {
  const mails = await ownMail.make({
    organization,
    kind: 'mail',
    reversePath: 'alice@ours.example',
    recipients: to.map((address) => ({ address })),
    content: { raw: Buffer.from(raw) },
    ...more,
  });
  await database.mail.transact(
    [],
    async (_of, outbound) => {
      for (const mail of mails) await outbound.put(mail);
    },
    [],
    mails,
  );
  return mails;
}

async function letter(site: OutboundSite, to: readonly string[], raw?: string) {
  const mails = await post(site, to, {}, raw);
  site.runner.wake(mails);
  await site.runner.settled();
  return mails;
}

/** Somebody deletes everything. */
async function empty({ database }: OutboundSite, { mailbox }: Account): Promise<void> {
  const reader = database.mail.mailbox(mailbox);
  const places = await reader.list(inbox, { from: listStart, to: listEnd, limit: 100 });
  await database.mail.transact([mailbox], async (of) => {
    for (const { item: id } of places) {
      const item = await of(mailbox).item(inbox, id as ItemId);
      if (item !== undefined) await of(mailbox).deleteItem(item);
    }
  });
}

function groupOf(accounts: readonly Account[]) {
  return { kind: 'group', group: 'g' as EntityId, accounts } as const;
}

test('a letter for an address here is in its mailbox, with Return-Path and Received, and has left the queue', async () => {
  const site = await startOutbound();
  const bob = await site.user('bob@ours.example');
  const [mail, ...others] = await letter(site, [bob.address]);
  expect([mail?.destination, others]).toEqual(['this server', []]);
  const [got, ...more] = await site.inbox(bob);
  expect(more).toEqual([]);
  expect(got).toMatch(
    /^Return-Path: <alice@ours\.example>\r\nReceived: by mx\.ours\.example with local\r\n\tid [0-9a-f]{32} for <bob@ours\.example>; .* \+0000\r\nFrom: /,
  );
  expect(got?.endsWith(text)).toBe(true);
  expect(await site.queued()).toEqual([]);
  expect(await site.inbox()).toEqual([]);
});

test('a letter to here and elsewhere goes both ways', async () => {
  const next = await startNextServer();
  const dns = await startDns({ 'one.example': { a: ['127.0.0.1'] } });
  const site = await startOutbound({ dns, port: next.port });
  const bob = await site.user('bob@ours.example');
  const mails = await letter(site, ['x@one.example', bob.address]);
  expect(mails.map(({ destination }) => destination)).toEqual(['one.example', 'this server']);
  expect(await site.inbox(bob)).toHaveLength(1);
  expect(next.mails).toHaveLength(1);
});

test.each([
  ['unknown', 'nobody@ours.example', '5.1.1'],
  ['disabled', 'gone@ours.example', '5.2.1'],
] as const)('an address that is %s bounces to the sender', async (kind, address, status) => {
  const site = await startOutbound();
  site.recipients.set(address, { kind });
  await letter(site, [address]);
  const [report] = await site.inbox();
  expect(report).toContain(`Final-Recipient: rfc822; ${address}`);
  expect(report).toContain(`Status: ${status}`);
  expect(await site.queued()).toEqual([]);
});

test('nobody is told of a letter from the null reverse-path', async () => {
  const site = await startOutbound();
  const mails = await post(site, ['nobody@ours.example'], { reversePath: '' });
  site.runner.wake(mails);
  await site.runner.settled();
  expect([await site.queued(), await site.inbox()]).toEqual([[], []]);
});

test('a full mailbox gets it when there is room; others have it at once, and once', async () => {
  const site = await startOutbound({ mailboxQuotaBytes: 3_000 });
  const [bob, carol] = [await site.user('bob@ours.example'), await site.user('carol@ours.example')];
  site.recipients.set('team@ours.example', groupOf([bob]));
  await letter(site, [bob.address], `${text}${'x'.repeat(2_300)}`);
  await letter(site, ['team@ours.example', carol.address], `${text}${'y'.repeat(500)}`);
  expect([(await site.inbox(bob)).length, (await site.inbox(carol)).length]).toEqual([1, 1]);
  const [waiting] = await site.queued();
  expect(waiting?.recipients.map(({ address, state, last }) => [address, state, last?.status])).toEqual([
    ['team@ours.example', 'pending', '4.2.2'],
    [carol.address, 'delivered', '2.1.5'],
  ]);
  await site.pass(minute);
  expect(await site.queued()).toHaveLength(1);
  await empty(site, bob);
  site.recipients.set('team@ours.example', groupOf([bob, carol]));
  await site.pass(5 * minute);
  expect([(await site.inbox(bob)).length, (await site.inbox(carol)).length]).toEqual([1, 1]);
  expect(await site.queued()).toEqual([]);
});

test('more than 50 Received fields are a loop', async () => {
  const site = await startOutbound();
  const bob = await site.user('bob@ours.example');
  await letter(site, [bob.address], `${'Received: by x\r\n'.repeat(51)}${text}`);
  expect(await site.inbox(bob)).toEqual([]);
  expect((await site.inbox())[0]).toContain('Status: 5.4.6');
  await letter(site, [bob.address], `${'Received: by x\r\n'.repeat(50)}${text}`);
  expect(await site.inbox(bob)).toHaveLength(1);
});

test('killed between the delivery and its end in the queue: every mailbox has it once', async () => {
  const site = await startOutbound();
  const bob = await site.user('bob@ours.example');
  const many = await Promise.all(Array.from({ length: 70 }, (_, n) => site.user(`u${n}@ours.example`)));
  site.recipients.set('all@ours.example', groupOf([bob, ...many]));
  for (const to of [[bob.address], ['all@ours.example'], [bob.address, 'all@ours.example']]) {
    const mails = await post(site, to);
    const destination = mails[0]?.destination ?? '';
    // By an earlier life of this server.
    const nowMs = mails[0]?.dueMs ?? 0;
    const {
      mails: [mail],
    } = await site.database.mail.outbound.claim(destination, { nowMs, owner: 'gone' });
    if (mail === undefined) throw new Error('nothing to claim');
    const outcomes = await site.local.send(mail, mail.recipients, () => site.queue.open(mail));
    expect(outcomes.map(({ kind }) => kind)).toEqual(to.map(() => 'delivered'));
    await site.localQueue.settled();
    const before = [await site.inbox(bob), await site.inbox(many[69])];
    site.runner.wake(await site.queue.recover());
    await site.pass(minute);
    await site.localQueue.settled();
    expect(await site.queued()).toEqual([]);
    expect([await site.inbox(bob), await site.inbox(many[69])]).toEqual(before);
  }
  expect([(await site.inbox(bob)).length, (await site.inbox(many[69])).length]).toEqual([3, 2]);
});

test('who moved elsewhere gets it there, who moved here gets it here', async () => {
  const next = await startNextServer();
  const dns = await startDns({ 'one.example': { a: ['127.0.0.1'] } });
  const site = await startOutbound({ dns, port: next.port });
  const carol = await site.user('carol@one.example');
  const mails = await post(site, [carol.address]);
  site.recipients.delete(carol.address);
  site.runner.wake(mails);
  await site.runner.settled();
  expect(next.mails).toHaveLength(1);
  const others = await post(site, [carol.address]);
  expect(others[0]?.destination).toBe('one.example');
  site.recipients.set(carol.address, { kind: 'mailbox', account: carol });
  site.runner.wake(others);
  await site.runner.settled();
  expect(next.mails).toHaveLength(1);
  expect(await site.inbox(carol)).toHaveLength(1);
});

test('an address that has moved to a server nobody answers at keeps up no mail for those who are here', async () => {
  const relay = 'smtp://127.0.0.1:1';
  const site = await startOutbound({ routes: [{ domain: 'ours.example', relay, onlyUnknown: true }] });
  await site.user('bob@ours.example');
  const carol = await site.user('carol@ours.example');
  const moved = await post(site, ['bob@ours.example']);
  site.recipients.delete('bob@ours.example');
  site.runner.wake(moved);
  await site.runner.settled();
  await letter(site, ['carol@ours.example']);
  expect((await site.queued()).flatMap(({ recipients }) => recipients.map(({ address }) => address))).toEqual(
    ['bob@ours.example'],
  );
  expect(await site.inbox(carol)).toHaveLength(1);
});

test('a fault of ours in an attempt costs the mail a minute', async () => {
  const site = await startOutbound();
  const bob = await site.user('bob@ours.example');
  const { nextHop } = site.routing;
  const mails = await post(site, [bob.address]);
  site.routing.nextHop = async () => {
    throw new Error('the directory cannot be read');
  };
  site.runner.wake(mails);
  await site.runner.settled();
  site.routing.nextHop = nextHop;
  expect(await site.inbox(bob)).toEqual([]);
  await site.pass(minute);
  expect(await site.inbox(bob)).toHaveLength(1);
});
