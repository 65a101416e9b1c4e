import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { listEnd, listStart } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import type { ItemId, MailboxRef } from '#domain/ids';
import type { Clock } from '#domain/outside';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestServer, type TestUser } from '#test/support/start-server';
import { tempDatabase } from '#test/support/temp-store';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const plain = ({ address, password }: { address: string; password: string }) =>
  `AUTH PLAIN ${base64(`\0${address}\0${password}`)}`;

interface Place {
  readonly server: TestServer;
  readonly alice: TestUser;
  readonly submission: string;
}

async function start(settings: Record<string, string> = {}, clock?: Clock): Promise<Place> {
  const server = await startServer({ settings, ...(clock ? { clock } : {}) });
  const alice = await server.addUser('alice');
  return { server, alice, submission: server.server.addresses['submission'] ?? '' };
}

/** A session with TLS, greeted again, and signed in as alice. */
async function signedIn({ submission, alice }: Place): Promise<SmtpClient> {
  const client = await SmtpClient.greeted(submission);
  await client.startTls();
  await client.command('EHLO client.example');
  expect((await client.command(plain(alice))).line).toMatch(/^235 2\.7\.0 /);
  return client;
}

/** Stops the server, and gives what a user has got. */
async function inboxOf(server: TestServer, user: TestUser): Promise<string[]> {
  return (await mailOf(server, user)).Inbox.map(({ raw }) => raw);
}

/** Stops the server, and gives what is in a user's mailbox. */
async function mailOf({ server, dataDir, organization }: TestServer, { id }: TestUser) {
  await server.stop();
  const { mail } = await tempDatabase({ folder: dirname(dataDir) });
  const mailbox = { organization, mailbox: id } as MailboxRef;
  const inFolder = async (type: FolderType) => {
    const folder = defaultFolder(type);
    const reader = mail.mailbox(mailbox);
    const places = await reader.list(folder, { from: listStart, to: listEnd, limit: 100 });
    const items = await reader.items(
      folder,
      places.map(({ item }) => item as ItemId),
    );
    const found: { raw: string; isRead: boolean }[] = [];
    for (const item of items) {
      if (!item) continue;
      const raw = (await buffer(mail.openBody(mailbox, item))).toString('latin1');
      found.push({ raw, isRead: item.marks.read });
    }
    return found;
  };
  return { Inbox: await inFolder(FolderType.Inbox), SentItems: await inFolder(FolderType.SentItems) };
}

const message = (from: string, more = '') => `From: ${from}\r\nTo: bob@one.example\r\n${more}\r\nText\r\n`;

