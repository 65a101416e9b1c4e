import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { largeMailFixture } from '#test/fixtures/mail/large';
import { type MailFixture, mailFixtures } from '#test/fixtures/mail/load';
import { formatAddressList } from './address.ts';
import { readBody } from './body.ts';
import { decodeTransfer } from './decode-part.ts';
import { MessageIndexer } from './index-message.ts';
import type { MessageAttachment, MessageIndex, MessagePart } from './message-index.ts';

const fixtures = mailFixtures();

function indexOf(raw: Buffer, nextChunk: () => number = () => raw.length): MessageIndex {
  const indexer = new MessageIndexer();
  for (let at = 0; at < raw.length; ) {
    const size = Math.max(1, nextChunk());
    // A copy that is spoilt afterwards: the indexer must not keep what it is given.
    const chunk = Buffer.from(raw.subarray(at, at + size));
    indexer.write(chunk);
    chunk.fill(0x2d);
    at += size;
  }
  return indexer.end(0);
}

/** Chunk sizes that are the same in every run (a linear congruential generator). */
function chunkSizes(seed: number, max: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return 1 + ((state >>> 8) % max);
  };
}

function bodyOf(raw: Buffer, part: Pick<MessagePart, 'start' | 'end'>): Buffer {
  return raw.subarray(part.start, part.end);
}

async function decodedAttachment(
  raw: Buffer,
  index: MessageIndex,
  attachment: MessageAttachment,
): Promise<Buffer> {
  const part = index.parts[attachment.part];
  if (part === undefined) throw new Error('no such part');
  const encoded = bodyOf(raw, part);
  const source = async function* (): AsyncGenerator<Uint8Array> {
    const sizes = chunkSizes(encoded.length + 1, Math.max(7, encoded.length / 4));
    for (let at = 0; at < encoded.length; ) {
      const size = Math.ceil(sizes());
      yield encoded.subarray(at, at + size);
      at += size;
    }
  };
  const pieces: Uint8Array[] = [];
  for await (const piece of decodeTransfer(part.encoding, source())) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function readWhole(raw: Buffer, index: MessageIndex, kind: 'plain' | 'html'): Promise<string> {
  const body = await readBody(index, kind, (part) => Promise.resolve(bodyOf(raw, part)));
  return body.text;
}

async function checkFixture({ raw, expected }: MailFixture, index: MessageIndex): Promise<void> {
  expect(index.size).toBe(raw.length);
  expect(formatAddressList(index.headers.from)).toBe(expected.from);
  expect(formatAddressList(index.headers.to)).toBe(expected.to);
  if (expected.cc !== undefined) expect(formatAddressList(index.headers.cc)).toBe(expected.cc);
  expect(index.headers.subject).toBe(expected.subject);
  expect(index.headers.importance).toBe(expected.importance);
  expect(index.messageClass).toBe(expected.messageClass);
  expect(index.conversationId.length).toBe(16);
  expect(index.conversationIndex.length % 5).toBe(0);

  const plain = (await readWhole(raw, index, 'plain')).replaceAll('\r\n', '\n');
  if (expected.text !== undefined) expect(plain).toBe(expected.text);
  for (const piece of [expected.textContains ?? []].flat()) expect(plain).toContain(piece);
  const html = await readWhole(raw, index, 'html');
  if (expected.html !== undefined) expect(html).toBe(expected.html);
  for (const piece of [expected.htmlContains ?? []].flat()) expect(html).toContain(piece);

  expect(index.attachments.map(({ name }) => name)).toEqual(expected.attachments.map(({ name }) => name));
  for (const [at, wanted] of expected.attachments.entries()) {
    const found = index.attachments[at];
    if (found === undefined) continue;
    expect(found.type).toBe(wanted.type);
    expect(found.isInline).toBe(wanted.inline);
    expect(found.contentId).toBe(wanted.contentId);
    expect(found.method).toBe(wanted.method ?? 1);
    expect(found.isCalendar).toBe(wanted.calendar ?? false);
    if (wanted.size !== undefined) expect(found.size).toBe(wanted.size);
    const data = await decodedAttachment(raw, index, found);
    expect(createHash('sha256').update(data).digest('hex')).toBe(wanted.sha256);
  }
}

describe('messages of real shape', () => {
  it('are at least forty', () => {
    expect(fixtures.length).toBeGreaterThanOrEqual(40);
  });

  it.each(fixtures)('$name is read as a person reads it', async (fixture) => {
    await checkFixture(fixture, indexOf(fixture.raw));
  });

  it.each(fixtures)('$name has the same index whatever the chunks', ({ raw }) => {
    const whole = indexOf(raw);
    for (const [seed, max] of [
      [1, 1],
      [2, 3],
      [3, 17],
      [4, 100],
      [5, 700],
      [6, 3000],
    ] as const) {
      expect(indexOf(raw, chunkSizes(seed, max))).toEqual(whole);
    }
  });

  it('a message of 24.9 MB', async () => {
    const fixture = largeMailFixture();
    await checkFixture(fixture, indexOf(fixture.raw, chunkSizes(7, 200_000)));
  });
});

describe('messages of real shape, read by mailparser', () => {
  // Where the expectation's note explains why mailparser reads a message otherwise, ours stands alone.
  it.each(fixtures.filter(({ expected }) => !expected.note?.includes('mailparser')))(
    '$name agrees',
    async ({ raw, expected }) => {
      const parsed = await simpleParser(raw, {
        skipTextToHtml: true,
        skipHtmlToText: true,
        skipTextLinks: true,
        skipImageLinks: true,
      });
      expect(parsed.subject ?? '').toBe(expected.subject);
      if (expected.text) expect((parsed.text ?? '').trimEnd()).toBe(expected.text.trimEnd());
      expect(parsed.from?.value[0]?.name ?? '').toBe(indexOf(raw).headers.from[0]?.name ?? '');
    },
  );
});
