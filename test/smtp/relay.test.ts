import { describe, expect, test } from 'vitest';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { hour, minute, startOutbound } from '#test/support/outbound-site';
import { goodReply, startScripted } from '#test/support/scripted-server';

/** `one.example` and `two.example` have the next server; both with their mail server at 127.0.0.1. */
const zone = {
  'one.example': { mx: [[10, 'mx.one.example']] },
  'mx.one.example': { a: ['127.0.0.1'] },
  'two.example': { a: ['127.0.0.1'] },
} as const;

async function start(options: Parameters<typeof startNextServer>[0] = {}) {
  const next = await startNextServer(options);
  const dns = await startDns(zone);
  return { next, site: await startOutbound({ dns, port: next.port }) };
}

test('mail goes to the MX of its domain once, without Return-Path, and leaves the queue', async () => {
  const { next, site } = await start();
  await site.send(['bob@one.example', 'carol@one.example']);
  expect(next.mails).toHaveLength(1);
  expect(next.mails[0]).toMatchObject({
    from: 'alice@ours.example',
    to: ['bob@one.example', 'carol@one.example'],
    isSecure: true,
  });
  expect(next.mails[0]?.raw).toMatch(/^Received: by mx\.ours\.example[\s\S]*\r\n\r\nText\r\n$/);
  expect(await site.queued()).toEqual([]);
  expect(await site.inbox()).toEqual([]);
});

test('a domain without MX is its own mail server', async () => {
  const { next, site } = await start();
  await site.send(['bob@two.example']);
  expect(next.mails).toHaveLength(1);
});

test('a large message arrives byte for byte', async () => {
  const { next, site } = await start();
  const lines = Array.from(
    { length: 20_000 },
    (_, n) => `${'.'.repeat(n % 3)}${n} ${'x'.repeat(50)}\r\n`,
  ).join('');
  await site.send(['bob@one.example'], {}, `Subject: large\r\n\r\n${lines}`);
  expect(next.mails[0]?.raw.endsWith(`\r\n\r\n${lines}`)).toBe(true);
});

test('a temporary refusal is tried again after the pauses of the schedule, and then delivered', async () => {
  let refusals = 2;
  const { next, site } = await start({ onRcpt: () => (refusals-- > 0 ? '451 4.7.1 Later' : undefined) });
  await site.send(['bob@one.example']);
  const [waiting] = await site.queued();
  expect(waiting).toMatchObject({ attempts: 1, dueMs: site.clock.now() + minute });
  expect(waiting?.recipients[0]?.last).toMatchObject({ status: '4.7.1', remote: 'mx.one.example' });
  await site.pass(minute - 1);
  expect(refusals).toBe(1);
  await site.pass(1);
  expect((await site.queued())[0]).toMatchObject({ attempts: 2, dueMs: site.clock.now() + 5 * minute });
  await site.pass(5 * minute);
  expect(next.mails).toHaveLength(1);
  expect(await site.queued()).toEqual([]);
  expect(await site.inbox()).toEqual([]);
});

test('a permanent refusal comes back as a report, with the reply and the header', async () => {
  const { site } = await start({ onRcpt: () => '550 5.1.1 No such user' });
  await site.send(['bob@one.example'], { envid: 'QQ314' });
  expect(await site.queued()).toEqual([]);
  const [report, ...others] = await site.inbox();
  expect(others).toEqual([]);
  expect(report).toMatch(/^Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx\.ours\.example>/);
  for (const line of [
    'Content-Type: multipart/report; report-type=delivery-status;',
    'Original-Envelope-Id: QQ314',
    'Reporting-MTA: dns; mx.ours.example',
    'Final-Recipient: rfc822; bob@one.example',
    'Action: failed',
    'Status: 5.1.1',
    'Remote-MTA: dns; mx.one.example',
    'Content-Type: text/rfc822-headers',
    'Subject: Hello',
  ])
    expect(report).toContain(`\r\n${line}`);
  expect(report).toMatch(/\r\nDiagnostic-Code: smtp; 550 .*5\.1\.1 No such user/);
  expect(report).not.toContain('\r\nText\r\n');
});