describe('signing in', () => {
  test('needs TLS on 587: AUTH is not offered before, and refused with 530 5.7.0', async () => {
    const { submission, alice } = await start();
    const client = await SmtpClient.connect(submission);
    await client.reply();
    const before = await client.command('EHLO client.example');
    expect(before.lines).toContain('STARTTLS');
    expect(before.lines.join()).not.toContain('AUTH');
    expect((await client.command(plain(alice))).line).toMatch(/^530 5\.7\.0 /);
    expect((await client.command('MAIL FROM:<a@b.example>')).line).toMatch(/^530 5\.7\.0 /);
    await client.startTls();
    const { lines } = await client.command('EHLO client.example');
    expect(lines).toEqual(
      expect.arrayContaining(['AUTH PLAIN LOGIN', 'DSN', '8BITMIME', 'SMTPUTF8', 'PIPELINING']),
    );
    expect((await client.command('MAIL FROM:<a@b.example>')).line).toMatch(/^530 5\.7\.0 /);
    client.close();
  });

  test('by PLAIN with and without initial response, and by LOGIN', async () => {
    const place = await start();
    const { submission, alice } = place;
    const exchanges = [
      [plain(alice)],
      ['AUTH PLAIN', base64(`\0${alice.address}\0${alice.password}`)],
      ['AUTH LOGIN', base64(alice.address), base64(alice.password)],
      [`AUTH LOGIN ${base64(alice.address)}`, base64(alice.password)],
    ];
    for (const lines of exchanges) {
      const client = await SmtpClient.greeted(submission);
      await client.startTls();
      await client.command('EHLO client.example');
      let reply = { line: '' };
      for (const line of lines) reply = await client.command(line);
      expect(reply.line).toMatch(/^235 2\.7\.0 /);
      client.close();
    }
  });

  test.each([
    ['a wrong password', ['AUTH PLAIN AGFsaWNlAHdyb25n'], /^535 5\.7\.8 /],
    ['an unknown mechanism', ['AUTH CRAM-MD5'], /^504 5\.5\.4 /],
    ['a cancelled exchange', ['AUTH LOGIN', '*'], /^501 5\.\d\.\d /],
    ['nonsense', ['AUTH PLAIN !!!'], /^501 5\.\d\.\d /],
  ] as const)('%s is refused', async (_name, lines, refusal) => {
    const { submission } = await start();
    const client = await SmtpClient.greeted(submission);
    await client.startTls();
    await client.command('EHLO client.example');
    let reply = { line: '' };
    for (const line of lines) reply = await client.command(line);
    expect(reply.line).toMatch(refusal);
    client.close();
  });

  test('too many wrong passwords: 454 4.7.0, whatever is sent then', { timeout: 60_000 }, async () => {
    // The throttle's waits are not waited for.
    const clock: Clock = {
      now: Date.now,
      after: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs <= 30_000 ? 0 : delayMs);
        return () => clearTimeout(timer);
      },
    };
    const { submission, alice } = await start({ MAILSTEAD_LISTEN_INSECURE_AUTH: 'true' }, clock);
    const replies: string[] = [];
    for (let n = 0; n < 120 && !replies.at(-1)?.startsWith('454'); n++) {
      const client = await SmtpClient.greeted(submission);
      replies.push((await client.command(plain({ address: `nobody${n}@x.example`, password: 'no' }))).line);
      client.close();
    }
    expect(replies[0]).toMatch(/^535 5\.7\.8 /);
    expect(replies.at(-1)).toMatch(/^454 4\.7\.0 /);
    const client = await SmtpClient.greeted(submission);
    expect((await client.command(plain(alice))).line).toMatch(/^454 4\.7\.0 /);
    client.close();
  });

  test('without TLS where insecure_auth allows it', async () => {
    const { submission, alice } = await start({ MAILSTEAD_LISTEN_INSECURE_AUTH: 'true' });
    const client = await SmtpClient.greeted(submission);
    expect((await client.command(plain(alice))).line).toMatch(/^235 /);
    client.close();
  });

  test('on 465 TLS comes first', async () => {
    const { server, alice } = await start();
    const [host = '', port] = (server.server.addresses['submissions'] ?? '').split(':');
    const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false });
    let heard = '';
    const until = async (pattern: RegExp) => {
      while (!pattern.test(heard)) {
        heard += await new Promise<string>((resolve) =>
          socket.once('data', (chunk) => resolve(String(chunk))),
        );
      }
    };
    await until(/^220 .*\r\n/);
    socket.write('EHLO client.example\r\n');
    await until(/250 SIZE|250 [A-Z]/);
    expect(heard).toContain('AUTH PLAIN LOGIN');
    expect(heard).not.toContain('STARTTLS');
    socket.write(`${plain(alice)}\r\n`);
    await until(/235 2\.7\.0/);
    socket.destroy();
  });
});

