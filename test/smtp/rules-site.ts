/** A whole server with users, mail from outside, and another server that takes whatever leaves, for tests of rules. */
import { dirname } from 'node:path';
import { expect } from 'vitest';
import { listEnd, listStart } from '#domain/change';
import type { ItemId, MailboxRef } from '#domain/ids';
import type { Clock } from '#domain/outside';
import { type NextServer, startNextServer } from '#test/support/next-server';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestServer, type TestUser } from '#test/support/start-server';
import { tempDatabase } from '#test/support/temp-store';

/** A message as it lies in a mailbox. */
interface Kept {
  readonly folder: string;
  readonly isRead: boolean;
  readonly raw: string;
}

export interface RulesSite {
  readonly server: TestServer;
  /** Takes what leaves the server. */
  readonly next: NextServer;
  /** An enabled user of this name. */
  user(name: string): Promise<TestUser>;
  rules(user: TestUser, rules: readonly object[]): Promise<void>;
  reply(user: TestUser, reply: object): Promise<void>;
  /** Sends from outside; rejects what is not accepted. */
  send(to: TestUser | readonly string[], raw: string | Uint8Array, from?: string): Promise<void>;
  /** Sends as a user who signed in. */
  submit(from: TestUser, to: readonly string[], raw: string): Promise<void>;
  /** Resolves when nothing waits to leave. */
  left(): Promise<void>;
  /** Stops the server once nothing waits to leave, and gives what users have, the newest first in each folder. */
  mailboxes(...users: readonly TestUser[]): Promise<readonly (readonly Kept[])[]>;
}

export const sender = 'bob@one.example';

/** What left the server without its own signatures, which are in front. */
export function unsigned(raw: string): string {
  return raw.replace(/^(?:DKIM-Signature:[^\r]*\r\n(?:[ \t][^\r]*\r\n)*)+/, '');
}

/** A message to a user as a person writes it. */
export function letter(to: TestUser | string, fields: readonly string[] = [], text = 'Text'): string {
  const address = typeof to === 'string' ? to : to.address;
  const head = ['From: Bob <bob@one.example>', `To: ${address}`, 'Message-ID: <1@one.example>', ...fields];
  return `${head.join('\r\n')}\r\n\r\n${text}\r\n`;
}

export async function startRulesSite(
  options: { readonly clock?: Clock; readonly settings?: Readonly<Record<string, string>> } = {},
): Promise<RulesSite> {
  const next = await startNextServer({ size: 40_000_000 });
  const server = await startServer({
    settings: {
      MAILSTEAD_OUTBOUND_RELAY: `smtp://127.0.0.1:${next.port}`,
      MAILSTEAD_LISTEN_INSECURE_AUTH: 'true',
      ...options.settings,
    },
    ...(options.clock && { clock: options.clock }),
  });
  const { organization: OrganizationId } = server;
  const left = () =>
    expect
      .poll(async () => (await server.admin('Mailstead.ListQueue', { OrganizationId }))['Messages'], {
        timeout: 60_000,
      })
      .toEqual([]);
  return {
    server,
    next,
    user: (name) => server.addUser(name),
    rules: async ({ id: UserId }, Rules) => {
      await server.admin('Mailstead.PutMailRules', { OrganizationId, UserId, Rules });
    },
    reply: async ({ id: UserId }, reply) => {
      await server.admin('Mailstead.PutAutomaticReply', {
        OrganizationId,
        UserId,
        State: 'ENABLED',
        InternalMessage: 'Inside: away',
        ExternalMessage: 'Outside: away',
        ExternalAudience: 'ALL',
        ...reply,
      });
    },
    send: async (to, raw, from = sender) => {
      const client = await SmtpClient.greeted(`${server.smtp.host}:${server.smtp.port}`);
      const addresses = 'address' in to ? [to.address] : to;
      expect((await client.mail(from, addresses, raw)).line).toMatch(/^250 2\.0\.0 /);
      client.close();
    },
    submit: async ({ address, password }, to, raw) => {
      const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
      const login = Buffer.from(`\0${address}\0${password}`).toString('base64');
      expect((await client.command(`AUTH PLAIN ${login}`)).code).toBe(235);
      expect((await client.mail(address, to, raw)).line).toMatch(/^250 2\.0\.0 /);
      client.close();
    },
    left,
    mailboxes: async (...users) => {
      await left();
      await server.server.stop();
      const database = await tempDatabase({ folder: dirname(server.dataDir) });
      return Promise.all(
        users.map(({ id }) =>
          contentOf(database, { organization: OrganizationId, mailbox: id } as MailboxRef),
        ),
      );
    },
  };
}

async function contentOf(
  { mail }: Awaited<ReturnType<typeof tempDatabase>>,
  ref: MailboxRef,
): Promise<Kept[]> {
  const reader = mail.mailbox(ref);
  const found: Kept[] = [];
  for (const { id, name } of await reader.folders()) {
    const places = await reader.list(id, { from: listStart, to: listEnd, limit: 100 });
    const items = await reader.items(
      id,
      places.map(({ item }) => item as ItemId),
    );
    for (const item of items) {
      if (item === undefined) continue;
      const chunks: Uint8Array[] = [];
      for await (const chunk of mail.openBody(ref, item)) chunks.push(chunk);
      found.push({ folder: name, isRead: item.marks.read, raw: Buffer.concat(chunks).toString('latin1') });
    }
  }
  return found;
}
