import { DomainError } from './errors.ts';
import { type Folder, folderNameKey, maxFolderDepth, rootFolder } from './folder.ts';
import type { FolderId } from './ids.ts';
import { isRecipientCacheName } from './recipient-cache.ts';

/** The folders of a mailbox, by who stands below whom. */
export class FolderTree {
  readonly #byId: ReadonlyMap<FolderId, Folder>;
  readonly #children = new Map<FolderId, Folder[]>();

  constructor(folders: readonly Folder[]) {
    this.#byId = new Map(folders.map((folder) => [folder.id, folder]));
    for (const folder of folders) {
      const siblings = this.#children.get(folder.parent);
      if (siblings === undefined) this.#children.set(folder.parent, [folder]);
      else siblings.push(folder);
    }
  }

  get(id: FolderId): Folder | undefined {
    return this.#byId.get(id);
  }

  children(id: FolderId): readonly Folder[] {
    return this.#children.get(id) ?? [];
  }

  /** Everything below a folder, children before their parents. */
  below(id: FolderId): readonly Folder[] {
    const found: Folder[] = [...this.children(id)];
    for (let n = 0; n < found.length; n++) {
      const folder = found[n];
      if (folder !== undefined) found.push(...this.children(folder.id));
    }
    return found.reverse();
  }

  /** Throws unless a folder can stand there: `folder/parent-not-found`, `folder/name-in-use`, `folder/too-many` (too deep). */
  requirePlace(place: { readonly parent: FolderId; readonly name: string }, moved?: FolderId): void {
    const above = this.#above(place.parent);
    if (above === undefined || (moved !== undefined && above.includes(moved))) {
      throw new DomainError(
        'folder/parent-not-found',
        'The parent folder does not exist, or is below the folder.',
      );
    }
    if (above.length + this.#height(moved) > maxFolderDepth) {
      throw new DomainError('folder/too-many', `Folders stand at most ${maxFolderDepth} deep.`);
    }
    const key = folderNameKey(place.name);
    const isTaken = this.children(place.parent).some(
      ({ id, name }) => id !== moved && folderNameKey(name) === key,
    );
    if (isTaken || (isRecipientCacheName(place) && !this.#hasRecipientCacheName(moved))) {
      throw new DomainError('folder/name-in-use', 'There is a folder of that name.');
    }
  }

  /** One that was made before the name was kept free goes on with it. */
  #hasRecipientCacheName(id: FolderId | undefined): boolean {
    const folder = id === undefined ? undefined : this.#byId.get(id);
    return folder !== undefined && isRecipientCacheName(folder);
  }

  /** A folder and those it stands below; none for the root, undefined if one of them does not exist. */
  #above(id: FolderId): readonly FolderId[] | undefined {
    const above: FolderId[] = [];
    for (let at = id; at !== rootFolder; ) {
      const folder = this.#byId.get(at);
      if (folder === undefined || above.length > this.#byId.size) return undefined;
      above.push(at);
      at = folder.parent;
    }
    return above;
  }

  /** How many levels a folder takes with what is below it; 1 for a new one. */
  #height(id: FolderId | undefined): number {
    let height = 0;
    for (let level = id === undefined ? [] : [id]; level.length > 0; height++) {
      level = level.flatMap((one) => this.children(one).map((folder) => folder.id));
    }
    return Math.max(1, height);
  }
}

/** Phones were seen to fail on a child whose parent they have not met. */
export function parentsFirst(folders: readonly Folder[]): readonly Folder[] {
  const byId = new Map(folders.map((folder) => [folder.id, folder]));
  const depths = new Map<FolderId, number>();
  for (const folder of folders) {
    const chain: FolderId[] = [];
    let at: Folder | undefined = folder;
    for (
      ;
      at !== undefined && !depths.has(at.id) && chain.length < folders.length;
      at = byId.get(at.parent)
    ) {
      chain.push(at.id);
    }
    let depth = at === undefined ? 0 : (depths.get(at.id) ?? 0) + 1;
    for (const id of chain.reverse()) depths.set(id, depth++);
  }
  const depthOf = ({ id }: Folder) => depths.get(id) ?? 0;
  return [...folders].sort((a, b) => depthOf(a) - depthOf(b) || a.id - b.id);
}
