import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import { withoutTag } from './address.ts';
import { canonicalAddress } from './canonical-name.ts';
import { activeOrganization } from './decide-organization.ts';
import { isDomainName } from './domain.ts';
import { journalingAddress } from './organization.ts';
import type { DirectoryReader, DirectoryStore } from './ports.ts';
import { RecentMap } from './recent-map.ts';

/** Journaling is what an organisation wants done with a record of each of its messages. */
export interface Journaling {
  readonly enabled: boolean;
  /** Where the records go. */
  readonly journalingAddress?: string | undefined;
  /** Who is told of records that cannot be delivered; the organisation's postmaster@, if absent. */
  readonly reportAddress?: string | undefined;
}

/** What journaling needs to know of an organisation. */
export interface JournalingFacts extends Journaling {
  /** The sender of its records: nobody can have this address, and nobody gets mail to it. */
  readonly from: string;
  /** Who is told of what fails. */
  readonly reportTo: string;
}

export const noJournaling: Journaling = { enabled: false };

const maxRemembered = 10_000;
/** RFC 5322 §3.2.3, dot-atom; RFC 5321 §4.5.3.1. */
const localPart = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const maxLocalPart = 64;
const maxAddress = 254;

/** JournalingSettings keeps the journaling of every organisation; a change counts from the moment it is stored. */
export class JournalingSettings {
  readonly #store: DirectoryStore;
  readonly #known = new RecentMap<OrganizationId, JournalingFacts>(maxRemembered);
  #changes = 0;

  constructor(store: DirectoryStore) {
    this.#store = store;
  }

  /** Throws organization/not-found, organization/state. */
  async get(organization: OrganizationId): Promise<Journaling> {
    await activeOrganization(this.#store, organization);
    return this.#store.journaling(organization);
  }

  /** Replaces it. Throws organization/not-found, organization/state, address/invalid, request/invalid. */
  async put(organization: OrganizationId, wanted: Journaling): Promise<Journaling> {
    const put = await this.#store.transact(organization, async (tx) => {
      const journaling = await checked(tx, organization, wanted);
      tx.putJournaling(organization, journaling);
      return journaling;
    });
    this.#changes++;
    this.#known.clear();
    return put;
  }

  /** From memory, if it was asked before; undefined if there is no such organisation. */
  async facts(organization: OrganizationId): Promise<JournalingFacts | undefined> {
    const known = this.#known.get(organization);
    if (known !== undefined) return known;
    const began = this.#changes;
    const [journaling, found] = await Promise.all([
      this.#store.journaling(organization),
      this.#store.organization(organization),
    ]);
    if (found === undefined) return undefined;
    const from = journalingAddress(found);
    const reportTo = journaling.reportAddress ?? `postmaster@${found.testDomain}`;
    const facts = { ...journaling, from, reportTo };
    if (began === this.#changes) this.#known.set(organization, facts);
    return facts;
  }
}

async function checked(
  reader: DirectoryReader,
  id: OrganizationId,
  { enabled, journalingAddress: to, reportAddress: report }: Journaling,
): Promise<Journaling> {
  const own = journalingAddress(await activeOrganization(reader, id));
  if (enabled && to === undefined)
    throw new DomainError('request/invalid', 'JournalingAddress is needed to enable journaling.');
  const journaling = {
    enabled,
    journalingAddress: to && addressIn('JournalingAddress', to),
    reportAddress: report && addressIn('ReportAddress', report),
  };
  for (const [name, address] of [
    ['JournalingAddress', journaling.journalingAddress],
    ['ReportAddress', journaling.reportAddress],
  ] as const) {
    if (address !== undefined && isOwn(address, own))
      throw new DomainError(
        'request/invalid',
        `${name} cannot be ${own}: records come from it, nobody has it.`,
      );
  }
  const isSame =
    journaling.journalingAddress !== undefined &&
    journaling.reportAddress !== undefined &&
    canonicalAddress(journaling.journalingAddress) === canonicalAddress(journaling.reportAddress);
  if (isSame)
    throw new DomainError(
      'request/invalid',
      'ReportAddress must be another one than JournalingAddress: it is told when that one cannot be reached.',
    );
  return journaling;
}

/** With a tag too it is nobody's. */
function isOwn(address: string, own: string): boolean {
  const canonical = canonicalAddress(address);
  return canonical === own || withoutTag(canonical) === own;
}

/** With its domain in canonical form. */
function addressIn(name: string, text: string): string {
  const address = text.trim();
  const at = address.lastIndexOf('@');
  const local = address.slice(0, Math.max(0, at));
  const canonical = canonicalAddress(address);
  const domain = canonical.slice(canonical.lastIndexOf('@') + 1);
  const isValid =
    localPart.test(local) &&
    local.length <= maxLocalPart &&
    isDomainName(domain) &&
    local.length + 1 + domain.length <= maxAddress;
  if (isValid) return `${local}@${domain}`;
  throw new DomainError('address/invalid', `${name} is not a valid email address.`);
}
