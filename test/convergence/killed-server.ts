/** The whole server as a process of its own, which is killed while phones and senders are at work. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EntityId, type MailboxRef, mailboxOf, type OrganizationId } from '#domain/ids';
import { Mailbox } from '#domain/mailbox';
import { openDatabase } from '#storage/database';
import { SmtpClient } from '#test/support/smtp-client';
import { callAdmin } from '#test/support/start-server';
import { ServerProcess } from '../journeys/server-process.ts';
import type { Home } from './home.ts';
import { type Truth, truthOf } from './world.ts';

const settings = { MAILSTEAD_QUICK_SETUP: 'false' };
const password = 'Correct-horse-1';
const domain = 'killed.mailstead.test';

export class KilledServer {
  readonly #dataDir: string;
  readonly #organization: string;
  readonly #mailboxes = new Map<string, MailboxRef>();
  /** Faults of ours in the logs of all its lives. */
  readonly faults: string[] = [];
  #life: Promise<ServerProcess>;

  private constructor(dataDir: string, organization: string, life: ServerProcess) {
    this.#dataDir = dataDir;
    this.#organization = organization;
    this.#life = Promise.resolve(life);
  }

  static async start(folder: string): Promise<KilledServer> {
    const dataDir = join(folder, 'data');
    const life = await ServerProcess.start({ dataDir, settings });
    const made = await callAdmin(join(dataDir, 'admin.sock'), 'CreateOrganization', { Alias: 'killed' });
    const server = new KilledServer(dataDir, String(made['OrganizationId']), life);
    await server.home('correspondent');
    return server;
  }

  /** Somebody with a mailbox; made while the server is up. */
  async home(name: string): Promise<Home> {
    const call = (operation: string, input: object) =>
      callAdmin(join(this.#dataDir, 'admin.sock'), operation, input);
    const OrganizationId = this.#organization;
    const user = `${name}@${domain}`;
    const made = await call('CreateUser', {
      OrganizationId,
      Name: name,
      DisplayName: name,
      Password: password,
    });
    const EntityId = String(made['UserId']);
    await call('RegisterToWorkMail', { OrganizationId, EntityId, Email: user });
    const mailbox = mailboxOf(EntityId as EntityId);
    this.#mailboxes.set(user, { organization: OrganizationId as OrganizationId, mailbox });
    return {
      user,
      password,
      correspondent: `correspondent@${domain}`,
      address: async () => ({
        baseUrl: `https://${await (await this.#life).address('https')}`,
        ca: await readFile(join(this.#dataDir, 'tls', 'ca.pem'), 'utf8'),
      }),
      deliver: async (raw) => this.#deliver(user, raw),
      inside: undefined,
    };
  }

  /** Kills it, and starts it anew; resolves when it is up. */
  async kill(): Promise<void> {
    const killed = await this.#life;
    this.#life = (async () => {
      await killed.end('SIGKILL');
      this.#collect(killed);
      return ServerProcess.start({ dataDir: this.#dataDir, settings });
    })();
    await this.#life;
  }

  /** Stops it for good, and gives what is in each mailbox. */
  async end(): Promise<(home: Home) => Truth> {
    const life = await this.#life;
    await life.end('SIGTERM');
    this.#collect(life);
    const truths = new Map<string, Truth>();
    const database = await openDatabase({
      folder: this.#dataDir,
      inlineBodyBytes: 32 * 1024,
      now: () => Date.now(),
      onFatal: (error) => {
        throw error;
      },
    });
    for (const [user, ref] of this.#mailboxes)
      truths.set(user, await truthOf(new Mailbox(database.mail, ref)));
    await database.close();
    return ({ user }) => truths.get(user) ?? { items: [], folders: new Map() };
  }

  #collect({ complaints }: ServerProcess): void {
    this.faults.push(...complaints.filter((line) => line.includes('"level":"error"')));
  }

  async #deliver(user: string, raw: string): Promise<boolean> {
    let client: SmtpClient | undefined;
    try {
      client = await SmtpClient.greeted(await (await this.#life).address('smtp'));
      return (await client.mail('sender@elsewhere.example', [user], raw)).code === 250;
    } catch {
      return false;
    } finally {
      client?.close();
    }
  }
}
