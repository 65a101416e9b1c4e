import type { Account } from '#directory/account';
import { canonicalAddress } from '#directory/canonical-name';
import type { MailAddress } from '#mime/address';
import type { JournaledRecipient } from '#mime/journal-report';
import type { MessageHeaders } from '#mime/message-index';
import type { OrganizationId } from './ids.ts';
import type { LocalRecipient, MailEnvelope } from './mail-envelope.ts';

/** The fields of a message that its records repeat. */
export type JournaledHeaders = Pick<MessageHeaders, 'subject' | 'messageId' | 'to' | 'cc'>;

type Field = JournaledRecipient['field'];

/**
 * Every recipient of the envelope as a record tells of it: all of them to the sender's organisation, to another one its
 * own, because others are none of its business. A member of a group has a line of its own, and one only: as who was
 * addressed directly, or by the first of the groups.
 */
export function journaledRecipients(
  organization: OrganizationId,
  envelope: MailEnvelope,
  headers: Pick<JournaledHeaders, 'to' | 'cc'>,
  forwardedFor: string | undefined,
): readonly JournaledRecipient[] {
  const { sender, outbound, recipients } = envelope;
  const fieldOf = fieldIn(envelope, headers, forwardedFor);
  const via = forwardedFor === undefined ? {} : { via: { how: 'Forwarded', address: forwardedFor } as const };
  const isOwn = sender === organization;
  const concerns = ({ accounts }: LocalRecipient) =>
    isOwn || accounts.length === 0 || accounts.some((account) => account.organization === organization);
  const told = new Set(recipients.filter(({ isGroup }) => !isGroup).flatMap(mailboxIds));
  const lines: JournaledRecipient[] = [];
  for (const recipient of recipients.filter(concerns)) {
    const { address, accounts, isGroup } = recipient;
    const field = fieldOf(isGroup ? [address] : [address, ...accounts.flatMap(({ addresses }) => addresses)]);
    const members = accounts.filter((account) => account.organization === organization);
    if (!isGroup || members.length === 0) {
      lines.push({ field, address, ...via });
      continue;
    }
    for (const { mailbox, address: member } of members) {
      if (told.has(mailbox.mailbox)) continue;
      told.add(mailbox.mailbox);
      lines.push({ field, address: member, via: { how: 'Expanded', address } });
    }
  }
  if (outbound !== undefined && (isOwn || outbound.organization === organization)) {
    for (const { address } of outbound.recipients) lines.push({ field: fieldOf([address]), address, ...via });
  }
  return lines;
}

function mailboxIds({ accounts }: LocalRecipient): readonly string[] {
  return accounts.map(({ mailbox }: Account) => mailbox.mailbox);
}

/** Which field names one of these addresses. Only of a sender who signed in, or of ourselves, the header is believed. */
function fieldIn(
  { isAuthenticated }: MailEnvelope,
  { to, cc }: Pick<JournaledHeaders, 'to' | 'cc'>,
  forwardedFor: string | undefined,
): (addresses: readonly string[]) => Field {
  if (!isAuthenticated || forwardedFor !== undefined) return () => 'Recipient';
  const named = (list: readonly MailAddress[]) =>
    new Set(list.map(({ address }) => canonicalAddress(address)));
  const [inTo, inCc] = [named(to), named(cc)];
  return (addresses) => {
    const canonical = addresses.map(canonicalAddress);
    if (canonical.some((address) => inTo.has(address))) return 'To';
    return canonical.some((address) => inCc.has(address)) ? 'Cc' : 'Bcc';
  };
}
