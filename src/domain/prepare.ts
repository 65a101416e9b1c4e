import { MessageIndexer } from '#mime/index-message';
import type { MessageIndex } from '#mime/message-index';
import { inSlices } from '#mime/slices';
import type { AttachmentPolicy } from './attachment-policy.ts';
import { BodySpool, type SpooledBody } from './body-spool.ts';
import { finishChecked } from './checked-body.ts';
import type { MailboxRef } from './ids.ts';
import type { NewItem } from './item.ts';
import { newItem } from './new-item.ts';
import type { OutboundEnvelope } from './outbound.ts';
import type { MailStore } from './ports.ts';
import { type ItemsByOrganization, organizationsOf, organizationsWith } from './recipients.ts';

/** One raw message, indexed and ready to be named by rows. */
export interface Prepared {
  readonly items: ItemsByOrganization;
  readonly body: SpooledBody;
  readonly index: MessageIndex;
}

/** A message of our own: who gets it, and its bytes. */
interface Content {
  readonly mailboxes: readonly MailboxRef[];
  readonly outbound: OutboundEnvelope | undefined;
  readonly chunks: readonly Uint8Array[];
  /** How many messages like it go in one transaction; 1 if absent. */
  readonly inAll?: number;
}

/** Makes a message that is in memory ready for its mailboxes and the outbound queue. */
export async function prepare(
  store: MailStore,
  { mailboxes, outbound, chunks, inAll = 1 }: Content,
  arrival: Pick<NewItem, 'receivedMs'> & { readonly read: boolean },
  attachments?: AttachmentPolicy,
): Promise<Prepared> {
  const copies = inAll * (mailboxes.length + (outbound?.recipients.length ?? 0));
  const spool = new BodySpool(store, organizationsWith(mailboxes, outbound), store.inlineBodyBytes(copies));
  const indexer = new MessageIndexer();
  for await (const chunk of inSlices(chunks)) {
    indexer.write(chunk);
    await spool.write(chunk);
  }
  const { body, index } = await finishChecked(spool, indexer.end(arrival.receivedMs), attachments);
  const items = new Map(
    organizationsOf(mailboxes).map((organization) => [
      organization,
      newItem(index, body.bodyFor(organization), arrival),
    ]),
  );
  return { items, body, index };
}
