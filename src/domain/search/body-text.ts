import { readSearchText } from '#mime/search-text';
import type { ItemId } from '../ids.ts';
import type { Item } from '../item.ts';
import type { Mailbox } from '../mailbox.ts';
import type { MailboxReader } from '../ports.ts';
import { type Message, readMessages } from '../sync.ts';

/** What reading the texts of items needs, without those that cannot be read. */
export async function readableMessages(
  reader: MailboxReader,
  items: readonly Item[],
): Promise<ReadonlyMap<ItemId, Message>> {
  const read = async (some: readonly Item[]) => await readMessages(reader, some);
  const messages = await read(items).catch(async () =>
    (await Promise.all(items.map((item) => read([item]).catch(() => [])))).flat(),
  );
  return new Map(messages.map((message) => [message.item.id, message]));
}

/** The text of a message that words are looked for in; undefined if it cannot be read. */
export async function bodyText(
  mailbox: Mailbox,
  { item, detail, raw }: Message,
): Promise<string | undefined> {
  try {
    return await readSearchText(detail, async ({ start, end }, maxBytes) => {
      const stop = Math.min(end, start + maxBytes);
      if (raw !== undefined) return raw.subarray(start, stop);
      const chunks: Uint8Array[] = [];
      if (start < stop) for await (const chunk of mailbox.openBody(item, [start, stop])) chunks.push(chunk);
      return Buffer.concat(chunks);
    });
  } catch {
    return undefined;
  }
}
