/** How the directory is read: names stand in keys as their HMACs. */
import type { AccessControlRule } from '#directory/access-control-rule';
import type { DomainDkim } from '#directory/dkim-keys';
import type { MailDomain } from '#directory/domain';
import type { DomainLook } from '#directory/domain-look';
import { type Journaling, noJournaling } from '#directory/journaling';
import type { Kept, KeptKind, ListedKind } from '#directory/kept';
import { type MailRouting, noMailRouting } from '#directory/mail-routing';
import type { MailboxGrant, MailboxPermission } from '#directory/mailbox-permission';
import type { Organization } from '#directory/organization';
import type { AddressHolder, ClientTokenUse, DirectoryReader, Namesake } from '#directory/ports';
import type { Entity, EntityKind } from '#directory/user';
import type { EntityId, OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import * as accessControl from './access-control-rows.ts';
import * as indexes from './directory-indexes.ts';
import * as keptRows from './kept-rows.ts';
import type { KeyRing } from './key-ring.ts';
import {
  entityIdOf,
  idBytes,
  type KeyField,
  organizationIdOf,
  organizationPart,
  systemPart,
  u8,
} from './keys.ts';
import { organizationRows as inOrganization, systemRows as inSystem } from './layout.ts';
import type { Row, Sealer } from './rows.ts';
import type { Bytes, Part, Range, Reader, Store } from './store.ts';

/** What the directory is stored in, and how it is sealed. */
export interface DirectoryStoreOptions {
  readonly store: Store;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
}

const system = systemPart();
/** How kinds stand in the keys of names. */
export const kinds: Readonly<Record<EntityKind, number>> = { user: 0x75, group: 0x67, resource: 0x72 };

/** Rows of a range in order, page by page. */
async function* rowsIn(reader: Reader, part: Part, range: Range): AsyncGenerator<readonly [Bytes, Bytes]> {
  for (let gte = range.gte; ; ) {
    const page = await reader.page(part, { ...range, gte });
    yield* page.rows;
    if (page.next === undefined) return;
    gte = page.next;
  }
}

/** StoredReader reads the directory, from the store or in a transaction. */
export class StoredReader implements DirectoryReader {
  readonly keys: KeyRing;
  readonly sealer: Sealer;
  readonly #reader: Reader;

  constructor(reader: Reader, { keys, sealer }: DirectoryStoreOptions) {
    this.#reader = reader;
    this.keys = keys;
    this.sealer = sealer;
  }

  async organization(id: OrganizationId): Promise<Organization | undefined> {
    const found = await this.#get(inSystem.organization, system, [idBytes(id)]);
    return found === undefined ? undefined : { id, ...found };
  }

  organizationByAlias(alias: string): Promise<OrganizationId | undefined> {
    return this.#get(inSystem.alias, system, [this.keys.nameKey(undefined, alias)]);
  }

  organizations(
    after: OrganizationId | undefined,
    limit: number,
  ): Promise<PageOf<Organization, OrganizationId>> {
    return this.#list(inSystem.organization, system, after, limit, (idOf, found) => ({
      id: organizationIdOf(idOf),
      ...found,
    }));
  }

  administeredOrganizations(limit: number): Promise<readonly OrganizationId[] | undefined> {
    return indexes.administeredOrganizations(this.#reader, limit);
  }

  namesakes(name: string, limit: number): Promise<readonly Namesake[] | undefined> {
    return indexes.namesakes(this.#reader, this, name, limit);
  }

  domainOwner(domain: string): Promise<OrganizationId | undefined> {
    return this.#get(inSystem.domainOwner, system, [this.keys.nameKey(undefined, domain)]);
  }

  domain(organization: OrganizationId, domain: string): Promise<MailDomain | undefined> {
    const name = this.keys.nameKey(organization, domain);
    return this.#get(inOrganization.domain, organizationPart(organization), [name]);
  }

  async domains(organization: OrganizationId): Promise<readonly MailDomain[]> {
    const part = organizationPart(organization);
    const { domain } = inOrganization;
    const found: MailDomain[] = [];
    for await (const [k, stored] of rowsIn(this.#reader, part, domain.range())) {
      found.push(domain.decode(this.sealer, part, k, stored));
    }
    return found;
  }

  dkim(organization: OrganizationId, domain: string): Promise<DomainDkim | undefined> {
    const name = this.keys.nameKey(organization, domain);
    return this.#get(inOrganization.dkim, organizationPart(organization), [name]);
  }

  domainLook(organization: OrganizationId, domain: string): Promise<DomainLook | undefined> {
    const name = this.keys.nameKey(organization, domain);
    return this.#get(inOrganization.domainLook, organizationPart(organization), [name]);
  }

  async entity(organization: OrganizationId, id: EntityId): Promise<Entity | undefined> {
    const found = await this.#get(inOrganization.entity, organizationPart(organization), [idBytes(id)]);
    return found === undefined ? undefined : { id, organization, ...found };
  }

  entityByName(organization: OrganizationId, kind: EntityKind, name: string): Promise<EntityId | undefined> {
    const fields = [u8(kinds[kind]), this.keys.nameKey(organization, name)] as const;
    return this.#get(inOrganization.name, organizationPart(organization), fields);
  }

  entities(
    organization: OrganizationId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<Entity, EntityId>> {
    const part = organizationPart(organization);
    return this.#list(inOrganization.entity, part, after, limit, (idOf, found) => ({
      id: entityIdOf(idOf),
      organization,
      ...found,
    }));
  }

  async entitiesOf(organization: OrganizationId, ids: readonly EntityId[]): Promise<readonly Entity[]> {
    const part = organizationPart(organization);
    const { entity } = inOrganization;
    const keys = ids.map((id) => entity.key(idBytes(id)));
    const stored = await this.#reader.getMany(part, keys);
    return ids.flatMap((id, at) => {
      const [k, value] = [keys[at], stored[at]];
      if (k === undefined || value === undefined) return [];
      return [{ id, organization, ...entity.decode(this.sealer, part, k, value) }];
    });
  }

  members(
    organization: OrganizationId,
    group: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<EntityId, EntityId>> {
    return this.#related(inOrganization.member, organization, group, after, limit);
  }

  groupsWith(
    organization: OrganizationId,
    member: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<EntityId, EntityId>> {
    return this.#related(inOrganization.membership, organization, member, after, limit);
  }

  async isMember(organization: OrganizationId, group: EntityId, member: EntityId): Promise<boolean> {
    const k = inOrganization.member.key(idBytes(group), idBytes(member));
    return (await this.#reader.get(organizationPart(organization), k)) !== undefined;
  }

  async grants(
    organization: OrganizationId,
    entity: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<MailboxGrant, EntityId>> {
    const page = await this.#related(inOrganization.mailboxGrant, organization, entity, after, limit);
    const rows: MailboxGrant[] = [];
    for (const grantee of page.rows) {
      const permissions = await this.grant(organization, entity, grantee);
      if (permissions !== undefined) rows.push({ grantee, permissions });
    }
    return { ...page, rows };
  }

  grant(
    organization: OrganizationId,
    entity: EntityId,
    grantee: EntityId,
  ): Promise<readonly MailboxPermission[] | undefined> {
    return this.#get(inOrganization.mailboxGrant, organizationPart(organization), [
      idBytes(entity),
      idBytes(grantee),
    ]);
  }

  grantsTo(
    organization: OrganizationId,
    grantee: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<EntityId, EntityId>> {
    return this.#related(inOrganization.mailboxGrantTo, organization, grantee, after, limit);
  }

  accessControlRules(organization: OrganizationId): Promise<readonly AccessControlRule[] | undefined> {
    return accessControl.accessControlRules(this.#reader, this, organization);
  }

  delegates(
    organization: OrganizationId,
    resource: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<EntityId, EntityId>> {
    return this.#related(inOrganization.delegate, organization, resource, after, limit);
  }

  async delegations(
    organization: OrganizationId,
    delegate: EntityId,
    limit: number,
  ): Promise<readonly EntityId[]> {
    return (await this.#related(inOrganization.delegation, organization, delegate, undefined, limit)).rows;
  }

  async isDelegate(organization: OrganizationId, resource: EntityId, delegate: EntityId): Promise<boolean> {
    const k = inOrganization.delegate.key(idBytes(resource), idBytes(delegate));
    return (await this.#reader.get(organizationPart(organization), k)) !== undefined;
  }

  async tags(organization: OrganizationId): Promise<ReadonlyMap<string, string>> {
    return (await this.#get(inOrganization.tags, organizationPart(organization), [])) ?? new Map();
  }

  async photo(organization: OrganizationId, user: EntityId): Promise<Uint8Array | undefined> {
    const part = organizationPart(organization);
    const { photo } = inOrganization;
    const parts: Bytes[] = [];
    for await (const [k, stored] of rowsIn(this.#reader, part, photo.range(idBytes(user)))) {
      parts.push(photo.decode(this.sealer, part, k, stored));
    }
    return parts.length === 0 ? undefined : Buffer.concat(parts);
  }

  async certificates(organization: OrganizationId, user: EntityId): Promise<readonly Uint8Array[]> {
    return (
      (await this.#get(inOrganization.certificates, organizationPart(organization), [idBytes(user)])) ?? []
    );
  }

  async isDmarcEnforced(organization: OrganizationId): Promise<boolean> {
    return (await this.#get(inOrganization.dmarcEnforced, organizationPart(organization), [])) ?? true;
  }

  async mailRouting(organization: OrganizationId): Promise<MailRouting> {
    const found = await this.#get(inOrganization.mailRouting, organizationPart(organization), []);
    return found ?? noMailRouting;
  }

  async journaling(organization: OrganizationId): Promise<Journaling> {
    const found = await this.#get(inOrganization.journaling, organizationPart(organization), []);
    return found ?? noJournaling;
  }

  kept<Kind extends KeptKind>(
    organization: OrganizationId | undefined,
    kind: Kind,
    id: string,
  ): Promise<Kept[Kind] | undefined> {
    return keptRows.kept(this.#reader, this, partOf(organization), kind, id);
  }

  keptPage<Kind extends ListedKind>(
    organization: OrganizationId,
    kind: Kind,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<Kept[Kind], string>> {
    return keptRows.keptPage(this.#reader, this, partOf(organization), kind, { after, limit });
  }

  addressHolder(address: string): Promise<AddressHolder | undefined> {
    return this.#get(inSystem.address, system, [this.keys.nameKey(undefined, address)]);
  }

  clientToken(organization: OrganizationId | undefined, token: string): Promise<ClientTokenUse | undefined> {
    return this.#get(tokenRow(organization), partOf(organization), [this.keys.nameKey(organization, token)]);
  }

  async #get<Fields extends readonly KeyField[], T>(
    row: Row<Fields, T>,
    part: Part,
    fields: Fields,
  ): Promise<T | undefined> {
    const k = row.key(...fields);
    const stored = await this.#reader.get(part, k);
    return stored === undefined ? undefined : row.decode(this.sealer, part, k, stored);
  }

  /** A page of the second ids of rows whose first is `id`. */
  async #related(
    row: Pick<Row<[Bytes, Bytes], unknown>, 'key' | 'range'>,
    organization: OrganizationId,
    id: EntityId,
    after: EntityId | undefined,
    limit: number,
  ): Promise<PageOf<EntityId, EntityId>> {
    const range = row.range(idBytes(id));
    const gte =
      after === undefined ? range.gte : Buffer.concat([row.key(idBytes(id), idBytes(after)), Buffer.of(0)]);
    const rows: EntityId[] = [];
    const part = organizationPart(organization);
    for await (const [k] of rowsIn(this.#reader, part, { ...range, gte, limit: limit + 1 })) {
      const last = rows.at(-1);
      if (rows.length === limit && last !== undefined) return { rows, next: last };
      rows.push(entityIdOf(k.subarray(17)));
    }
    return { rows };
  }

  /** A page of rows whose key is an id. */
  async #list<Id extends string, T, Found extends { readonly id: Id }>(
    row: Row<[Bytes], T>,
    part: Part,
    after: Id | undefined,
    limit: number,
    make: (id: Bytes, value: T) => Found,
  ): Promise<PageOf<Found, Id>> {
    const range = row.range();
    const gte = after === undefined ? range.gte : Buffer.concat([row.key(idBytes(after)), Buffer.of(0)]);
    const rows: Found[] = [];
    for await (const [k, stored] of rowsIn(this.#reader, part, { ...range, gte, limit: limit + 1 })) {
      const last = rows.at(-1);
      if (rows.length === limit && last !== undefined) return { rows, next: last.id };
      rows.push(make(k.subarray(1), row.decode(this.sealer, part, k, stored)));
    }
    return { rows };
  }
}

/** partOf gives where the rows of an organisation are, or of the installation. */
export function partOf(organization: OrganizationId | undefined): Part {
  return organization === undefined ? system : organizationPart(organization);
}

/** tokenRow gives the row of the client tokens of an organisation, or of the installation. */
export function tokenRow(organization: OrganizationId | undefined): Row<[Bytes], ClientTokenUse> {
  return organization === undefined ? inSystem.clientToken : inOrganization.clientToken;
}
