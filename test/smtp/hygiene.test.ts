import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestServer, type TestUser } from '#test/support/start-server';
import { fixedClock } from '#test/support/temp-store';
import { ourDomain, type SiteOptions, startSite } from './site.ts';

const bob = `bob@${ourDomain}`;
const mail = 'MAIL FROM:<a@away.example>';
const minute = 60_000;

interface Rule {
  /** As in the table of docs/smtp.md, which names this row in its last column. */
  readonly name: string;
  readonly limit: string;
  readonly reply: string;
  /** What becomes of the connection. */
  readonly end: 'open' | 'closed';
  readonly site?: () => SiteOptions;
  /** Breaks the rule and gives the last reply, undefined if there was none. */
  readonly provoke: (client: SmtpClient, address: string) => Promise<string | undefined>;
}

/** A rule of submission, for somebody who has signed in. */
interface SubmissionRule extends Pick<Rule, 'name' | 'limit' | 'reply'> {
  readonly settings?: Record<string, string>;
  readonly provoke: (client: SmtpClient, server: TestServer, user: TestUser) => Promise<string | undefined>;
}

/** Sends lines, one after the other, and gives the last reply. */
async function say(client: SmtpClient, ...lines: readonly string[]): Promise<string> {
  let line = '';
  for (const one of lines) line = (await client.command(one)).line;
  return line;
}

const repeated = (client: SmtpClient, line: string, count: number) => say(client, ...Array(count).fill(line));
const send = async (client: SmtpClient, content: string) =>
  (await client.mail('a@away.example', [bob], content)).line;
/** The greeting of one more connection, or what stands in its place. */
const oneMore = async (address: string) => (await (await SmtpClient.connect(address)).reply()).line;

const clock = fixedClock(1_800_000_000_000);
const timed = () => ({ clock });

