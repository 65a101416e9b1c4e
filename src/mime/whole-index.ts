import type { MessagePart } from './message-index.ts';
import { maxNames } from './part-header.ts';
import { maxDepth, maxParts } from './part-scanner.ts';

/**
 * Whether all parts of a message are known with their names and contents; beyond its bounds the scanner takes nothing
 * apart, and what has two transfer encodings has two contents.
 */
export function isWhollyIndexed(parts: readonly MessagePart[]): boolean {
  if (parts.length >= maxParts) return false;
  const depths: number[] = [];
  for (const { parent, names = [], isHeaderCut, isEncodedTwice } of parts) {
    if (isHeaderCut || isEncodedTwice) return false;
    const depth = parent < 0 ? 0 : (depths[parent] ?? 0) + 1;
    if (depth >= maxDepth || names.length >= maxNames) return false;
    depths.push(depth);
  }
  return true;
}
