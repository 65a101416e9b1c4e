/** A journal record is kept until it is delivered, and whoever looks after the archive is told when it cannot be. */
import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Account } from '#directory/account';
import { type EntityId, mailboxOf } from '#domain/ids';
import type { OutboundMail } from '#domain/outbound';
import { startDns } from '#test/support/dns-responder';
import { journalRecord } from '#test/support/journal-record';
import { type NextServerOptions, startNextServer } from '#test/support/next-server';
import { hour, minute, type OutboundSite, startOutbound } from '#test/support/outbound-site';

const archive = 'box@archive.example';
const day = 24 * hour;

interface Wanted extends NextServerOptions {
  readonly to?: string;
  readonly reportTo?: string;
}

/** alice's organisation journals to the archive; failures are told to rita, who is here. */
async function start({ to = archive, reportTo = 'rita@ours.example', ...options }: Wanted = {}) {
  const next = await startNextServer(options);
  const dns = await startDns({
    'archive.example': { a: ['127.0.0.1'] },
    'one.example': { a: ['127.0.0.1'] },
  });
  const site = await startOutbound({ dns, port: next.port });
  const rita = await site.user('rita@ours.example');
  const bob = await site.user('bob@ours.example');
  const from = 'journaling@acme.mailstead.test';
  site.journaling.facts = { enabled: true, journalingAddress: to, from, reportTo };
  return { next, site, rita, bob };
}

/** A message to somebody here, as from another server. */
async function receive(site: OutboundSite, account: Account, raw = 'Subject: Hello\r\n\r\nText\r\n') {
  const recipients = [{ address: account.address, accounts: [account], isGroup: false }];
  const message = site.delivery.begin(
    { reversePath: 'x@one.example', recipients, isAuthenticated: false },
    () => '',
  );
  await message.write(Buffer.from(raw));
  await message.accept();
  await site.runner.settled();
}

const records = (mails: readonly OutboundMail[]) => mails.filter(({ kind }) => kind === 'journal');

test('an archive that is away for a while gets the record when it is back, once; nobody is told', async () => {
  let isAway = true;
  const { next, site, rita, bob } = await start({ onRcpt: () => (isAway ? '451 4.3.0 Away' : undefined) });
  await receive(site, bob);
  expect(await site.inbox(bob)).toHaveLength(1);
  expect(await site.queued()).toMatchObject([
    { kind: 'journal', attempts: 1, dueMs: site.clock.now() + minute },
  ]);
  for (const minutes of [1, 5, 15, 30, 60, 120, 240]) await site.pass(minutes * minute);
  expect(await site.queued()).toMatchObject([{ kind: 'journal', attempts: 8 }]);
  isAway = false;
  await site.pass(4 * hour);
  expect(next.mails.map(({ to }) => to)).toEqual([[archive]]);
  expect(await site.queued()).toEqual([]);
  expect(await site.inbox(rita)).toEqual([]);
  expect(await site.inbox(bob)).toHaveLength(1);
});

test('a record that is refused for good is reported once, kept, and tried at the last pause until it is taken', async () => {
  let isRefusing = true;
  const { next, site, rita, bob } = await start({
    onRcpt: () => (isRefusing ? '550 5.1.1 No such box' : undefined),
  });
  await receive(site, bob);
  const [report, ...others] = await site.inbox(rita);
  expect(others).toEqual([]);
  for (const line of [
    'Subject: Undelivered journal record',
    'To: <rita@ours.example>',
    `Final-Recipient: rfc822; ${archive}`,
    'Status: 5.1.1',
    'Content-Type: message/rfc822',
    'X-MS-Journal-Report:',
    'Sender: x@one.example',
    'Recipient: bob@ours.example',
  ])
    expect(report).toContain(`\r\n${line}`);
  expect(report).toMatch(/^Return-Path: <>\r\n/);
  expect(await site.queued()).toMatchObject([
    { kind: 'journal', attempts: 1, dueMs: site.clock.now() + 4 * hour },
  ]);
  await site.pass(4 * hour);
  expect(await site.inbox(rita)).toHaveLength(1);
  isRefusing = false;
  await site.pass(4 * hour);
  expect(next.mails).toHaveLength(1);
  expect(journalRecord(next.mails[0]?.raw ?? '').original).toBe('Subject: Hello\r\n\r\nText\r\n');
  expect(await site.queued()).toEqual([]);
  expect(
    [await site.inbox(rita), await site.inbox(bob), await site.inbox()].map(({ length }) => length),
  ).toEqual([1, 1, 0]);
});

test.each([
  ['refused for good', '554 5.7.1 Never', 2],
  ['away', '451 4.3.0 Away', 1],
])(
  'a record never expires: one that is %s is reported at the end of the schedule and tried every day',
  async (_name, reply, reports) => {
    let tries = 0;
    const { site, rita, bob } = await start({
      onRcpt: () => {
        tries++;
        return reply;
      },
    });
    await receive(site, bob);
    for (let passed = 0; passed < 52; passed += 4) await site.pass(4 * hour);
    expect(await site.inbox(rita)).toHaveLength(reports);
    const before = tries;
    for (let days = 0; days < 10; days++) await site.pass(day);
    expect(tries).toBe(before + 10);
    expect(await site.inbox(rita)).toHaveLength(reports);
    const [record] = await site.queued();
    expect(record?.kind).toBe('journal');
    if (record === undefined) throw new Error('the record is gone');
    await site.queue.delete(site.organization, record.id);
    expect(await site.queued()).toEqual([]);
  },
);

