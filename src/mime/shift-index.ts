import type { MessageIndex } from './message-index.ts';

/** The index of a message that got so many bytes of further fields in front. */
export function shiftIndex(index: MessageIndex, bytes: number): MessageIndex {
  if (bytes === 0) return index;
  const parts = index.parts.map((part, at) => ({
    ...part,
    headerStart: at === 0 ? part.headerStart : part.headerStart + bytes,
    start: part.start + bytes,
    end: part.end + bytes,
  }));
  return { ...index, size: index.size + bytes, parts };
}
