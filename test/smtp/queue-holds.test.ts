import { expect, test } from 'vitest';
import type { Clock } from '#domain/outside';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { hour, minute, startOutbound } from '#test/support/outbound-site';

const zone = {
  'one.example': { mx: [[10, 'mx.one.example']] },
  'mx.one.example': { a: ['127.0.0.1'] },
} as const;
const some = (count: number) => Array.from({ length: count }, (_, n) => `u${n}@one.example`);

test('what 500 servers say at length is written down: nobody who took the mail gets it again', async () => {
  let isRefusing = true;
  const refuses = (address: string) => isRefusing && Number(/\d+/.exec(address)?.[0]) % 2 === 1;
  const next = await startNextServer({
    onRcpt: (address) => (refuses(address) ? `450 4.2.1 ${'long '.repeat(100)}` : undefined),
  });
  const site = await startOutbound({ dns: await startDns(zone), port: next.port });
  await site.send(some(500));
  expect(next.mails.flatMap(({ to }) => to)).toHaveLength(250);
  const pending = (await site.queued()).flatMap(({ recipients }) =>
    recipients.filter(({ state }) => state === 'pending'),
  );
  expect(pending).toHaveLength(250);
  expect(pending[0]?.last?.text).toMatch(/^450 4\.2\.1 long long/);
  isRefusing = false;
  await site.pass(61 * minute);
  const got = next.mails.flatMap(({ to }) => to);
  expect(got).toHaveLength(500);
  expect(new Set(got).size).toBe(500);
  expect(await site.queued()).toEqual([]);
});

test('recipients with long addresses and ORCPTs go into as many rows as they need', async () => {
  const next = await startNextServer();
  const site = await startOutbound({ dns: await startDns(zone), port: next.port });
  const recipients = Array.from({ length: 300 }, (_, n) => ({
    address: `${n}${'a'.repeat(200)}@one.example`,
    orcpt: `rfc822;${'b'.repeat(490)}@one.example`,
  }));
  await site.send([], { recipients });
  expect(next.mails.flatMap(({ to }) => to)).toHaveLength(300);
});

test('an operator who asks for another try while one runs, or just ends, makes no second one', {
  timeout: 60_000,
}, async () => {
  const next = await startNextServer({
    onRcpt: (address) => (address.startsWith('late') ? '450 4.2.1 Not now' : undefined),
  });
  const site = await startOutbound({ dns: await startDns(zone), port: next.port });
  const { organization, queue, runner } = site;
  for (let round = 0; round < 12; round++) {
    await site.accept([`u${round}@one.example`, `late${round}@one.example`]);
    for (let asked = 0; asked < 12; asked++) {
      for (const { id } of await site.queued()) {
        const due = await queue.retry(organization, id).catch(() => undefined);
        if (due) runner.wake([due]);
      }
    }
    await runner.settled();
    for (const { id } of await site.queued()) await queue.delete(organization, id);
  }
  const got = next.mails.flatMap(({ to }) => to).sort();
  expect(got).toEqual(Array.from({ length: 12 }, (_, n) => `u${n}@one.example`).sort());
});

test('a clock that is put forward while a mail is sent begins no second attempt', async () => {
  let jumpMs = 0;
  const clock: Clock = {
    now: () => Date.now() + jumpMs,
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const next = await startNextServer({
    onMessage: async ({ raw }) => {
      if (!raw.includes('Slow')) return undefined;
      begun.resolve();
      await gate.promise;
      return undefined;
    },
  });
  const site = await startOutbound({ dns: await startDns(zone), port: next.port, clock });
  await site.accept(['bob@one.example'], {}, 'Subject: Slow\r\n\r\nText\r\n');
  await begun.promise;
  jumpMs = 3 * hour;
  // Another mail makes the runner look for what is due.
  await site.accept(['eve@one.example']);
  await next.arrived(1);
  gate.resolve();
  await site.runner.settled();
  expect(next.mails.map(({ to }) => to.join()).sort()).toEqual(['bob@one.example', 'eve@one.example']);
  expect(await site.queued()).toEqual([]);
});

test('a refusal with a status of another class is told with one of its own', async () => {
  const next = await startNextServer({ onRcpt: () => '550 4.7.1 Never' });
  const site = await startOutbound({ dns: await startDns(zone), port: next.port });
  await site.send(['bob@one.example']);
  const [report = ''] = await site.inbox();
  expect(report).toContain('Action: failed\r\nStatus: 5.0.0\r\n');
  expect(report).toContain('Diagnostic-Code: smtp; 550 4.7.1 Never');
});

test('what a clock of next year queued is tried at the next start', async () => {
  const next = await startNextServer();
  const site = await startOutbound({ dns: await startDns(zone), port: next.port });
  const year = 365 * 24 * hour;
  await site.runner.stop();
  site.clock.move(year);
  await site.accept(['bob@one.example']);
  site.clock.move(-year);
  await site.runner.start();
  await site.runner.settled();
  expect(next.mails.map(({ to }) => to.join())).toEqual(['bob@one.example']);
});

test('while the report of a failure cannot be made, nobody who took the mail gets it again; then it is made', async () => {
  const next = await startNextServer({
    onRcpt: (address) => (address.startsWith('bad') ? '550 5.1.1 Unknown' : undefined),
  });
  const site = await startOutbound({ dns: await startDns(zone), port: next.port });
  let isBroken = true;
  const get = site.recipients.get.bind(site.recipients);
  site.recipients.get = (address) => {
    if (isBroken && address === site.alice.address) throw new Error('the directory cannot be read');
    return get(address);
  };
  await site.send(['good@one.example', 'bad@one.example']);
  await site.send([], { recipients: [{ address: 'told@one.example', notify: ['SUCCESS'] }] });
  for (let n = 0; n < 3; n++) await site.pass(minute);
  const got = () => next.mails.flatMap(({ to }) => to).sort();
  expect(got()).toEqual(['good@one.example', 'told@one.example']);
  isBroken = false;
  await site.pass(minute);
  expect(await site.queued()).toEqual([]);
  expect(got()).toEqual(['good@one.example', 'told@one.example']);
  const [report = ''] = await site.inbox();
  expect(report).toContain('Final-Recipient: rfc822; bad@one.example');
  expect(report).not.toContain('Final-Recipient: rfc822; good@one.example');
});
