import { isAscii } from 'node:buffer';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { expect, test } from 'vitest';
import type { MailSigning } from '#domain/dkim-fields';
import type { DkimSigner } from '#domain/dkim-signer';
import type { DkimSigningKey } from '#mime/dkim-sign';
import { EasClient } from '#test/support/eas-client';
import { type NextServerOptions, startNextServer } from '#test/support/next-server';
import { minute, startOutbound } from '#test/support/outbound-site';
import { type ShownRecord, startZone } from '#test/support/published-zone';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestUser } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';

const ours = 'test.mailstead.test';
const bothOf = (domain: string) => [`pass ${domain} rsa-sha256`, `pass ${domain} ed25519-sha256`];

/** A server whose keys are published, and the server of one.example, to which its mail goes. */
async function start(options: { next?: NextServerOptions; toml?: (port: number) => string } = {}) {
  const next = await startNextServer(options.next);
  const zone = await startZone({ 'one.example': { a: ['127.0.0.1'] } });
  const folder = await tempFolder();
  if (options.toml) await writeFile(join(folder, 'mailstead.toml'), options.toml(next.port));
  const settings = {
    MAILSTEAD_DNS_SERVERS: zone.server,
    MAILSTEAD_OUTBOUND_PORT: String(next.port),
    MAILSTEAD_LISTEN_INSECURE_AUTH: 'true',
  };
  const server = await startServer({ settings, folder });
  const call = (operation: string, input: object = {}) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  const recordsOf = async (operation: string, DomainName = ours) =>
    (await call(operation, { DomainName }))['Records'] as ShownRecord[];
  const alice = await server.addUser('alice');
  const submit = async (raw: string, from = alice, address = from.address) => {
    const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
    const secret = Buffer.from(`\0${from.address}\0${from.password}`).toString('base64');
    await client.command(`AUTH PLAIN ${secret}`);
    expect((await client.mail(address, ['bob@one.example'], raw)).code).toBe(250);
    client.close();
  };
  const receive = async (raw: string, to: string) => {
    const client = await SmtpClient.greeted(server.server.addresses['smtp'] ?? '');
    expect((await client.mail('x@one.example', [to], raw)).code).toBe(250);
    client.close();
  };
  const restart = () => server.server.stop().then(() => startServer({ settings, folder }));
  return { next, zone, server, call, recordsOf, alice, submit, receive, restart };
}

const message = (from: string) => `From: ${from}\r\nTo: bob@one.example\r\nSubject: Hello\r\n\r\nText\r\n`;

test('what is submitted arrives with two signatures of its From domain that pass', async () => {
  const { next, zone, recordsOf, alice, submit } = await start();
  await submit(message(alice.address));
  await next.arrived(1);
  // The keys were made for the message; their records are published now.
  zone.publish(await recordsOf('GetMailDomain'));
  expect(next.mails[0]?.raw).toMatch(/^DKIM-Signature:[\s\S]*\r\nDKIM-Signature:[\s\S]*\r\nReceived:/);
  expect(await zone.verdicts(next.mails[0]?.raw ?? '')).toEqual(bothOf(ours));
});

test('lines with dots, without an end, and 8-bit text are signed as they go over the wire', async () => {
  const { next, zone, recordsOf, alice, submit } = await start();
  zone.publish(await recordsOf('GetMailDomain'));
  await submit(`${message(alice.address)}.\r\n..\r\n . \t Gr\u00fc\u00dfe \u20ac  \r\n\r\n\r\n`);
  await submit(`${message(alice.address)}${`${'x'.repeat(900)}  \t\r\n`.repeat(5_000)}`);
  await next.arrived(2);
  for (const { raw } of next.mails) expect(await zone.verdicts(raw)).toEqual(bothOf(ours));
});

test('what is encoded anew for a server without 8BITMIME is signed as it is sent', async () => {
  const { next, zone, recordsOf, alice, submit } = await start({ next: { hide8BITMIME: true } });
  zone.publish(await recordsOf('GetMailDomain'));
  await submit(`${message(alice.address)}Gr\u00fc\u00dfe \u20ac\r\n`);
  await next.arrived(1);
  expect(isAscii(Buffer.from(next.mails[0]?.raw ?? '\u00fc', 'latin1'))).toBe(true);
  expect(await zone.verdicts(next.mails[0]?.raw ?? '')).toEqual(bothOf(ours));
});

