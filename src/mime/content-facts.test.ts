import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { mailFixtures } from '#test/fixtures/mail/load';
import { type ContentFacts, ContentFactsReader } from './content-facts.ts';
import { digestMessage } from './dkim-sign.ts';
import { traitsOf } from './traits.ts';

async function* chunksOf(raw: Buffer, size: number) {
  for (let at = 0; at < raw.length; at += size) yield raw.subarray(at, at + size);
}

async function factsOf(raw: Buffer, head: Buffer, chunk: number): Promise<ContentFacts> {
  const reader = new ContentFactsReader();
  for await (const piece of chunksOf(raw, chunk)) reader.write(piece);
  return reader.end(head);
}

/** What reading the whole message tells. */
async function foundIn(message: Buffer): Promise<ContentFacts> {
  const { size: _, ...traits } = await traitsOf(chunksOf(message, message.length || 1));
  const { bodyHash } = await digestMessage(chunksOf(message, 65_536));
  return { ...traits, bodyHash, hasDotLine: /(?<![^\n])\./.test(message.toString('latin1')) };
}

const head = Buffer.from('Return-Path: <a@a.example>\r\nReceived: by x\r\n\tid y\r\n');

const odd = [
  '',
  '\r\n',
  '\r\n\r\nbody\r\n',
  '\nbody',
  'no header at all',
  'Subject: no body\r\n',
  'Subject: no body\r\n\r\n',
  'Subject: bare\n\nline\nends\n',
  'Subject: bare\r\rCR\r',
  'Subject: two\r\n\r\n \t x  y \r\n\r\n\r\n',
  '.\r\nSubject: dots',
  'Subject: dots\r\n\r\n.a\r\n',
  'Subject: dots\r\n\r\na.\r\n\r\n ..',
  `Subject: long\r\n\r\n${'x'.repeat(2_000)}\r\n\0\r\n\xe4`,
].map((text) => ({ name: JSON.stringify(text.slice(0, 40)), raw: Buffer.from(text, 'latin1') }));

describe('the facts of a message with fields in front are those of the whole', () => {
  test.each([...odd, ...mailFixtures()])('$name', async ({ raw }) => {
    const whole = await foundIn(Buffer.concat([head, raw]));
    for (const chunk of [1, 7, 1_000, 65_536]) {
      if (chunk === 1 && raw.length > 100_000) continue;
      expect(await factsOf(raw, head, chunk), `chunks of ${chunk}`).toEqual(whole);
    }
  });

  test('those of the fields count', async () => {
    const fields = Buffer.from(`Return-Path: <\xe4@a.example>\r\nX: ${'x'.repeat(1_000)}\r\n`, 'latin1');
    const raw = Buffer.from('Subject: a\r\n\r\nb\r\n');
    expect(await factsOf(raw, fields, 100)).toEqual(await foundIn(Buffer.concat([fields, raw])));
    const dotted = Buffer.from('X: y\r\n.z: a\r\n');
    expect((await factsOf(raw, dotted, 100)).hasDotLine).toBe(true);
  });
});
