import type { Account } from '#directory/account';
import type { MailboxPermissions, SenderRight } from '#directory/mailbox-permissions';
import type { MailAddress } from '#mime/address';
import type { Authors } from '#mime/authors';

/** Who a message is from, as it goes out. */
export interface Authorship {
  readonly from: MailAddress;
  /** Who sends it on behalf of `from`: stands in Sender. RFC 5322 §3.6.2. */
  readonly sender?: MailAddress;
  /** The addresses that the message may name in Sender, in lower case. */
  readonly senders: readonly string[];
  /** Where what comes back goes. */
  readonly reversePath: string;
}

/**
 * authorshipOf gives what an account may send by the From of a message; undefined if it is not one mailbox, or one that it has no
 * right to. Without a From, or with its own, the account sends for itself.
 */
export async function authorshipOf(
  account: Account,
  { from, sender }: Authors,
  rights: Pick<MailboxPermissions, 'senderRight'>,
): Promise<Authorship | undefined> {
  const own = account.address.toLowerCase();
  const [author, ...others] = from;
  if (from.every((one) => one === own)) return ownAuthorship(account);
  if (author === undefined || others.length > 0) return undefined;
  const right = await rights.senderRight(account, author);
  if (right === undefined) return undefined;
  const { address, displayName, permission } = right;
  const isShown = permission === 'SEND_ON_BEHALF' || sender.includes(own);
  return {
    from: { name: displayName, address },
    ...(isShown && { sender: ownMailbox(account) }),
    senders: isShown ? [own] : [address.toLowerCase()],
    reversePath: returnAddress(account, right),
  };
}

/** Of a message that an account sends for itself. */
export function ownAuthorship(account: Account): Authorship {
  const { address } = account;
  return { from: ownMailbox(account), senders: [address.toLowerCase()], reversePath: address };
}

/**
 * returnAddress is the reverse-path of what is sent by a right: of the entity, if its mail is read by a user of that address; what
 * comes back to a group or a resource, and to whom something was sent on behalf of, goes to the one who sent it.
 */
export function returnAddress(account: Account, { permission, address, isRead }: SenderRight): string {
  return permission === 'SEND_AS' && isRead ? address : account.address;
}

function ownMailbox({ displayName, address }: Account): MailAddress {
  return { name: displayName, address };
}
