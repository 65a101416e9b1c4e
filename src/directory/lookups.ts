import { DomainError } from '#domain/errors';
import { type EntityId, type MailboxRef, mailboxOf, type OrganizationId } from '#domain/ids';
import type { Account } from './account.ts';
import { domainOf, withoutTag } from './address.ts';
import { AnswersByOrganization, Changes } from './answers-by-organization.ts';
import { canonicalAddress, canonicalDomain, canonicalName } from './canonical-name.ts';
import { maxGroupMailboxes } from './group.ts';
import { isRoleAddress, type MailRouting } from './mail-routing.ts';
import { expandGroup, groupsAbove } from './membership.ts';
import { journalingAddress, type Organization } from './organization.ts';
import type { AddressHolder, DirectoryStore } from './ports.ts';
import { type Entity, hasMailbox, type User } from './user.ts';

/** Recipient tells what becomes of mail for an address. */
export type Recipient =
  | { readonly kind: 'mailbox'; readonly account: Account }
  /** A group: everybody in it, each once; nobody, if it is empty. */
  | { readonly kind: 'group'; readonly group: EntityId; readonly accounts: readonly Account[] }
  /** Somebody's whose mailbox is disabled. */
  | { readonly kind: 'disabled' }
  /** Our domain, nobody's address. */
  | { readonly kind: 'unknown' }
  /** Not our domain, or not a verified one. */
  | { readonly kind: 'elsewhere' };

/** Where mail for nobody goes in an organisation, and the address that mail never goes to. */
interface Routing extends MailRouting {
  readonly journaling: string;
}

const maxRemembered = 50_000;
/** Of up to 10,000 mailboxes each. */
const maxGroupsRemembered = 500;
const organizationsPerPage = 100;
/** A name without a domain that more users have than these means nobody: each may have to be asked. */
const maxNamesakes = 100;
/** Of so many organisations one should have an administrator who is enabled. */
const maxAdministered = 100;
const bytesPerMebibyte = 1024 * 1024;
/** RFC 5321 §4.5.1: the one address without a domain. */
const barePostmaster = 'postmaster';

/**
 * Lookups answers who somebody is, for every message and every request. Answers are kept in memory; a change of an
 * organisation forgets its own and no other's, and an answer begun before a change is not kept.
 */
