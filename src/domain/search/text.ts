/**
 * Text as searching sees it: words in lower case without accents, one blank between two, before the first and behind the
 * last. Scripts that write no blanks are words of their own from where they begin to where they end.
 */
export function searchable(text: string): string {
  if (isAscii(text))
    return ` ${text
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, ' ')
      .trim()} `;
  const folded = text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(accents, '')
    .replaceAll(unseen, '')
    .replaceAll(specials, (char) => plainLetters[char] ?? char)
    .normalize('NFC')
    .replaceAll(separators, ' ');
  const split = unspaced.test(folded) ? folded.replaceAll(unspacedRuns, ' $& ') : folded;
  return ` ${split.replaceAll(/ {2,}/g, ' ').trim()} `;
}

/**
 * What a text that is searched for must hold, as a part of a `searchable` text: it begins where a word begins, and may end
 * within one; where a script writes no blanks it stands anywhere. Several words follow each other. Undefined if there is no word.
 */
export function patternOf(text: string): string | undefined {
  const words = searchable(text).trim();
  if (words === '') return undefined;
  return startsUnspaced.test(words) ? words : ` ${words}`;
}

/** Whether a word of a `searchable` text is of a script that writes no blanks. */
export function isUnspaced(word: string): boolean {
  return startsUnspaced.test(word);
}

/** Whether a text has no character above U+007F. */
export function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

/** Of Latin, Greek and Cyrillic letters, and the vowel points of Hebrew and Arabic. */
const accents = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]+/g;

/**
 * What stands in words and is not seen: soft hyphens, joiners, marks of direction, variants of a character, the lengthening
 * of Arabic letters.
 */
const unseen =
  /[\u034f\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u00ad\u061c\u0640\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+/gu;

/** Letters that are no letter and an accent, and those of Arabic that keyboards have in two forms. */
const plainLetters: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ı: 'i',
  ς: 'σ',
  ى: 'ي',
  ی: 'ي',
  ک: 'ك',
  ة: 'ه',
  ٱ: 'ا',
};
const specials = /[ßæœøđðþłıςىیکةٱ]/g;

const separators = /[^\p{L}\p{N}\p{M}\p{Extended_Pictographic}]+/gu;
/** Scripts that write no blanks, and pictures. */
const unspacedClass =
  '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}\\u30fc\\p{Extended_Pictographic}';
const unspaced = new RegExp(`[${unspacedClass}]`, 'u');
const startsUnspaced = new RegExp(`^[${unspacedClass}]`, 'u');
const unspacedRuns = new RegExp(`[${unspacedClass}]+`, 'gu');
