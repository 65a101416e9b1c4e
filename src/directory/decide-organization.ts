/** Decisions on organisations and their domains, each inside one transaction of the directory. */
import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import { isWithin, type MailDomain } from './domain.ts';
import type { Organization } from './organization.ts';
import { testDomainOf } from './organization.ts';
import type { ClientTokenUse, DirectoryReader, DirectoryTx } from './ports.ts';

/** What decisions need to know of the installation and the moment. */
export interface Circumstances {
  readonly nowMs: number;
  readonly baseDomain: string;
  /** Domains an organisation may register beside its test domain. */
  readonly maxDomains: number;
  /** A new token that proves ownership of a domain. */
  ownershipToken(): string;
}

/** How long the same client token names the same request. */
const clientTokenMs = 24 * 60 * 60 * 1000;

/** activeOrganization throws DomainError organization/not-found or organization/state. */
export async function activeOrganization(reader: DirectoryReader, id: OrganizationId): Promise<Organization> {
  const organization = await reader.organization(id);
  if (organization === undefined) {
    throw new DomainError('organization/not-found', 'The organization does not exist.');
  }
  if (organization.state !== 'Active') {
    throw new DomainError('organization/state', `The organization is ${organization.state}.`);
  }
  return organization;
}

export interface NewOrganization {
  /** In canonical form, as the domains are. */
  readonly alias: string;
  readonly domains: readonly string[];
  readonly clientToken?: string | undefined;
}

/** Makes an organisation with its test domain; a client token that was used for the same gives the one it made. */
export async function createOrganization(
  tx: DirectoryTx,
  id: OrganizationId,
  wanted: NewOrganization,
  circumstances: Circumstances,
): Promise<OrganizationId> {
  const { alias, domains, clientToken } = wanted;
  const request = JSON.stringify(['CreateOrganization', alias, domains]);
  const made = await madeBefore(tx, undefined, clientToken, request, circumstances.nowMs);
  if (made !== undefined) return made as OrganizationId;
  if ((await tx.organizationByAlias(alias)) !== undefined) {
    throw new DomainError('organization/alias-in-use', 'The alias is in use by another organization.');
  }
  const testDomain = testDomainOf(alias, circumstances.baseDomain);
  tx.putOrganization({
    id,
    alias,
    state: 'Active',
    testDomain,
    defaultDomain: testDomain,
    createdMs: circumstances.nowMs,
  });
  tx.putDomain(id, newDomain(testDomain, circumstances, true));
  for (const domain of new Set(domains)) await addDomain(tx, id, domain, circumstances);
  rememberToken(tx, undefined, clientToken, { request, result: id, usedMs: circumstances.nowMs });
  return id;
}

/** Registers a domain as Pending. Throws DomainError domain/in-use, limit/exceeded. */
export async function registerMailDomain(
  tx: DirectoryTx,
  organization: OrganizationId,
  wanted: { readonly domain: string; readonly clientToken?: string | undefined },
  circumstances: Circumstances,
): Promise<void> {
  const { domain, clientToken } = wanted;
  await activeOrganization(tx, organization);
  const request = JSON.stringify(['RegisterMailDomain', domain]);
  if ((await madeBefore(tx, organization, clientToken, request, circumstances.nowMs)) !== undefined) return;
  await addDomain(tx, organization, domain, circumstances);
  rememberToken(tx, organization, clientToken, { request, result: domain, usedMs: circumstances.nowMs });
}

async function addDomain(
  tx: DirectoryTx,
  organization: OrganizationId,
  name: string,
  circumstances: Circumstances,
): Promise<void> {
  // Below the base domain lie the test domains of organisations to come.
  if (isWithin(name, circumstances.baseDomain) || (await tx.domainOwner(name)) !== undefined) {
    throw new DomainError('domain/in-use', `The domain ${name} belongs to an organization already.`);
  }
  const own = (await tx.domains(organization)).filter(({ test }) => !test);
  if (own.length >= circumstances.maxDomains) {
    throw new DomainError('limit/exceeded', `An organization may have ${circumstances.maxDomains} domains.`);
  }
  tx.putDomain(organization, newDomain(name, circumstances, false));
}

function newDomain(name: string, circumstances: Circumstances, test: boolean): MailDomain {
  return {
    name,
    state: test ? 'Verified' : 'Pending',
    test,
    registeredMs: circumstances.nowMs,
    ownershipToken: circumstances.ownershipToken(),
  };
}

/** madeBefore is what the same request with the same token left. Throws DomainError request/invalid for another request. */
export async function madeBefore(
  tx: DirectoryTx,
  organization: OrganizationId | undefined,
  token: string | undefined,
  request: string,
  nowMs: number,
): Promise<string | undefined> {
  if (token === undefined) return undefined;
  const use = await tx.clientToken(organization, token);
  if (use === undefined || nowMs - use.usedMs >= clientTokenMs) return undefined;
  if (use.request !== request) {
    throw new DomainError('request/invalid', 'The client token was used for another request.');
  }
  return use.result;
}

/** rememberToken keeps what a request with a token did, if it had one. */
export function rememberToken(
  tx: DirectoryTx,
  organization: OrganizationId | undefined,
  token: string | undefined,
  use: ClientTokenUse,
): void {
  if (token !== undefined) tx.putClientToken(organization, token, use);
}
