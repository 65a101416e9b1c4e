import { ChangeKind } from './change.ts';
import { folderOfConversation } from './conversation-moves.ts';
import { classOf, defaultFolder, type Folder, FolderType, junkName, rootFolder } from './folder.ts';
import type { FolderId } from './ids.ts';
import type { NewItem } from './item.ts';
import type { MailboxTx } from './ports.ts';

const inbox = defaultFolder(FolderType.Inbox);
const usualJunkFolder = defaultFolder(FolderType.UserMail);

/** The folder a delivered item is put into. */
export async function folderFor(mailbox: MailboxTx, item: NewItem): Promise<FolderId> {
  if (item.verdicts?.junk !== undefined) return junkFolder(mailbox);
  return (await folderOfConversation(mailbox, item)) ?? inbox;
}

/** The folder for junk; made anew, and told to devices, if its owner has deleted it or given it another name. */
async function junkFolder(mailbox: MailboxTx): Promise<FolderId> {
  // Most mailboxes have it where it was made: then the others, up to thousands, need not be read.
  const usual = await mailbox.folder(usualJunkFolder);
  const found = usual && isJunk(usual) ? usual : (await mailbox.folders()).find(isJunk);
  if (found !== undefined) return found.id;
  const seq = await mailbox.seq();
  const id = await mailbox.nextFolderId();
  const folder = { id, parent: rootFolder, type: FolderType.UserMail, name: junkName };
  mailbox.putFolder({ ...folder, created: seq, changed: seq });
  await mailbox.logHierarchy(ChangeKind.Add, id);
  return id;
}

/** isJunk tells whether junk is put into a folder. */
export function isJunk({ parent, type, name }: Folder): boolean {
  return parent === rootFolder && classOf(type) === 'Email' && name.toLowerCase() === junkName.toLowerCase();
}