const rules: readonly Rule[] = [
  {
    name: 'early talker',
    limit: '100 ms',
    reply: '421 4.7.0',
    end: 'open',
    provoke: async (_client, address) => {
      for (const early of ['EHLO x.example\r\n', 'EHLO']) {
        const client = await SmtpClient.connect(address);
        client.write(early);
        expect((await client.reply()).line).toMatch(/^421 4\.7\.0 .*You talk too soon/);
        await client.ended();
      }
      return '421 4.7.0 ';
    },
  },
  {
    name: 'all connections',
    limit: '`limits.connections` (2,000)',
    reply: '421 4.3.2',
    end: 'open',
    site: () => ({ limits: { maxConnections: 1 } }),
    provoke: (_client, address) => oneMore(address),
  },
  {
    name: 'connections of an address',
    limit: '`limits.connections_per_ip` (50)',
    reply: '421 4.7.0',
    end: 'open',
    site: () => ({ limits: { maxConnectionsPerIp: 1 } }),
    provoke: async (client, address) => {
      const line = await oneMore(address);
      await say(client, 'QUIT');
      await client.ended();
      // What has gone does not count, once it has gone there too.
      while (!(await oneMore(address)).startsWith('220')) await new Promise(setImmediate);
      return line;
    },
  },
  {
    name: 'connections in a minute',
    limit: '`limits.connections_per_minute` (300)',
    reply: '421 4.7.0',
    end: 'open',
    site: () => ({ ...timed(), limits: { connectionsPerMinute: 2 } }),
    provoke: async (_client, address) => {
      expect(await oneMore(address)).toMatch(/^220 /);
      const line = await oneMore(address);
      clock.move(minute / 2);
      expect(await oneMore(address)).toMatch(/^220 /);
      return line;
    },
  },
  {
    name: 'messages in a minute',
    limit: '`limits.messages_per_minute` (3,000)',
    reply: '450 4.7.1',
    end: 'open',
    site: () => ({ ...timed(), limits: { messagesPerMinute: 2 } }),
    provoke: async (client) => {
      expect(await say(client, mail, 'RSET', mail, 'RSET')).toMatch(/^250 /);
      const line = await say(client, mail);
      clock.move(minute);
      return line;
    },
  },
  {
    name: 'bare line end in a command',
    limit: 'none',
    reply: '500 5.5.2',
    end: 'open',
    provoke: async (client) => {
      for (const line of ['NOOP\n', 'NO\rOP\r\n', 'NOOP\r\r\n', '\n']) {
        client.write(line);
        expect((await client.reply()).line).toMatch(/^500 5\.5\.2 /);
      }
      client.write(`${mail}\n`);
      return (await client.reply()).line;
    },
  },
  {
    name: 'bare line end in a message',
    limit: 'none',
    reply: '550 5.6.11',
    end: 'open',
    provoke: async (client) => {
      expect(await send(client, 'a: b\r\n\r\na\rb\r\n')).toMatch(/^550 5\.6\.11 .*bare CR/);
      return send(client, 'a: b\r\n\r\na\nb\r\n');
    },
  },
  {
    name: 'NUL in a command',
    limit: 'none',
    reply: '421 4.7.0',
    end: 'closed',
    provoke: async (client) => {
      client.write('NOOP \0');
      return (await client.reply()).line;
    },
  },
  {
    name: 'NUL in a message',
    limit: 'none',
    reply: '554 5.6.0',
    end: 'open',
    provoke: (client) => send(client, 'a: b\r\n\r\na\0b\r\n'),
  },
  {
    name: 'ahead of a reply',
    limit: 'none',
    reply: '554 5.5.0',
    end: 'closed',
    provoke: async (client) => {
      client.write(`${mail}\r\nRCPT TO:<${bob}>\r\nDATA\r\nSubject: x\r\n`);
      const [, , last] = [await client.reply(), await client.reply(), await client.reply()];
      return last?.line;
    },
  },
  {
    name: 'ahead of TLS',
    limit: 'none',
    reply: '220 2.0.0',
    end: 'open',
    provoke: async (client) => {
      const { line } = await client.startTls(`EHLO x\r\n${mail}\r\nRCPT TO:<${bob}>\r\nDATA\r\nx\r\n.`);
      // EHLO is not known any more.
      expect(await say(client, mail)).toMatch(/^503 5\.5\.1 /);
      await say(client, 'EHLO x.example');
      return line;
    },
  },
  {
    name: 'out of order',
    limit: 'none',
    reply: '503 5.5.1',
    end: 'open',
    provoke: async (_client, address) => {
      const client = await SmtpClient.connect(address);
      await client.reply();
      const line = await say(client, mail);
      expect(await say(client, 'DATA')).toMatch(/^503 5\.5\.1 /);
      return line;
    },
  },
  {
    name: 'not SMTP',
    limit: 'none',
    reply: '421 4.7.0',
    end: 'closed',
    provoke: (client) => say(client, 'GET / HTTP/1.1'),
  },
  {
    name: 'not served',
    limit: 'none',
    reply: '502 5.5.1',
    end: 'open',
    provoke: async (client) => {
      for (const line of ['BDAT 3 LAST', 'EXPN staff'])
        expect(await say(client, line)).toMatch(/^502 5\.5\.1 /);
      expect(await say(client, 'VRFY bob')).toBe(await say(client, 'VRFY nobody'));
      return say(client, 'AUTH PLAIN AGEAYg==');
    },
  },
  {
    name: 'unknown commands',
    limit: '10',
    reply: '421 4.7.0',
    end: 'closed',
    provoke: async (client) => {
      expect(await repeated(client, 'XYZZY', 9)).toMatch(/^500 5\.5\.2 /);
      return say(client, 'XYZZY');
    },
  },
  {
    name: 'no mail',
    limit: '100',
    reply: '421 4.7.0',
    end: 'closed',
    provoke: async (client) => {
      // One was EHLO; refusals count, and a message makes them forgotten.
      expect(await repeated(client, 'NOOP', 90)).toMatch(/^250 /);
      expect(await send(client, 'Subject: x\r\n\r\n')).toMatch(/^250 /);
      expect(await repeated(client, 'NOOP', 60)).toMatch(/^250 /);
      expect(await repeated(client, 'MAIL FROM:x', 40)).toMatch(/^501 /);
      return say(client, 'RSET');
    },
  },
  {
    name: 'refused recipients',
    limit: '`limits.refused_recipients` (20)',
    reply: '421 4.7.0',
    end: 'closed',
    provoke: async (client) => {
      await say(client, mail, `RCPT TO:<${bob}>`);
      for (let n = 0; n < 20; n++)
        expect(await say(client, `RCPT TO:<nobody${n}@${ourDomain}>`)).toMatch(/^550 5\.1\.1 /);
      return say(client, `RCPT TO:<one.more@${ourDomain}>`);
    },
  },
  {
    name: 'recipients of a message',
    limit: '`limits.recipients` (500)',
    reply: '452 4.5.3',
    end: 'open',
    site: () => ({ maxRecipients: 2 }),
    provoke: (client) =>
      say(client, mail, ...['bob', 'bob+1', 'bob+2'].map((name) => `RCPT TO:<${name}@${ourDomain}>`)),
  },
  {
    name: 'silence',
    limit: '5 min',
    reply: '421 4.4.2',
    end: 'closed',
    site: timed,
    provoke: async (client) => {
      client.write('NO');
      clock.move(5 * minute);
      client.write('OP');
      clock.move(minute);
      return (await client.reply()).line;
    },
  },
  {
    name: 'slow message',
    limit: '1 KiB/s after 5 min',
    reply: '421 4.4.2',
    end: 'closed',
    site: timed,
    provoke: async (client) => {
      await say(client, mail, `RCPT TO:<${bob}>`, 'DATA');
      await client.send(Buffer.from(`Subject: x\r\n\r\n${'x\r\n'.repeat(1_000)}`));
      clock.move(5 * minute);
      clock.move(minute);
      return (await client.reply()).line;
    },
  },
  {
    name: 'slow handshake',
    limit: '1 min',
    reply: 'none',
    end: 'closed',
    site: timed,
    provoke: async (client) => {
      await say(client, 'STARTTLS');
      client.write(Uint8Array.of(0x16, 0x03, 0x01));
      clock.move(minute);
      clock.move(minute);
      return undefined;
    },
  },
  {
    name: 'long command',
    limit: '4,096; 12,288 in submission',
    reply: '500 5.5.2',
    end: 'open',
    provoke: async (client) => {
      expect(await say(client, `NOOP ${'x'.repeat(4_091)}`)).toMatch(/^250 /);
      return say(client, `NOOP ${'x'.repeat(4_092)}`);
    },
  },
  {
    name: 'long line',
    limit: '64 KiB',
    reply: '554 5.6.0',
    end: 'open',
    provoke: (client) => send(client, `Subject: x\r\n\r\n${'x'.repeat(70_000)}\r\n`),
  },
  {
    name: 'long header',
    limit: '256 KiB',
    reply: '554 5.6.0',
    end: 'open',
    provoke: (client) => send(client, `${'X: y\r\n'.repeat(50_000)}\r\n`),
  },
  {
    name: 'large message',
    limit: '`limits.message_size` (25 MiB)',
    reply: '552 5.3.4',
    end: 'open',
    site: () => ({ maxMessageBytes: 10_000 }),
    provoke: async (client) => {
      expect(await say(client, `${mail} SIZE=10001`)).toMatch(/^552 5\.3\.4 /);
      return send(client, `Subject: x\r\n\r\n${'x\r\n'.repeat(5_000)}`);
    },
  },
  {
    name: 'loop',
    limit: '50',
    reply: '554 5.4.6',
    end: 'open',
    provoke: (client) => send(client, `${'Received: from x\r\n'.repeat(51)}\r\n`),
  },
  {
    name: 'null reverse-path',
    limit: 'as any other',
    reply: '250 2.1.0',
    end: 'open',
    provoke: async (client) => {
      const line = await say(client, 'MAIL FROM:<>');
      for (const name of ['bob', 'bob+1']) await say(client, `RCPT TO:<${name}@${ourDomain}>`);
      return line;
    },
  },
  {
    name: 'lost connection',
    limit: 'none',
    reply: 'none',
    end: 'closed',
    provoke: async (client) => {
      await say(client, mail, `RCPT TO:<${bob}>`, 'DATA');
      await client.send(Buffer.from(`Subject: x\r\n\r\n${'x\r\n'.repeat(50_000)}`));
      client.close();
      return undefined;
    },
  },
];

