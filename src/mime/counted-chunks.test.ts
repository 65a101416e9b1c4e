import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { type ContentFacts, ContentFactsReader } from './content-facts.ts';
import { MessageIndexer } from './index-message.ts';
import { countLineEnds } from './line-ends.ts';
import type { MessageIndex } from './message-index.ts';

const head = Buffer.from('Return-Path: <a@a.example>\r\nReceived: by x\r\n\tid y\r\n');

const pieces = [
  'x',
  '.',
  '\r\n',
  '\r\n.',
  '\r\n--b\r\n\r\n',
  '\r\n--b--\r\n',
  'y'.repeat(76),
  'z'.repeat(990),
  '=3D',
  '\xe4',
  '\r',
  '\n',
  '\n.',
  '\0',
];
/** These many of them belong to messages whose line ends are whole. */
const wholePieces = 10;

/** Numbers in [0, below) that are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The index and the facts of a message whose chunks are counted before, as ContentCheck does. */
function readCounted(chunks: readonly Buffer[]): { index: MessageIndex; facts: ContentFacts } {
  const indexer = new MessageIndexer();
  const reader = new ContentFactsReader();
  for (const chunk of chunks) {
    const lineEnds = countLineEnds(chunk);
    indexer.write(chunk, lineEnds);
    reader.write(chunk, lineEnds);
  }
  return { index: indexer.end(0), facts: reader.end(head) };
}

/** Looks at one byte after the other. */
function traitsBySingleBytes(message: Buffer) {
  const found = {
    has8bit: false,
    hasLongLine: false,
    hasNul: false,
    hasBareLineEnd: false,
    hasDotLine: false,
  };
  let lineLength = 0;
  for (let at = 0; at < message.length; at++) {
    const [before, byte = 0, behind] = [message[at - 1], message[at], message[at + 1]];
    if (byte === 0x0a ? before !== 0x0d : byte === 0x0d && behind !== 0x0a) found.hasBareLineEnd = true;
    if (byte === 0x2e && (before === 0x0a || at === 0)) found.hasDotLine = true;
    if (byte === 0) found.hasNul = true;
    if (byte > 0x7f) found.has8bit = true;
    if (byte === 0x0a) lineLength = 0;
    else if (byte !== 0x0d && ++lineLength > 998) found.hasLongLine = true;
  }
  return found;
}

function linesBySingleBytes(body: Buffer): number {
  let lines = 0;
  for (const byte of body) if (byte === 0x0a) lines++;
  return lines + (body.length === 0 || body.at(-1) === 0x0a ? 0 : 1);
}

test('400 random messages that come in counted chunks are what their single bytes make them', () => {
  const below = numbers(20_260_103);
  for (let n = 0; n < 400; n++) {
    const kinds = n % 2 === 0 ? wholePieces : pieces.length;
    const type = ['text/plain', 'multipart/mixed; boundary=b'][below(2)];
    const encoding = ['7bit', 'base64', 'quoted-printable'][below(3)];
    const header = `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
    const body = Array.from({ length: below(40) }, () => pieces[below(kinds)] ?? '').join('');
    const message = Buffer.from(below(20) === 0 ? body : header + body, 'latin1');
    const chunks: Buffer[] = [];
    for (let at = 0; at < message.length; ) {
      const end = at + 1 + below(n % 3 === 0 ? 7 : 3_000);
      chunks.push(message.subarray(at, end));
      at = end;
    }
    const { index, facts } = readCounted(chunks);
    const shown = JSON.stringify(chunks.map((chunk) => chunk.toString('latin1')));
    const { bodyHash: _, ...traits } = facts;
    expect(traits, shown).toEqual(traitsBySingleBytes(Buffer.concat([head, message])));
    const uncounted = new MessageIndexer();
    for (const chunk of chunks) uncounted.write(chunk);
    expect(index, shown).toEqual(uncounted.end(0));
    const [whole, ...others] = index.parts;
    if (others.length === 0)
      expect(whole?.lines, shown).toBe(linesBySingleBytes(message.subarray(whole?.start)));
  }
});
