/** How the directory is written. */
import type { AccessControlRule } from '#directory/access-control-rule';
import type { DomainDkim } from '#directory/dkim-keys';
import type { MailDomain } from '#directory/domain';
import type { DomainLook } from '#directory/domain-look';
import type { Journaling } from '#directory/journaling';
import type { Kept, KeptKind } from '#directory/kept';
import type { MailRouting } from '#directory/mail-routing';
import type { MailboxGrant } from '#directory/mailbox-permission';
import type { Organization } from '#directory/organization';
import type { AddressHolder, ClientTokenUse, DirectoryTx, EntityRef } from '#directory/ports';
import type { Entity, EntityKind } from '#directory/user';
import type { EntityId, MailboxRef, OrganizationId } from '#domain/ids';
import * as accessControl from './access-control-rows.ts';
import * as indexes from './directory-indexes.ts';
import { type DirectoryStoreOptions, kinds, partOf, StoredReader, tokenRow } from './directory-reader.ts';
import { firstRows } from './first-rows.ts';
import * as keptRows from './kept-rows.ts';
import { idBytes, type KeyField, organizationPart, systemPart, u8, u16, u64 } from './keys.ts';
import { organizationRows as inOrganization, systemRows as inSystem } from './layout.ts';
import type { Row } from './rows.ts';
import type { Bytes, Part, Tx } from './store.ts';

const system = systemPart();
const firstEpoch = 1;
const settingsAtOnce = 500;
/** A photo has at most two of them. */
const photoPartBytes = 50 * 1024;

/** StoredTx reads and writes the directory in one transaction. */
export class StoredTx extends StoredReader implements DirectoryTx {
  readonly #tx: Tx;
  readonly #changed = new Map<EntityId, EntityRef>();

  constructor(tx: Tx, options: DirectoryStoreOptions) {
    super(tx, options);
    this.#tx = tx;
  }

