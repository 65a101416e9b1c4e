import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';
import type { PageOf } from '#domain/ports';
import type { DkimSigningKey } from '#mime/dkim-sign';
import * as decide from './decide-domain.ts';
import { activeOrganization, type Circumstances, registerMailDomain } from './decide-organization.ts';
import { type DomainDkim, dkimRecords, makeDkimKeySet, signingKeysOf } from './dkim-keys.ts';
import { type DnsRecord, dnsRecords, type PublicHosts } from './dns-record.ts';
import { domainName, type MailDomain } from './domain.ts';
import { checkRecords, type RecordCheck, recordKey, retold } from './domain-check.ts';
import {
  type DomainLook,
  dkimStatus,
  isOwnershipSeen,
  ownershipStatus,
  seenIn,
  seenNow,
  type VerificationStatus,
} from './domain-look.ts';
import type { Lookups } from './lookups.ts';
import type { DirectoryStore, DirectoryTx, PublishedRecords } from './ports.ts';
import { RecentMap } from './recent-map.ts';
import { SharedTurns } from './shared-turns.ts';
import { Slots } from './slots.ts';

interface MailDomainsParts {
  readonly store: DirectoryStore;
  readonly lookups: Lookups;
  readonly outside: Outside;
  /** Where others find this server. */
  hosts(): PublicHosts;
  circumstances(): Circumstances;
}

/** A mail domain as lists show it. */
export interface ListedDomain {
  readonly domain: MailDomain;
  readonly isDefault: boolean;
  /** What was found when it was looked at last; undefined if it never was. */
  readonly look: DomainLook | undefined;
}

/** A mail domain, and what its owner publishes for it. */
export interface MailDomainDetails extends ListedDomain {
  readonly ownership: VerificationStatus;
  /** Of the records of the keys that sign. */
  readonly dkim: VerificationStatus;
  readonly records: readonly DnsRecord[];
}

/** A domain whose records were looked at. */
type LookedAtDomain = MailDomainDetails & { readonly checks: readonly RecordCheck[] };

/** What is needed to tell when a domain is to be looked at next. */
interface WatchedDomain {
  readonly domain: MailDomain;
  readonly look: DomainLook | undefined;
  /** New keys wait for their records. */
  readonly isRotating: boolean;
}

/** What became of a domain: it was registered or removed, its keys were changed, or it was looked at. */
export interface DomainEvent {
  readonly organization: OrganizationId;
  readonly domain: string;
  readonly outcome?: decide.LookOutcome | undefined;
}

/** Test domains need no looks. */
function isWatched(domain: MailDomain | undefined): domain is MailDomain {
  return domain?.test === false;
}

/** Keys of so many domains are kept ready. */
const maxRemembered = 2_000;
/** The threads that make keys are those that read and write the store. */
const keysMadeAtOnce = 1;
/** Looks that somebody waits for. */
const looksAtOnce = 16;
const maxWaiting = 10_000;

/**
 * The mail domains of organisations, and the keys that sign their outgoing mail. Every refusal is a DomainError; unless
 * said otherwise an operation throws organization/not-found, organization/state, request/invalid for what is no domain
 * name, domain/not-found.
 */
export class MailDomains {
  readonly #parts: MailDomainsParts;
  readonly #slots = new Slots(keysMadeAtOnce, maxWaiting);
  readonly #looks = new Slots(looksAtOnce, maxWaiting);
  readonly #turns = new SharedTurns<LookedAtDomain>();
  /** By organisation and domain; promises, so that many messages at once make them once. */
  readonly #keys = new RecentMap<string, Promise<readonly DkimSigningKey[] | undefined>>(maxRemembered);
  readonly #making = new Map<string, Promise<DomainDkim>>();
  readonly #listeners = new Set<(event: DomainEvent) => void>();

  constructor(parts: MailDomainsParts) {
    this.#parts = parts;
  }

  /** Calls back for each change of a domain, and each look at its records, once it is written down. */
  onEvent(listener: (event: DomainEvent) => void): void {
    this.#listeners.add(listener);
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
  ): Promise<PageOf<ListedDomain, string>> {
    const { store } = this.#parts;
    const { defaultDomain } = await activeOrganization(store, organization);
    const all = [...(await store.domains(organization))].sort((a, b) => (a.name < b.name ? -1 : 1));
    const left = after === undefined ? all : all.filter(({ name }) => name > after);
    const rows = await Promise.all(
      left.slice(0, limit).map(async (domain) => ({
        domain,
        isDefault: domain.name === defaultDomain,
        look: await store.domainLook(organization, domain.name),
      })),
    );
    const last = rows.at(-1);
    return left.length > limit && last !== undefined ? { rows, next: last.domain.name } : { rows };
  }

