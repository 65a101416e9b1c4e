/** Postfix sends to us from its own queue: what it makes of our replies, and what arrives. */
import { expect, vi } from 'vitest';
import { postfixForTest, testWith } from '#test/support/peers';
import type { Postfix } from '#test/support/postfix';
import { SmtpClient } from '#test/support/smtp-client';
import { ourDomain, type Site, startSite } from '../smtp/site.ts';

// Postfix takes its time between attempts, the more so on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const test = await testWith('postfix');

/** A Postfix that relays everything but its own domain to a site of ours; it tries again after a second. */
async function start(options: Parameters<typeof startSite>[0] = {}, settings: Record<string, string> = {}) {
  const site = await startSite(options);
  const postfix = await postfixForTest({
    domains: ['sender.example'],
    settings: {
      relayhost: `[${site.address.split(':')[0]}]:${site.address.split(':')[1]}`,
      smtp_tls_security_level: 'encrypt',
      smtp_tls_loglevel: '1',
      queue_run_delay: '1s',
      minimal_backoff_time: '1s',
      maximal_backoff_time: '1s',
      // Every line of its dialogue with us is in its log.
      debug_peer_list: '127.0.0.1',
      debug_peer_level: '1',
      ...settings,
    },
  });
  return { site, postfix };
}

/** Hands a message to Postfix; resolves when it is in its queue, and its log says so. */
async function inject(
  postfix: Postfix,
  to: readonly string[],
  content: string | Buffer,
  { from = 'joerg@sender.example', parameters = '' } = {},
): Promise<void> {
  const client = await SmtpClient.greeted(postfix.address);
  expect((await client.command(`MAIL FROM:<${from}>${parameters}`)).code).toBe(250);
  for (const address of to) expect((await client.command(`RCPT TO:<${address}>`)).code).toBe(250);
  expect((await client.command('DATA')).code).toBe(354);
  await client.send(Buffer.from(content));
  const reply = await client.command('.');
  expect(reply.code).toBe(250);
  client.close();
  const [, id] = / queued as (\w+)/.exec(reply.lines.join('\n')) ?? [];
  await expect.poll(() => postfix.log()).toContain(`: ${id}: message-id=`);
}

/** Resolves when Postfix has nothing left to send. */
async function sent(postfix: Postfix): Promise<void> {
  await expect.poll(() => postfix.queued(), { timeout: 60_000 }).toEqual([]);
}

const at = (name: string) => `${name}@${ourDomain}`;
const peopleOf = (site: Site, names: readonly string[]) =>
  Promise.all(names.map((name) => site.user(at(name))));

test('a message comes over TLS, with what Postfix wrote into it and our trace in front', async () => {
  const { site, postfix } = await start();
  const bob = await site.user(at('bob'));
  await inject(postfix, [bob.address], 'Subject: Hello\r\n\r\n..dots\r\n...more\r\n');
  await sent(postfix);
  const messages = await site.messages(bob);
  expect(messages).toHaveLength(1);
  expect(messages[0]?.raw).toMatch(
    /^Return-Path: <joerg@sender\.example>\r\nReceived: from mx\.postfix\.example \(\[127\.0\.0\.1\]\)\r\n\tby mx\.ours\.example with ESMTPS\r?/,
  );
  expect(messages[0]?.raw).toMatch(
    /\r\nReceived: from client\.example .*\r\n\tby mx\.postfix\.example \(Postfix\)/,
  );
  expect(messages[0]?.raw.endsWith('\r\n\r\n.dots\r\n..more\r\n')).toBe(true);
  expect(await postfix.log()).toMatch(/TLS connection established to .*TLSv1\.3/);
});

test('Postfix sends its commands in one go (PIPELINING), and 8-bit text as it is (8BITMIME)', async () => {
  const { site, postfix } = await start();
  const people = await peopleOf(site, ['bob', 'carol']);
  const text =
    'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n';
  await inject(
    postfix,
    people.map(({ address }) => address),
    text,
    { parameters: ' BODY=8BITMIME' },
  );
  await sent(postfix);
  for (const person of people) {
    const [message, ...others] = await site.messages(person);
    expect(others).toEqual([]);
    expect(message?.raw).toMatch(/\r\nContent-Transfer-Encoding: 8bit\r\n[\s\S]*\r\n\r\nGrüße\r\n$/);
  }
  const dialogue = (await postfix.log())
    .split('\n')
    .flatMap((line) => / ([<>]) \S+: (.*)$/.exec(line)?.slice(1, 3).join(' ') ?? []);
  const mail = dialogue.findIndex((line) => line.startsWith('> MAIL FROM'));
  expect(dialogue[mail]).toMatch(/SIZE=\d+ BODY=8BITMIME$/);
  expect(dialogue.slice(mail + 1, mail + 4)).toEqual([
    '> RCPT TO:<bob@ours.example>',
    '> RCPT TO:<carol@ours.example>',
    '> DATA',
  ]);
});

