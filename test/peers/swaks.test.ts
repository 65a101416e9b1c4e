/** swaks, as an administrator uses it: mail in, and submission with everything that goes wrong there. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { runPeer, testWith } from '#test/support/peers';
import { startServer } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';

const test = await testWith('swaks');

/** A server with alice, whose mail to one.example goes to `next`; `send` runs swaks against one of its listeners. */
async function start() {
  const next = await startNextServer();
  const dns = await startDns({ 'one.example': { a: ['127.0.0.1'] } });
  const settings = { MAILSTEAD_DNS_SERVERS: dns, MAILSTEAD_OUTBOUND_PORT: String(next.port) };
  const site = await startServer({ settings });
  const alice = await site.addUser('alice');
  const bob = await site.addUser('bob');
  const send = (listener: 'smtp' | 'submission' | 'submissions', ...args: readonly string[]) =>
    runPeer('swaks', [
      '--server',
      site.server.addresses[listener] ?? '',
      '--ehlo',
      'client.example',
      ...args,
    ]);
  const asAlice = ['--from', alice.address, '--auth-user', alice.address, '--auth-password', alice.password];
  return { next, alice, bob, send, asAlice };
}

/** The exit codes of swaks say which step was refused. */
const refusedAt = { mail: 23, recipients: 24, content: 26, auth: 28, tls: 29 } as const;

test('mail in: in clear, over STARTTLS, with an attachment', async () => {
  const { send, bob } = await start();
  const attachment = join(await tempFolder(), 'report.pdf');
  await writeFile(attachment, '%PDF-1.7\n'.repeat(10_000));
  const mail = ['--from', 'joerg@away.example', '--to', bob.address];
  expect(await send('smtp', ...mail)).toMatchObject({ code: 0 });
  expect(await send('smtp', ...mail, '--pipeline', '--tls')).toMatchObject({ code: 0 });
  const attached = await send('smtp', ...mail, '--attach', `@${attachment}`);
  expect(attached).toMatchObject({ code: 0 });
  expect(attached.output).toMatch(/250 2\.0\.0 Ok: queued as [0-9a-f]{32}/);
});

test('mail in: an attachment of a blocked kind, nobody, and another domain are refused', async () => {
  const { send, bob } = await start();
  const program = join(await tempFolder(), 'setup.exe');
  await writeFile(program, 'MZ');
  const from = ['--from', 'joerg@away.example'];
  const blocked = await send('smtp', ...from, '--to', bob.address, '--attach', `@${program}`);
  expect(blocked).toMatchObject({ code: refusedAt.content });
  expect(blocked.output).toMatch(/554 5\.7\.1 .*setup\.exe/);
  const nobody = await send('smtp', ...from, '--to', 'nobody@test.mailstead.test');
  expect(nobody).toMatchObject({ code: refusedAt.recipients });
  expect(nobody.output).toContain('550 5.1.1 ');
  const elsewhere = await send('smtp', ...from, '--to', 'bob@one.example');
  expect(elsewhere.output).toContain('550 5.7.1 ');
});

const waysIn = [
  ['587 with STARTTLS and PLAIN', 'submission', ['--tls', '--auth', 'PLAIN']],
  ['587 with STARTTLS and LOGIN', 'submission', ['--tls', '--auth', 'LOGIN']],
  ['587 with PIPELINING', 'submission', ['--tls', '--auth', 'PLAIN', '--pipeline']],
  ['465 with PLAIN', 'submissions', ['--tls-on-connect', '--auth', 'PLAIN']],
  ['465 with LOGIN', 'submissions', ['--tls-on-connect', '--auth', 'LOGIN']],
] as const;

test.each(waysIn)(
  'submission by %s leaves for another server with its attachment',
  async (_way, listener, args) => {
    const { next, send, asAlice, alice } = await start();
    const attachment = join(await tempFolder(), 'Grüße.bin');
    await writeFile(attachment, Buffer.alloc(200_000, 7));
    const sent = await send(
      listener,
      ...args,
      ...asAlice,
      '--to',
      'carol@one.example,dave@one.example',
      '--attach',
      `@${attachment}`,
    );
    expect(sent).toMatchObject({ code: 0 });
    await next.arrived(1);
    expect(next.mails[0]).toMatchObject({
      from: alice.address,
      to: ['carol@one.example', 'dave@one.example'],
    });
    const base64 = Buffer.alloc(200_000, 7).toString('base64').slice(0, 76);
    expect(next.mails[0]?.raw).toContain(`\r\n${base64}\r\n`);
  },
);

test('submission: no password without TLS, no mail without a password, nobody else’s sender', async () => {
  const { send, asAlice, alice, bob } = await start();
  const to = ['--to', 'carol@one.example'];
  expect(await send('submission', '--auth', 'PLAIN', ...asAlice, ...to)).toMatchObject({
    code: refusedAt.auth,
  });
  const anonymous = await send('submission', '--tls', '--from', alice.address, ...to);
  expect(anonymous).toMatchObject({ code: refusedAt.mail });
  expect(anonymous.output).toContain('530 5.7.0 ');
  const sender = await send(
    'submission',
    '--tls',
    '--auth',
    'PLAIN',
    ...asAlice,
    '--from',
    bob.address,
    ...to,
  );
  expect(sender).toMatchObject({ code: refusedAt.mail });
  expect(sender.output).toContain('553 5.7.1 ');
  const header = await send(
    'submission',
    '--tls',
    '--auth',
    'PLAIN',
    ...asAlice,
    ...to,
    '--h-From',
    bob.address,
  );
  expect(header).toMatchObject({ code: refusedAt.content });
  expect(header.output).toContain('550 5.7.1 ');
});

test('submission: a wrong password is 535', async () => {
  const { send, alice } = await start();
  const wrong = ['--auth', 'PLAIN', '--auth-user', alice.address, '--auth-password', 'wrong'];
  const refused = await send(
    'submission',
    '--tls',
    ...wrong,
    '--from',
    alice.address,
    '--to',
    'carol@one.example',
  );
  expect(refused).toMatchObject({ code: refusedAt.auth });
  expect(refused.output).toContain('535 5.7.8 ');
});
