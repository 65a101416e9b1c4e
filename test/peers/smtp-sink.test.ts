/** Postfix's SMTP sink is our next hop and misbehaves: what becomes of the mail, and what the sender is told. */
import { expect } from 'vitest';
import { startDns } from '#test/support/dns-responder';
import { hour, minute, startOutbound } from '#test/support/outbound-site';
import { startSmtpSink, testWith } from '#test/support/peers';

const test = await testWith('smtp-sink');

const zone = { 'one.example': { a: ['127.0.0.1'] } };

async function start(...args: readonly string[]) {
  const port = await startSmtpSink(args);
  return startOutbound({ dns: await startDns(zone), port });
}

test('mail goes to it, many messages and recipients at once', async () => {
  const site = await start();
  const many = Array.from({ length: 150 }, (_, n) => `user${n}@one.example`);
  await Promise.all(Array.from({ length: 50 }, () => site.accept(['bob@one.example'])));
  await site.send(many);
  expect(await site.queued()).toEqual([]);
  expect(await site.inbox()).toEqual([]);
});

const temporary = [
  ['refuses the connection for now', ['-r', 'CONNECT'], /^4\./],
  ['refuses EHLO and HELO for now', ['-r', 'EHLO,HELO'], /^4\./],
  ['refuses MAIL for now', ['-r', 'MAIL'], /^4\.3\.0$/],
  ['refuses RCPT for now', ['-r', 'RCPT'], /^4\.3\.0$/],
  ['refuses DATA for now', ['-r', 'DATA'], /^4\.3\.0$/],
  ['refuses the message for now', ['-r', '.'], /^4\.3\.0$/],
  ['hangs up after MAIL', ['-q', 'MAIL'], /^4\.4\.2$/],
  ['hangs up after RCPT', ['-q', 'RCPT'], /^4\.4\.2$/],
  ['hangs up after DATA', ['-q', 'DATA'], /^4\.4\.2$/],
  ['hangs up after the message', ['-q', '.'], /^4\.4\.2$/],
  ['answers 421 to the connection', ['-Q', 'CONNECT'], /^4\./],
  ['answers 421 to RCPT', ['-Q', 'RCPT'], /^4\./],
  ['answers 421 to the message', ['-Q', '.'], /^4\./],
] as const;

test.each(temporary)('one that %s keeps the mail in the queue', async (_what, args, status) => {
  const site = await start(...args);
  await site.send(['bob@one.example']);
  const [waiting, ...others] = await site.queued();
  expect(others).toEqual([]);
  expect(waiting).toMatchObject({ attempts: 1, dueMs: site.clock.now() + minute });
  expect(waiting?.recipients[0]).toMatchObject({ state: 'pending', last: { kind: 'deferred' } });
  expect(waiting?.recipients[0]?.last?.status).toMatch(status);
  expect(await site.inbox()).toEqual([]);
});

const permanent = [
  ['MAIL', ['-f', 'MAIL']],
  ['RCPT', ['-f', 'RCPT']],
  ['DATA', ['-f', 'DATA']],
  ['the message', ['-f', '.']],
] as const;

test.each(permanent)('one that refuses %s for good: the sender gets one report', async (_what, args) => {
  const site = await start(...args);
  await site.send(['bob@one.example']);
  expect(await site.queued()).toEqual([]);
  const [report, ...others] = await site.inbox();
  expect(others).toEqual([]);
  expect(report).toContain('\r\nAction: failed\r\n');
  expect(report).toMatch(/\r\nDiagnostic-Code: smtp; 5\d\d /);
});

test('one that refuses for days: a report of the delay after four hours, one of the failure after two days', async () => {
  const site = await start('-r', 'RCPT');
  await site.send(['bob@one.example']);
  for (let waited = 0; waited < 49; waited++) await site.pass(hour);
  expect(await site.queued()).toEqual([]);
  const actions = (await site.inbox()).map((report) => /^Action: (.*)\r$/m.exec(report)?.[1]);
  expect(actions).toEqual(['failed', 'delayed']);
});

const poor = [
  ['no ESMTP', ['-e']],
  ['no pipelining', ['-p']],
  ['no 8BITMIME, for ASCII', ['-8']],
  ['no enhanced status codes', ['-E']],
  ['no DSN', ['-N']],
  ['the greeting of a PIX firewall', ['-P']],
  ['slow answers to DATA and the message', ['-w', '1', '-W', '.:1']],
] as const;

test.each(poor)('one with %s gets the mail', async (_what, args) => {
  const site = await start(...args);
  await site.send(['bob@one.example'], { envid: 'x' });
  expect(await site.queued()).toEqual([]);
  expect(await site.inbox()).toEqual([]);
});
