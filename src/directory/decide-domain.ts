/** Decisions on the mail domains of an organisation that is there, each inside one transaction of the directory. */
import { isDeepStrictEqual } from 'node:util';
import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import { domainOf } from './address.ts';
import { activeOrganization } from './decide-organization.ts';
import { afterLook, type DkimKeySet, type DomainDkim, type SeenRecords } from './dkim-keys.ts';
import type { MailDomain, MailDomainState } from './domain.ts';
import type { RecordCheck } from './domain-check.ts';
import { type DomainLook, isGraceOver, isWarningDue, rememberedOf, withOwnership } from './domain-look.ts';
import type { Organization } from './organization.ts';
import type { DirectoryReader, DirectoryTx } from './ports.ts';

const entitiesPerPage = 100;

/** A domain of the organisation. Throws DomainError domain/not-found. */
export async function ownDomain(
  reader: DirectoryReader,
  organization: OrganizationId,
  name: string,
): Promise<MailDomain> {
  const domain = await reader.domain(organization, name);
  if (domain !== undefined) return domain;
  throw new DomainError('domain/not-found', 'The domain is not a domain of the organization.');
}

/**
 * Takes a domain away with its keys and its catch-all; nothing happens if there is none. Throws DomainError domain/in-use
 * while an address or the default is in it, request/invalid for a test domain.
 */
export async function deregisterMailDomain(
  tx: DirectoryTx,
  organization: OrganizationId,
  name: string,
): Promise<void> {
  const { defaultDomain } = await activeOrganization(tx, organization);
  const domain = await tx.domain(organization, name);
  if (domain === undefined) return;
  if (domain.test) {
    throw new DomainError('request/invalid', 'The test domain of an organization cannot be removed.');
  }
  if (name === defaultDomain) {
    throw new DomainError(
      'domain/in-use',
      `The domain ${name} is the default domain: choose another one first.`,
    );
  }
  const address = await addressIn(tx, organization, name);
  if (address !== undefined) {
    throw new DomainError('domain/in-use', `The domain ${name} is in use by ${address}.`);
  }
  const routing = await tx.mailRouting(organization);
  if (routing.catchAll.has(name)) {
    const catchAll = new Map([...routing.catchAll].filter(([other]) => other !== name));
    await tx.putMailRouting(organization, { ...routing, catchAll });
  }
  tx.deleteDomain(organization, name);
}

/** An address in the domain that somebody has; those of disabled ones are nobody's. */
async function addressIn(
  reader: DirectoryReader,
  organization: OrganizationId,
  name: string,
): Promise<string | undefined> {
  let after: EntityId | undefined;
  do {
    const page = await reader.entities(organization, after, entitiesPerPage);
    for (const { state, addresses } of page.rows) {
      const found = state === 'ENABLED' && addresses.find((address) => domainOf(address) === name);
      if (found) return found;
    }
    after = page.next;
  } while (after !== undefined);
  return undefined;
}

/** Makes a domain the one of new addresses. Throws DomainError domain/not-found, domain/not-verified. */
export async function updateDefaultMailDomain(
  tx: DirectoryTx,
  id: OrganizationId,
  name: string,
): Promise<void> {
  const organization = await activeOrganization(tx, id);
  const { state } = await ownDomain(tx, id, name);
  if (state !== 'Verified') {
    throw new DomainError('domain/not-verified', `The domain ${name} is not verified.`);
  }
  tx.putOrganization({ ...organization, defaultDomain: name });
}

/** Gives a domain its first keys, unless it has some. Throws DomainError domain/not-found for one that is gone meanwhile. */
export async function putFirstKeys(
  tx: DirectoryTx,
  organization: OrganizationId,
  name: string,
  made: DkimKeySet,
): Promise<DomainDkim> {
  await ownDomain(tx, organization, name);
  const known = await tx.dkim(organization, name);
  if (known !== undefined) return known;
  const dkim = { signing: made, retired: [] };
  tx.putDkim(organization, name, dkim);
  return dkim;
}

