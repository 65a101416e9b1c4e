import { describe, expect, test } from 'vitest';
import { indexWords, termsOf } from './index-words.ts';
import { patternOf, searchable } from './text.ts';

const utf8 = (word: string) => Buffer.from(word).toString('latin1');
const wordsIn = (text: string) => [...indexWords(searchable(text))];
const termsFor = (text: string) => termsOf(patternOf(text) ?? '');

describe('the words of a text', () => {
  test('are folded, in bytes of UTF-8', () => {
    expect(wordsIn('Straße, NAÏVE привет')).toEqual(['strasse', 'naive', utf8('привет')]);
  });

  test('are every two characters that follow each other, and the last, where no blanks are written', () => {
    expect(wordsIn('a日本語b 東')).toEqual(['a', ...['日本', '本語', '語'].map(utf8), 'b', utf8('東')]);
    expect(wordsIn('😀😁')).toEqual(['😀😁', '😁'].map(utf8));
  });

  test('are cut after 40 bytes, however long they are', () => {
    const long = wordsIn(`${'a'.repeat(1_000_000)} ${'я'.repeat(1000)}`);
    expect(long).toEqual(['a'.repeat(40), utf8('я'.repeat(20))]);
  });
});

describe('what is looked up for a pattern', () => {
  test.each([
    ['alpha', ['alpha*'], true],
    ['alpha beta', ['alpha', 'beta*'], false],
    ['日', ['日*'], true],
    ['日本', ['日本'], true],
    ['日本語', ['日本', '本語'], false],
    ['日 alpha', ['日*', 'alpha*'], false],
    ['alpha日', ['alpha', '日*'], false],
  ])('%s', (text, words, isExact) => {
    const terms = words.map((word) => ({ word: utf8(word.replace('*', '')), isPrefix: word.endsWith('*') }));
    expect(termsFor(text)).toEqual({ terms, isExact });
  });

  test('a word that the index has cut is looked at in the message', () => {
    expect(termsFor('a'.repeat(40)).isExact).toBe(true);
    expect(termsFor('a'.repeat(41))).toEqual({
      terms: [{ word: 'a'.repeat(40), isPrefix: true }],
      isExact: false,
    });
  });

  test('a phrase of very many words is bounded', () => {
    const { terms, isExact } = termsFor(Array.from({ length: 5000 }, (_, n) => `w${n}`).join(' '));
    expect(terms.length).toBeLessThan(30);
    expect(isExact).toBe(false);
  });
});
