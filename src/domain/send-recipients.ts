import type { DeliveryParts } from './delivery-parts.ts';
import type { LocalRecipient } from './mail-envelope.ts';
import { isRoomFor, mailboxesOf } from './recipients.ts';

/** The recipients here of a message that somebody sends who has no connection open to be told of each. */
interface RecipientsByRoom {
  /** They get it at once. */
  readonly ready: readonly LocalRecipient[];
  /** Full or disabled: the outbound queue tries, as the server of a sender elsewhere would, and tells the sender. */
  readonly waiting: readonly LocalRecipient[];
}

/** Who gets a message at once, and who from the queue; a mailbox behind several addresses gets it once. */
export async function byRoom(
  recipients: readonly LocalRecipient[],
  sizeBytes: number,
  parts: Pick<DeliveryParts, 'store' | 'limits'>,
): Promise<RecipientsByRoom> {
  const ready: LocalRecipient[] = [];
  const full: LocalRecipient[] = [];
  const disabled: LocalRecipient[] = [];
  for (const recipient of recipients) {
    const { accounts, isGroup } = recipient;
    if (accounts.length === 0 && !isGroup) disabled.push(recipient);
    else if (await isRoomFor(mailboxesOf(accounts), sizeBytes, parts)) ready.push(recipient);
    else full.push(recipient);
  }
  const reached = new Set(ready.flatMap(mailboxIds));
  const waiting = full.filter((recipient) => {
    const own = mailboxIds(recipient);
    const isReached = own.every((mailbox) => reached.has(mailbox));
    for (const mailbox of own) reached.add(mailbox);
    return !isReached;
  });
  return { ready, waiting: [...waiting, ...disabled] };
}

function mailboxIds({ accounts }: LocalRecipient): readonly string[] {
  return accounts.map(({ mailbox }) => mailbox.mailbox);
}