test('a sender refused for now is tried again, whatever the replies to the recipients sent along', async () => {
  const { site } = await start({
    onMailFrom: (_address, _session, done) =>
      done(Object.assign(new Error('4.3.2 Not now'), { responseCode: 451 })),
  });
  await site.send(['bob@one.example']);
  expect((await site.queued())[0]?.recipients[0]).toMatchObject({
    state: 'pending',
    last: { kind: 'deferred', status: '4.3.2' },
  });
  expect(await site.inbox()).toEqual([]);
});

test('what is broken off by a stop leaves no half message behind, and goes once after the next start', async () => {
  let begun: () => void = () => undefined;
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let isHolding = true;
  const { next, site } = await start({
    onMessage: () => {
      begun();
      return isHolding ? new Promise<undefined>(() => undefined) : undefined;
    },
  });
  await site.accept(['bob@one.example']);
  await isBegun;
  const stopped = site.runner.stop();
  site.clock.move(10_000);
  await stopped;
  expect(next.mails).toEqual([]);
  isHolding = false;
  await site.runner.start();
  await site.runner.settled();
  await site.pass(2 * hour);
  expect(next.mails).toHaveLength(1);
});

test('recipients of one message have their own ends', async () => {
  const answers: Readonly<Record<string, string>> = {
    'no@one.example': '550 5.1.1 No such user',
    'later@one.example': '450 4.2.1 Busy',
  };
  const { next, site } = await start({ onRcpt: (address) => answers[address] });
  await site.send(['yes@one.example', 'no@one.example', 'later@one.example', 'yes@two.example']);
  expect(next.mails.map(({ to }) => to).sort()).toEqual([['yes@one.example'], ['yes@two.example']]);
  const [report, ...others] = await site.inbox();
  expect(others).toEqual([]);
  expect(report).toContain('Final-Recipient: rfc822; no@one.example');
  expect(report).not.toContain('yes@one.example');
  const queued = await site.queued();
  expect(queued.map(({ recipients }) => recipients.map(({ state }) => state))).toEqual([
    ['delivered', 'failed', 'pending'],
  ]);
  await site.pass(minute);
  expect(next.mails).toHaveLength(2);
});

test('a next hop that is down: attempts by the schedule, a notice after four hours, a report at the end', async () => {
  const next = await startScripted((_command, socket) => void socket.destroy());
  const site = await startOutbound({ dns: await startDns(zone), port: next.port });
  const startMs = site.clock.now();
  await site.send(['bob@one.example']);
  const tried = [0];
  for (let [mail] = await site.queued(); mail !== undefined; [mail] = await site.queued()) {
    await site.pass(mail.dueMs - site.clock.now() - 1);
    expect((await site.queued())[0]?.attempts).toBe(tried.length);
    await site.pass(1);
    const minutes = (site.clock.now() - startMs) / minute;
    tried.push(minutes);
    expect(await site.inbox()).toHaveLength(minutes < 4 * 60 ? 0 : minutes < 48 * 60 ? 1 : 2);
  }
  expect(tried).toEqual([0, 1, 6, 21, 51, 111, 231, ...Array.from({ length: 12 }, (_, n) => 240 * (n + 1))]);
  // At four hours the sender is told what the attempt nine minutes before has found.
  expect(next.connections()).toBe(tried.length - 1);
  const [failure, delay] = await site.inbox();
  expect(delay).toContain('\r\nAction: delayed\r\nStatus: 4.4.1\r\n');
  expect(delay).toMatch(/\r\nWill-Retry-Until: Tue, 24 Nov 2026 00:00:00 \+0000/);
  expect(failure).toContain('\r\nAction: failed\r\nStatus: 5.4.7\r\n');
});

test('a destination that is down is not tried for every mail, and is found again when it is up', async () => {
  let isDown = true;
  const next = await startScripted((command, socket) => {
    if (!isDown) return goodReply(command);
    socket.end('421 4.3.2 Down\r\n');
    return undefined;
  });
  const site = await startOutbound({ dns: await startDns(zone), port: next.port });
  for (let n = 0; n < 60; n++) {
    await site.send(['bob@one.example']);
    await site.pass(minute);
  }
  const queued = await site.queued();
  expect(queued).toHaveLength(60);
  // After 0, 30 s, 2.5 and 7.5 minutes, then four times an hour.
  expect(next.connections()).toBeLessThanOrEqual(9);
  isDown = false;
  const [mail] = queued;
  if (mail !== undefined) site.runner.retry([await site.queue.retry(site.organization, mail.id)]);
  await site.runner.settled();
  expect(next.commands.filter((command) => command === '.')).toHaveLength(1);
  for (let hours = 0; hours < 5; hours++) await site.pass(hour);
  expect(await site.queued()).toEqual([]);
  expect(next.commands.filter((command) => command === '.')).toHaveLength(60);
});

