/** How the rows of the directory are written. What stands in the key is not repeated in the value. */
import type { MailDomain } from '#directory/domain';
import type { Organization } from '#directory/organization';
import type { AddressHolder, ClientTokenUse } from '#directory/ports';
import type { Entity } from '#directory/user';
import type { EntityId, OrganizationId } from '#domain/ids';
import { entityIdOf, idBytes, organizationIdOf } from '../keys.ts';
import type { Codec } from '../rows.ts';
import type { Bytes } from '../store.ts';
import { packedCodec } from './packed.ts';

type Stored<T> = T | null;
const some = <T>(value: T | undefined): Stored<T> => value ?? null;
const none = <T>(value: Stored<T>): T | undefined => value ?? undefined;

export const organizationIdCodec: Codec<OrganizationId> = {
  version: 1,
  encode: (id) => idBytes(id),
  decode: (body) => organizationIdOf(body),
};

export const entityIdCodec: Codec<EntityId> = {
  version: 1,
  encode: (id) => idBytes(id),
  decode: (body) => entityIdOf(body),
};

type HolderTuple = [Bytes, Bytes, boolean];
export const addressHolderCodec: Codec<AddressHolder> = packedCodec(
  (h): HolderTuple => [idBytes(h.organization), idBytes(h.entity), h.released],
  ([organization, entity, released]) => ({
    organization: organizationIdOf(organization),
    entity: entityIdOf(entity),
    released,
  }),
);

type OrganizationTuple = [string, Organization['state'], string, string, number];
export const organizationCodec: Codec<Omit<Organization, 'id'>> = packedCodec(
  (o): OrganizationTuple => [o.alias, o.state, o.testDomain, o.defaultDomain, o.createdMs],
  ([alias, state, testDomain, defaultDomain, createdMs]) => ({
    alias,
    state,
    testDomain,
    defaultDomain,
    createdMs,
  }),
);

type DomainTuple = [string, MailDomain['state'], boolean, number, string];
export const domainCodec: Codec<MailDomain> = packedCodec(
  (d): DomainTuple => [d.name, d.state, d.test, d.registeredMs, d.ownershipToken],
  ([name, state, test, registeredMs, ownershipToken]) => ({
    name,
    state,
    test,
    registeredMs,
    ownershipToken,
  }),
);

type EntityTuple = [
  Entity['kind'],
  string,
  string,
  Stored<string>,
  Stored<string>,
  boolean,
  Entity['state'],
  readonly string[],
  Stored<string>,
  number,
  Stored<number>,
  Stored<number>,
  Stored<number>,
  Stored<number>,
];
export const entityCodec: Codec<Omit<Entity, 'id' | 'organization'>> = packedCodec(
  (e): EntityTuple => [
    e.kind,
    e.name,
    e.displayName,
    some(e.firstName),
    some(e.lastName),
    e.hiddenFromGlobalAddressList,
    e.state,
    e.addresses,
    some(e.passwordHash),
    e.createdMs,
    some(e.enabledMs),
    some(e.disabledMs),
    some(e.mailboxProvisionedMs),
    some(e.purgeMs),
  ],
  (t) => ({
    kind: t[0],
    name: t[1],
    displayName: t[2],
    firstName: none(t[3]),
    lastName: none(t[4]),
    hiddenFromGlobalAddressList: t[5],
    state: t[6],
    addresses: t[7],
    passwordHash: none(t[8]),
    createdMs: t[9],
    enabledMs: none(t[10]),
    disabledMs: none(t[11]),
    mailboxProvisionedMs: none(t[12]),
    purgeMs: none(t[13]),
  }),
);

export const clientTokenCodec: Codec<ClientTokenUse> = packedCodec(
  (use): [string, string, number] => [use.request, use.result, use.usedMs],
  ([request, result, usedMs]) => ({ request, result, usedMs }),
);
