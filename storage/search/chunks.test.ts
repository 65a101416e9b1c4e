import { expect, test } from 'vitest';
import { ChunkWriter, chunksOf, findWord, wordsOfChunk } from './chunks.ts';
import { Postings, readPostings } from './postings.ts';

function written(words: readonly string[], postings: (word: string) => number[]) {
  const writer = new ChunkWriter();
  const chunks = words.flatMap((word) => writer.add(word, postings(word)) ?? []);
  return [...chunks, ...[writer.end()].flatMap((last) => last ?? [])];
}

const words = Array.from({ length: 5000 }, (_, n) => (n * 7).toString(26)).sort();

test('words come back in their order, with what belongs to them', () => {
  const chunks = written(words, (word) => [word.length, 255]);
  expect(chunks.length).toBeGreaterThan(3);
  const read = chunks.flatMap(({ bytes }) =>
    [...wordsOfChunk(bytes)].map(({ word, start, end }) => [word, ...bytes.subarray(start, end)]),
  );
  expect(read).toEqual(words.map((word) => [word, word.length, 255]));
});

test('a row is no larger than about 8 KiB but for one word with more', () => {
  const chunks = written(words, (word) => (word === words[100] ? Array<number>(20_000).fill(1) : [1]));
  const sizes = chunks.map(({ bytes }) => bytes.length).sort((a, b) => b - a);
  expect(sizes[0]).toBeLessThan(21_000);
  expect(sizes[1]).toBeLessThan(9000);
});

test('every word and beginning is looked for in the rows it is in, and in few others', () => {
  const chunks = written(words, () => [1]);
  const pieces = chunks.map(({ from }) => from);
  const inRow = chunks.map(({ bytes }) => [...wordsOfChunk(bytes)].map(({ word }) => word));
  for (const word of words.filter((_, n) => n % 37 === 0)) {
    const row = inRow.findIndex((some) => some.includes(word));
    expect(chunksOf(pieces, word, false)).toEqual([row, row]);
    for (const beginning of [word.slice(0, 1), word.slice(0, 2)]) {
      const [first, last] = chunksOf(pieces, beginning, true);
      const rows = inRow.flatMap((some, n) => (some.some((one) => one.startsWith(beginning)) ? [n] : []));
      expect(first).toBeLessThanOrEqual(rows[0] ?? 0);
      expect(first).toBeGreaterThanOrEqual((rows[0] ?? 0) - 1);
      expect(last).toBe(rows.at(-1));
    }
  }
});

test('a word is found in its row, also by its beginning, and what is not there is not', () => {
  const [chunk] = written(words.slice(0, 800), () => [1]);
  const bytes = chunk?.bytes ?? new Uint8Array(0);
  const entries = [...wordsOfChunk(bytes)];
  expect(entries.length).toBeGreaterThan(500);
  const some = entries.flatMap(({ word }, n) => (n % 5 === 0 ? [word] : []));
  const asked = [
    ...some,
    ...some.map((word) => word.slice(0, 2)),
    ...some.map((word) => `${word}0`),
    '',
    'zzzz',
    '!',
  ];
  for (const word of asked) {
    for (const isPrefix of [true, false]) {
      const places: number[] = [];
      findWord(bytes, word, isPrefix, (start) => places.push(start));
      const expected = entries.filter((one) => (isPrefix ? one.word.startsWith(word) : one.word === word));
      expect(places, word).toEqual(expected.map(({ start }) => start));
    }
  }
});

test('a row that is cut off is an error, not an endless loop', () => {
  const [chunk] = written(words.slice(0, 50), () => [1]);
  for (let length = 1; length < (chunk?.bytes.length ?? 0); length += 7) {
    const cut = chunk?.bytes.subarray(0, length) ?? new Uint8Array(0);
    try {
      expect([...wordsOfChunk(cut)].length).toBeLessThanOrEqual(50);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  }
});

test('postings come back with their fields', () => {
  const items = [
    [0, 32],
    [1, 32],
    [5, 33],
    [6, 33],
    [700, 127],
    [3583, 32],
  ] as const;
  const postings = new Postings();
  for (const [item, fields] of items) postings.add(item, fields);
  const read: [number, number][] = [];
  readPostings(Uint8Array.from(postings.bytes), 0, postings.bytes.length, (...one) => read.push(one));
  expect(read).toEqual(items);
  // Most words are in the text only: a byte for each that is near.
  expect(postings.bytes.length).toBe(11);
});
