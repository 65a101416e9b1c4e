/** What the directory needs remembered and made, in its own words; storage implements it. */
import type { EntityId, MailboxRef, OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import type { AccessControlRule } from './access-control-rule.ts';
import type { DomainDkim } from './dkim-keys.ts';
import type { DnsRecord } from './dns-record.ts';
import type { MailDomain } from './domain.ts';
import type { DomainLook } from './domain-look.ts';
import type { Journaling } from './journaling.ts';
import type { Kept, KeptKind, ListedKind } from './kept.ts';
import type { MailRouting } from './mail-routing.ts';
import type { MailboxGrant, MailboxPermission } from './mailbox-permission.ts';
import type { Organization } from './organization.ts';
import type { Entity, EntityKind } from './user.ts';

/** Who has an address. A released one is still answered for, but free for the next who asks. */
export interface AddressHolder {
  readonly organization: OrganizationId;
  readonly entity: EntityId;
  readonly released: boolean;
}

/** What a request with a client token did. */
export interface ClientTokenUse {
  /** What was asked for, in the caller's own words: the same token with another request is a mistake. */
  readonly request: string;
  readonly result: string;
  readonly usedMs: number;
}

/** An enabled user whom a name without a domain may mean. */
export interface Namesake {
  readonly organization: OrganizationId;
  readonly user: EntityId;
}

/** Names, domains and addresses are passed in canonical form. Reads in a transaction see its own writes. */
export interface DirectoryReader {
  organization(id: OrganizationId): Promise<Organization | undefined>;
  organizationByAlias(alias: string): Promise<OrganizationId | undefined>;
  /** In order of id, after `after`. */
  organizations(
    after: OrganizationId | undefined,
    limit: number,
  ): Promise<PageOf<Organization, OrganizationId>>;
  /** Those whose mail routing has an administrator, the first that were made first; undefined while it is not known of all. */
  administeredOrganizations(limit: number): Promise<readonly OrganizationId[] | undefined>;
  /**
   * Enabled users who have this name, or an address in any domain with this before the @, one after the other of an
   * organisation; undefined while it is not known of all.
   */
  namesakes(name: string, limit: number): Promise<readonly Namesake[] | undefined>;
  /** Whose domain it is. */
  domainOwner(domain: string): Promise<OrganizationId | undefined>;
  domain(organization: OrganizationId, domain: string): Promise<MailDomain | undefined>;
  domains(organization: OrganizationId): Promise<readonly MailDomain[]>;
  /** The keys of a domain; undefined if it has none yet. */
  dkim(organization: OrganizationId, domain: string): Promise<DomainDkim | undefined>;
  /** What was found in DNS when it was looked at last; undefined if it never was. */
  domainLook(organization: OrganizationId, domain: string): Promise<DomainLook | undefined>;
  entity(organization: OrganizationId, id: EntityId): Promise<Entity | undefined>;
  entityByName(organization: OrganizationId, kind: EntityKind, name: string): Promise<EntityId | undefined>;
  /** In order of id, after `after`. */
  entities(
    organization: OrganizationId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<Entity, EntityId>>;
  /** Those of them there are, in any order. */
  entitiesOf(organization: OrganizationId, ids: readonly EntityId[]): Promise<readonly Entity[]>;
  /** Users and groups that are in a group themselves, in order of id, after `after`. */
  members(
    organization: OrganizationId,
    group: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<EntityId, EntityId>>;
  /** Groups that an entity is in itself, in order of id, after `after`. */
  groupsWith(
    organization: OrganizationId,
    member: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<EntityId, EntityId>>;
  isMember(organization: OrganizationId, group: EntityId, member: EntityId): Promise<boolean>;
  /** What an entity lets others do, in order of their ids, after `after`. */
  grants(
    organization: OrganizationId,
    entity: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<MailboxGrant, EntityId>>;
  /** What an entity lets one other do; undefined if nothing. */
  grant(
    organization: OrganizationId,
    entity: EntityId,
    grantee: EntityId,
  ): Promise<readonly MailboxPermission[] | undefined>;
  /** Who lets somebody do something, in order of their ids, after `after`. */
  grantsTo(
    organization: OrganizationId,
    grantee: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<EntityId, EntityId>>;
  /** In any order; undefined while they were never changed. */
  accessControlRules(organization: OrganizationId): Promise<readonly AccessControlRule[] | undefined>;
  /** Users and groups that decide for a resource, in order of id, after `after`. */
  delegates(
    organization: OrganizationId,
    resource: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<EntityId, EntityId>>;
  /** Resources that a user or a group decides for. */
  delegations(organization: OrganizationId, delegate: EntityId, limit: number): Promise<readonly EntityId[]>;
  isDelegate(organization: OrganizationId, resource: EntityId, delegate: EntityId): Promise<boolean>;
  /** The tags of an organisation, by key. */
  tags(organization: OrganizationId): Promise<ReadonlyMap<string, string>>;
  /** A user's photo as it was put; undefined if there is none. */
  photo(organization: OrganizationId, user: EntityId): Promise<Uint8Array | undefined>;
  /** A user's S/MIME certificates in DER, in the order they were put in; none if there are none. */
  certificates(organization: OrganizationId, user: EntityId): Promise<readonly Uint8Array[]>;
  mailRouting(organization: OrganizationId): Promise<MailRouting>;
  /** Whether failures of DMARC are refused or put aside; true if it was never said. */
  isDmarcEnforced(organization: OrganizationId): Promise<boolean>;
  journaling(organization: OrganizationId): Promise<Journaling>;
  /** One of what is kept beside: of an organisation, or of the installation. */
  kept<Kind extends KeptKind>(
    organization: OrganizationId | undefined,
    kind: Kind,
    id: string,
  ): Promise<Kept[Kind] | undefined>;
  /** In an order of the store's own, after the one of the id `after`, which need not be there any more. */
  keptPage<Kind extends ListedKind>(
    organization: OrganizationId,
    kind: Kind,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<Kept[Kind], string>>;
  addressHolder(address: string): Promise<AddressHolder | undefined>;
  /** Tokens belong to an organisation, or to the installation. */
  clientToken(organization: OrganizationId | undefined, token: string): Promise<ClientTokenUse | undefined>;
}

/** One decision on an organisation, with the names that are unique over the installation. */
export interface DirectoryTx extends DirectoryReader {
  putOrganization(organization: Organization): void;
  putDomain(organization: OrganizationId, domain: MailDomain): void;
  /** Takes a domain away with its keys and what was found; nobody has it then. */
  deleteDomain(organization: OrganizationId, domain: string): void;
  putDkim(organization: OrganizationId, domain: string, dkim: DomainDkim): void;
  putDomainLook(organization: OrganizationId, domain: string, look: DomainLook): void;
  /** With the names it is found by while it is an enabled user. */
  putEntity(entity: Entity): void;
  /** Gives the name to the entity. */
  putName(organization: OrganizationId, kind: EntityKind, name: string, id: EntityId): void;
  putAddress(address: string, holder: AddressHolder): void;
  /** Both directions of a membership. */
  putMember(organization: OrganizationId, group: EntityId, member: EntityId): void;
  deleteMember(organization: OrganizationId, group: EntityId, member: EntityId): void;
  putGrant(organization: OrganizationId, entity: EntityId, grant: MailboxGrant): void;
  deleteGrant(organization: OrganizationId, entity: EntityId, grantee: EntityId): void;
  /** Replaces the one of its name. From now on those that are stored count. */
  putAccessControlRule(organization: OrganizationId, rule: AccessControlRule): void;
  /** Nothing happens if there is none of this name. */
  deleteAccessControlRule(organization: OrganizationId, name: string): void;
  /** Both directions of who decides for a resource. */
  putDelegate(organization: OrganizationId, resource: EntityId, delegate: EntityId): void;
  deleteDelegate(organization: OrganizationId, resource: EntityId, delegate: EntityId): void;
  /** At most 50 of them. */
  putTags(organization: OrganizationId, tags: ReadonlyMap<string, string>): void;
  /** Of at most 100 KiB; undefined takes it away. */
  putPhoto(organization: OrganizationId, user: EntityId, photo: Uint8Array | undefined): void;
  /** Together at most 56 KiB; none takes them away. */
  putCertificates(organization: OrganizationId, user: EntityId, certificates: readonly Uint8Array[]): void;
  /**
   * Takes an entity away with its name (of a deleted one, which has none any more, undefined), photo and certificates; its
   * addresses, memberships and grants have to be gone.
   */
  deleteEntity(entity: Entity, name: string | undefined): void;
  /** Takes away a user's own policy, and some of the entries and overrides of its devices; true when there are none left. */
  deleteSettingsOf(organization: OrganizationId, user: EntityId): Promise<boolean>;
  /** Takes an address from one who has it; put the entity without it afterwards, if it stays. */
  deleteAddress(address: string, holder: Entity): void;
  putMailRouting(organization: OrganizationId, routing: MailRouting): Promise<void>;
  putDmarcEnforced(organization: OrganizationId, isEnforced: boolean): void;
  putJournaling(organization: OrganizationId, journaling: Journaling): void;
  putKept<Kind extends KeptKind>(
    organization: OrganizationId | undefined,
    kind: Kind,
    id: string,
    value: Kept[Kind],
  ): void;
  /** Nothing happens if there is none. */
  deleteKept(organization: OrganizationId | undefined, kind: KeptKind, id: string): void;
  /** When the mailbox of a disabled entity is to be removed. */
  putPurge(dueMs: number, mailbox: MailboxRef): void;
  deletePurge(dueMs: number, mailbox: MailboxRef): void;
  putClientToken(organization: OrganizationId | undefined, token: string, use: ClientTokenUse): void;
}

/** Whose row was written. */
export type EntityRef = Pick<Entity, 'organization' | 'id'>;

/** Its reads see what is durable. */
export interface DirectoryStore extends DirectoryReader {
  /** Calls back for each entity put or taken away by this store, once that is durable and before `transact` resolves. */
  onEntityChange(listener: (changed: EntityRef) => void): void;
  /** Lands together, durable when it resolves, or not at all. `decide` may run again. */
  transact<T>(organization: OrganizationId, decide: (tx: DirectoryTx) => Promise<T>): Promise<T>;
  /** As `transact`, on what belongs to the installation alone. */
  transactInstallation<T>(decide: (tx: DirectoryTx) => Promise<T>): Promise<T>;
  /** As `transact`, for an organisation to be made: its data key is stored with it, if `decide` puts the organisation. */
  transactNew<T>(organization: OrganizationId, decide: (tx: DirectoryTx) => Promise<T>): Promise<T>;
}

/** Where mailboxes come from: the MailStore. */
export interface Mailboxes {
  /** Nothing happens if it is there. */
  createMailbox(ref: MailboxRef): Promise<void>;
}

/** What one who was asked has; `values` or `error`. */
export interface DnsAnswer {
  /**
   * The records of a name as text, none if there is no such name or record: of TXT the strings of each joined, of MX
   * `preference host.`, of SRV `priority weight port host.`, of CNAME `host.`, addresses of either family for A.
   */
  readonly values?: readonly string[] | undefined;
  /** Why there is no answer. */
  readonly error?: string | undefined;
  readonly isSlow?: boolean | undefined;
}

/** A look at DNS: what was learned of name servers in it serves its further questions. */
export interface DnsLook {
  /** Asks the resolver, and each name server of the zone that the name is in, in bounded time. Never rejects. */
  ask(
    type: DnsRecord['type'] | 'A',
    hostname: string,
  ): Promise<{
    /** What others may have in their caches still. */
    readonly cached: DnsAnswer;
    /** None if the zone's name servers cannot be asked. */
    readonly servers: readonly (DnsAnswer & { readonly server: string })[];
  }>;
}

/** What DNS holds now. */
export interface PublishedRecords {
  /** A look that `signal` breaks off: what it asks is then without an answer. */
  look(signal?: AbortSignal): DnsLook;
}
