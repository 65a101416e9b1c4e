import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { DomainError, type DomainErrorCode } from '#domain/errors';
import { zoneResolver } from '#test/support/dns-zone';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestUser } from '#test/support/start-server';
import { fixedClock } from '#test/support/temp-store';
import { ourDomain, type Site, type SiteOptions, startSite } from './site.ts';

const bob = `bob@${ourDomain}`;
const mail = 'MAIL FROM:<a@away.example>';
const toBob = `RCPT TO:<${bob}>`;
const clock = fixedClock(1_800_000_000_000);

type Provoke = (client: SmtpClient, site: Site) => Promise<string>;

/** Says these lines; the last reply counts. */
const say =
  (...lines: readonly string[]): Provoke =>
  async (client) => {
    let line = '';
    for (const one of lines) line = (await client.command(one)).line;
    return line;
  };

/** RCPT, when it is refused with this; of most, the sender does not get the words. */
const fault =
  (code: DomainErrorCode, words = 'Words of ours.'): Provoke =>
  (client, site) => {
    site.failLookups(new DomainError(code, words));
    return say(mail, toBob)(client, site);
  };

const message =
  (content: string): Provoke =>
  async (client) =>
    (await client.mail('a@away.example', [bob], content)).line;

/** What port 25 replies: [code and status, when, how it is provoked, with what site]. */
const replies: readonly (readonly [string, string, Provoke, (() => SiteOptions)?])[] = [
  ['214 2.0.0', 'HELP', say('HELP')],
  ['220 2.0.0', 'STARTTLS', say('STARTTLS')],
  ['221 2.0.0', 'QUIT', say('QUIT')],
  ['250 2.0.0', 'NOOP', say('NOOP')],
  ['250 2.0.0', 'a message that is safe', message('Subject: x\r\n\r\n')],
  ['250 2.1.0', 'MAIL', say(mail)],
  ['250 2.1.5', 'RCPT', say(mail, toBob)],
  ['252 2.1.5', 'VRFY', say('VRFY bob')],
  [
    '421 4.3.2',
    'the server stops',
    async (client, site) => {
      void site.receiver.close();
      return (await client.reply()).line;
    },
  ],
  [
    '421 4.4.2',
    'silence',
    async (client) => {
      clock.move(6 * 60_000);
      return (await client.reply()).line;
    },
    () => ({ clock }),
  ],
  ['421 4.7.0', 'HTTP', say('GET / HTTP/1.1')],
  [
    '450 4.7.1',
    'too many messages',
    say(mail, 'RSET', mail),
    () => ({ clock, limits: { messagesPerMinute: 1 } }),
  ],
  ['451 4.3.0', 'a fault nobody foresaw', fault('item/not-found')],
  ['451 4.3.2', 'the server is busy', fault('server/busy')],
  ['451 4.7.1', 'no scanner', fault('scanner/unavailable')],
  ['451 4.7.1', 'the scanner says later', fault('message/deferred', 'Greylisted.')],
  [
    '452 4.2.2',
    'a full mailbox',
    say('MAIL FROM:<a@away.example> SIZE=2000', toBob),
    () => ({ mailboxQuotaBytes: 1_000 }),
  ],
  [
    '452 4.5.3',
    'too many recipients',
    say(mail, toBob, `RCPT TO:<bob+1@${ourDomain}>`),
    () => ({ maxRecipients: 1 }),
  ],
  ['452 4.5.3', 'too many mailboxes', fault('limit/exceeded')],
  ['454 4.7.0', 'throttled', fault('sign-in/throttled')],
  ['500 5.5.2', 'an unknown command', say('XYZZY')],
  ['501 5.1.3', 'a recipient that is no address', say(mail, 'RCPT TO:<bob>')],
  ['501 5.1.7', 'a sender that is no address', say('MAIL FROM:<a>')],
  ['501 5.5.4', 'a bad parameter', say('MAIL FROM:<> SIZE=x')],
  ['501 5.5.4', 'a bad request', fault('request/invalid')],
  ['502 5.5.1', 'EXPN', say('EXPN staff')],
  ['503 5.5.1', 'DATA too early', say('DATA')],
  ['504 5.5.4', 'what is not implemented', fault('request/unsupported')],
  ['535 5.7.8', 'wrong credentials', fault('sign-in/failed')],
  ['550 5.1.1', 'nobody', say(mail, `RCPT TO:<nobody@${ourDomain}>`)],
  [
    '550 5.2.1',
    'a disabled mailbox',
    (client, site) => {
      site.disable(`gone@${ourDomain}`);
      return say(mail, `RCPT TO:<gone@${ourDomain}>`)(client, site);
    },
  ],
  ['550 5.6.11', 'a bare LF', message('a\nb\r\n')],
  ['550 5.7.1', 'a domain of others', say(mail, 'RCPT TO:<x@away.example>')],
  [
    '550 5.7.26',
    'DMARC',
    message('From: a@away.example\r\n\r\n'),
    () => ({
      authentication: {
        trustedNetworks: [],
        resolve: zoneResolver({ '_dmarc.away.example': { txt: ['v=DMARC1; p=reject'] } }),
      },
    }),
  ],
  ['552 5.3.4', 'a size announced', say('MAIL FROM:<> SIZE=99999999')],
  [
    '552 5.3.4',
    'a size that came',
    message(`a: b\r\n\r\n${'c\r\n'.repeat(500)}`),
    () => ({ maxMessageBytes: 1_000 }),
  ],
  ['553 5.1.3', 'a bad address', fault('address/invalid')],
  ['553 5.6.7', 'an international address', say('MAIL FROM:<ä@away.example>')],
  ['554 5.0.0', 'a refusal that is none of SMTP', fault('name/in-use')],
  ['554 5.2.4', 'a group too large', fault('group/too-large')],
  ['554 5.4.6', 'a loop', message(`${'Received: x\r\n'.repeat(51)}\r\n`)],
  [
    '554 5.5.0',
    'content ahead of its turn',
    async (client) => {
      client.write('DATA\r\nSubject: x\r\n');
      return (await client.reply()).line;
    },
  ],
  ['554 5.5.1', 'a message to nobody', fault('message/no-recipient')],
  ['554 5.6.0', 'a NUL', message('a\0b\r\n')],
  [
    '554 5.7.1',
    'a blocked attachment',
    message('Content-Disposition: attachment; filename=a.exe\r\n\r\nMZ\r\n'),
  ],
  ['555 5.5.4', 'a parameter of MAIL not offered', say('MAIL FROM:<> RET=FULL')],
  ['555 5.5.4', 'a parameter of RCPT not offered', say(mail, `${toBob} NOTIFY=NEVER`)],
];

