import { type EntityId, type MailboxRef, mailboxOf } from '#domain/ids';
import type { Account } from './account.ts';
import { domainOf, withoutTag } from './address.ts';
import { canonicalAddress, canonicalDomain, canonicalName } from './canonical-name.ts';
import type { Organization } from './organization.ts';
import type { AddressHolder, DirectoryStore } from './ports.ts';
import { RecentMap } from './recent-map.ts';
import type { User } from './user.ts';

/** Recipient tells what becomes of mail for an address. */
export type Recipient =
  | { readonly kind: 'mailbox'; readonly account: Account }
  /** Somebody's whose mailbox is disabled. */
  | { readonly kind: 'disabled' }
  /** Our domain, nobody's address. */
  | { readonly kind: 'unknown' }
  /** Not our domain, or not a verified one. */
  | { readonly kind: 'elsewhere' };

const maxRemembered = 50_000;
const organizationsPerPage = 100;

/**
 * Lookups answers who somebody is, for every message and every request. Answers are kept in memory; a change of the
 * directory forgets them all, and an answer begun before a change is not kept.
 */
export class Lookups {
  readonly #store: DirectoryStore;
  /** Addresses somebody has, never made-up ones: those are looked up each time. */
  readonly #recipients = new RecentMap<string, Recipient>(maxRemembered);
  readonly #accounts = new RecentMap<EntityId, Account>(maxRemembered);
  /** Domains of ours. */
  readonly #domains = new RecentMap<string, boolean>(maxRemembered);
  #changes = 0;

  constructor(store: DirectoryStore) {
    this.#store = store;
  }

  /** Call when a change of the directory is durable. */
  forget(): void {
    this.#changes++;
    this.#recipients.clear();
    this.#accounts.clear();
    this.#domains.clear();
  }

  async resolveRecipient(text: string): Promise<Recipient> {
    const address = canonicalAddress(text);
    const known = this.#recipients.get(address);
    if (known !== undefined) return known;
    const began = this.#changes;
    const recipient = await this.#lookUpRecipient(address);
    if (recipient.kind === 'unknown') {
      // An exact address comes before the one its tag stands in.
      const plain = withoutTag(address);
      return plain === undefined ? recipient : this.resolveRecipient(plain);
    }
    if (recipient.kind !== 'elsewhere' && began === this.#changes) this.#recipients.set(address, recipient);
    return recipient;
  }

  async account({ organization, mailbox }: MailboxRef): Promise<Account | undefined> {
    const id = mailbox as string as EntityId;
    const known = this.#accounts.get(id);
    if (known !== undefined) return known.organization === organization ? known : undefined;
    const began = this.#changes;
    const entity = await this.#store.entity(organization, id);
    const account = entity === undefined ? undefined : accountOf(entity);
    if (account !== undefined && began === this.#changes) this.#accounts.set(id, account);
    return account;
  }

  /**
   * The enabled user whom a user name given at sign-in means: an address, `user`, `DOMAIN\user` or `\user`, where
   * `user` is a user's name or stands before the @ of an address in the domain meant (`DOMAIN`, else the
   * organisation's default one). Undefined if there is none, or more than one.
   */
  async userFor(given: string): Promise<User | undefined> {
    const text = given.trim();
    const slash = text.indexOf('\\');
    const name = canonicalName(text.slice(slash + 1));
    // Phones ask for a domain beside an address: whatever was typed there, the address says it all.
    if (name.includes('@')) return this.#userAt(canonicalAddress(text.slice(slash + 1)));
    if (name === '') return undefined;
    const domain = canonicalDomain(text.slice(0, Math.max(slash, 0)));
    return domain === '' ? this.#userAnywhere(name) : this.#userIn(domain, name);
  }

  /** The disabled user who last had the address and has kept it, as nobody else took it. */
  async disabledUserFor(given: string): Promise<User | undefined> {
    const holder = await this.#store.addressHolder(
      canonicalAddress(given.slice(given.indexOf('\\') + 1).trim()),
    );
    const user = holder && (await this.#store.entity(holder.organization, holder.entity));
    return user?.state === 'DISABLED' ? user : undefined;
  }

  async #lookUpRecipient(address: string): Promise<Recipient> {
    const domain = domainOf(address);
    if (domain === undefined) return { kind: 'unknown' };
    if (!(await this.#receives(domain))) return { kind: 'elsewhere' };
    const holder = await this.#store.addressHolder(address);
    return holder === undefined ? { kind: 'unknown' } : this.#recipientOf(holder);
  }

  async #recipientOf({ organization, entity: id, released }: AddressHolder): Promise<Recipient> {
    const account = released ? undefined : await this.account({ organization, mailbox: mailboxOf(id) });
    if (account !== undefined) return { kind: 'mailbox', account };
    const entity = await this.#store.entity(organization, id);
    return { kind: entity === undefined || entity.state === 'DELETED' ? 'unknown' : 'disabled' };
  }

  async #receives(domain: string): Promise<boolean> {
    if (this.#domains.get(domain) === true) return true;
    const began = this.#changes;
    const owner = await this.#store.domainOwner(domain);
    if (owner === undefined) return false;
    const receives = (await this.#store.domain(owner, domain))?.state === 'Verified';
    if (receives && began === this.#changes) this.#domains.set(domain, true);
    return receives;
  }

  async #userAt(address: string): Promise<User | undefined> {
    const holder = await this.#store.addressHolder(address);
    if (holder === undefined || holder.released) return undefined;
    return enabled(await this.#store.entity(holder.organization, holder.entity));
  }

  async #userIn(domain: string, name: string): Promise<User | undefined> {
    const byAlias = await this.#store.organizationByAlias(domain);
    const id = byAlias ?? (await this.#store.domainOwner(domain));
    const organization = id === undefined ? undefined : await this.#store.organization(id);
    if (organization === undefined) return undefined;
    return this.#userNamed(organization, name, byAlias === undefined ? domain : organization.defaultDomain);
  }

  async #userAnywhere(name: string): Promise<User | undefined> {
    let found: User | undefined;
    let after: Organization['id'] | undefined;
    do {
      const page = await this.#store.organizations(after, organizationsPerPage);
      for (const organization of page.rows) {
        const user = await this.#userNamed(organization, name, organization.defaultDomain);
        if (user !== undefined && found !== undefined) return undefined;
        found ??= user;
      }
      after = page.next;
    } while (after !== undefined);
    return found;
  }

  async #userNamed({ id }: Organization, name: string, domain: string): Promise<User | undefined> {
    const named = await this.#store.entityByName(id, 'user', name);
    const user = named === undefined ? undefined : enabled(await this.#store.entity(id, named));
    if (user !== undefined) return user;
    const at = await this.#userAt(`${name}@${domain}`);
    return at?.organization === id ? at : undefined;
  }
}

function enabled(user: User | undefined): User | undefined {
  return user?.state === 'ENABLED' ? user : undefined;
}

/** accountOf is the account of an enabled user. */
export function accountOf(user: User): Account | undefined {
  const [address] = user.addresses;
  if (user.state !== 'ENABLED' || address === undefined) return undefined;
  const { organization, id, addresses, displayName } = user;
  const mailbox = { organization, mailbox: mailboxOf(id) };
  return { organization, entity: id, mailbox, address, addresses, displayName };
}
