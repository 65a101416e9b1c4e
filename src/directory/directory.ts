import { DomainError } from '#domain/errors';
import { type EntityId, type MailboxRef, mailboxOf, type OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';
import type { PageOf } from '#domain/ports';
import { AccessControl } from './access-control.ts';
import type { Account } from './account.ts';
import { AddressBook } from './address-book.ts';
import { canonicalDomain } from './canonical-name.ts';
import * as entities from './decide-entity.ts';
import * as organizations from './decide-organization.ts';
import { putMailRouting } from './decide-routing.ts';
import type { PublicHosts } from './dns-record.ts';
import { domainName } from './domain.ts';
import type { UserFilter } from './entity-filter.ts';
import { EntityLists } from './entity-lists.ts';
import { Groups } from './groups.ts';
import { JournalingSettings } from './journaling.ts';
import { Lookups, type Recipient } from './lookups.ts';
import { MailDomains } from './mail-domains.ts';
import type { MailRouting } from './mail-routing.ts';
import { MailboxPermissions } from './mailbox-permissions.ts';
import { type Organization, organizationAlias, testDomainOf } from './organization.ts';
import { OrganizationRemoval } from './organization-removal.ts';
import { argon2id, checkPassword, type PasswordHasher } from './password.ts';
import { People } from './people.ts';
import type { DirectoryStore, DirectoryTx, Mailboxes } from './ports.ts';
import { newResourceId } from './resource.ts';
import { Resources } from './resources.ts';
import { OrganizationTags } from './tags.ts';
import { type Entity, hasMailbox, type User } from './user.ts';
import { Users, type UserToCreate } from './users.ts';

/** What of the settings the directory lives by. */
interface DirectorySettings {
  /** An organisation's test mail domain is `<alias>.<baseDomain>`. */
  readonly baseDomain: string;
  /** The host that mail for our domains goes to. */
  readonly hostname: string;
  /** Where else others find this server; absent: under `hostname` alone. */
  readonly hosts?: () => PublicHosts;
  /** Domains an organisation may register. */
  readonly maxDomains: number;
}

interface DirectoryParts {
  readonly store: DirectoryStore;
  readonly mailboxes: Mailboxes;
  readonly outside: Outside;
  readonly settings: DirectorySettings;
  /** argon2id if not given. */
  readonly passwords?: PasswordHasher;
}

/**
 * Directory is who there is: organisations, their domains, users, groups and resources. Every refusal is a DomainError; unless said
 * otherwise, an operation on an organisation throws organization/not-found and organization/state.
 */
export class Directory {
  readonly #store: DirectoryStore;
  readonly #mailboxes: Mailboxes;
  readonly #outside: Outside;
  readonly #settings: DirectorySettings;
  readonly #passwords: PasswordHasher;
  readonly #lookups: Lookups;
  readonly #lists: EntityLists;
  readonly groups: Groups;
  readonly resources: Resources;
  readonly domains: MailDomains;
  readonly journaling: JournalingSettings;
  readonly people: People;
  readonly permissions: MailboxPermissions;
  readonly accessControl: AccessControl;
  readonly addressBook: AddressBook;
  readonly removal: OrganizationRemoval;
  readonly users: Users;
  readonly tags: OrganizationTags;
  readonly #listeners = new Set<(entity: EntityId) => void>();

  constructor({ store, mailboxes, outside, settings, passwords = argon2id }: DirectoryParts) {
    this.#store = store;
    this.#mailboxes = mailboxes;
    this.#outside = outside;
    this.#settings = { ...settings, baseDomain: canonicalDomain(settings.baseDomain) };
    this.#passwords = passwords;
    this.#lookups = new Lookups(store, settings.hostname);
    this.journaling = new JournalingSettings(store);
    const nowMs = () => outside.clock.now();
    const change = this.#change.bind(this);
    this.people = new People({ store, lookups: this.#lookups, nowMs, change });
    this.permissions = new MailboxPermissions(store);
    this.accessControl = new AccessControl(store, nowMs);
    this.addressBook = new AddressBook(store, nowMs);
    this.#lists = new EntityLists(store, nowMs);
    store.onEntityChange((changed) => {
      this.addressBook.changed(changed);
      this.#lists.changed(changed);
    });
    const tell = (entity: EntityId) => this.#tell(entity);
    const restored = (id: OrganizationId) => this.domains.announce(id);
    this.removal = new OrganizationRemoval({ store, lookups: this.#lookups, nowMs, tell, restored });
    this.tags = new OrganizationTags(store);
    const parts = { store, lookups: this.#lookups, lists: this.#lists, nowMs };
    const newId = () => this.#uuid();
    const hash = (password: string) => this.#hash(password);
    this.users = new Users({ ...parts, newId, hash, change });
    this.groups = new Groups({ ...parts, newId });
    this.resources = new Resources({
      ...parts,
      newId: () => newResourceId(outside.random.bytes(16)),
    });
    this.domains = new MailDomains({
      store,
      lookups: this.#lookups,
      outside,
      hosts: settings.hosts ?? (() => ({ mail: settings.hostname, web: settings.hostname, submission: [] })),
      circumstances: () => this.#circumstances(),
    });
  }

  /** Who receives mail for this address, in any case, by any alias, with or without a tag (`user+tag`). Throws group/too-large. */
  resolveRecipient(address: string): Promise<Recipient> {
    return this.#lookups.resolveRecipient(address);
  }

  /** Whose mail domain it is; undefined if it is nobody's here, or a deleted organisation's. */
  organizationOf(domain: string): Promise<OrganizationId | undefined> {
    return this.#lookups.organizationOf(canonicalDomain(domain));
  }

  /** Whether a domain is a verified one of ours: it receives mail and gives addresses. */
  receivesMail(domain: string): Promise<boolean> {
    return this.#lookups.receivesMail(domain);
  }

  /** The account of a mailbox; undefined if its user or resource is not enabled. */
  account(ref: MailboxRef): Promise<Account | undefined> {
    return this.#lookups.account(ref);
  }

  /** The enabled user whom a user name given at sign-in means (see SignIn). */
  userFor(given: string): Promise<User | undefined> {
    return this.#lookups.userFor(given);
  }

  /** The disabled user to whom an address given at sign-in belonged last. */
  disabledUserFor(given: string): Promise<User | undefined> {
    return this.#lookups.disabledUserFor(given);
  }

  /** Calls back when a password, a state or an address of the entity has changed; the result takes it back. */
  onChange(listener: (entity: EntityId) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends sessions of an entity, and requests that wait: what it signed in with may be good no more. */
  signOut(entity: EntityId): void {
    this.#tell(entity);
  }

  /** Makes an organisation with its test domain, usable at once. Throws organization/alias-in-use, domain/in-use, limit/exceeded, request/invalid. */
  async createOrganization(wanted: {
    readonly alias: string;
    readonly domains?: readonly string[];
    readonly clientToken?: string | undefined;
  }): Promise<OrganizationId> {
    const alias = organizationAlias(wanted.alias);
    domainName(testDomainOf(alias, this.#settings.baseDomain));
    const domains = (wanted.domains ?? []).map(domainName);
    const id = `m-${this.#hex(16)}` as OrganizationId;
    const made = await this.#store.transactNew(id, (tx) =>
      organizations.createOrganization(
        tx,
        id,
        { alias, domains, clientToken: wanted.clientToken },
        this.#circumstances(),
      ),
    );
    this.#lookups.forget({ organization: made });
    if (domains.length > 0) await this.domains.announce(made);
    return made;
  }

  /** In any state; undefined if there is none. */
  findOrganization(id: OrganizationId): Promise<Organization | undefined> {
    return this.#store.organization(id);
  }

  /** In any state. Throws organization/not-found. */
  async describeOrganization(id: OrganizationId): Promise<Organization> {
    const organization = await this.findOrganization(id);
    if (organization !== undefined) return organization;
    throw new DomainError('organization/not-found', 'The organization does not exist.');
  }

  /** In order of id, after `after`. */
  listOrganizations(
    after: OrganizationId | undefined,
    limit: number,
  ): Promise<PageOf<Organization, OrganizationId>> {
    return this.#store.organizations(after, limit);
  }

  /** Makes a disabled user. Throws name/in-use, name/reserved, password/invalid, request/invalid. */
  createUser(organization: OrganizationId, wanted: UserToCreate): Promise<EntityId> {
    return this.users.create(organization, wanted);
  }

  /** By id, address or name; undefined if there is none. */
  async findUser(organization: OrganizationId, idOrAddressOrName: string): Promise<User | undefined> {
    await organizations.activeOrganization(this.#store, organization);
    const found = await entities.findEntity(this.#store, organization, idOrAddressOrName);
    return found?.kind === 'user' ? found : undefined;
  }

  /** By id, address or name. Throws entity/not-found. */
  async describeUser(organization: OrganizationId, idOrAddressOrName: string): Promise<User> {
    await organizations.activeOrganization(this.#store, organization);
    return entities.userOf(this.#store, organization, idOrAddressOrName);
  }

  /** A user, a group or a resource by id, address or name. Throws entity/not-found. */
  async describeEntity(organization: OrganizationId, idOrAddressOrName: string): Promise<Entity> {
    await organizations.activeOrganization(this.#store, organization);
    return entities.entityOf(this.#store, organization, idOrAddressOrName);
  }

  /** Who has an address, as the primary one or an alias. Throws entity/not-found. */
  async entityAt(organization: OrganizationId, address: string): Promise<Entity> {
    await organizations.activeOrganization(this.#store, organization);
    return entities.entityAt(this.#store, organization, address);
  }

  /** In order of id, after `after`; those deleted in the last 30 days among them. */
  listUsers(
    organization: OrganizationId,
    filter: UserFilter,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<User, EntityId>> {
    return this.#lists.list(organization, 'user', filter, { after, limit });
  }

  /**
   * Enables an entity with its primary address, a user or a resource with a mailbox; the mailbox of one disabled for less than 30 days comes
   * back, with the aliases nobody has taken. One registered with this address already stays as it is. Throws
   * entity/not-found, entity/state, entity/already-registered, address/in-use, address/invalid, domain/not-found,
   * domain/not-verified, limit/exceeded.
   */
  async registerToWorkMail(organization: OrganizationId, idOrName: string, email: string): Promise<void> {
    const { entity, done } = await entities.checkRegistration(this.#store, organization, idOrName, email);
    if (done) return;
    const mailbox = { organization, mailbox: mailboxOf(entity.id) };
    // First the mailbox, then the address that leads to it.
    if (hasMailbox(entity)) await this.#mailboxes.createMailbox(mailbox);
    await this.#change(organization, (tx) =>
      entities.register(tx, organization, entity.id, email, this.#outside.clock.now()),
    );
    // One that was kept for 30 days may have been removed between the two.
    if (hasMailbox(entity)) await this.#mailboxes.createMailbox(mailbox);
  }

  /** Disables an enabled entity; its mailbox is kept for 30 days, memberships stay. Throws entity/not-found, entity/state. */
  async deregisterFromWorkMail(organization: OrganizationId, idOrName: string): Promise<void> {
    await this.#change(organization, (tx) =>
      entities.deregister(tx, organization, idOrName, this.#outside.clock.now()),
    );
  }

  /** Throws entity/not-found, entity/state for a deleted user, password/invalid, request/unsupported. */
  async resetPassword(organization: OrganizationId, id: string, password: string): Promise<void> {
    await organizations.activeOrganization(this.#store, organization);
    entities.checkHasPassword(entities.notDeleted(await entities.userOf(this.#store, organization, id)));
    const passwordHash = await this.#hash(password);
    await this.#change(organization, (tx) => entities.resetPassword(tx, organization, id, passwordHash));
  }

  /** Throws as registerToWorkMail does. */
  async createAlias(organization: OrganizationId, id: string, alias: string): Promise<void> {
    await this.#change(organization, (tx) => entities.createAlias(tx, organization, id, alias));
  }

  /** Nothing happens if it has no such alias. Throws entity/not-found, entity/state, request/invalid for the primary address. */
  async deleteAlias(organization: OrganizationId, id: string, alias: string): Promise<void> {
    await this.#change(organization, (tx) => entities.deleteAlias(tx, organization, id, alias));
  }

  /** Makes an address the primary one of an enabled entity; the old one becomes an alias. Throws as createAlias does. */
  async updatePrimaryAddress(organization: OrganizationId, idOrName: string, email: string): Promise<void> {
    await this.#change(organization, (tx) =>
      entities.updatePrimaryAddress(tx, organization, idOrName, email),
    );
  }

  /** All addresses of an entity in order, the primary one among them; none while it is disabled. Throws entity/not-found, entity/state. */
  async listAliases(organization: OrganizationId, id: string): Promise<readonly string[]> {
    await organizations.activeOrganization(this.#store, organization);
    const { state, addresses } = entities.notDeleted(await entities.entityOf(this.#store, organization, id));
    return state === 'ENABLED' ? [...addresses].sort() : [];
  }

  /** Where mail that is for nobody goes. */
  async mailRouting(organization: OrganizationId): Promise<MailRouting> {
    await organizations.activeOrganization(this.#store, organization);
    return this.#store.mailRouting(organization);
  }

  /**
   * Replaces where mail for nobody goes: users and groups by id, address or name, for catch-alls by domain. Throws
   * entity/not-found, entity/state for one that is not enabled, domain/not-found, request/invalid.
   */
  async putMailRouting(
    organization: OrganizationId,
    wanted: {
      readonly administrator?: string | undefined;
      readonly catchAll?: readonly (readonly [domain: string, entity: string])[];
    },
  ): Promise<MailRouting> {
    const domains = (wanted.catchAll ?? []).map(([domain, entity]) => [domainName(domain), entity] as const);
    const routing = await this.#store.transact(organization, (tx) =>
      putMailRouting(tx, organization, {
        administrator: wanted.administrator,
        catchAll: domains,
      }),
    );
    this.#lookups.forget({ organization });
    return routing;
  }

  /** Whether failures of DMARC are refused or put aside; new organisations want that. */
  async isDmarcEnforced(organization: OrganizationId): Promise<boolean> {
    await organizations.activeOrganization(this.#store, organization);
    return this.#store.isDmarcEnforced(organization);
  }

  async putDmarcEnforced(organization: OrganizationId, isEnforced: boolean): Promise<void> {
    await this.#store.transact(organization, async (tx) => {
      await organizations.activeOrganization(tx, organization);
      tx.putDmarcEnforced(organization, isEnforced);
    });
  }

  async #change(organization: OrganizationId, decide: (tx: DirectoryTx) => Promise<Entity>): Promise<void> {
    const entity = await this.#store.transact(organization, decide);
    this.#lookups.forget(entity);
    this.#tell(entity.id);
  }

  #tell(entity: EntityId): void {
    for (const listener of this.#listeners) listener(entity);
  }

  #hash(password: string): Promise<string> {
    checkPassword(password);
    return this.#passwords.hash(password);
  }

  #circumstances(): organizations.Circumstances {
    return {
      nowMs: this.#outside.clock.now(),
      baseDomain: this.#settings.baseDomain,
      maxDomains: this.#settings.maxDomains,
      ownershipToken: () => this.#hex(32),
    };
  }

  #hex(bytes: number): string {
    return Buffer.from(this.#outside.random.bytes(bytes)).toString('hex');
  }

  /** RFC 9562 §5.4. */
  #uuid(): EntityId {
    const bytes = Buffer.from(this.#outside.random.bytes(16));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') as EntityId;
  }
}
