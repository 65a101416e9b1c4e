import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { MessageIndexer } from './index-message.ts';
import { strayNames } from './stray-names.ts';

async function namesOf(body: string): Promise<readonly (string | undefined)[]> {
  const raw = Buffer.from(`Subject: a\r\n\r\n${body}`);
  const indexer = new MessageIndexer();
  indexer.write(raw);
  const names: (string | undefined)[] = [];
  const read = async function* (start: number, end: number) {
    for (let at = start; at < end; at += 65_536) yield raw.subarray(at, Math.min(end, at + 65_536));
  };
  for await (const name of strayNames(indexer.end(0), read)) names.push(name);
  return names;
}

const line = '#0V%T\r\n`\r\nend\r\n';

test('lines in front of uuencoded files cost no more than their length', async () => {
  const blanks = `begin 644${' '.repeat(60_000)}${'x'.repeat(1_100)}\r\n`;
  expect(new Set(await namesOf(`${blanks.repeat(900)}begin 644  a b.exe\r\n${line}`))).toEqual(
    new Set(['a b.exe']),
  );
});
