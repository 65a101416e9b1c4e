/** Letters that Unicode does not take apart into a letter and a mark. */
const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  æ: 'ae',
  œ: 'oe',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
};

/** fold gives the form of a text in which neither case, accents nor compatibility forms make a difference. */
export function fold(text: string): string {
  const lower = text.normalize('NFKD').toLowerCase();
  // Most names are ASCII.
  if (!/[^\0-\x7f]/.test(lower)) return lower;
  return lower
    .replace(/\p{M}/gu, '')
    .replace(/[ßøæœłđðþı]/g, (letter) => letters[letter] ?? letter)
    .replace(/[‘’ʼ]/g, "'");
}

/** wordsOf gives the words of a folded text: what stands between blanks, and the parts of that between other signs. */
export function wordsOf(folded: string): string[] {
  const words: string[] = [];
  for (const chunk of chunksOf(folded)) {
    words.push(chunk);
    const parts = chunk.split(/[^\p{L}\p{N}]+/u);
    if (parts.length > 1) for (const part of parts) if (part !== '') words.push(part);
  }
  return words;
}

/** chunksOf gives what stands between blanks, commas, semicolons, quotes and brackets. */
export function chunksOf(folded: string): string[] {
  return folded.split(/[\s,;"()<>[\]]+/u).filter((chunk) => chunk !== '');
}