/** Gives a domain keys to come, unless it has some: their records may be on their way into DNS. */
export async function putNextKeys(
  tx: DirectoryTx,
  organization: OrganizationId,
  name: string,
  made: DkimKeySet,
): Promise<void> {
  await activeOrganization(tx, organization);
  await ownDomain(tx, organization, name);
  const known = await tx.dkim(organization, name);
  if (known?.next === undefined) {
    tx.putDkim(organization, name, known ? { ...known, next: made } : { signing: made, retired: [] });
  }
}

/** What was found in DNS. */
interface Look {
  /** Undefined: that cannot be told. */
  readonly isOwnershipSeen: boolean | undefined;
  readonly dkim: SeenRecords;
  readonly checks: readonly RecordCheck[];
}

/** What a look at DNS changed. */
export interface LookOutcome {
  readonly domain: MailDomain;
  readonly before: MailDomainState;
  readonly look: DomainLook;
  /** What the mail path remembers of domains and keys is no longer so. */
  readonly isChanged: boolean;
  /** What the administrator of the organisation is to be told: the ownership record is gone, or mail is refused for it. */
  readonly warning?: 'gone' | 'refused' | undefined;
}

/**
 * Writes down what was found in DNS. A domain whose ownership is proved becomes verified, and one whose record looks have found
 * gone for `ownershipGraceMs` is so no longer; if it was the default domain, the test
 * domain is until the record is back. Undefined if it was removed meanwhile.
 */
export async function putLook(
  tx: DirectoryTx,
  id: OrganizationId,
  { name, ownershipToken }: MailDomain,
  { isOwnershipSeen, dkim: seen, checks }: Look,
  nowMs: number,
): Promise<LookOutcome | undefined> {
  const organization = await activeOrganization(tx, id);
  const before = await ownDomain(tx, id, name);
  // One that was removed and registered anew meanwhile has another token.
  if (before.ownershipToken !== ownershipToken) return undefined;
  const lookBefore = await tx.domainLook(id, name);
  const remembered = rememberedOf(checks, lookBefore, nowMs);
  const found = withOwnership(remembered, before, isOwnershipSeen, lookBefore);
  const isVerified = isOwnershipSeen === true || (before.state === 'Verified' && !isGraceOver(found));
  const domain: MailDomain = { ...before, state: isVerified ? 'Verified' : 'Pending' };
  const isRefused = before.state === 'Verified' && domain.state === 'Pending';
  const look = isRefused ? { ...found, wasDefault: organization.defaultDomain === name } : found;
  tx.putDomainLook(id, name, look);
  if (domain.state !== before.state) tx.putDomain(id, domain);
  const defaultDomain = defaultAfter(organization, domain, lookBefore);
  if (defaultDomain !== organization.defaultDomain) tx.putOrganization({ ...organization, defaultDomain });
  const dkim = await tx.dkim(id, name);
  const after = dkim && afterLook(dkim, seen, nowMs);
  const isDkimChanged = after !== undefined && !isDeepStrictEqual(after, dkim);
  if (isDkimChanged) tx.putDkim(id, name, after);
  const isWarned = domain.state === 'Verified' && isWarningDue(lookBefore, look);
  return {
    domain,
    before: before.state,
    look,
    isChanged: domain.state !== before.state || isDkimChanged,
    warning: isRefused ? 'refused' : isWarned ? 'gone' : undefined,
  };
}

/** A default domain that is refused gives way to the test domain, and comes back with its record unless another one was chosen. */
function defaultAfter(
  { defaultDomain, testDomain }: Organization,
  { name, state }: MailDomain,
  lookBefore: DomainLook | undefined,
): string {
  if (state === 'Pending') return defaultDomain === name ? testDomain : defaultDomain;
  return lookBefore?.wasDefault === true && defaultDomain === testDomain ? name : defaultDomain;
}
