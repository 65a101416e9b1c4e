/** The whole server as a process of its own that is killed and started anew, and what its mailboxes hold. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { listEnd, listStart } from '#domain/change';
import type { Folder } from '#domain/folder';
import { type EntityId, type ItemId, type MailboxRef, mailboxOf, type OrganizationId } from '#domain/ids';
import type { Item } from '#domain/item';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { type Database, openDatabase } from '#storage/database';
import { EasClient } from '#test/support/eas-client';
import { SmtpClient } from '#test/support/smtp-client';
import { callAdmin } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';
import { ServerProcess } from '../journeys/server-process.ts';

const domain = 'crash.mailstead.test';
const password = 'Correct-horse-1';

/** Somebody with a mailbox. */
export interface Person {
  readonly id: string;
  readonly address: string;
  readonly ref: MailboxRef;
}

/** What a mailbox holds. */
export interface Contents {
  readonly folders: readonly Folder[];
  readonly items: readonly Item[];
}

export class CrashSite {
  readonly dataDir: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #port: number;
  readonly people: Person[] = [];
  organization = '' as OrganizationId;
  #life: ServerProcess | undefined;
  /** Faults of ours in the logs of all its lives. */
  readonly faults: string[] = [];

  private constructor(dataDir: string, port: number) {
    this.dataDir = dataDir;
    this.#port = port;
    // Phones come back to where they were.
    this.#settings = { MAILSTEAD_QUICK_SETUP: 'false', MAILSTEAD_LISTEN_HTTPS: `127.0.0.1:${port}` };
  }

  /** With its organisation; it is up. */
  static async open(): Promise<CrashSite> {
    const site = new CrashSite(join(await tempFolder(), 'data'), await freePort());
    await site.start();
    const made = await site.admin('CreateOrganization', { Alias: 'crash' });
    site.organization = String(made['OrganizationId']) as OrganizationId;
    return site;
  }

  async start(): Promise<void> {
    this.#life = await ServerProcess.start({ dataDir: this.dataDir, settings: this.#settings });
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const life = this.#life;
    await life?.end(signal);
    this.faults.push(...(life?.complaints.filter((line) => line.includes('"level":"error"')) ?? []));
  }

  /** What the server has written since it started, bytes: to files, sockets and pipes. Grows with what it does, however quickly. */
  async written(): Promise<number> {
    const counters = await readFile(`/proc/${this.#life?.child.pid}/io`, 'utf8').catch(() => '');
    return Number(/^wchar: (\d+)$/m.exec(counters)?.[1] ?? 0);
  }

  admin(operation: string, input: object): Promise<Record<string, unknown>> {
    return callAdmin(join(this.dataDir, 'admin.sock'), operation, input);
  }

  async person(name: string): Promise<Person> {
    const OrganizationId = this.organization;
    const address = `${name}@${domain}`;
    const user = { OrganizationId, Name: name, DisplayName: name, Password: password };
    const id = String((await this.admin('CreateUser', user))['UserId']);
    await this.admin('RegisterToWorkMail', { OrganizationId, EntityId: id, Email: address });
    const mailbox = mailboxOf(id as EntityId);
    const person = { id, address, ref: { organization: this.organization, mailbox } };
    this.people.push(person);
    return person;
  }

  async phone(person: Person, deviceId: string, version: ProtocolVersion = '16.1'): Promise<EasClient> {
    return new EasClient({
      baseUrl: `https://127.0.0.1:${this.#port}`,
      ca: await readFile(join(this.dataDir, 'tls', 'ca.pem'), 'utf8'),
      user: person.address,
      password,
      deviceId,
      version,
      validate: false,
    });
  }

  /** Delivers a message from elsewhere. */
  async deliver(to: Person, raw: string): Promise<void> {
    const address = await this.#life?.address('smtp');
    const client = await SmtpClient.greeted(address ?? '');
    const { code } = await client.mail('sender@elsewhere.example', [to.address], raw);
    client.close();
    if (code !== 250) throw new Error(`a message was answered ${code}`);
  }

  /** What is done with the data while no server runs. */
  async offline<T>(use: (database: Database) => Promise<T>): Promise<T> {
    const database = await openDatabase({
      folder: this.dataDir,
      inlineBodyBytes: 32 * 1024,
      now: Date.now,
      onFatal: (error) => {
        throw error;
      },
    });
    try {
      return await use(database);
    } finally {
      await database.close();
    }
  }
}

/** Reads a whole mailbox. */
export async function contentsOf(database: Database, { ref }: Person): Promise<Contents> {
  const reader = database.mail.mailbox(ref);
  const folders = await reader.folders();
  const items: Item[] = [];
  for (const { id } of folders) {
    const places = await reader.list(id, { from: listStart, to: listEnd, limit: 100_000 });
    const found = await reader.items(
      id,
      places.map(({ item }) => item as ItemId),
    );
    for (const item of found) if (item !== undefined) items.push(item);
  }
  return { folders, items };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