describe('who may send as whom', () => {
  test('the primary address alone, in the envelope and in From and Sender', async () => {
    const place = await start();
    const { server, alice } = place;
    await server.admin('CreateAlias', {
      OrganizationId: server.organization,
      EntityId: alice.id,
      Alias: 'al@test.mailstead.test',
    });
    const client = await signedIn(place);
    for (const other of ['al@test.mailstead.test', 'bob@test.mailstead.test', 'x@elsewhere.example']) {
      expect((await client.command(`MAIL FROM:<${other}>`)).line).toMatch(/^553 5\.7\.1 /);
    }
    const me = alice.address;
    const rules = [
      [message('al@test.mailstead.test'), /^550 5\.7\.1 /],
      [message(`${me}, x@elsewhere.example`), /^550 5\.7\.1 /],
      [message(`${me}\r\nFrom: x@elsewhere.example`), /^550 5\.7\.1 /],
      [message(me, 'Sender: x@elsewhere.example\r\n'), /^550 5\.7\.1 /],
      [message(me, `Sender: ${me}\r\nSender: x@elsewhere.example\r\n`), /^550 5\.7\.1 /],
      [message(me, 'Sender: \r\n'), /^550 5\.7\.1 /],
      [message(me, `Sender: ${me}\r\n`), /^250 2\.0\.0 /],
      [message(me, 'from : x@elsewhere.example\r\n'), /^550 5\.7\.1 /],
      [message(`${me},\r\n x@elsewhere.example`), /^550 5\.7\.1 /],
      [message(`Us: ${me}, x@elsewhere.example;`), /^550 5\.7\.1 /],
      [message('undisclosed:;'), /^550 5\.7\.1 /],
      [message(''), /^550 5\.7\.1 /],
      ['Sender: x@elsewhere.example\r\n\r\nText\r\n', /^550 5\.7\.1 /],
      [message('=?utf-8?Q?Alice_=3Cx=40elsewhere.example=3E?= <'.concat(me, '>')), /^250 2\.0\.0 /],
      [message('Alice'), /^550 5\.7\.1 /],
      [message(`"x@elsewhere.example" <${me}>`), /^250 2\.0\.0 /],
      [message(me.toUpperCase()), /^250 2\.0\.0 /],
      ['Subject: no From\r\n\r\nText\r\n', /^250 2\.0\.0 /],
    ] as const;
    for (const [content, reply] of rules) {
      expect((await client.mail(me, [me], content)).line, content).toMatch(reply);
    }
    client.close();
  });
});

