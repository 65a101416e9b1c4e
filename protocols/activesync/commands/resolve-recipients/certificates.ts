import type { AddressBookEntry } from '#directory/address-book-entry';
import type { CertificatesOf } from '#directory/people';
import { DomainError } from '#domain/errors';
import type { CommandContext } from '../../command.ts';
import { CertificateRetrieval, type ResolveRecipientsRequest } from './read.ts';
import { ResolveRecipientsStatus } from './status.ts';

/** So many members of groups are asked for theirs in one answer. */
const MAX_MEMBERS = 2000;
/** Of all certificates in one answer. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The certificates of one recipient, as an answer tells of them. */
export interface CertificatesAnswer {
  readonly status: ResolveRecipientsStatus;
  /** Those that are valid; with Status 8 those that are not sent; undefined if nobody has counted them. */
  readonly count: number | undefined;
  /** How many are in the group; undefined for who is none. */
  readonly members: number | undefined;
  /** In DER. */
  readonly sent: readonly Uint8Array[];
}

/** CertificateShare hands out the certificates of one answer: a recipient gets all of its own, or none (MS-ASCMD, MaxCertificates). */
export class CertificateShare {
  readonly #retrieval: CertificateRetrieval;
  readonly #context: CommandContext;
  #left: number;
  #membersLeft = MAX_MEMBERS;
  #bytesLeft = MAX_BYTES;

  constructor({ certificates, maxCertificates }: ResolveRecipientsRequest, context: CommandContext) {
    this.#retrieval = certificates;
    this.#left = maxCertificates;
    this.#context = context;
  }

  /** Undefined when none were asked for. */
  async of(entry: AddressBookEntry): Promise<CertificatesAnswer | undefined> {
    if (this.#retrieval === CertificateRetrieval.None) return undefined;
    const found = await this.#find(entry);
    if (found === undefined) {
      const status = ResolveRecipientsStatus.CertificateLimitReached;
      return { status, count: undefined, members: undefined, sent: [] };
    }
    const { certificates } = found;
    const members = entry.kind === 'group' ? found.members : undefined;
    const { length: count } = certificates;
    const bytes = certificates.reduce((sum, { length }) => sum + length, 0);
    if (count === 0) {
      return { status: ResolveRecipientsStatus.NoValidCertificate, count, members, sent: [] };
    }
    // The blob of a mini-certificate is written nowhere: Status and CertificateCount tell that there are some.
    if (this.#retrieval === CertificateRetrieval.Mini) {
      return { status: ResolveRecipientsStatus.Success, count, members, sent: [] };
    }
    if (count > this.#left || bytes > this.#bytesLeft) {
      return { status: ResolveRecipientsStatus.CertificateLimitReached, count, members, sent: [] };
    }
    this.#left -= count;
    this.#bytesLeft -= bytes;
    return { status: ResolveRecipientsStatus.Success, count, members, sent: certificates };
  }

  /** Undefined when groups have too many members. */
  async #find(entry: AddressBookEntry): Promise<CertificatesOf | undefined> {
    const { services, account } = this.#context;
    try {
      const found = await services.people.certificatesOf(account.organization, entry, this.#membersLeft);
      if (entry.kind === 'group') this.#membersLeft -= found.members;
      return found;
    } catch (error) {
      if (error instanceof DomainError && error.code === 'group/too-large') return undefined;
      throw error;
    }
  }
}
