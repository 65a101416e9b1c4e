/** In which order a device is told what became of its folder tree. */
import { type Folder, rootFolder } from './folder.ts';
import { parentsFirst } from './folder-tree.ts';
import type { FolderId } from './ids.ts';
import type { MailboxReader } from './ports.ts';

/** One thing that a device has to do to its folder tree. MS-ASCMD, Changes (FolderSync). */
export type HierarchyStep =
  | { readonly kind: 'add' | 'update'; readonly folder: Folder }
  | { readonly kind: 'delete'; readonly id: FolderId };

/** What became of folders; those deleted stand in the order of that. */
interface HierarchyNews {
  /** A folder whose type changed is among the deleted as well. */
  readonly added: readonly Folder[];
  readonly updated: readonly Folder[];
  readonly deleted: readonly FolderId[];
  /** Those that the updated stand below, as `ancestorsOf` gives them. */
  readonly above: readonly Folder[];
}

/**
 * The order in which a device never puts a folder into one that it has not, or below itself, and never loses with a folder
 * what went out of it: Update, Delete, Add, each with parents before what is in them, as the schema has it; but a new
 * folder comes before the Update of what was moved into it.
 */
export function inOrder({ added, updated, deleted, above }: HierarchyNews): readonly HierarchyStep[] {
  const isUpdated = new Set(updated.map(({ id }) => id));
  const isNew = new Set(added.map(({ id }) => id));
  const byId = new Map([...above, ...added, ...updated].map((folder) => [folder.id, folder]));
  const needed = neededBy(updated, byId);
  // One whose type changed is there until it is deleted.
  for (const id of deleted) needed.delete(id);
  const placed = parentsFirst([...byId.values()]);
  const first = placed.filter(({ id }) => isUpdated.has(id) || (isNew.has(id) && needed.has(id)));
  const last = placed.filter(({ id }) => isNew.has(id) && !needed.has(id));
  return [
    ...first.map((folder) => ({ kind: isUpdated.has(folder.id) ? 'update' : 'add', folder }) as const),
    ...deleted.map((id) => ({ kind: 'delete', id }) as const),
    ...last.map((folder) => ({ kind: 'add', folder }) as const),
  ];
}

/** The folders that some stand below. */
function neededBy(folders: readonly Folder[], byId: ReadonlyMap<FolderId, Folder>): Set<FolderId> {
  const needed = new Set<FolderId>();
  for (const { parent } of folders) {
    for (let at = byId.get(parent); at !== undefined && !needed.has(at.id); at = byId.get(at.parent))
      needed.add(at.id);
  }
  return needed;
}

/** All that some folders stand below and that is not `known`. */
export async function ancestorsOf(
  reader: Pick<MailboxReader, 'folder'>,
  folders: readonly Folder[],
  known: ReadonlyMap<FolderId, Folder>,
): Promise<readonly Folder[]> {
  const found = new Map<FolderId, Folder>();
  for (const { parent } of folders) {
    for (let id = parent; id !== rootFolder && !found.has(id); ) {
      const folder = known.get(id) ?? (await reader.folder(id));
      if (folder === undefined) break;
      found.set(id, folder);
      id = folder.parent;
    }
  }
  return [...found.values()];
}