const submissionRules: readonly SubmissionRule[] = [
  {
    name: 'messages of a user',
    limit: '`limits.user_messages_per_hour` (1,000)',
    reply: '450 4.7.1',
    settings: { MAILSTEAD_LIMITS_USER_MESSAGES_PER_HOUR: '2' },
    provoke: async (client, server, { address }) => {
      const from = `MAIL FROM:<${address}>`;
      expect(await say(client, from, 'RSET', from, 'RSET')).toMatch(/^250 /);
      const line = await say(client, from);
      // Another listener, the same user; another user has her own.
      const other = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
      expect(await say(other, plain(await server.addUser('bob')))).toMatch(/^235 /);
      expect(await say(other, 'MAIL FROM:<bob@test.mailstead.test>')).toMatch(/^250 /);
      for (let n = 0; n < 10; n++) {
        clock.move(3 * minute);
        await say(client, 'NOOP');
      }
      expect(await say(client, from)).toMatch(/^250 /);
      return line;
    },
  },
  {
    name: 'recipients of a user',
    limit: '`limits.user_recipients_per_hour` (10,000)',
    reply: '450 4.7.1',
    settings: { MAILSTEAD_LIMITS_USER_RECIPIENTS_PER_HOUR: '2' },
    provoke: async (client, _server, { address }) => {
      const to = [1, 2, 3].map((n) => `RCPT TO:<x${n}@away.example>`);
      return say(client, `MAIL FROM:<${address}>`, ...to);
    },
  },
  {
    name: 'ahead of AUTH',
    limit: 'none',
    reply: '554 5.5.0',
    provoke: async (_client, server, { address }) => {
      const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
      client.write(`AUTH LOGIN\r\n${Buffer.from(address).toString('base64')}\r\n`);
      const { line } = await client.reply();
      await client.ended();
      const second = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
      await say(second, 'AUTH LOGIN');
      second.write('YQ==\r\nYg==\r\n');
      expect((await second.reply()).line).toMatch(/^554 5\.5\.0 /);
      return line;
    },
  },
  {
    name: 'not signed in',
    limit: '10',
    reply: '421 4.7.0',
    provoke: async (_client, server) => {
      const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
      return say(client, ...Array<string>(9).fill('NOOP'));
    },
  },
  {
    name: 'slow handshake of implicit TLS',
    limit: '1 min',
    reply: 'none',
    provoke: async (_client, server) => {
      const [host = '', port] = (server.server.addresses['submissions'] ?? '').split(':');
      const slow = connect({ host, port: Number(port) });
      const isClosed = new Promise((resolve) => slow.once('close', resolve));
      slow.on('error', () => slow.destroy());
      await new Promise((resolve) => slow.once('connect', resolve));
      slow.write(Uint8Array.of(0x16, 0x03, 0x01));
      // When the next one has been greeted, the first has been accepted.
      const next = connectTls({ host, port: Number(port), rejectUnauthorized: false });
      await new Promise((resolve) => next.once('data', resolve));
      clock.move(minute);
      clock.move(minute);
      await isClosed;
      next.destroy();
      return undefined;
    },
  },
];

