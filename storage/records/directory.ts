/** How the rows of the directory are written. What stands in the key is not repeated in the value. */
import type { DkimKeySet, DomainDkim } from '#directory/dkim-keys';
import type { MailDomain } from '#directory/domain';
import type { DomainLook } from '#directory/domain-look';
import type { Group } from '#directory/group';
import type { Journaling } from '#directory/journaling';
import type { MailRouting } from '#directory/mail-routing';
import type { MailboxPermission } from '#directory/mailbox-permission';
import type { Organization } from '#directory/organization';
import type { AddressHolder, ClientTokenUse } from '#directory/ports';
import type { Resource } from '#directory/resource';
import type { PersonalDetails, User } from '#directory/user';
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

export const flagCodec: Codec<boolean> = packedCodec(
  (value) => value,
  (value) => value,
);

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

type OrganizationTuple = [
  string,
  Organization['state'],
  string,
  string,
  number,
  /** Not there in rows of older versions. */
  deletedMs?: Stored<number>,
];
export const organizationCodec: Codec<Omit<Organization, 'id'>> = packedCodec(
  (o): OrganizationTuple => [o.alias, o.state, o.testDomain, o.defaultDomain, o.createdMs, some(o.deletedMs)],
  ([alias, state, testDomain, defaultDomain, createdMs, deletedMs = null]) => ({
    alias,
    state,
    testDomain,
    defaultDomain,
    createdMs,
    deletedMs: none(deletedMs),
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

type CheckTuple = [string, DomainLook['checks'][number]['status'], Stored<string>, boolean];
type DomainLookTuple = [
  number,
  readonly CheckTuple[],
  readonly string[],
  Stored<number>,
  Stored<number>?,
  boolean?,
];
export const domainLookCodec: Codec<DomainLook> = packedCodec(
  ({ lookedMs, checks, slow, ownershipGoneMs, ownershipGoneForMs, wasDefault }): DomainLookTuple => [
    lookedMs,
    checks.map(({ key, status, advice, isSeen }) => [key, status, some(advice), isSeen]),
    slow,
    some(ownershipGoneMs),
    some(ownershipGoneForMs),
    wasDefault === true,
  ],
  ([lookedMs, checks, slow, ownershipGoneMs, ownershipGoneForMs = null, wasDefault = false]) => ({
    lookedMs,
    checks: checks.map(([key, status, advice, isSeen]) => ({ key, status, advice: none(advice), isSeen })),
    slow,
    ownershipGoneMs: none(ownershipGoneMs),
    ownershipGoneForMs: none(ownershipGoneForMs),
    wasDefault: wasDefault || undefined,
  }),
);

type DkimKeyTuple = [string, Bytes, string];
type DkimKeySetTuple = [DkimKeyTuple, DkimKeyTuple, number, Stored<number>];
type DkimTuple = [DkimKeySetTuple, Stored<DkimKeySetTuple>, readonly [string, string, number][]];
export const dkimCodec: Codec<DomainDkim> = packedCodec(
  ({ signing, next, retired }): DkimTuple => [
    keySetTuple(signing),
    next === undefined ? null : keySetTuple(next),
    retired.map(({ selector, record, keepUntilMs }) => [selector, record, keepUntilMs]),
  ],
  ([signing, next, retired]) => ({
    signing: keySetFrom(signing),
    next: next === null ? undefined : keySetFrom(next),
    retired: retired.map(([selector, record, keepUntilMs]) => ({ selector, record, keepUntilMs })),
  }),
);

function keySetTuple({ rsa, ed25519, createdMs, seenMs }: DkimKeySet): DkimKeySetTuple {
  return [keyTuple(rsa), keyTuple(ed25519), createdMs, some(seenMs)];
}

function keyTuple({ selector, privateKey, record }: DkimKeySet['rsa']): DkimKeyTuple {
  return [selector, privateKey, record];
}

function keySetFrom([rsa, ed25519, createdMs, seenMs]: DkimKeySetTuple): DkimKeySet {
  return { rsa: keyFrom(rsa), ed25519: keyFrom(ed25519), createdMs, seenMs: none(seenMs) };
}

function keyFrom([selector, privateKey, record]: DkimKeyTuple): DkimKeySet['rsa'] {
  return { selector, privateKey, record };
}

export const certificatesCodec: Codec<readonly Uint8Array[]> = packedCodec(
  (certificates): readonly Bytes[] => certificates,
  (certificates) => certificates,
);

type DetailsTuple = Stored<string>[];
type UserTuple = [
  'user',
  string,
  string,
  Stored<string>,
  Stored<string>,
  boolean,
  User['state'],
  readonly string[],
  Stored<string>,
  number,
  Stored<number>,
  Stored<number>,
  Stored<number>,
  Stored<number>,
  /** Not there in rows of older versions. */
  details?: Stored<DetailsTuple>,
  account?: Stored<AccountTuple>,
];
/** Whether it is another system's, who it is to an identity provider, quota in MiB, when its mailbox was removed. */
type AccountTuple = [isRemote: boolean, Stored<string>, Stored<number>, removed?: Stored<number>];
type GroupTuple = [
  'group',
  string,
  boolean,
  Group['state'],
  readonly string[],
  number,
  Stored<number>,
  Stored<number>,
];
type ResourceTuple = [
  'resource',
  string,
  Resource['type'],
  Stored<string>,
  boolean,
  readonly [acceptsRequests: boolean, declinesRecurring: boolean, declinesConflicting: boolean],
  Resource['state'],
  readonly string[],
  number,
  Stored<number>,
  Stored<number>,
  Stored<number>,
  Stored<number>,
];
type WithoutIds<T> = Omit<T, 'id' | 'organization'>;
type StoredEntity = WithoutIds<User> | WithoutIds<Group> | WithoutIds<Resource>;
type EntityTuple = UserTuple | GroupTuple | ResourceTuple;
export const entityCodec: Codec<StoredEntity> = packedCodec(entityTuple, entityFrom);

function entityTuple(e: StoredEntity): EntityTuple {
  if (e.kind === 'user') return userTuple(e);
  return e.kind === 'group' ? groupTuple(e) : resourceTuple(e);
}

function entityFrom(t: EntityTuple): StoredEntity {
  if (t[0] === 'user') return userFrom(t);
  return t[0] === 'group' ? groupFrom(t) : resourceFrom(t);
}

function userTuple(u: WithoutIds<User>): UserTuple {
  return [
    u.kind,
    u.name,
    u.displayName,
    some(u.firstName),
    some(u.lastName),
    u.hiddenFromGlobalAddressList,
    u.state,
    u.addresses,
    some(u.passwordHash),
    u.createdMs,
    some(u.enabledMs),
    some(u.disabledMs),
    some(u.mailboxProvisionedMs),
    some(u.purgeMs),
    u.details === undefined ? null : detailsTuple(u.details),
    accountTuple(u),
  ];
}

function accountTuple(u: WithoutIds<User>): Stored<AccountTuple> {
  const { isRemote = false, identityProviderUserId, quotaMebibytes, mailboxDeprovisionedMs } = u;
  const rest = [identityProviderUserId, quotaMebibytes, mailboxDeprovisionedMs];
  if (!isRemote && rest.every((one) => one === undefined)) return null;
  return [isRemote, some(identityProviderUserId), some(quotaMebibytes), some(mailboxDeprovisionedMs)];
}

function accountFrom([isRemote, identityProviderUserId, quotaMebibytes, removedMs = null]: AccountTuple) {
  return {
    isRemote: isRemote || undefined,
    identityProviderUserId: none(identityProviderUserId),
    quotaMebibytes: none(quotaMebibytes),
    mailboxDeprovisionedMs: none(removedMs),
  };
}

/** The order is that of the rows. */
function detailsTuple(d: PersonalDetails): DetailsTuple {
  return [
    some(d.initials),
    some(d.telephone),
    some(d.street),
    some(d.jobTitle),
    some(d.city),
    some(d.company),
    some(d.zipCode),
    some(d.department),
    some(d.country),
    some(d.office),
  ];
}

function detailsFrom(t: DetailsTuple): PersonalDetails {
  const [initials, telephone, street, jobTitle, city, company, zipCode, department, country, office] =
    t.map(none);
  return { initials, telephone, street, jobTitle, city, company, zipCode, department, country, office };
}

function userFrom(t: UserTuple): WithoutIds<User> {
  return {
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
    details: t[14] ? detailsFrom(t[14]) : undefined,
    ...(t[15] && accountFrom(t[15])),
  };
}

function groupTuple(g: WithoutIds<Group>): GroupTuple {
  return [
    g.kind,
    g.name,
    g.hiddenFromGlobalAddressList,
    g.state,
    g.addresses,
    g.createdMs,
    some(g.enabledMs),
    some(g.disabledMs),
  ];
}

function groupFrom(t: GroupTuple): WithoutIds<Group> {
  return {
    kind: t[0],
    name: t[1],
    hiddenFromGlobalAddressList: t[2],
    state: t[3],
    addresses: t[4],
    createdMs: t[5],
    enabledMs: none(t[6]),
    disabledMs: none(t[7]),
  };
}

function resourceTuple(r: WithoutIds<Resource>): ResourceTuple {
  const { acceptsRequests, declinesRecurring, declinesConflicting } = r.booking;
  return [
    r.kind,
    r.name,
    r.type,
    some(r.description),
    r.hiddenFromGlobalAddressList,
    [acceptsRequests, declinesRecurring, declinesConflicting],
    r.state,
    r.addresses,
    r.createdMs,
    some(r.enabledMs),
    some(r.disabledMs),
    some(r.mailboxProvisionedMs),
    some(r.purgeMs),
  ];
}

function resourceFrom(t: ResourceTuple): WithoutIds<Resource> {
  const [acceptsRequests, declinesRecurring, declinesConflicting] = t[5];
  return {
    kind: t[0],
    name: t[1],
    type: t[2],
    description: none(t[3]),
    hiddenFromGlobalAddressList: t[4],
    booking: { acceptsRequests, declinesRecurring, declinesConflicting },
    state: t[6],
    addresses: t[7],
    createdMs: t[8],
    enabledMs: none(t[9]),
    disabledMs: none(t[10]),
    mailboxProvisionedMs: none(t[11]),
    purgeMs: none(t[12]),
  };
}

type MailRoutingTuple = [Stored<Bytes>, readonly (readonly [string, Bytes])[]];
export const mailRoutingCodec: Codec<MailRouting> = packedCodec(
  ({ administrator, catchAll }): MailRoutingTuple => [
    administrator === undefined ? null : idBytes(administrator),
    [...catchAll].map(([domain, entity]) => [domain, idBytes(entity)] as const),
  ],
  ([administrator, catchAll]) => ({
    administrator: administrator === null ? undefined : entityIdOf(administrator),
    catchAll: new Map(catchAll.map(([domain, entity]) => [domain, entityIdOf(entity)])),
  }),
);

export const mailboxPermissionsCodec: Codec<readonly MailboxPermission[]> = packedCodec(
  (permissions): readonly MailboxPermission[] => permissions,
  (permissions) => permissions,
);

type JournalingTuple = [boolean, Stored<string>, Stored<string>];
export const journalingCodec: Codec<Journaling> = packedCodec(
  (j): JournalingTuple => [j.enabled, some(j.journalingAddress), some(j.reportAddress)],
  ([enabled, journalingAddress, reportAddress]) => ({
    enabled,
    journalingAddress: none(journalingAddress),
    reportAddress: none(reportAddress),
  }),
);

/** By key. */
export type Tags = ReadonlyMap<string, string>;

export const tagsCodec: Codec<Tags> = packedCodec(
  (tags): readonly (readonly [string, string])[] => [...tags],
  (tags) => new Map(tags),
);

export const clientTokenCodec: Codec<ClientTokenUse> = packedCodec(
  (use): [string, string, number] => [use.request, use.result, use.usedMs],
  ([request, result, usedMs]) => ({ request, result, usedMs }),
);
