import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';
import type { PageOf } from '#domain/ports';
import type { DkimSigningKey } from '#mime/dkim-sign';
import * as decide from './decide-domain.ts';
import { activeOrganization, type Circumstances, registerMailDomain } from './decide-organization.ts';
import { type DomainDkim, dkimRecords, makeDkimKeySet, signingKeysOf } from './dkim-keys.ts';
import { type DnsRecord, dnsRecords, domainName, type MailDomain } from './domain.ts';
import { checkRecords, type RecordCheck, retold } from './domain-check.ts';
import type { Lookups } from './lookups.ts';
import type { DirectoryStore, DirectoryTx, PublishedRecords } from './ports.ts';
import { RecentMap } from './recent-map.ts';
import { Slots } from './slots.ts';

interface MailDomainsParts {
  readonly store: DirectoryStore;
  readonly lookups: Lookups;
  readonly outside: Outside;
  /** The host that mail for our domains goes to. */
  readonly hostname: string;
  circumstances(): Circumstances;
}

/** A mail domain, and what its owner publishes for it. */
export interface MailDomainDetails {
  readonly domain: MailDomain;
  readonly isDefault: boolean;
  /** The records of the keys that sign were there when they were looked for last. */
  readonly isDkimSeen: boolean;
  readonly records: readonly DnsRecord[];
}

/** Keys of so many domains are kept ready. */
const maxRemembered = 2_000;
/** The threads that make keys are those that read and write the store. */
const keysMadeAtOnce = 1;
const maxWaiting = 10_000;

/**
 * The mail domains of organisations, and the keys that sign their outgoing mail. Every refusal is a DomainError; unless
 * said otherwise an operation throws organization/not-found, organization/state, request/invalid for what is no domain
 * name, domain/not-found.
 */
export class MailDomains {
  readonly #parts: MailDomainsParts;
  readonly #slots = new Slots(keysMadeAtOnce, maxWaiting);
  /** By organisation and domain; promises, so that many messages at once make them once. */
  readonly #keys = new RecentMap<string, Promise<readonly DkimSigningKey[] | undefined>>(maxRemembered);
  readonly #making = new Map<string, Promise<DomainDkim>>();

  constructor(parts: MailDomainsParts) {
    this.#parts = parts;
  }

  /** Registers a domain as Pending. Throws domain/in-use, limit/exceeded. */
  async register(organization: OrganizationId, name: string, clientToken?: string): Promise<void> {
    const domain = domainName(name);
    await this.#change(organization, domain, (tx) =>
      registerMailDomain(tx, organization, { domain, clientToken }, this.#parts.circumstances()),
    );
  }

  /** Takes a domain away; one that the organisation does not have is gone already. Throws domain/in-use. */
  async deregister(organization: OrganizationId, name: string): Promise<void> {
    const domain = domainName(name);
    await this.#change(organization, domain, (tx) => decide.deregisterMailDomain(tx, organization, domain));
  }