  /** Entities that were put or taken away. */
  get changed(): readonly EntityRef[] {
    return [...this.#changed.values()];
  }

  putOrganization({ id, ...organization }: Organization): void {
    this.#put(inSystem.organization, system, [idBytes(id)], organization);
    this.#put(inSystem.alias, system, [this.keys.nameKey(undefined, organization.alias)], id);
  }

  putDomain(organization: OrganizationId, domain: MailDomain): void {
    this.#put(inSystem.domainOwner, system, [this.keys.nameKey(undefined, domain.name)], organization);
    const name = this.keys.nameKey(organization, domain.name);
    this.#put(inOrganization.domain, organizationPart(organization), [name], domain);
  }

  deleteDomain(organization: OrganizationId, domain: string): void {
    const part = organizationPart(organization);
    const name = this.keys.nameKey(organization, domain);
    this.#tx.del(system, inSystem.domainOwner.key(this.keys.nameKey(undefined, domain)));
    this.#tx.del(part, inOrganization.domain.key(name));
    this.#tx.del(part, inOrganization.dkim.key(name));
    this.#tx.del(part, inOrganization.domainLook.key(name));
  }

  putDkim(organization: OrganizationId, domain: string, dkim: DomainDkim): void {
    const name = this.keys.nameKey(organization, domain);
    this.#put(inOrganization.dkim, organizationPart(organization), [name], dkim);
  }

  putDomainLook(organization: OrganizationId, domain: string, look: DomainLook): void {
    const name = this.keys.nameKey(organization, domain);
    this.#put(inOrganization.domainLook, organizationPart(organization), [name], look);
  }

  putEntity(entity: Entity): void {
    const { id, organization, ...stored } = entity;
    this.#put(inOrganization.entity, organizationPart(organization), [idBytes(id)], stored);
    if (entity.kind === 'user') indexes.putSignInNames(this.#tx, this, entity);
    this.#changed.set(id, { organization, id });
  }

  putName(organization: OrganizationId, kind: EntityKind, name: string, id: EntityId): void {
    const fields = [u8(kinds[kind]), this.keys.nameKey(organization, name)] as const;
    this.#put(inOrganization.name, organizationPart(organization), fields, id);
  }

  putAddress(address: string, holder: AddressHolder): void {
    this.#put(inSystem.address, system, [this.keys.nameKey(undefined, address)], holder);
  }

  putMember(organization: OrganizationId, group: EntityId, member: EntityId): void {
    const part = organizationPart(organization);
    this.#put(inOrganization.member, part, [idBytes(group), idBytes(member)], null);
    this.#put(inOrganization.membership, part, [idBytes(member), idBytes(group)], null);
  }

  deleteMember(organization: OrganizationId, group: EntityId, member: EntityId): void {
    const part = organizationPart(organization);
    this.#tx.del(part, inOrganization.member.key(idBytes(group), idBytes(member)));
    this.#tx.del(part, inOrganization.membership.key(idBytes(member), idBytes(group)));
  }

  putGrant(organization: OrganizationId, entity: EntityId, { grantee, permissions }: MailboxGrant): void {
    const part = organizationPart(organization);
    this.#put(inOrganization.mailboxGrant, part, [idBytes(entity), idBytes(grantee)], permissions);
    this.#put(inOrganization.mailboxGrantTo, part, [idBytes(grantee), idBytes(entity)], null);
  }

  deleteGrant(organization: OrganizationId, entity: EntityId, grantee: EntityId): void {
    const part = organizationPart(organization);
    this.#tx.del(part, inOrganization.mailboxGrant.key(idBytes(entity), idBytes(grantee)));
    this.#tx.del(part, inOrganization.mailboxGrantTo.key(idBytes(grantee), idBytes(entity)));
  }

  putAccessControlRule(organization: OrganizationId, rule: AccessControlRule): void {
    accessControl.putAccessControlRule(this.#tx, this, organization, rule);
  }

  deleteAccessControlRule(organization: OrganizationId, name: string): void {
    accessControl.deleteAccessControlRule(this.#tx, this, organization, name);
  }

  putDelegate(organization: OrganizationId, resource: EntityId, delegate: EntityId): void {
    const part = organizationPart(organization);
    this.#put(inOrganization.delegate, part, [idBytes(resource), idBytes(delegate)], null);
    this.#put(inOrganization.delegation, part, [idBytes(delegate), idBytes(resource)], null);
  }

  deleteDelegate(organization: OrganizationId, resource: EntityId, delegate: EntityId): void {
    const part = organizationPart(organization);
    this.#tx.del(part, inOrganization.delegate.key(idBytes(resource), idBytes(delegate)));
    this.#tx.del(part, inOrganization.delegation.key(idBytes(delegate), idBytes(resource)));
  }

  putTags(organization: OrganizationId, tags: ReadonlyMap<string, string>): void {
    this.#put(inOrganization.tags, organizationPart(organization), [], tags);
  }

  deleteEntity(entity: Entity, name: string | undefined): void {
    const { organization, id, kind } = entity;
    const part = organizationPart(organization);
    this.#tx.del(part, inOrganization.entity.key(idBytes(id)));
    if (name !== undefined) {
      this.#tx.del(part, inOrganization.name.key(u8(kinds[kind]), this.keys.nameKey(organization, name)));
    }
    this.#changed.set(id, { organization, id });
    if (entity.kind !== 'user') return;
    indexes.deleteSignInNames(this.#tx, this, entity);
    this.putPhoto(organization, id, undefined);
    this.putCertificates(organization, id, []);
  }

  async deleteSettingsOf(organization: OrganizationId, user: EntityId): Promise<boolean> {
    const part = organizationPart(organization);
    this.#tx.del(part, inOrganization.policy.key(idBytes(user)));
    for (const row of [inOrganization.deviceEntry, inOrganization.accessOverride]) {
      const found = await firstRows(this.#tx, part, row.range(idBytes(user)), settingsAtOnce);
      for (const [k] of found) this.#tx.del(part, k);
      if (found.length === settingsAtOnce) return false;
    }
    return true;
  }

  putPhoto(organization: OrganizationId, user: EntityId, photo: Uint8Array | undefined): void {
    for (const [at, part] of [0, photoPartBytes].entries()) {
      const bytes = photo?.subarray(part, part + photoPartBytes) ?? Buffer.of();
      const fields: [Bytes, ReturnType<typeof u8>] = [idBytes(user), u8(at)];
      if (bytes.length > 0) this.#put(inOrganization.photo, organizationPart(organization), fields, bytes);
      else this.#tx.del(organizationPart(organization), inOrganization.photo.key(...fields));
    }
  }

  putCertificates(organization: OrganizationId, user: EntityId, certificates: readonly Uint8Array[]): void {
    const part = organizationPart(organization);
    const { certificates: row } = inOrganization;
    if (certificates.length > 0) this.#put(row, part, [idBytes(user)], certificates);
    else this.#tx.del(part, row.key(idBytes(user)));
  }

  deleteAddress(address: string, holder: Entity): void {
    this.#tx.del(system, inSystem.address.key(this.keys.nameKey(undefined, address)));
    if (holder.kind !== 'user') return;
    indexes.deleteSignInNames(this.#tx, this, holder, [indexes.localPartOf(address)]);
  }

  putDmarcEnforced(organization: OrganizationId, isEnforced: boolean): void {
    this.#put(inOrganization.dmarcEnforced, organizationPart(organization), [], isEnforced);
  }

  async putMailRouting(id: OrganizationId, routing: MailRouting): Promise<void> {
    this.#put(inOrganization.mailRouting, organizationPart(id), [], routing);
    const organization = await this.organization(id);
    if (organization === undefined) return;
    indexes.putAdministered(this.#tx, this, organization, routing.administrator !== undefined);
  }

  putJournaling(organization: OrganizationId, journaling: Journaling): void {
    this.#put(inOrganization.journaling, organizationPart(organization), [], journaling);
  }

  putKept<Kind extends KeptKind>(
    organization: OrganizationId | undefined,
    kind: Kind,
    id: string,
    value: Kept[Kind],
  ): void {
    keptRows.putKept(this.#tx, this, partOf(organization), kind, id, value);
  }

  deleteKept(organization: OrganizationId | undefined, kind: KeptKind, id: string): void {
    keptRows.deleteKept(this.#tx, this, partOf(organization), kind, id);
  }

  putPurge(dueMs: number, mailbox: MailboxRef): void {
    this.#put(inSystem.due, system, purgeFields(dueMs, mailbox), null);
  }

  deletePurge(dueMs: number, mailbox: MailboxRef): void {
    this.#tx.del(system, inSystem.due.key(...purgeFields(dueMs, mailbox)));
  }

  putClientToken(organization: OrganizationId | undefined, token: string, use: ClientTokenUse): void {
    const name = this.keys.nameKey(organization, token);
    this.#put(tokenRow(organization), partOf(organization), [name], use);
  }

  putDataKey(organization: OrganizationId, wrapped: Bytes): void {
    this.#put(inSystem.dataKey, system, [idBytes(organization), u16(firstEpoch)], wrapped);
  }

  #put<Fields extends readonly KeyField[], T>(
    row: Row<Fields, T>,
    part: Part,
    fields: Fields,
    value: T,
  ): void {
    const k = row.key(...fields);
    this.#tx.put(part, k, row.encode(this.sealer, part, k, value));
  }
}

function purgeFields(
  dueMs: number,
  { organization, mailbox }: MailboxRef,
): [ReturnType<typeof u64>, Bytes, Bytes] {
  return [u64(dueMs), idBytes(organization), idBytes(mailbox)];
}
