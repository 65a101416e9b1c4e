import { expect, test } from 'vitest';
import { newItem } from '#test/support/new-item';
import { defaultFolder, defaultFolders, type Folder, FolderType, rootFolder } from './folder.ts';
import type { FolderId } from './ids.ts';
import { folderFor } from './placement.ts';
import type { MailboxTx } from './ports.ts';

const junk = { ...newItem('junk', 1), verdicts: { junk: 'dmarc' as const } };

/** A mailbox of these folders, and how often all of them were read. */
function mailboxOf(folders: readonly Folder[]) {
  const reads = { all: 0 };
  const mailbox: Pick<MailboxTx, 'folder' | 'folders'> = {
    folder: async (id) => folders.find((folder) => folder.id === id),
    folders: async () => {
      reads.all++;
      return folders;
    },
  };
  return { mailbox: mailbox as MailboxTx, reads };
}

const usual: readonly Folder[] = defaultFolders.map(({ type, name }, n) => {
  return { id: (n + 1) as FolderId, parent: rootFolder, type, name, created: 1, changed: 1 };
});

test('junk goes where every mailbox has its folder, without reading the others', async () => {
  const { mailbox, reads } = mailboxOf(usual);
  expect(await folderFor(mailbox, junk)).toBe(defaultFolder(FolderType.UserMail));
  expect(reads.all).toBe(0);
});

test('junk goes into the folder of that name where its owner called the usual one otherwise', async () => {
  const own = { id: 40 as FolderId, parent: rootFolder, type: FolderType.UserMail, created: 2, changed: 2 };
  const renamed = usual.map((folder) =>
    folder.id === defaultFolder(FolderType.UserMail) ? { ...folder, name: 'Recipes' } : folder,
  );
  const { mailbox } = mailboxOf([...renamed, { ...own, name: 'junk e-mail' }]);
  expect(await folderFor(mailbox, junk)).toBe(40);
});
