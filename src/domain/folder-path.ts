/** Folders by path: `Inbox/Invoices` from the root, names in any case; a slash in a name is written `\/`. */
import { ChangeKind } from './change.ts';
import { DomainError } from './errors.ts';
import {
  classOf,
  type Folder,
  FolderType,
  folderNameKey,
  isFolderName,
  maxFolderDepth,
  maxFolders,
  rootFolder,
} from './folder.ts';
import type { FolderId } from './ids.ts';
import type { MailboxTx } from './ports.ts';
import { isRecipientCacheName } from './recipient-cache.ts';

const maxDepth = 20;

/** The path of a folder; undefined if it is gone. */
export function pathOf(folders: readonly Folder[], id: FolderId): string | undefined {
  const byId = new Map(folders.map((folder) => [folder.id, folder]));
  const names: string[] = [];
  for (let at = id; at !== rootFolder && names.length <= maxFolderDepth; ) {
    const folder = byId.get(at);
    if (folder === undefined) return undefined;
    names.unshift(folder.name.replace(/[\\/]/g, '\\$&'));
    at = folder.parent;
  }
  return names.join('/');
}

/** The folder of mail that a path names; what of it is not there is made. Throws request/invalid, limit/exceeded. */
export async function folderAt(tx: MailboxTx, path: string): Promise<FolderId> {
  let at = rootFolder;
  for (const name of namesIn(path)) {
    const folders = await tx.folders();
    const found = folders.find(
      (folder) => folder.parent === at && folderNameKey(folder.name) === folderNameKey(name),
    );
    if (found !== undefined && (classOf(found.type) !== 'Email' || found.type === FolderType.Outbox)) {
      throw new DomainError('request/invalid', `The folder ${found.name} does not take mail.`);
    }
    if (found === undefined && isRecipientCacheName({ parent: at, name })) {
      throw new DomainError('request/invalid', `A folder cannot be called ${name}.`);
    }
    if (found === undefined && folders.length >= maxFolders) {
      throw new DomainError('limit/exceeded', `The mailbox has ${maxFolders} folders.`);
    }
    at = found?.id ?? (await makeFolder(tx, at, name));
  }
  return at;
}

async function makeFolder(tx: MailboxTx, parent: FolderId, name: string): Promise<FolderId> {
  const id = await tx.nextFolderId();
  const seq = await tx.seq();
  tx.putFolder({ id, parent, type: FolderType.UserMail, name, created: seq, changed: seq });
  await tx.logHierarchy(ChangeKind.Add, id);
  return id;
}

function namesIn(path: string): readonly string[] {
  // A placeholder stands for each escaped character: no name holds control characters.
  const escaped: string[] = [];
  const plain = path.replace(/\\([\s\S])/g, (_all, char: string) => `\0${escaped.push(char) - 1}\0`);
  const names = plain
    .split('/')
    .map((name) => name.replace(/\0(\d+)\0/g, (_all, n: string) => escaped[Number(n)] ?? '').trim());
  if (names.length > maxDepth || !names.every(isFolderName)) {
    throw new DomainError('request/invalid', `"${path.slice(0, 100)}" is no path such as Inbox/Invoices.`);
  }
  return names;
}
