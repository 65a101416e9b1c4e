import { isAscii, isUnspaced } from './text.ts';

/** Raised when `searchable` or the words of a text change: an index of other words is built anew. */
export const wordsVersion = 2;

/** An index keeps so many bytes of a word. */
const longestWordBytes = 40;
/** Of a long phrase so many words are looked up; the message decides then. */
const mostTerms = 24;

/** A word to look up, as bytes of UTF-8, each a character: the order of such strings is the order of the bytes. */
export interface IndexTerm {
  readonly word: string;
  /** Any word that begins so. */
  readonly isPrefix: boolean;
}

/** What to look up for a pattern. */
interface TermPlan {
  /** A text that holds the pattern has all of them. */
  readonly terms: readonly IndexTerm[];
  /** And a text that has them holds the pattern. */
  readonly isExact: boolean;
}

/**
 * Gives the words of a `searchable` text as an index keeps them, some more than once. Where a script writes no blanks, these are
 * every two characters that follow each other, and the last one.
 */
export function* indexWords(text: string): Generator<string> {
  const isPlain = isAscii(text);
  for (const word of text.split(' ')) {
    if (word === '') continue;
    if (isPlain) yield word.slice(0, longestWordBytes);
    else if (isUnspaced(word)) yield* pairsOf(word);
    else yield cut(bytesOf(word));
  }
}

/** What to look up for a pattern (`patternOf`). */
export function termsOf(pattern: string): TermPlan {
  const words = pattern.trim().split(' ');
  const terms = words.flatMap((word, n) => {
    if (isUnspaced(word)) return termsOfRun(word);
    return [{ word: cut(bytesOf(word)), isPrefix: n === words.length - 1 }];
  });
  const isOneWord = terms.length === 1 && bytesOf(words[0] ?? '').length <= longestWordBytes;
  return { terms: terms.slice(0, mostTerms), isExact: isOneWord };
}

function termsOfRun(run: string): IndexTerm[] {
  const pairs = [...pairsOf(run)];
  if (pairs.length === 1) return [{ word: bytesOf(run), isPrefix: true }];
  return pairs.slice(0, -1).map((word) => ({ word, isPrefix: false }));
}

function* pairsOf(run: string): Generator<string> {
  let last: string | undefined;
  for (const char of run) {
    if (last !== undefined) yield bytesOf(last + char);
    last = char;
  }
  if (last !== undefined) yield bytesOf(last);
}

function bytesOf(word: string): string {
  return isAscii(word) ? word : Buffer.from(word).toString('latin1');
}

function cut(word: string): string {
  return word.length > longestWordBytes ? word.slice(0, longestWordBytes) : word;
}
