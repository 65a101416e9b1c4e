/** What has become of items since their segment was written. */
import type { SegmentItems } from '#domain/search/mail-index';
import type { Moved } from './index-rows.ts';

/** Puts items in the places where they have moved. */
export function applyMoved({ ids, folders }: SegmentItems, moved: Moved): void {
  for (let n = 0; n < ids.length; n++) {
    const change = moved.get(ids[n] ?? 0);
    if (change !== undefined) folders[n] = change.folder;
  }
}

/** The numbers of those whose content was replaced. */
export function replacedIn({ ids }: SegmentItems, moved: Moved): number[] {
  const found: number[] = [];
  for (let n = 0; n < ids.length; n++) if (moved.get(ids[n] ?? 0)?.isReplaced === true) found.push(n);
  return found;
}