test('no bounce for a bounce', async () => {
  const { site } = await start({ onRcpt: () => '550 5.1.1 No such user' });
  await site.send(['bob@one.example'], { reversePath: '', kind: 'bounce' });
  expect(await site.queued()).toEqual([]);
  expect(await site.inbox()).toEqual([]);
});

test('a report to a sender elsewhere goes through the queue with the null reverse-path', async () => {
  const { next, site } = await start({
    onRcpt: (address) => (address === 'bob@one.example' ? '550 5.1.1 No such user' : undefined),
  });
  await site.send(['bob@one.example'], { reversePath: 'carol@two.example' });
  await site.runner.settled();
  expect(next.mails).toMatchObject([{ from: '', to: ['carol@two.example'] }]);
  expect(next.mails[0]?.raw).toContain('Final-Recipient: rfc822; bob@one.example');
});

describe('NOTIFY', () => {
  test('NEVER is told nothing', async () => {
    const { site } = await start({ onRcpt: () => '550 5.1.1 No such user' });
    await site.send([], { recipients: [{ address: 'bob@one.example', notify: ['NEVER'] }] });
    expect(await site.inbox()).toEqual([]);
  });

  test('SUCCESS is passed on to a server with DSN, and told as relayed of one without', async () => {
    const asked = { recipients: [{ address: 'bob@one.example', notify: ['SUCCESS'] as const }] };
    const plain = await start();
    await plain.site.send([], asked);
    expect((await plain.site.inbox())[0]).toContain('\r\nAction: relayed\r\n');
    const withDsn = await start({ hideDSN: false });
    await withDsn.site.send([], asked);
    expect(withDsn.next.mails[0]?.notify).toEqual([['SUCCESS']]);
    expect(await withDsn.site.inbox()).toEqual([]);
  });

  test('RET=FULL returns the message with a failure', async () => {
    const { site } = await start({ onRcpt: () => '550 5.1.1 No such user' });
    await site.send(['bob@one.example'], { ret: 'FULL' });
    expect((await site.inbox())[0]).toMatch(
      /Content-Type: message\/rfc822\r\n\r\nReceived: [\s\S]*\r\nText\r\n/,
    );
  });
});

describe('DNS', () => {
  const failures = [
    ['null.example', { 'null.example': { mx: [[0, '']] } }, '5.1.10', /null MX/],
    ['missing.example', {}, '5.1.2', /does not exist/],
    ['self.example', { 'self.example': { mx: [[10, 'mx.ours.example']] } }, '5.4.6', /loops back/],
    ['nowhere.example', { 'nowhere.example': { mx: [[10, 'gone.example']] } }, '5.4.4', /no address/],
  ] as const;
  test.each(failures)('%s: %j bounces at once with %s', async (domain, names, status, text) => {
    const site = await startOutbound({ dns: await startDns(names), port: 1 });
    await site.send([`bob@${domain}`]);
    const [report] = await site.inbox();
    expect(report).toContain(`\r\nStatus: ${status}\r\n`);
    expect(report).toMatch(text);
  });

  test('a name server that fails is no reason to bounce', async () => {
    const site = await startOutbound({ dns: await startDns({ 'x.example': { fails: true } }), port: 1 });
    await site.send(['bob@x.example']);
    expect((await site.queued())[0]?.recipients[0]?.last).toMatchObject({
      kind: 'deferred',
      status: '4.4.3',
    });
  });

  test('the next MX is tried when the first cannot be reached, and when it refuses for now', async () => {
    const next = await startNextServer();
    const refusing = await startNextServer({
      host: '127.0.0.2',
      port: next.port,
      onRcpt: () => '451 4.3.0 No',
    });
    const dns = await startDns({
      'one.example': {
        mx: [
          [30, 'c.example'],
          [10, 'a.example'],
          [20, 'b.example'],
        ],
      },
      'a.example': { a: ['127.0.0.3'] },
      'b.example': { a: ['127.0.0.2'] },
      'c.example': { a: ['127.0.0.1'] },
    });
    const site = await startOutbound({ dns, port: next.port });
    await site.send(['bob@one.example']);
    expect(next.mails).toHaveLength(1);
    expect(refusing.connections()).toBe(1);
  });

  test('a server that greets by our own name is a loop', async () => {
    const { site } = await start({ name: 'mx.ours.example' });
    await site.send(['bob@one.example']);
    expect((await site.inbox())[0]).toContain('\r\nStatus: 5.4.6\r\n');
  });
});

