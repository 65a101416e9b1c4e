import type { ConversationPlace } from './conversation.ts';
import { DomainError } from './errors.ts';
import { classOf, defaultFolder, FolderType } from './folder.ts';
import type { FolderId } from './ids.ts';
import type { NewItem } from './item.ts';
import type { Mailbox } from './mailbox.ts';
import type { MailboxTx } from './ports.ts';

const inbox = defaultFolder(FolderType.Inbox);
/** What its user has written stays where it is. */
const staying = [FolderType.SentItems, FolderType.Drafts, FolderType.Outbox].map(defaultFolder);
/** Items that are moved in one transaction. */
const movedAtOnce = 50;

/** Whether a conversation may be moved to a folder. MS-ASCMD, DstFldId (ItemOperations). */
export function takesConversations(type: FolderType): boolean {
  return classOf(type) === 'Email' && type !== FolderType.Drafts && type !== FolderType.Outbox;
}

/**
 * Moves the messages of a conversation from wherever they are but Sent Items, Drafts and the Outbox, and from now on those that
 * come to it, until it is moved to the Inbox again or the folder is deleted (MS-ASCON, Always Moving Conversations). What a
 * crash has kept it from moving, the next call does. Throws `folder/not-found` (the destination), `item/not-found` (nobody
 * knows the conversation), `server/busy`.
 */
export async function moveConversation(mailbox: Mailbox, id: Uint8Array, to: FolderId): Promise<void> {
  await mailbox.transact(async (tx) => {
    await requireFolder(tx, to);
    if (!(await isKnown(tx, await tx.conversation(id)))) {
      throw new DomainError('item/not-found', 'The conversation does not exist.');
    }
    await tx.putConversationMove(id, to === inbox ? undefined : to);
  });
  // What comes from here on goes there by itself.
  const places = (await mailbox.reader.conversation(id)).filter(
    ({ folder }) => folder !== to && !staying.includes(folder),
  );
  for (let n = 0; n < places.length; ) {
    const from = n;
    n += await mailbox.transact((tx) => movePlaces(tx, places.slice(from, from + movedAtOnce), to));
  }
}

/** The folder for a new item of a moved conversation; undefined for all others. */
export async function folderOfConversation(
  tx: MailboxTx,
  { conversationId }: Pick<NewItem, 'conversationId'>,
): Promise<FolderId | undefined> {
  const to = await tx.conversationMove(conversationId);
  if (to === undefined || (await tx.folder(to)) !== undefined) return to;
  await tx.putConversationMove(conversationId, undefined);
  return undefined;
}

async function requireFolder(tx: MailboxTx, id: FolderId): Promise<void> {
  if ((await tx.folder(id)) === undefined)
    throw new DomainError('folder/not-found', 'The destination does not exist.');
}

/** What a deleted folder held is gone, though its rows may still be there. */
async function isKnown(tx: MailboxTx, places: readonly ConversationPlace[]): Promise<boolean> {
  for (const folder of new Set(places.map((place) => place.folder))) {
    if ((await tx.folder(folder)) !== undefined) return true;
  }
  return false;
}

/** Gives how many it has done. The device that asks does not know what is moved: it is told like every other. */
async function movePlaces(
  tx: MailboxTx,
  places: readonly ConversationPlace[],
  to: FolderId,
): Promise<number> {
  await requireFolder(tx, to);
  for (const [n, { folder, item: id }] of places.entries()) {
    const item = (await tx.folder(folder)) && (await tx.item(folder, id));
    if (item !== undefined) await tx.moveItem(item, to);
    if (!tx.hasRoom()) return n + 1;
  }
  return places.length;
}
