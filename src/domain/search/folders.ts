import { classOf, type Folder } from '../folder.ts';
import type { FolderId } from '../ids.ts';

/** Where to search. */
export interface SearchScope {
  /** None: in all folders. */
  readonly folders: readonly FolderId[];
  /** With everything below them. */
  readonly deep: boolean;
}

/**
 * The folders of mail to search, each once, in rising order; `all` is the whole tree. Folders of other things hold no mail and are left
 * out. Undefined if one that is named is not there.
 */
export function foldersToSearch(
  all: readonly Folder[],
  { folders, deep }: SearchScope,
): readonly FolderId[] | undefined {
  const byId = new Map(all.map((folder) => [folder.id, folder]));
  if (folders.some((id) => !byId.has(id))) return undefined;
  const wanted = folders.length === 0 ? new Set(byId.keys()) : new Set(folders);
  if (deep) addBelow(wanted, all);
  const ofMail = [...wanted].filter((id) => {
    const folder = byId.get(id);
    return folder !== undefined && classOf(folder.type) === 'Email';
  });
  return ofMail.sort((a, b) => a - b);
}

function addBelow(wanted: Set<FolderId>, all: readonly Folder[]): void {
  const below = new Map<FolderId, FolderId[]>();
  for (const { id, parent } of all) {
    const children = below.get(parent);
    if (children === undefined) below.set(parent, [id]);
    else children.push(id);
  }
  // A Set gives what is added to it while it is gone through.
  for (const id of wanted) for (const child of below.get(id) ?? []) wanted.add(child);
}