describe('a message', () => {
  async function withNext() {
    const next = await startNextServer();
    const dns = await startDns({ 'one.example': { a: ['127.0.0.1'] } });
    const settings = { MAILSTEAD_DNS_SERVERS: dns, MAILSTEAD_OUTBOUND_PORT: String(next.port) };
    return { next, ...(await start(settings)) };
  }

  test('has its Received fields still, no Bcc however it is written, and a From that reads in one way', async () => {
    const { next, ...place } = await withNext();
    const { alice } = place;
    const client = await signedIn(place);
    const raw = `Received: from far by near\r\nFrom: <${alice.address}> <boss@two.example>\r\nbcc : a@hidden.example\r\nBCC:\r\n b@hidden.example\r\nBcc\t: c@hidden.example\r\n\r\nText\r\n`;
    expect((await client.mail(alice.address, ['bob@one.example'], raw)).code).toBe(250);
    await next.arrived(1);
    const sent = next.mails[0]?.raw ?? '';
    expect(sent.match(/^Received: /gm)).toHaveLength(2);
    expect(sent).toContain(`\r\nFrom: <${alice.address}>\r\n`);
    expect(sent).not.toContain('hidden.example');
    expect(sent).toMatch(/\r\n\r\nText\r\n$/);
    client.close();
  });

  test('goes to users here and elsewhere, without Bcc, with Date and Message-ID', async () => {
    const { next, ...place } = await withNext();
    const { server, alice } = place;
    const bob = await server.addUser('bob');
    const client = await signedIn(place);
    const forged = 'Authentication-Results: localhost; dmarc=pass\r\n';
    const raw = message(alice.address, `Bcc: hidden@two.example\r\n${forged}`);
    const reply = await client.mail(alice.address, [bob.address, 'bob@one.example'], raw);
    expect(reply.line).toMatch(/^250 2\.0\.0 Ok: queued as [0-9a-f]{32}/);
    await next.arrived(1);
    const [mail] = next.mails;
    expect(mail).toMatchObject({ from: alice.address, to: ['bob@one.example'] });
    // Behind the signatures.
    expect(mail?.raw).toMatch(
      /(?:^|\r\n)Received: from client\.example \(\[127\.0\.0\.1\]\)\r\n\tby localhost with ESMTPSA/,
    );
    expect(mail?.raw).toMatch(/\r\nDate: .* \+0000\r\n/);
    expect(mail?.raw).toMatch(/\r\nMessage-ID: <[0-9a-f]{32}@test\.mailstead\.test>\r\n/);
    expect(mail?.raw).not.toMatch(/hidden|Return-Path|Authentication-Results/i);
    client.close();
  });

  test('NOTIFY=SUCCESS is told of a mailbox here, to the sender', async () => {
    const place = await start();
    const { server, alice } = place;
    const bob = await server.addUser('bob');
    const client = await signedIn(place);
    await client.command(`MAIL FROM:<${alice.address}> ENVID=abc`);
    await client.command(`RCPT TO:<${bob.address}> NOTIFY=SUCCESS`);
    await client.command('DATA');
    const reply = await client.command(`${message(alice.address)}.`);
    expect(reply.line).toMatch(/^250 /);
    client.close();
    const [report] = await inboxOf(server, alice);
    expect(report).toContain('\r\nAction: delivered\r\nStatus: 2.1.5\r\n');
    expect(report).toContain(`\r\nFinal-Recipient: rfc822; ${bob.address}\r\n`);
    expect(report).toContain('\r\nOriginal-Envelope-Id: abc\r\n');
  });

  test('is refused for unknown users here, for bare line ends, and for its size', async () => {
    const place = await start({ MAILSTEAD_LIMITS_MESSAGE_SIZE: '64 KiB' });
    const { alice } = place;
    const client = await signedIn(place);
    const me = alice.address;
    expect((await client.mail(me, ['nobody@test.mailstead.test'], '')).line).toMatch(/^550 5\.1\.1 /);
    await client.command('RSET');
    expect((await client.command(`MAIL FROM:<${me}> SIZE=70000`)).line).toMatch(/^552 5\.3\.4 /);
    expect((await client.mail(me, [me], `${message(me)}a\nb\r\n`)).line).toMatch(/^550 5\.6\.11 /);
    const large = message(me) + 'x\r\n'.repeat(25_000);
    expect((await client.mail(me, [me], large)).line).toMatch(/^552 5\.3\.4 /);
    client.close();
  });

  test('DSN parameters are taken, others are not', async () => {
    const place = await start();
    const client = await signedIn(place);
    expect((await client.command(`MAIL FROM:<${place.alice.address}> RET=HDRS ENVID=x AUTH=<>`)).code).toBe(
      250,
    );
    expect(
      (await client.command('RCPT TO:<bob@one.example> NOTIFY=NEVER ORCPT=rfc822;b@one.example')).code,
    ).toBe(250);
    expect((await client.command('RCPT TO:<bob@one.example> X=1')).line).toMatch(/^555 5\.5\.4 /);
    client.close();
  });
});

describe('attachments of blocked kinds', () => {
  test('are refused with their name, and the connection goes on', async () => {
    const place = await start();
    const { server, alice } = place;
    const client = await signedIn(place);
    const me = alice.address;
    const file = (name: string) => `Content-Disposition: attachment; filename="${name}"\r\n`;
    const refused = await client.mail(me, [me], message(me, file('run.exe')));
    expect(refused.line).toMatch(
      /^554 5\.7\.1 The attachment "run\.exe" is of a kind that is not accepted \[\w+\]$/,
    );
    expect((await client.mail(me, [me], message(me, file('run.txt')))).line).toMatch(/^250 2\.0\.0 /);
    client.close();
    expect(await inboxOf(server, alice)).toHaveLength(1);
  });
});

