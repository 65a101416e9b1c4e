/** Items with what answering about them needs. */
import type { ItemId } from './ids.ts';
import type { Item, ItemDetail } from './item.ts';
import type { MailboxReader } from './ports.ts';
import type { ServerChange } from './sync-collect.ts';

/** An item with what reading it needs; `raw` is the whole message when it is stored with its row. */
export interface Message {
  readonly item: Item;
  readonly detail: ItemDetail;
  readonly raw: Uint8Array | undefined;
}

/** An Add or Change without its message is of one that cannot be read. */
export type ToldChange = ServerChange & { readonly message?: Message };

/** Changes with the messages of those that are told of whole. */
export async function withMessages(
  mailbox: MailboxReader,
  changes: readonly ServerChange[],
): Promise<readonly ToldChange[]> {
  const items = changes.flatMap((change) => ('item' in change ? [change.item] : []));
  const messages = new Map<ItemId, Message>();
  for (const message of await readableMessages(mailbox, items)) messages.set(message.item.id, message);
  return changes.map((change) => {
    const message = messages.get(change.id);
    return message === undefined ? change : { ...change, message };
  });
}

/** One message that cannot be read must not keep the others from the device: it is left out. */
export async function readableMessages(mailbox: MailboxReader, items: readonly Item[]): Promise<Message[]> {
  try {
    return await readMessages(mailbox, items);
  } catch {
    const each = await Promise.all(items.map((item) => readMessages(mailbox, [item]).catch(() => [])));
    return each.flat();
  }
}

/** Items with their details, and the raw messages of those that are stored with their rows. */
export async function readMessages(mailbox: MailboxReader, items: readonly Item[]): Promise<Message[]> {
  const inline = items.filter(({ body }) => body.kind === 'inline').map(({ id }) => id);
  const [details, raws] = await Promise.all([
    mailbox.details(items.map(({ id }) => id)),
    mailbox.inlineBodies(inline),
  ]);
  const rawOf = new Map(inline.map((id, n) => [id, raws[n]]));
  return items.flatMap((item, n) => {
    const detail = details[n];
    return detail === undefined ? [] : [{ item, detail, raw: rawOf.get(item.id) }];
  });
}
