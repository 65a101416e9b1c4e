/** Servers in this process over one store: each station has an endpoint, a listener and a clock of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '#config/load';
import type { Account } from '#directory/account';
import { DomainError } from '#domain/errors';
import { mailboxOf, type OrganizationId } from '#domain/ids';
import { toOwner } from '#domain/mail-envelope';
import { Mailbox } from '#domain/mailbox';
import type { ActiveSyncEndpoint } from '#protocols/activesync/endpoint';
import { type Certificate, loadOrCreateCertificate } from '#protocols/http/certificate';
import { createHttpsListener, type HttpListener } from '#protocols/http/listener';
import { createRouter } from '#protocols/http/router';
import { type Database, openDatabase } from '#storage/database';
import { createLogger } from '#telemetry/log';
import { quickPasswords } from '#test/support/quick-passwords';
import { createActiveSync } from '../../src/active-sync.ts';
import { buildCore, type Core } from '../../src/core.ts';
import { systemOutside } from '../../src/outside.ts';
import { type Home, StationClock } from './home.ts';

const password = 'correct horse';
/** Every seed begins at this moment. */
const startMs = Date.UTC(2026, 10, 22, 12);

/** A store in a temporary folder, and the stations before it. */
export class Site {
  readonly folder: string;
  readonly database: Database;
  readonly certificate: Certificate;
  /** Events of the log that stand for a fault of ours. */
  readonly faults: string[] = [];
  readonly #stations: Station[] = [];

  private constructor(folder: string, database: Database, certificate: Certificate) {
    this.folder = folder;
    this.database = database;
    this.certificate = certificate;
  }

  static async open(): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), 'mailstead-test-'));
    const database = await openDatabase({
      folder: join(folder, 'data'),
      inlineBodyBytes: 32 * 1024,
      now: () => startMs,
      onFatal: (error) => {
        throw error;
      },
    });
    const dir = join(folder, 'tls');
    const hostnames = ['localhost', '127.0.0.1'];
    const certificate = await loadOrCreateCertificate({ dir, hostnames, now: new Date() });
    return new Site(folder, database, certificate);
  }

  async station(): Promise<Station> {
    const station = new Station(this, `station${this.#stations.length}`);
    this.#stations.push(station);
    await station.open();
    return station;
  }

  async close(): Promise<void> {
    for (const station of this.#stations) await station.stop();
    await this.database.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What serves the phones of one seed at a time: an organisation, and all that serves it. */
export class Station {
  readonly #clock = new StationClock(startMs);
  readonly #site: Site;
  readonly #alias: string;
  readonly #accounts = new Map<string, Account>();
  #organization = '' as OrganizationId;
  #core: Core;
  #endpoint: ActiveSyncEndpoint | undefined;
  #listener: HttpListener | undefined;
  #baseUrl = '';

  constructor(site: Site, alias: string) {
    this.#site = site;
    this.#alias = alias;
    this.#core = this.#newCore();
  }

  async open(): Promise<void> {
    this.#organization = await this.#core.directory.createOrganization({ alias: this.#alias });
    await this.#account('correspondent');
    await this.#start();
  }

  async stop(): Promise<void> {
    this.#endpoint?.stop();
    await this.#listener?.stop(1000);
    await Promise.all([this.#core.diary.stop(), this.#core.traces.stop()]);
  }

  /** A new mailbox for a seed. */
  async home(name: string): Promise<Home> {
    this.#clock.set(startMs);
    const account = await this.#account(name);
    return {
      user: account.address,
      password,
      correspondent: this.#address('correspondent'),
      address: async () => ({ baseUrl: this.#baseUrl, ca: this.#site.certificate.ca }),
      deliver: async (raw) => {
        const message = this.#core.delivery.begin(toOwner(account), () => '');
        await message.write(Buffer.from(raw));
        await message.accept();
        return true;
      },
      inside: {
        clock: this.#clock,
        mailbox: new Mailbox(this.#site.database.mail, account.mailbox),
        restart: async () => {
          await this.stop();
          this.#core = this.#newCore();
          await this.#start();
        },
      },
    };
  }

  #newCore(): Core {
    const { folder, database, faults } = this.#site;
    const env = { MAILSTEAD_HOSTNAME: 'localhost', MAILSTEAD_LIMITS_MESSAGE_SIZE: '1 MiB' };
    return buildCore({
      config: loadConfig({ data: join(folder, 'data'), cwd: folder, env }),
      outside: { ...systemOutside, clock: this.#clock },
      passwords: quickPasswords,
      database,
      log: createLogger('warn', { write: (line) => void faults.push(line) }),
      authorities: [],
      addresses: {},
    });
  }

  async #start(): Promise<void> {
    const signIn = { signIn: (user: string, passwords: readonly string[]) => this.#signIn(user, passwords) };
    await this.#core.traces.load();
    // Everything but the comparison of passwords, which takes longer than the rest.
    this.#endpoint = createActiveSync({ ...this.#core, signIn });
    const { cert, key } = this.#site.certificate;
    const { log } = this.#core;
    this.#listener = createHttpsListener({ handler: createRouter(this.#endpoint.routes), log, cert, key });
    this.#baseUrl = `https://${await this.#listener.listen({ host: '127.0.0.1', port: 0 })}`;
  }

  #address(name: string): string {
    return `${name}@${this.#alias}.mailstead.test`;
  }

  async #account(name: string): Promise<Account> {
    const { directory } = this.#core;
    const address = this.#address(name);
    const entity = await directory.createUser(this.#organization, { name, displayName: name });
    await directory.registerToWorkMail(this.#organization, entity, address);
    const ref = { organization: this.#organization, mailbox: mailboxOf(entity) };
    const account = await directory.account(ref);
    if (account === undefined) throw new Error(`${name} has no account`);
    this.#accounts.set(address, account);
    return account;
  }

  async #signIn(user: string, passwords: readonly string[]): Promise<Account> {
    const account = this.#accounts.get(user);
    if (account !== undefined && passwords.includes(password)) return account;
    throw new DomainError('sign-in/failed', 'Wrong user or password.');
  }
}