describe('the copy in Sent Items', () => {
  const settings = { MAILSTEAD_SUBMISSION_SENT_COPY: 'true' };

  test('is not made unless it is set', async () => {
    const place = await start();
    const { server, alice } = place;
    const client = await signedIn(place);
    expect((await client.mail(alice.address, [alice.address], message(alice.address))).code).toBe(250);
    client.close();
    const { Inbox, SentItems } = await mailOf(server, alice);
    expect([Inbox.length, SentItems.length]).toEqual([1, 0]);
  });

  test.each([
    ['small', 'Text\r\n'],
    ['large', 'Text of a line\r\n'.repeat(200_000)],
  ])('of a %s message is read, and has the Bcc that nobody else sees', async (_name, text) => {
    const place = await start(settings);
    const { server, alice } = place;
    const bob = await server.addUser('bob');
    const client = await signedIn(place);
    const raw = `${message(alice.address, `Bcc: ${bob.address}\r\n`)}${text}`;
    expect((await client.mail(alice.address, [bob.address, alice.address], raw)).code).toBe(250);
    client.close();
    const { Inbox, SentItems } = await mailOf(server, alice);
    expect(Inbox.map(({ isRead }) => isRead)).toEqual([false]);
    expect(SentItems.map(({ isRead }) => isRead)).toEqual([true]);
    expect(SentItems[0]?.raw).toMatch(/^From: alice@/);
    expect(SentItems[0]?.raw).toContain(`\r\nBcc: ${bob.address}\r\n`);
    expect(SentItems[0]?.raw).toMatch(/\r\nMessage-ID: </i);
    expect(SentItems[0]?.raw).not.toContain('Received:');
    expect(SentItems[0]?.raw.endsWith(`\r\n\r\nText\r\n${text}`)).toBe(true);
    expect(Inbox[0]?.raw).not.toContain('Bcc:');
    expect(Inbox[0]?.raw.endsWith(`\r\n\r\nText\r\n${text}`)).toBe(true);
  });

  test('is there when the message goes elsewhere only, and to a group of nobody', async () => {
    const place = await start(settings);
    const { server, alice } = place;
    const organization = { OrganizationId: server.organization };
    const { GroupId } = await server.admin('CreateGroup', { ...organization, Name: 'empty' });
    const group = 'empty@test.mailstead.test';
    await server.admin('RegisterToWorkMail', { ...organization, EntityId: GroupId, Email: group });
    const client = await signedIn(place);
    for (const to of ['x@away.example', group])
      expect((await client.mail(alice.address, [to], message(alice.address))).code).toBe(250);
    client.close();
    expect((await mailOf(server, alice)).SentItems).toHaveLength(2);
  });

  test('is there when the message goes by the queue', async () => {
    const place = await start(settings);
    const { server, alice } = place;
    const client = await signedIn(place);
    const to = Array.from({ length: 70 }, (_, n) => `x@d${n}.example`);
    expect((await client.mail(alice.address, to, message(alice.address))).code).toBe(250);
    client.close();
    expect((await mailOf(server, alice)).SentItems).toHaveLength(1);
  });

  test('leaves nothing when the message is refused, and has to have room', async () => {
    const place = await start({ ...settings, MAILSTEAD_LIMITS_MAILBOX_QUOTA: '1 MiB' });
    const { server, alice } = place;
    const client = await signedIn(place);
    const me = alice.address;
    const blocked = message(me, 'Content-Disposition: attachment; filename=run.exe\r\n');
    const large = `${blocked}${'x\r\n'.repeat(50_000)}`;
    expect((await client.mail(me, ['x@away.example'], large)).line).toMatch(/^554 5\.7\.1 /);
    expect((await client.mail(me, ['x@away.example'], `${message(me)}a\nb\r\n`)).line).toMatch(
      /^550 5\.6\.11 /,
    );
    expect((await client.command(`MAIL FROM:<${me}> SIZE=2000000`)).line).toMatch(/^452 4\.2\.2 /);
    client.close();
    const left = await readdir(join(server.dataDir, 'blobs'), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual([]);
    expect((await mailOf(server, alice)).SentItems).toEqual([]);
  });
});
