/** The rows by which a conversation is found: one for each item, put with it and gone with it. MS-ASCON. */
import type { ConversationPlace, ConversationRange } from '#domain/conversation';
import type { FolderId, ItemId } from '#domain/ids';
import type { Item } from '#domain/item';
import { u32, u64 } from './keys.ts';
import { mailboxRows } from './layout.ts';
import { placeTime } from './place-time.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Part, Range, Tx } from './store.ts';

const { conversation: row, conversationsWhole } = mailboxRows;

/** By this a conversation is known in keys, under the organisation's key: a hash of a Message-ID says who has that message. */
export function conversationName(id: Uint8Array): string {
  return `conversation ${Buffer.from(id).toString('hex')}`;
}

/** The row of an item; `name` is the HMAC of its conversation's. */
export function conversationKey(
  name: Bytes,
  { folder, receivedMs, id }: Pick<Item, 'folder' | 'receivedMs' | 'id'>,
): Bytes {
  return row.key(name, u32(folder), u64(placeTime(receivedMs)), u64(id));
}

export function conversationBounds(name: Bytes, range: ConversationRange | undefined): Range {
  if (range === undefined) return row.range(name);
  const { gte, lt } = row.range(name, u32(range.folder));
  if (range.beforeMs === undefined) return { gte, lt };
  const after = Math.min(Number.MAX_SAFE_INTEGER, placeTime(range.beforeMs) + 1);
  return { gte: row.range(name, u32(range.folder), u64(after)).gte, lt };
}

/** What the key of a row says. */
export function conversationPlaceOf(key: Bytes): ConversationPlace {
  return {
    folder: u32.read(key, 17) as FolderId,
    receivedMs: Number.MAX_SAFE_INTEGER - u64.read(key, 21),
    item: u64.read(key, 29) as ItemId,
  };
}

/** Says of a mailbox that every item of it has its row. */
export function putConversationsWhole(tx: Tx, sealer: Sealer, part: Part, nowMs: number): void {
  const key = conversationsWhole.key();
  tx.put(part, key, conversationsWhole.encode(sealer, part, key, nowMs));
}