test('the report goes elsewhere too, without a record of its own; a record too large for it stays in the queue', async () => {
  const reportTo = 'post@one.example';
  const { next, site, bob } = await start({
    reportTo,
    onRcpt: (address) => (address === archive ? '550 5.7.1 No' : undefined),
  });
  await receive(site, bob, `Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(5_000)}`);
  expect(next.mails.map(({ from, to }) => [from, to])).toEqual([['', [reportTo]]]);
  expect(next.mails[0]?.raw).toContain('\r\nContent-Type: text/rfc822-headers\r\n');
  expect(next.mails[0]?.raw.length).toBeLessThan(10_000);
  expect(await site.queued()).toMatchObject([{ kind: 'journal' }]);
});

test('an archive here that nobody has is reported, and gets the record when somebody has it', async () => {
  const { site, rita, bob } = await start({ to: 'archive@ours.example' });
  await receive(site, bob);
  expect((await site.inbox(rita))[0]).toContain('\r\nStatus: 5.1.1\r\n');
  const box = await site.user('archive@ours.example');
  await site.pass(4 * hour);
  expect(await site.inbox(box)).toHaveLength(1);
  expect(await site.queued()).toEqual([]);
});

test('a large message and its record are one file', async () => {
  const { next, site, bob } = await start();
  const raw = `Subject: large\r\n\r\n${`${randomBytes(40).toString('hex')}\r\n`.repeat(20_000)}`;
  await receive(site, bob, raw);
  expect(await site.database.blobs.list()).toHaveLength(1);
  expect(journalRecord(next.mails[0]?.raw ?? '').original).toBe(raw);
});

test('a record with more recipients than a row holds names them all', async () => {
  const { next, site } = await start();
  const accounts = Array.from({ length: 3_000 }, (_, n): Account => {
    const entity = randomUUID() as EntityId;
    const mailbox = { organization: site.organization, mailbox: mailboxOf(entity) };
    const address = `member.number.${n}@ours.example`;
    return {
      organization: site.organization,
      entity,
      mailbox,
      address,
      addresses: [address],
      displayName: '',
    };
  });
  const raw = `Subject: to all\r\n\r\n${'x\r\n'.repeat(50_000)}`;
  const message = site.delivery.begin(
    {
      reversePath: 'x@one.example',
      recipients: [{ address: 'all@ours.example', accounts, isGroup: true }],
      isAuthenticated: false,
    },
    () => '',
  );
  await message.write(Buffer.from(raw));
  await message.accept();
  await site.runner.settled();
  const [record, ...others] = next.mails.map((mail) => journalRecord(mail.raw));
  expect(others).toEqual([]);
  expect(record?.lines.slice(3)).toEqual(
    accounts.map(({ address }) => `Recipient: ${address}, Expanded: all@ours.example`),
  );
  expect(record?.original).toBe(raw);
});

test('a message that is sent on has a record that tells for whom, also when it is framed', async () => {
  const { next, site, bob, rita } = await start();
  const { mail } = site.database;
  const writer = mail.writeBody(site.organization);
  const file = `Subject: sent on\r\nMessage-ID: <1@x>\r\n\r\n${'x\r\n'.repeat(20_000)}`;
  await writer.append(Buffer.from(file));
  const { id, size } = await writer.finish();
  const before = Buffer.from('Return-Path: <a@b.example>\r\nDelivered-To: bob@ours.example\r\n');
  const mails = await site.ownMail.make({
    organization: site.organization,
    kind: 'mail',
    reversePath: bob.address,
    recipients: [{ address: 'y@one.example' }, { address: rita.address }],
    forwardedFor: bob.address,
    content: {
      body: { kind: 'blob', id, before },
      size: before.length + size,
      skip: 28,
      is8bit: false,
      isAuthenticated: false,
    },
  });
  expect(records(mails as readonly OutboundMail[])).toHaveLength(1);
  await mail.transact(
    [],
    async (_of, outbound) => {
      for (const one of mails) await outbound.put(one);
    },
    [],
    mails,
  );
  site.runner.wake(mails);
  await site.runner.settled();
  const sent = next.mails.find(({ to }) => to[0] === 'y@one.example');
  expect(sent?.raw).toBe(`Delivered-To: bob@ours.example\r\n${file}`);
  const [record, ...others] = next.mails.filter(({ to }) => to[0] === archive);
  expect(others).toEqual([]);
  const { lines, original } = journalRecord(record?.raw ?? '');
  expect(lines).toEqual([
    'Sender: bob@ours.example',
    'Subject: sent on',
    'Message-Id: <1@x>',
    'Recipient: rita@ours.example, Forwarded: bob@ours.example',
    'Recipient: y@one.example, Forwarded: bob@ours.example',
  ]);
  expect(original).toBe(`${before}${file}`);
});