/** What submission replies besides, before signing in or by alice. */
const submissionReplies: readonly (readonly [string, string, (alice: TestUser) => readonly string[]])[] = [
  ['235 2.7.0', 'signed in', (alice) => [plain(alice)]],
  ['504 5.5.4', 'an unknown mechanism', () => ['AUTH CRAM-MD5']],
  ['530 5.7.0', 'MAIL before signing in', () => [mail]],
  ['535 5.7.8', 'a wrong password', () => ['AUTH PLAIN AGFsaWNlAHdyb25n']],
  ['550 5.7.1', 'From is somebody else', (alice) => [...transaction(alice), 'From: x@away.example\r\n\r\n.']],
  ['553 5.7.1', 'MAIL FROM is somebody else', (alice) => [plain(alice), mail]],
];

const plain = ({ address, password }: TestUser) =>
  `AUTH PLAIN ${Buffer.from(`\0${address}\0${password}`).toString('base64')}`;
const transaction = (alice: TestUser) => [
  plain(alice),
  `MAIL FROM:<${alice.address}>`,
  `RCPT TO:<${alice.address}>`,
  'DATA',
];

const rows = replies.map(([reply, when, provoke, options]) => ({ reply, when, provoke, options }));

test.each(rows)('$reply: $when', async ({ reply, provoke, options }) => {
  const site = await startSite(options?.());
  await site.user(bob, { aliases: [`bob+1@${ourDomain}`] });
  const client = await SmtpClient.greeted(site.address);
  const line = await provoke(client, site);
  expect(line).toMatch(new RegExp(`^${reply} \\S`));
  // Once, and with the connection's id behind a refusal, by which its log lines are found.
  expect(line.match(/\b[245]\.\d+\.\d+\b/g)).toHaveLength(1);
  if (line >= '4') expect(line).toMatch(/ \[[0-9a-v]{16}\]$/);
  expect(line).not.toContain('Words of ours');
});

test.each(submissionReplies)('submission: %s: %s', async (reply, _when, linesOf) => {
  const server = await startServer({ settings: { MAILSTEAD_LISTEN_INSECURE_AUTH: 'true' } });
  const alice = await server.addUser('alice');
  const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
  let line = '';
  for (const one of linesOf(alice)) line = (await client.command(one)).line;
  expect(line).toMatch(new RegExp(`^${reply} \\S`));
});

/** How the sources write a reply. */
const written = [
  /code: (\d{3}), enhanced: '([\d.]+)'/g,
  /ReplyError\((\d{3}), '([\d.]+)'/g,
  /^ {2}(\d{3}): '([\d.]+)',/gm,
  /send\((\d{3}), '([\d.]+) /g,
];
/** They speak to other servers. */
const outbound = /(?:relay|relay-connection|next-hop|runner|dns|\.test)\.ts$/;

test('every reply of the sources has a row', async () => {
  const folder = fileURLToPath(new URL('../../protocols/smtp/', import.meta.url));
  const found = new Set<string>();
  for await (const name of glob('*.ts', { cwd: folder, exclude: (file) => outbound.test(file) })) {
    const text = await readFile(`${folder}${name}`, 'utf8');
    for (const pattern of written) {
      for (const [, code, status] of text.matchAll(pattern)) found.add(`${code} ${status}`);
    }
  }
  expect(found.size).toBeGreaterThan(30);
  const tested = new Set([...replies, ...submissionReplies].map(([reply]) => reply));
  expect([...found].filter((reply) => !tested.has(reply))).toEqual([]);
});