test('an international sender, recipient and subject come by SMTPUTF8', async () => {
  const { site, postfix } = await start();
  const person = await site.user(at('jürgen'));
  const from = 'jörg@sender.example';
  await inject(postfix, [person.address], `From: ${from}\r\nSubject: Grüße\r\n\r\nText\r\n`, {
    from,
    parameters: ' SMTPUTF8',
  });
  await sent(postfix);
  const [message] = await site.messages(person);
  expect(message?.raw).toMatch(/^Return-Path: <jörg@sender\.example>\r\n/);
  expect(message?.raw).toContain('with UTF8SMTPS');
  expect(message?.raw).toContain('\r\nSubject: Grüße\r\n');
});

test('a message for 700 recipients reaches every one once, though we take 500 at a time', async () => {
  const { site, postfix } = await start(
    {},
    { smtp_destination_recipient_limit: '1000', default_destination_recipient_limit: '1000' },
  );
  const people = await peopleOf(
    site,
    Array.from({ length: 700 }, (_, n) => `user${n}`),
  );
  await inject(
    postfix,
    people.map(({ address }) => address),
    'Subject: All\r\n\r\nHi\r\n',
  );
  await sent(postfix);
  await site.runner.settled();
  const counts = await Promise.all(people.map(async (person) => (await site.messages(person)).length));
  expect(counts).toEqual(people.map(() => 1));
});

test('25 MB arrive byte for byte', async () => {
  const { site, postfix } = await start({}, { debug_peer_list: '' });
  const bob = await site.user(at('bob'));
  const line = Buffer.from(`${'QUJD'.repeat(19)}\r\n`);
  const body = Buffer.alloc(Math.floor(25_000_000 / line.length) * line.length, line);
  await inject(postfix, [bob.address], Buffer.concat([Buffer.from('Subject: Large\r\n\r\n'), body]));
  await sent(postfix);
  const [message] = await site.messages(bob);
  expect(message?.raw.endsWith(`\r\n\r\n${body}`)).toBe(true);
});

test('our 4xx keeps the message in its queue until we take it, once', async () => {
  const { site, postfix } = await start();
  const bob = await site.user(at('bob'));
  site.failLookups(new Error('the directory is away'));
  await inject(postfix, [bob.address], 'Subject: Patience\r\n\r\nHi\r\n');
  const deferrals = async () =>
    [...(await postfix.log()).matchAll(/status=deferred .* said: 451 4\.3\.0/g)].length;
  await expect.poll(deferrals, { timeout: 60_000 }).toBeGreaterThan(1);
  expect(await site.messages(bob)).toEqual([]);
  site.failLookups(undefined);
  await sent(postfix);
  expect(await site.messages(bob), await postfix.log()).toHaveLength(1);
  expect(await postfix.kept()).toEqual([]);
});

test('our 5xx of one recipient comes back to the sender with our words, the others get their mail', async () => {
  const { site, postfix } = await start();
  const bob = await site.user(at('bob'));
  await inject(postfix, [bob.address, at('nobody')], 'Subject: Bounce\r\n\r\nHi\r\n');
  await sent(postfix);
  expect(await site.messages(bob)).toHaveLength(1);
  const [bounce, ...others] = await postfix.kept();
  expect(others).toEqual([]);
  expect(bounce?.to).toBe('joerg@sender.example');
  expect(bounce?.raw).toContain('\nFinal-Recipient: rfc822; nobody@ours.example\n');
  expect(bounce?.raw).toContain('\nStatus: 5.1.1\n');
  expect(bounce?.raw).toMatch(/\nDiagnostic-Code: smtp; 550 5\.1\.1 .*\[/);
});

test('a refusal at the end of DATA, of a blocked attachment, bounces too', async () => {
  const { site, postfix } = await start();
  const bob = await site.user(at('bob'));
  await inject(
    postfix,
    [bob.address],
    'MIME-Version: 1.0\r\nContent-Type: application/octet-stream; name="run.exe"\r\n\r\nMZ\r\n',
  );
  await sent(postfix);
  expect(await site.messages(bob)).toEqual([]);
  const [bounce] = await postfix.kept();
  expect(bounce?.raw).toMatch(/\nDiagnostic-Code: smtp; 554 5\.7\.1 .*run\.exe/);
});