test('what a phone sends is signed', async () => {
  const { next, zone, recordsOf, server, alice } = await start();
  zone.publish(await recordsOf('GetMailDomain'));
  const { baseUrl, ca } = server;
  const phone = new EasClient({
    baseUrl,
    ca,
    user: alice.address,
    password: alice.password,
    version: '16.1',
  });
  await phone.provision();
  await phone.sendMail('To: bob@one.example\r\nSubject: Hello\r\n\r\nHi\nthere\r\n');
  await next.arrived(1);
  expect(await zone.verdicts(next.mails[0]?.raw ?? '')).toEqual(bothOf(ours));
});

/** Mail for addresses of ours that are nobody's goes to the next server. */
const routedTo = (port: number) =>
  `[[outbound.route]]\ndomain = "${ours}"\nrelay = "smtp://127.0.0.1:${port}"\nonly_unknown = true\n`;

test('mail of others passes with its own signature intact and ours added; a From of ours is not vouched for', async () => {
  const { next, zone, recordsOf, receive, alice } = await start({ toml: routedTo });
  zone.publish(await recordsOf('GetMailDomain'));
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const theirs = message('x@one.example');
  const key = {
    signingDomain: 'one.example',
    selector: 's',
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  const { signatures } = await dkimSign(theirs, { ...key, signatureData: [key] });
  const record = `v=DKIM1; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;
  zone.names['s._domainkey.one.example'] = { txt: [record] };
  await receive(signatures + theirs, `old@${ours}`);
  await next.arrived(1);
  expect(await zone.verdicts(next.mails[0]?.raw ?? '')).toEqual([
    ...bothOf(ours),
    'pass one.example rsa-sha256',
  ]);
  const forged = [
    message(alice.address),
    message(`boss@sub.${ours}`),
    message('boss@other.mailstead.test'),
    message('boss@one.example, boss@test.mailstead.test'),
    message('nobody at all'),
    message('boss@test.mailstead .test'),
    message('boss@test.mailstead.(x)test'),
    message('Boss <x@one.example> <boss@test.mailstead.test>'),
    message('x@one.example (boss@test.mailstead.test'),
    'Subject: Hello\r\n\r\nText\r\n',
  ];
  for (const raw of forged) await receive(raw, `old@${ours}`);
  await next.arrived(1 + forged.length);
  for (const { raw } of next.mails.slice(1)) expect(raw).not.toContain('DKIM-Signature');
});

test('a forward is signed as mail of its owner; a redirect is not vouched for, by way of a second mailbox either', async () => {
  const { next, zone, call, recordsOf, server, receive, alice } = await start();
  zone.publish(await recordsOf('GetMailDomain'));
  const bob = await server.addUser('bob');
  const put = (UserId: string, Actions: object) =>
    call('Mailstead.PutMailRules', { UserId, Rules: [{ Name: 'on', Actions }] });
  await put(bob.id, { RedirectTo: ['bob@one.example'] });
  await put(alice.id, { RedirectTo: [bob.address] });
  await receive(message(`boss@${ours}`), alice.address);
  await next.arrived(1);
  expect(next.mails[0]?.raw).not.toContain('DKIM-Signature');
  await receive(message('x@one.example'), alice.address);
  await next.arrived(2);
  expect(await zone.verdicts(next.mails[1]?.raw ?? '')).toEqual(bothOf(ours));
  await put(alice.id, { ForwardTo: ['alice@one.example'] });
  await receive(message(`boss@${ours}`), alice.address);
  await next.arrived(3);
  expect(next.mails[2]?.raw).toContain(`<${alice.address}>`);
  expect(await zone.verdicts(next.mails[2]?.raw ?? '')).toEqual(bothOf(ours));
});

test('a report to a sender elsewhere is signed by the default domain', async () => {
  const { next, zone, recordsOf, receive } = await start({
    toml: routedTo,
    next: { onRcpt: (address) => (address.endsWith(ours) ? '550 5.1.1 No such user' : undefined) },
  });
  zone.publish(await recordsOf('GetMailDomain'));
  await receive(message('x@one.example'), `old@${ours}`);
  await next.arrived(1);
  expect(next.mails[0]?.raw).toContain('\r\nFrom: Mail Delivery System <MAILER-DAEMON@localhost>');
  expect(await zone.verdicts(next.mails[0]?.raw ?? '')).toEqual(bothOf(ours));
});

test('the domain of the From signs, of several that an organisation has; mail that we signed before is not signed again', async () => {
  const { next, zone, call, recordsOf, server, submit } = await start();
  await call('RegisterMailDomain', { DomainName: 'example.com' });
  zone.publish(await recordsOf('GetMailDomain', 'example.com'));
  zone.publish(await recordsOf('GetMailDomain'));
  await call('Mailstead.VerifyMailDomain', { DomainName: 'example.com' });
  const carol = await userAt(server.admin, server.organization, 'carol@example.com');
  await submit(message(carol.address), carol);
  await next.arrived(1);
  const raw = next.mails[0]?.raw ?? '';
  expect(await zone.verdicts(raw)).toEqual(bothOf('example.com'));
  await submit(raw, carol);
  await next.arrived(2);
  expect(await zone.verdicts(next.mails[1]?.raw ?? '')).toEqual(bothOf('example.com'));
});

async function userAt(
  admin: (operation: string, input?: object) => Promise<Record<string, unknown>>,
  OrganizationId: string,
  address: string,
): Promise<TestUser> {
  const [name = ''] = address.split('@');
  const password = 'Password-1';
  const made = await admin('CreateUser', {
    OrganizationId,
    Name: name,
    DisplayName: name,
    Password: password,
  });
  const id = String(made['UserId']);
  await admin('RegisterToWorkMail', { OrganizationId, EntityId: id, Email: address });
  return { id, address, password };
}

test('new keys sign once their records are found, the old records stay; a restart changes nothing', async () => {
  const { next, zone, recordsOf, alice, submit, restart } = await start();
  const selectors = (raw = '') => [...raw.matchAll(/\ts=([\w-]+);/g)].map(([, selector]) => selector);
  const shown = (records: readonly ShownRecord[], state: string) =>
    records.filter(({ KeyState }) => KeyState === state).map(({ Hostname }) => Hostname.split('.')[0]);
  const first = await recordsOf('GetMailDomain');
  zone.publish(first);
  await recordsOf('Mailstead.VerifyMailDomain');
  const rotated = await recordsOf('Mailstead.RotateDkimKeys');
  expect(shown(rotated, 'SIGNING')).toEqual(shown(first, 'SIGNING'));
  expect(shown(rotated, 'NEXT')).toHaveLength(2);
  expect(await recordsOf('Mailstead.RotateDkimKeys')).toEqual(rotated);
  const coming = rotated.filter(({ KeyState }) => KeyState === 'NEXT');
  zone.publish(coming.slice(0, 1));
  await recordsOf('Mailstead.VerifyMailDomain');
  await submit(message(alice.address));
  await next.arrived(1);
  expect(selectors(next.mails[0]?.raw)).toEqual(shown(first, 'SIGNING'));

  zone.publish(coming.slice(1));
  const after = await recordsOf('Mailstead.VerifyMailDomain');
  expect(shown(after, 'SIGNING')).toEqual(shown(rotated, 'NEXT'));
  expect(shown(after, 'RETIRED')).toEqual(shown(first, 'SIGNING'));
  await submit(message(alice.address));
  await next.arrived(2);
  expect(selectors(next.mails[1]?.raw)).toEqual(shown(rotated, 'NEXT'));
  for (const { raw } of next.mails) expect(await zone.verdicts(raw)).toEqual(bothOf(ours));

  const before = await recordsOf('GetMailDomain');
  const again = await restart();
  const { Records } = await again.admin('GetMailDomain', {
    OrganizationId: again.organization,
    DomainName: ours,
  });
  // The test's listeners have other ports now.
  const isKept = ({ Purpose }: ShownRecord) => !Purpose.startsWith('SUBMISSION');
  expect((Records as ShownRecord[]).filter(isKept)).toEqual(before.filter(isKept));
});

/** Says who signs all mail; nothing is logged. */
function signerOf(keysFor: MailSigning['keysFor']): Pick<DkimSigner, 'signing'> {
  return { signing: () => ({ keysFor, failed: () => undefined }) };
}

const ours25519 = generateKeyPairSync('ed25519');
const key: DkimSigningKey = {
  domain: 'ours.example',
  selector: 's',
  algorithm: 'ed25519-sha256',
  privateKey: ours25519.privateKey,
};
const keyRecord = `v=DKIM1; k=ed25519; p=${ours25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')}`;

test('what cannot be signed waits and is not sent; it leaves when it can be', async () => {
  const next = await startNextServer();
  const zone = await startZone({ 'one.example': { a: ['127.0.0.1'] } });
  let isBroken = true;
  const signer = signerOf(async () => {
    if (isBroken) throw new Error('no key');
    return { keys: [key], atMs: 0 };
  });
  const site = await startOutbound({ dns: zone.server, port: next.port, signer });
  await site.send(['bob@one.example', 'carol@one.example']);
  const [waiting] = await site.queued();
  expect(waiting?.recipients.map(({ state, last }) => [state, last?.status, last?.text])).toEqual([
    ['pending', '4.3.0', 'The message could not be signed'],
    ['pending', '4.3.0', 'The message could not be signed'],
  ]);
  await site.pass(minute);
  expect(next.mails).toEqual([]);
  isBroken = false;
  await site.pass(5 * minute);
  expect(next.mails[0]?.raw).toMatch(/^DKIM-Signature:[^:]*ours\.example;[\s\S]*\r\nReceived:/);
  expect(await site.queued()).toEqual([]);
});

test.each(['at once', 'when it is asked for'])(
  'why something cannot be signed is told once: the key is missing %s',
  async (when) => {
    const next = await startNextServer();
    const zone = await startZone({ 'one.example': { a: ['127.0.0.1'] } });
    const told: unknown[] = [];
    const signer: Pick<DkimSigner, 'signing'> = {
      signing: () => ({
        keysFor: async ([author]) => {
          if (when === 'at once' || author === 'other.example') throw new Error('no key');
          return { authors: ['ours.example'], keys: [key], atMs: 0 };
        },
        failed: (err) => told.push(err),
      }),
    };
    const site = await startOutbound({ dns: zone.server, port: next.port, signer });
    await site.send(['bob@one.example'], {}, 'From: x@other.example\r\n\r\nText\r\n');
    expect(told).toMatchObject([{ message: 'no key', stack: expect.stringContaining('dkim.test.ts') }]);
    expect(next.mails).toEqual([]);
  },
);

test('a stop does not wait for a signature', async () => {
  const next = await startNextServer();
  const zone = await startZone({ 'one.example': { a: ['127.0.0.1'] } });
  for (const known of [[], ['ours.example']]) {
    const asked = Promise.withResolvers<void>();
    const signer = signerOf(async (authors) => {
      if (authors[0] === known[0]) return { authors, keys: [], atMs: 0 };
      asked.resolve();
      return new Promise(() => undefined);
    });
    const site = await startOutbound({ dns: zone.server, port: next.port, signer });
    await site.accept(['bob@one.example']);
    await asked.promise;
    const stopped = site.runner.stop();
    site.clock.move(minute);
    await stopped;
    expect(await site.queued()).toMatchObject([{ attempts: 0, recipients: [{ state: 'pending' }] }]);
  }
  expect(next.mails).toEqual([]);
});

test('the hash of a body is made while it comes in, and serves while the body stays as it is', async () => {
  const body = `${'.line  of \t text \r\n'.repeat(20_000)}\r\n\r\n`;
  const bodies = {
    plain: body,
    'beyond ASCII': `${body}\u00fc\r\n`,
    'a long line': `${body}${'x'.repeat(999)}\r\n`,
  };
  const zone = await startZone({
    'one.example': { a: ['127.0.0.1'] },
    's._domainkey.ours.example': { txt: [keyRecord] },
  });
  const signer = signerOf(async () => ({ keys: [key], atMs: 0 }));
  for (const [hide8BITMIME, expected] of [
    [false, ['plain', 'beyond ASCII']],
    [true, ['plain']],
  ] as const) {
    const next = await startNextServer({ hide8BITMIME });
    const site = await startOutbound({ dns: zone.server, port: next.port, signer });
    const sendAll = async () => {
      for (const [name, text] of Object.entries(bodies)) {
        await site.send(
          ['bob@one.example'],
          {},
          `From: alice@ours.example\r\nSubject: ${name}\r\n\r\n${text}`,
        );
      }
    };
    await sendAll();
    expect(next.mails).toHaveLength(3);
    for (const { raw } of next.mails) {
      expect(await zone.verdicts(raw)).toEqual(['pass ours.example ed25519-sha256']);
    }
    expect(next.mails[0]?.raw.endsWith(`Subject: plain\r\n\r\n${body}`)).toBe(true);
    // A hash that is none shows where it serves.
    const claim = site.queue.claim.bind(site.queue);
    site.queue.claim = async (destination) => {
      const claimed = await claim(destination);
      const { mail } = claimed;
      if (mail?.facts === undefined) return claimed;
      return { ...claimed, mail: { ...mail, facts: { ...mail.facts, bodyHash: 'known' } } };
    };
    await sendAll();
    expect(next.mails).toHaveLength(6);
    const known = next.mails.filter(({ raw }) => raw.includes('bh=known;'));
    expect(known.map(({ raw }) => /^Subject: (.*)$/m.exec(raw)?.[1])).toEqual(expected);
  }
});