  /** Makes a domain the one of new addresses. Throws domain/not-verified. */
  async setDefault(organization: OrganizationId, name: string): Promise<void> {
    const domain = domainName(name);
    await this.#change(organization, domain, (tx) =>
      decide.updateDefaultMailDomain(tx, organization, domain),
    );
  }

  /** In order of name, after `after`. */
  async list(
    organization: OrganizationId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<{ readonly name: string; readonly isDefault: boolean }, string>> {
    const { defaultDomain } = await activeOrganization(this.#parts.store, organization);
    const names = (await this.#parts.store.domains(organization)).map(({ name }) => name).sort();
    const left = after === undefined ? names : names.filter((name) => name > after);
    const rows = left.slice(0, limit).map((name) => ({ name, isDefault: name === defaultDomain }));
    const last = rows.at(-1);
    return left.length > limit && last !== undefined ? { rows, next: last.name } : { rows };
  }

  /** Makes the keys of a domain that has none yet. */
  async get(organization: OrganizationId, name: string): Promise<MailDomainDetails> {
    const { store, outside, hostname } = this.#parts;
    const { defaultDomain } = await activeOrganization(store, organization);
    const domain = await decide.ownDomain(store, organization, domainName(name));
    const dkim = await this.#dkim(organization, domain.name);
    return {
      domain,
      isDefault: domain.name === defaultDomain,
      isDkimSeen: dkim.signing.seenMs !== undefined,
      records: dnsRecords(domain, hostname, dkimRecords(dkim, outside.clock.now())),
    };
  }

  /**
   * Makes keys to come: they sign once `verify` has seen both their records. Those that wait already stay, for their
   * records may be on the way.
   */
  async rotateDkimKeys(organization: OrganizationId, name: string): Promise<MailDomainDetails> {
    const { domain } = await this.get(organization, name);
    const made = await this.#makeKeys();
    await this.#change(organization, domain.name, (tx) =>
      decide.putNextKeys(tx, organization, domain.name, made),
    );
    return this.get(organization, name);
  }

  /** Looks at each record in DNS, and acts on what is found: ownership proved, keys that may sign. */
  async verify(
    organization: OrganizationId,
    name: string,
    dns: PublishedRecords,
  ): Promise<MailDomainDetails & { readonly checks: readonly RecordCheck[] }> {
    const before = await this.get(organization, name);
    const checks = await checkRecords(before.domain, before.records, dns);
    const isOwnershipSeen = checks.some(
      ({ record, status }) => record.purpose === 'OWNERSHIP' && status === 'VERIFIED',
    );
    const dkim = new Map(
      checks
        .filter(({ record, status }) => record.purpose === 'DKIM' && status !== 'PENDING')
        .map(({ record, status }) => [record.hostname.split('.')[0] ?? '', status === 'VERIFIED']),
    );
    const nowMs = this.#parts.outside.clock.now();
    await this.#change(organization, before.domain.name, (tx) =>
      decide.putLook(tx, organization, before.domain, { isOwnershipSeen, dkim }, nowMs),
    );
    const after = await this.get(organization, name);
    const checked = new Map(checks.map((check) => [check.record.hostname + check.record.value, check]));
    return {
      ...after,
      checks: after.records.flatMap((record) => {
        const check = checked.get(record.hostname + record.value);
        return check === undefined ? [] : [retold(check, record)];
      }),
    };
  }

  /** The keys that sign mail for a domain, made if there are none; undefined unless it is a verified one of the organisation. */
  signingKeys(organization: OrganizationId, domain: string): Promise<readonly DkimSigningKey[] | undefined> {
    const id = `${organization} ${domain}`;
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const keys = this.#signingKeys(organization, domain);
    // A change that comes while they are read takes them out again.
    void this.#keys.set(id, keys);
    const forget = () => {
      if (this.#keys.get(id) === keys) this.#keys.delete(id);
    };
    // Names that are nobody's would push the others out.
    void keys.then((found) => found ?? forget(), forget);
    return keys;
  }

  /** The domain that signs what is in nobody's name. What a deleted organisation has sent is still on its way. */
  async defaultDomain(id: OrganizationId): Promise<string> {
    const organization = await this.#parts.store.organization(id);
    if (organization !== undefined) return organization.defaultDomain;
    throw new DomainError('organization/not-found', 'The organization does not exist.');
  }

  async #signingKeys(
    organization: OrganizationId,
    name: string,
  ): Promise<readonly DkimSigningKey[] | undefined> {
    const domain = await this.#parts.store.domain(organization, name);
    if (domain?.state !== 'Verified') return undefined;
    return signingKeysOf(name, (await this.#dkim(organization, name)).signing);
  }

  async #dkim(organization: OrganizationId, domain: string): Promise<DomainDkim> {
    const known = await this.#parts.store.dkim(organization, domain);
    if (known !== undefined) return known;
    const id = `${organization} ${domain}`;
    const running = this.#making.get(id);
    if (running !== undefined) return running;
    const making = this.#makeFirst(organization, domain).finally(() => this.#making.delete(id));
    this.#making.set(id, making);
    return making;
  }

  async #makeFirst(organization: OrganizationId, domain: string): Promise<DomainDkim> {
    const made = await this.#makeKeys();
    return this.#parts.store.transact(organization, (tx) =>
      decide.putFirstKeys(tx, organization, domain, made),
    );
  }

  async #makeKeys(): ReturnType<typeof makeDkimKeySet> {
    const { random, clock } = this.#parts.outside;
    const giveBack = await this.#slots.take();
    try {
      return await makeDkimKeySet(random, clock.now());
    } finally {
      giveBack();
    }
  }

  async #change(
    organization: OrganizationId,
    domain: string,
    change: (tx: DirectoryTx) => Promise<void>,
  ): Promise<void> {
    await this.#parts.store.transact(organization, change);
    this.#parts.lookups.forget();
    this.#keys.delete(`${organization} ${domain}`);
  }
}
