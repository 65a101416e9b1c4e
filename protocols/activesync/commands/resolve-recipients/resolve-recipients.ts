import type { AddressBookEntry } from '#directory/address-book-entry';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { Pictures } from '../../pictures.ts';
import { ResolveRecipients } from '../../wbxml/code-pages/resolve-recipients.ts';
import { type Element, el } from '../../wbxml/element.ts';
import { type AvailabilityAnswer, availabilityOf } from './availability.ts';
import { CertificateShare, type CertificatesAnswer } from './certificates.ts';
import { type ResolveRecipientsRequest, readResolveRecipients } from './read.ts';
import { ResolveRecipientsStatus } from './status.ts';

/** MS-ASCMD, Type (ResolveRecipients): of the address book. */
const FROM_GAL = 1;
/** As many as a Search of the address book gives at most. */
const MAX_SUGGESTIONS = 100;

interface Recipient {
  readonly entry: AddressBookEntry;
  readonly availability: AvailabilityAnswer | undefined;
  readonly certificates: CertificatesAnswer | undefined;
  readonly picture: Element | undefined;
}

/** What became of one To. */
interface Resolution {
  readonly to: string;
  readonly status: ResolveRecipientsStatus;
  /** How many it may mean. */
  readonly total: number;
  readonly recipients: readonly Recipient[];
}

/** ResolveRecipients: whom names and addresses mean, with certificates, free and busy times and photos (MS-ASCMD). */
export const resolveRecipients = defineCommand({
  name: 'ResolveRecipients',
  code: 21,
  read: (body, { protocolVersion }) => readResolveRecipients(body, protocolVersion),
  run: async (request, context): Promise<readonly Resolution[]> => {
    try {
      return await resolveAll(request, context);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      context.log.error('activesync.command.failed', { err: error }, { command: 'ResolveRecipients' });
      throw new CommandError(ResolveRecipientsStatus.ServerError, 'a fault of ours', { cause: error });
    }
  },
  write: (resolutions) =>
    el(
      ResolveRecipients.ResolveRecipients,
      el(ResolveRecipients.Status, ResolveRecipientsStatus.Success),
      ...resolutions.map(writeResolution),
    ),
});

/** One after the other: the limits of an answer count over all of them. */
async function resolveAll(
  request: ResolveRecipientsRequest,
  context: CommandContext,
): Promise<readonly Resolution[]> {
  const share = new CertificateShare(request, context);
  const pictures = new Pictures(request.picture, context);
  const resolutions: Resolution[] = [];
  for (const to of request.to) {
    const { entries, total } = await meantBy(to, request, context);
    const isAlone = total === 1;
    const recipients: Recipient[] = [];
    for (const entry of entries) {
      recipients.push({
        entry,
        availability: isAlone ? await availabilityOf(entry, request, context) : undefined,
        certificates: isAlone ? await share.of(entry) : undefined,
        picture: await pictures.of(entry.id, ResolveRecipients),
      });
    }
    resolutions.push({ to, status: statusOf(entries.length, total), total, recipients });
  }
  return resolutions;
}

/**
 * An address, also one with a name, means its holder and nobody else: mail would be encrypted for another. Everything else is
 * looked up as a search of the address book is.
 */
async function meantBy(
  to: string,
  { maxAmbiguousRecipients }: ResolveRecipientsRequest,
  { services, account }: CommandContext,
): Promise<{ readonly entries: readonly AddressBookEntry[]; readonly total: number }> {
  const { addressBook } = services;
  const { organization } = account;
  if (to.includes('@')) {
    const address = /<([^<>]+)>\s*$/.exec(to)?.[1] ?? to;
    const holder = await addressBook.find(organization, address.trim());
    return holder === undefined ? { entries: [], total: 0 } : { entries: [holder], total: 1 };
  }
  const { entries, total } = await addressBook.search(organization, to, { from: 0, limit: MAX_SUGGESTIONS });
  return { entries: total === 1 ? entries : entries.slice(0, maxAmbiguousRecipients), total };
}

function statusOf(shown: number, total: number): ResolveRecipientsStatus {
  if (total === 0) return ResolveRecipientsStatus.NotResolved;
  if (total === 1) return ResolveRecipientsStatus.Success;
  return shown < total ? ResolveRecipientsStatus.AmbiguousPartly : ResolveRecipientsStatus.Ambiguous;
}

function writeResolution({ to, status, total, recipients }: Resolution): Element {
  return el(
    ResolveRecipients.Response,
    el(ResolveRecipients.To, to),
    el(ResolveRecipients.Status, status),
    el(ResolveRecipients.RecipientCount, total),
    ...recipients.map(writeRecipient),
  );
}

function writeRecipient({ entry, availability, certificates, picture }: Recipient): Element {
  return el(
    ResolveRecipients.Recipient,
    el(ResolveRecipients.Type, FROM_GAL),
    el(ResolveRecipients.DisplayName, entry.displayName),
    el(ResolveRecipients.EmailAddress, entry.address),
    availability && writeAvailability(availability),
    certificates && writeCertificates(certificates),
    picture,
  );
}

function writeAvailability({ status, mergedFreeBusy }: AvailabilityAnswer): Element {
  return el(
    ResolveRecipients.Availability,
    el(ResolveRecipients.Status, status),
    mergedFreeBusy === undefined ? undefined : el(ResolveRecipients.MergedFreeBusy, mergedFreeBusy),
  );
}

function writeCertificates({ status, count, members, sent }: CertificatesAnswer): Element {
  return el(
    ResolveRecipients.Certificates,
    el(ResolveRecipients.Status, status),
    count === undefined ? undefined : el(ResolveRecipients.CertificateCount, count),
    members === undefined ? undefined : el(ResolveRecipients.RecipientCount, members),
    ...sent.map((der) => el(ResolveRecipients.Certificate, Buffer.from(der).toString('base64'))),
  );
}