const plain = ({ address, password }: TestUser) =>
  `AUTH PLAIN ${Buffer.from(`\0${address}\0${password}`).toString('base64')}`;

test.each(submissionRules)('submission: $name', async ({ reply, settings, provoke }) => {
  const server = await startServer({
    settings: { MAILSTEAD_LISTEN_INSECURE_AUTH: 'true', ...settings },
    clock,
  });
  const alice = await server.addUser('alice');
  const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
  expect(await say(client, plain(alice))).toMatch(/^235 /);
  const line = await provoke(client, server, alice);
  if (reply === 'none') expect(line).toBeUndefined();
  else expect(line).toMatch(new RegExp(`^${reply} `));
  expect(await say(client, 'RSET')).toMatch(/^250 /);
});

test('docs/smtp.md has these rules with their limits and replies, and no others', async () => {
  const text = await readFile(new URL('../../docs/smtp.md', import.meta.url), 'utf8');
  const section = /\n# Hygiene\n(.*?)\n# /s.exec(text)?.[1] ?? '';
  const documented = [...section.matchAll(/^\| (?!rule|---)(.*) \|$/gm)].map(([, row = '']) => {
    const [_rule, limit, reply, name] = row.split(' | ');
    return { name, limit, reply };
  });
  const tested = [...rules, ...submissionRules].map(({ name, limit, reply }) => ({ name, limit, reply }));
  expect(documented).toEqual(tested);
});

test.each(rules)('$name', async ({ name, reply, end, site: options, provoke }) => {
  const site = await startSite(options?.());
  const account = await site.user(bob, { aliases: [1, 2].map((n) => `bob+${n}@${ourDomain}`) });
  const client = await SmtpClient.greeted(site.address);
  const line = await provoke(client, site.address);
  if (reply === 'none') expect(line).toBeUndefined();
  else expect(line).toMatch(new RegExp(`^${reply} `));
  if (end === 'closed') await client.ended();
  else if (!name.startsWith('connections of')) {
    await say(client, 'RSET');
    expect(await send(client, 'Subject: good\r\n\r\n')).toMatch(/^250 2\.0\.0 /);
  }
  await site.receiver.close(1_000);
  const subjects = (await site.messages(account)).map(({ item }) => item.envelope.subject);
  expect(subjects.filter((subject) => subject !== 'good')).toEqual(name === 'no mail' ? ['x'] : []);
  expect(await site.database.blobs.list()).toEqual([]);
});