describe('what the next hop lacks', () => {
  test('8-bit content is sent encoded', async () => {
    const { next, site } = await start({ hide8BITMIME: true, hideSMTPUTF8: true });
    await site.send(['bob@one.example'], {}, 'Subject: Grüße\r\n\r\nGrüße\r\n');
    expect(next.mails[0]?.raw).toMatch(
      /Subject: =\?utf-8\?B\?R3LDvMOfZQ==\?=\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1\.0\r\n\r\nGr=C3=BC=C3=9Fe\r\n$/,
    );
    expect(await site.inbox()).toEqual([]);
  });

  test('8-bit content under a signature bounces with 5.6.3', async () => {
    const { site } = await start({ hide8BITMIME: true });
    const signed = 'Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nGrüße\r\n--b--\r\n';
    await site.send(['bob@one.example'], {}, signed);
    expect((await site.inbox())[0]).toContain('\r\nStatus: 5.6.3\r\n');
  });

  test('an internationalized address bounces with 5.6.7, and the others get theirs', async () => {
    const { next, site } = await start({ hideSMTPUTF8: true });
    await site.send(['jörg@one.example', 'bob@one.example']);
    expect(next.mails).toMatchObject([{ to: ['bob@one.example'] }]);
    const [report] = await site.inbox();
    expect(report).toContain('\r\nStatus: 5.6.7\r\n');
    expect(report).toContain('\r\nContent-Type: message/global-delivery-status\r\n');
    expect(report).toContain('\r\nFinal-Recipient: utf-8; jörg@one.example\r\n');
  });

  test('an address in the header that only UTF-8 can write bounces with 5.6.7', async () => {
    const { site } = await start({ hideSMTPUTF8: true });
    await site.send(['bob@one.example'], {}, 'Cc: jörg@two.example\r\n\r\nText\r\n');
    expect((await site.inbox())[0]).toContain('\r\nStatus: 5.6.7\r\n');
  });

  test('TLS: mail goes in clear', async () => {
    const { next, site } = await start({ disabledCommands: ['STARTTLS'] });
    await site.send(['bob@one.example']);
    expect(next.mails).toMatchObject([{ isSecure: false }]);
  });

  test('room: what is over its SIZE bounces with 5.3.4', async () => {
    const { site } = await start({ size: 1_000 });
    await site.send(['bob@one.example'], {}, `Subject: x\r\n\r\n${'x'.repeat(2_000)}\r\n`);
    expect((await site.inbox())[0]).toContain('\r\nStatus: 5.3.4\r\n');
  });
});

describe('SMTPUTF8', () => {
  const mails = [
    ['jörg@one.example', 'Subject: x', true],
    ['bob@one.example', 'Cc: jörg@two.example', true],
    ['bob@one.example', 'Subject: Grüße', false],
  ] as const;
  test.each(mails)('to %s with %s', async (to, field, isSaid) => {
    const said: boolean[] = [];
    const next = await startNextServer({
      onMailFrom: ({ args }, _session, done) => {
        said.push(args !== false && 'SMTPUTF8' in args);
        done();
      },
    });
    const dns = await startDns(zone);
    const site = await startOutbound({ dns, port: next.port });
    await site.send([to], {}, `${field}\r\n\r\nText\r\n`);
    expect(said).toEqual([isSaid]);
    const [mail] = next.mails;
    expect(/[^\n -~\r\t]/.test(mail?.raw ?? '')).toBe(field.includes('jörg'));
  });

  test('a domain is written in A-labels, and then needs none', async () => {
    const next = await startScripted(goodReply);
    const dns = await startDns({ 'xn--bcher-kva.example': { a: ['127.0.0.1'] } });
    const site = await startOutbound({ dns, port: next.port });
    await site.send(['bob@BÜCHER.example']);
    expect(next.commands).toContain('RCPT TO:<bob@xn--bcher-kva.example>');
    expect(await site.queued()).toEqual([]);
    expect(await site.inbox()).toEqual([]);
  });
});

