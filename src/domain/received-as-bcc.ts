import { withoutTag } from '#directory/address';
import { canonicalAddress } from '#directory/canonical-name';
import type { MessageHeaders } from '#mime/message-index';
import type { MailboxId } from './ids.ts';
import type { NewItem } from './item.ts';
import type { LocalRecipient } from './mail-envelope.ts';

/** The mailboxes that get a message as Bcc. */
export type InBcc = ReadonlySet<MailboxId>;

/** What a header says of who gets it. */
type Named = Pick<MessageHeaders, 'to' | 'cc' | 'handling'>;

export const nobodyInBcc: InBcc = new Set();

/**
 * Of the recipients of a message whose sender signed in here: those that its To and Cc do not name, by the address it goes to or by
 * another of theirs (MS-ASEMAIL, ReceivedAsBcc). What a list or a person sent on names whom it was written to first, and says nothing.
 */
export function mailboxesInBcc(recipients: readonly LocalRecipient[], { to, cc, handling }: Named): InBcc {
  if (handling?.isFromList === true || handling?.resentTo !== undefined) return nobodyInBcc;
  const said = new Set([...to, ...cc].flatMap(({ address }) => withAndWithoutTag(canonicalAddress(address))));
  const isSaid = (address: string) => said.has(canonicalAddress(address));
  const others = recipients.filter(({ address }) => !isSaid(address));
  if (others.length === 0) return nobodyInBcc;
  const named = recipients.filter(({ address }) => isSaid(address));
  const reached = new Set(named.flatMap(({ accounts }) => accounts.map(({ mailbox }) => mailbox.mailbox)));
  const found = others.flatMap(({ accounts }) => accounts).filter(({ addresses }) => !addresses.some(isSaid));
  return new Set(found.map(({ mailbox }) => mailbox.mailbox).filter((mailbox) => !reached.has(mailbox)));
}

function withAndWithoutTag(address: string): readonly string[] {
  const plain = withoutTag(address);
  return plain === undefined ? [address] : [address, plain];
}

/** A message as a mailbox gets it. */
export function asReceivedBy(item: NewItem, mailbox: MailboxId, inBcc: InBcc): NewItem {
  return inBcc.has(mailbox) ? { ...item, receivedAsBcc: true } : item;
}