export class Lookups {
  readonly #store: DirectoryStore;
  readonly #hostname: string;
  readonly #changed = new Changes();
  /** Addresses somebody has, never made-up ones: those are looked up each time. */
  readonly #recipients = new AnswersByOrganization<string, Recipient>(maxRemembered, this.#changed);
  readonly #accounts = new AnswersByOrganization<EntityId, Account>(maxRemembered, this.#changed);
  /** Who gets mail to a group; promises, so that many messages at once read it once. */
  readonly #expansions = new AnswersByOrganization<EntityId, Promise<readonly Account[]>>(
    maxGroupsRemembered,
    this.#changed,
  );
  readonly #groupsOf = new AnswersByOrganization<EntityId, readonly EntityId[]>(maxRemembered, this.#changed);
  /** Domains of ours that receive mail. */
  readonly #domains = new AnswersByOrganization<string, OrganizationId>(maxRemembered, this.#changed);
  readonly #routings = new AnswersByOrganization<OrganizationId, Routing>(maxRemembered, this.#changed);
  /** Organisations that are served. */
  readonly #served = new AnswersByOrganization<OrganizationId, true>(maxRemembered, this.#changed);
  /** Those of this server itself, which any organisation may change. */
  readonly #ownRecipients = new Map<string, Recipient>();
  #changes = 0;

  /** `hostname` is the name of this server: it has a postmaster too. */
  constructor(store: DirectoryStore, hostname: string) {
    this.#store = store;
    this.#hostname = canonicalDomain(hostname);
  }

  /** Call when a change of an organisation is durable. */
  forget({ organization }: Pick<Entity, 'organization'>): void {
    this.#changes++;
    this.#changed.add(organization);
    this.#ownRecipients.clear();
  }

  /** Throws group/too-large. */
  async resolveRecipient(text: string): Promise<Recipient> {
    const address = canonicalAddress(text);
    const known = this.#recipients.get(address);
    if (known !== undefined) return known;
    const domain = domainOf(address);
    const owner = domain === undefined ? undefined : await this.#ownerOf(domain);
    if (domain === undefined || owner === undefined) return this.#ofThisServer(address);
    if (!(await this.#isServed(owner))) return { kind: 'unknown' };
    const plain = withoutTag(address);
    // An exact address comes before the one its tag stands in, and both before whoever stands in for nobody.
    const exact = await this.#holderOf(owner, address);
    const holder = exact ?? (plain === undefined ? undefined : await this.#holderOf(owner, plain));
    const isForRole = isRoleAddress(plain ?? address);
    if (holder !== undefined && (holder.kind !== 'disabled' || !isForRole)) return holder;
    return (await this.#standIn(owner, domain, plain ?? address)) ?? holder ?? { kind: 'unknown' };
  }

  /** Every group the owner of a mailbox is in, by way of other groups too. */
  async groupsOf({ organization, mailbox }: MailboxRef): Promise<readonly EntityId[]> {
    const id = mailbox as string as EntityId;
    const known = this.#groupsOf.get(id);
    if (known !== undefined) return known;
    const began = this.#changes;
    const groups = await groupsAbove(this.#store, organization, id);
    if (began === this.#changes) this.#groupsOf.set(id, organization, groups);
    return groups;
  }

  /** Whether a domain of ours receives mail. */
  async receivesMail(domain: string): Promise<boolean> {
    return (await this.#ownerOf(canonicalDomain(domain))) !== undefined;
  }

  async account({ organization, mailbox }: MailboxRef): Promise<Account | undefined> {
    const id = mailbox as string as EntityId;
    const known = this.#accounts.get(id);
    if (known !== undefined) return known.organization === organization ? known : undefined;
    const began = this.#changes;
    const entity = await this.#servedEntity(organization, id);
    const account = entity === undefined ? undefined : accountOf(entity);
    if (account !== undefined && began === this.#changes) this.#accounts.set(id, organization, account);
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
    const user = holder && (await this.#servedEntity(holder.organization, holder.entity));
    return user?.kind === 'user' && user.state === 'DISABLED' ? user : undefined;
  }

  /** Who has the address in a domain that receives mail; undefined if nobody. */
  async #holderOf(owner: OrganizationId, address: string): Promise<Recipient | undefined> {
    const known = this.#recipients.get(address);
    if (known !== undefined) return known;
    const began = this.#changes;
    const holder = await this.#store.addressHolder(address);
    // The domain may have belonged to others before, with disabled users in it.
    if (holder?.organization !== owner) return undefined;
    const recipient = await this.#recipientOf(holder);
    // What a group means is remembered once, not by every address of it; a role goes on to the administrator.
    const isFinal =
      recipient?.kind === 'mailbox' || (recipient?.kind === 'disabled' && !isRoleAddress(address));
    if (isFinal && began === this.#changes) this.#recipients.set(address, owner, recipient);
    return recipient;
  }

  async #recipientOf({ organization, entity: id, released }: AddressHolder): Promise<Recipient | undefined> {
    const recipient = released ? undefined : await this.#enabledRecipient(organization, id);
    if (recipient !== undefined) return recipient;
    const entity = await this.#store.entity(organization, id);
    return entity === undefined || entity.state === 'DELETED' ? undefined : { kind: 'disabled' };
  }

  async #enabledRecipient(organization: OrganizationId, id: EntityId): Promise<Recipient | undefined> {
    const account = await this.account({ organization, mailbox: mailboxOf(id) });
    if (account !== undefined) return { kind: 'mailbox', account };
    const entity = await this.#store.entity(organization, id);
    if (entity?.kind !== 'group' || entity.state !== 'ENABLED') return undefined;
    return { kind: 'group', group: id, accounts: await this.#accountsIn(organization, id) };
  }

  #accountsIn(organization: OrganizationId, group: EntityId): Promise<readonly Account[]> {
    const known = this.#expansions.get(group);
    if (known !== undefined) return known;
    // A change that comes while it is read takes it out again.
    const expansion = expandGroup(this.#store, organization, group, maxGroupMailboxes).then((users) =>
      users.flatMap((user) => accountOf(user) ?? []),
    );
    this.#expansions.set(group, organization, expansion);
    expansion.catch((error: unknown) => {
      if (!(error instanceof DomainError) && this.#expansions.get(group) === expansion) {
        this.#expansions.delete(group);
      }
    });
    return expansion;
  }

  /** Who gets what nobody has the address of; undefined if there is nobody. */
  async #standIn(
    organization: OrganizationId,
    domain: string,
    address: string,
  ): Promise<Recipient | undefined> {
    const { administrator, catchAll, journaling } = await this.#routingOf(organization);
    if (address === journaling) return undefined;
    const named = isRoleAddress(address) ? [administrator, catchAll.get(domain)] : [catchAll.get(domain)];
    for (const id of named) {
      const recipient = id === undefined ? undefined : await this.#enabledRecipient(organization, id);
      if (recipient !== undefined) return recipient;
    }
    return undefined;
  }

  /** RFC 5321 §4.5.1: this server's own postmaster, with or without its name, and abuse@ beside. */
  async #ofThisServer(address: string): Promise<Recipient> {
    const domain = domainOf(address);
    const isOurs = address === barePostmaster || (domain === this.#hostname && isRoleAddress(address));
    if (!isOurs) return { kind: domain === undefined ? 'unknown' : 'elsewhere' };
    const known = this.#ownRecipients.get(address);
    if (known !== undefined) return known;
    const began = this.#changes;
    const recipient = (await this.#firstAdministrator()) ?? { kind: 'unknown' };
    const isKept = recipient.kind === 'mailbox' && began === this.#changes;
    if (isKept) this.#ownRecipients.set(address, recipient);
    return recipient;
  }

  /** The administrator of the organisation that has been here for longest, of those that have one. */
  async #firstAdministrator(): Promise<Recipient | undefined> {
    const known = await this.#store.administeredOrganizations(maxAdministered);
    for (const id of known ?? (await this.#organizationsByAge())) {
      if (!(await this.#isServed(id))) continue;
      const { administrator } = await this.#routingOf(id);
      const recipient = administrator && (await this.#enabledRecipient(id, administrator));
      if (recipient) return recipient;
    }
    return undefined;
  }

  async #routingOf(id: OrganizationId): Promise<Routing> {
    const known = this.#routings.get(id);
    if (known !== undefined) return known;
    const began = this.#changes;
    const [routing, organization] = await Promise.all([
      this.#store.mailRouting(id),
      this.#store.organization(id),
    ]);
    const journaling = organization === undefined ? '' : journalingAddress(organization);
    if (began === this.#changes) this.#routings.set(id, id, { ...routing, journaling });
    return { ...routing, journaling };
  }

  /** Whose domain it is, if it receives mail. */
  async #ownerOf(domain: string): Promise<OrganizationId | undefined> {
    const known = this.#domains.get(domain);
    if (known !== undefined) return known;
    const began = this.#changes;
    const owner = await this.#store.domainOwner(domain);
    if (owner === undefined) return undefined;
    const receives = (await this.#store.domain(owner, domain))?.state === 'Verified';
    // One that is deleted goes for good without a word.
    const isKept = receives && began === this.#changes && (await this.#isServed(owner));
    if (isKept) this.#domains.set(domain, owner, owner);
    return receives ? owner : undefined;
  }

  /** Whose mail domain it is, if that organisation is served. */
  async organizationOf(domain: string): Promise<OrganizationId | undefined> {
    const owner = await this.#store.domainOwner(domain);
    return owner !== undefined && (await this.#isServed(owner)) ? owner : undefined;
  }

  /** Of a deleted organisation nobody is there. */
  async #servedEntity(organization: OrganizationId, id: EntityId): Promise<Entity | undefined> {
    return (await this.#isServed(organization)) ? this.#store.entity(organization, id) : undefined;
  }

  async #isServed(id: OrganizationId): Promise<boolean> {
    if (this.#served.get(id) !== undefined) return true;
    const began = this.#changes;
    const isServed = (await this.#store.organization(id))?.state === 'Active';
    if (isServed && began === this.#changes) this.#served.set(id, id, true);
    return isServed;
  }

  /** All there are, where it is not known yet which of them something may be about. */
  async #organizationsByAge(): Promise<readonly OrganizationId[]> {
    const all: Organization[] = [];
    let after: OrganizationId | undefined;
    do {
      const page = await this.#store.organizations(after, organizationsPerPage);
      all.push(...page.rows);
      after = page.next;
    } while (after !== undefined);
    return all.sort((a, b) => a.createdMs - b.createdMs).map(({ id }) => id);
  }

  async #userAt(address: string): Promise<User | undefined> {
    const holder = await this.#store.addressHolder(address);
    if (holder === undefined || holder.released) return undefined;
    return enabled(await this.#servedEntity(holder.organization, holder.entity));
  }

  async #userIn(domain: string, name: string): Promise<User | undefined> {
    const byAlias = await this.#store.organizationByAlias(domain);
    const id = byAlias ?? (await this.#store.domainOwner(domain));
    const organization = id === undefined ? undefined : await this.#store.organization(id);
    if (organization === undefined) return undefined;
    return this.#userNamed(organization, name, byAlias === undefined ? domain : organization.defaultDomain);
  }

  async #userAnywhere(name: string): Promise<User | undefined> {
    const namesakes = await this.#store.namesakes(name, maxNamesakes + 1);
    if (namesakes !== undefined && namesakes.length > maxNamesakes) return undefined;
    const organizations = namesakes?.map(({ organization }) => organization);
    let found: User | undefined;
    for (const id of new Set(organizations ?? (await this.#organizationsByAge()))) {
      const organization = await this.#store.organization(id);
      const user = organization && (await this.#userNamed(organization, name, organization.defaultDomain));
      if (user !== undefined && found !== undefined) return undefined;
      found ??= user;
    }
    return found;
  }

  async #userNamed({ id }: Organization, name: string, domain: string): Promise<User | undefined> {
    const named = await this.#store.entityByName(id, 'user', name);
    const user = named === undefined ? undefined : enabled(await this.#servedEntity(id, named));
    if (user !== undefined) return user;
    const at = await this.#userAt(`${name}@${domain}`);
    return at?.organization === id ? at : undefined;
  }
}

function enabled(entity: Entity | undefined): User | undefined {
  return entity?.kind === 'user' && entity.state === 'ENABLED' ? entity : undefined;
}

/** accountOf is the account of an enabled user or resource. */
export function accountOf(entity: Entity): Account | undefined {
  const address = entity.addresses[0];
  if (!hasMailbox(entity) || entity.state !== 'ENABLED' || address === undefined) return undefined;
  const { organization, id, addresses } = entity;
  const displayName = entity.kind === 'user' ? entity.displayName : entity.name;
  const mailbox = { organization, mailbox: mailboxOf(id) };
  const account = { organization, entity: id, mailbox, address, addresses, displayName };
  if (entity.kind !== 'user' || entity.quotaMebibytes === undefined) return account;
  return { ...account, quotaBytes: entity.quotaMebibytes * bytesPerMebibyte };
}