describe('configured servers', () => {
  test('a relay takes mail of all domains, signed in', async () => {
    const next = await startNextServer({
      authOptional: false,
      onAuth: ({ username, password }, _session, done) =>
        password === 'p@ss' ? done(null, { user: username }) : done(new Error('Wrong')),
    });
    const site = await startOutbound({ relay: `smtp://us:p%40ss@127.0.0.1:${next.port}` });
    await site.send(['bob@one.example', 'carol@two.example']);
    expect(next.mails).toMatchObject([{ user: 'us', to: ['bob@one.example', 'carol@two.example'] }]);
  });

  test('a relay that refuses our password keeps the mail in the queue', async () => {
    const next = await startNextServer({
      authOptional: false,
      onAuth: (_auth, _session, done) => done(new Error('Wrong')),
    });
    const site = await startOutbound({ relay: `smtp://us:wrong@127.0.0.1:${next.port}` });
    await site.send(['bob@one.example']);
    expect((await site.queued())[0]?.recipients[0]?.last).toMatchObject({ kind: 'deferred' });
  });

  test('a route takes a domain; only_unknown takes what is nobody here', async () => {
    const old = await startNextServer();
    const relay = `smtp://127.0.0.1:${old.port}`;
    const routes = [{ domain: 'ours.example', relay, onlyUnknown: true }];
    const site = await startOutbound({ routes });
    expect(await site.routing.resolveRecipient('alice@ours.example')).toMatchObject({ kind: 'mailbox' });
    expect(await site.routing.resolveRecipient('old@ours.example')).toMatchObject({ kind: 'routed' });
    await site.send(['old@ours.example']);
    expect(old.mails).toHaveLength(1);
  });
});

test('a connection is used for what waits for the same destination, and there are never more than allowed', async () => {
  let open = 0;
  let most = 0;
  const next = await startNextServer({
    onMessage: async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return undefined;
    },
  });
  const dns = await startDns(zone);
  const site = await startOutbound({ dns, port: next.port, concurrency: 2 });
  await Promise.all(Array.from({ length: 20 }, () => site.accept(['bob@one.example'])));
  await site.runner.settled();
  expect(next.mails).toHaveLength(20);
  expect(most).toBeLessThanOrEqual(2);
  expect(next.connections()).toBeLessThan(20);
});

test('mail to more destinations than rows may be is delivered to all of them', async () => {
  const names = Array.from({ length: 80 }, (_, n) => `d${n}.example`);
  const next = await startNextServer();
  const dns = await startDns(Object.fromEntries(names.map((name) => [name, { a: ['127.0.0.1'] }])));
  const site = await startOutbound({ dns, port: next.port });
  await site.send(names.map((name) => `bob@${name}`));
  expect(next.mails.flatMap(({ to }) => to).sort()).toEqual(names.map((name) => `bob@${name}`).sort());
  expect(await site.queued()).toEqual([]);
});

test('many recipients of one domain go by a hundred, and a report on all of them fits', async () => {
  const names = Array.from({ length: 1_200 }, (_, n) => `user${n}@one.example`);
  const { next, site } = await start({
    onRcpt: (address) => (address.endsWith('9@one.example') ? `550 5.1.1 ${'x'.repeat(400)}` : undefined),
  });
  await site.send(names);
  expect(next.mails.every(({ to }) => to.length <= 100)).toBe(true);
  const arrived = next.mails.flatMap(({ to }) => to);
  expect(arrived.sort()).toEqual(names.filter((name) => !name.endsWith('9@one.example')).sort());
  // One for each row of the queue.
  expect(await site.inbox()).toHaveLength(12);
  expect(await site.queued()).toEqual([]);
});