  /** Makes the keys of a domain that has none yet. */
  async get(organization: OrganizationId, name: string): Promise<MailDomainDetails> {
    const { store, outside, hosts } = this.#parts;
    const { defaultDomain } = await activeOrganization(store, organization);
    const domain = await decide.ownDomain(store, organization, domainName(name));
    const dkim = await this.#dkim(organization, domain.name);
    const look = await store.domainLook(organization, domain.name);
    const records = dnsRecords(domain, hosts(), dkimRecords(dkim, outside.clock.now()));
    return {
      domain,
      isDefault: domain.name === defaultDomain,
      ownership: ownershipStatus(domain, look),
      dkim: dkimStatus(dkim.signing.seenMs !== undefined, records, look),
      records,
      look,
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

  /**
   * Looks at each record in DNS, and acts on what is found: ownership proved or lost, keys that may sign. Many who ask about
   * one domain share a look that begins after they asked; only so many looks run at a time, as each opens sockets to several
   * name servers. Throws server/busy.
   */
  async verify(organization: OrganizationId, name: string, dns: PublishedRecords): Promise<LookedAtDomain> {
    return this.#turns.run(`${organization} ${domainName(name)}`, async () => {
      const giveBack = await this.#looks.take();
      try {
        return await this.look(organization, name, dns);
      } finally {
        giveBack();
      }
    });
  }

  /** As `verify`, at once. Throws the signal's reason when it is broken off. */
  async look(
    organization: OrganizationId,
    name: string,
    dns: PublishedRecords,
    signal?: AbortSignal,
  ): Promise<LookedAtDomain> {
    const before = await this.get(organization, name);
    const { domain } = before;
    const isProved = domain.state === 'Verified' && !domain.test;
    const known = { name: domain.name, seen: seenIn(before.look), isProved };
    const checks = await checkRecords(known, before.records, dns.look(signal));
    signal?.throwIfAborted();
    await this.#putLook(organization, domain, checks);
    const after = await this.get(organization, name);
    const checked = new Map(checks.map((check) => [recordKey(check.record), check]));
    return {
      ...after,
      checks: after.records.flatMap((record) => {
        const check = checked.get(recordKey(record));
        return check === undefined ? [] : [retold(check, record)];
      }),
    };
  }

  async #putLook(
    organization: OrganizationId,
    domain: MailDomain,
    checks: readonly RecordCheck[],
  ): Promise<void> {
    const dkim = new Map<string, boolean>();
    for (const check of checks.filter(({ record }) => record.purpose === 'DKIM')) {
      const isSeen = seenNow(check);
      if (isSeen !== undefined) dkim.set(check.record.hostname.split('.')[0] ?? '', isSeen);
    }
    const look = { isOwnershipSeen: isOwnershipSeen(checks), dkim, checks };
    const nowMs = this.#parts.outside.clock.now();
    const outcome = await this.#parts.store.transact(organization, (tx) =>
      decide.putLook(tx, organization, domain, look, nowMs),
    );
    // Whoever has mail delivered meanwhile is not to look everything up again for nothing.
    if (outcome?.isChanged) this.#forget(organization, domain.name);
    this.#tell({ organization, domain: domain.name, outcome });
  }

  /** Tells of the domains of an organisation that was made with them, or came back. */
  async announce(organization: OrganizationId): Promise<void> {
    for (const { name } of await this.#parts.store.domains(organization)) {
      this.#tell({ organization, domain: name });
    }
  }

  /**
   * The domains whose records are looked at again and again, or the one of a name if it is one, with what was found last; none of an
   * organisation that is gone.
   */
  async watched(organization: OrganizationId, name?: string): Promise<readonly WatchedDomain[]> {
    const { store } = this.#parts;
    const named = name === undefined ? undefined : [await store.domain(organization, name)];
    const domains = (named ?? (await store.domains(organization))).filter(isWatched);
    return Promise.all(
      domains.map(async (domain) => ({
        domain,
        look: await store.domainLook(organization, domain.name),
        isRotating: (await store.dkim(organization, domain.name))?.next !== undefined,
      })),
    );
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
    this.#forget(organization, domain);
    this.#tell({ organization, domain });
  }

  #forget(organization: OrganizationId, domain: string): void {
    this.#parts.lookups.forget({ organization });
    this.#keys.delete(`${organization} ${domain}`);
  }

  #tell(event: DomainEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
