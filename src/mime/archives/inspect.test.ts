import { createCipheriv, randomBytes } from 'node:crypto';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { gnuTar, gzip, paxTar, tar, tnef, zip } from '#test/support/archives';
import { MessageIndexer } from '../index-message.ts';
import { holdsArchive, inspectMessage } from './inspect.ts';
import type { Finding, InspectionLimits } from './inspection.ts';

const limits: InspectionLimits = {
  maxDepth: 3,
  maxArchives: 1_000,
  maxMembers: 10_000,
  maxBytes: 64 * 1024 * 1024,
  maxRatio: 250,
  maxMs: 60_000,
};

interface Seen {
  readonly finding: Finding | undefined;
  readonly names: readonly string[];
}

/** Every name that is found in a file, and why the search ended before its end. */
async function inspect(content: Buffer, more: Partial<InspectionLimits> = {}, now = () => 0): Promise<Seen> {
  const head = Buffer.from('Content-Disposition: attachment; filename=file\r\n\r\n');
  const raw = Buffer.concat([head, content]);
  const indexer = new MessageIndexer();
  indexer.write(raw);
  const names: string[] = [];
  const finding = await inspectMessage(
    indexer.end(0),
    async function* (start, end) {
      for (let at = start; at < end; at += 5_000) yield raw.subarray(at, Math.min(end, at + 5_000));
    },
    {
      limits: { ...limits, ...more },
      isWanted: (name) => {
        names.push(name);
        return false;
      },
      now,
    },
  );
  return { finding, names };
}

const zeros = Buffer.alloc(32 * 1024 * 1024);

test.each<[string, () => Buffer, Finding['kind']]>([
  ['a gzip file of zeros', () => gzipSync(zeros), 'too-large'],
  ['a tar.gz whose member is zeros', () => gzipSync(tar({ name: 'a', content: zeros })), 'too-large'],
  ['a gzip file of zeros in a zip file', () => zip({ name: 'a.gz', content: gzipSync(zeros) }), 'too-large'],
  [
    'a zip file that says it is huge',
    () => zip(...Array.from({ length: 40 }, (_, n) => ({ name: `a${n}`, declaredBytes: 0xffff_0000 }))),
    'too-large',
  ],
  [
    'a zip file of zip files of zeros',
    () =>
      zip(
        ...Array.from({ length: 20 }, (_, n) => ({
          name: `${n}.gz`,
          content: gzipSync(zeros.subarray(0, 7e6)),
        })),
      ),
    'too-large',
  ],
  [
    'a zip file of many members',
    () => zip(...Array.from({ length: 11_000 }, (_, n) => ({ name: `${n}`, content: '', method: 0 }))),
    'too-many',
  ],
  [
    'a tar file of many members',
    () => tar(...Array.from({ length: 11_000 }, (_, n) => ({ name: `${n}` }))),
    'too-many',
  ],
  [
    'a zip file of many archives',
    () => zip(...Array.from({ length: 1_100 }, (_, n) => ({ name: `${n}.zip`, content: zip() }))),
    'too-many',
  ],
  ['gzip in gzip in gzip in gzip', () => gzipSync(gzipSync(gzipSync(gzipSync('a')))), 'too-deep'],
])('%s is found out', async (_what, make, kind) => {
  expect((await inspect(make())).finding?.kind).toBe(kind);
});

const paxOf = (content: string) => ({ name: 'x', type: 'x', content });

test('a length of 65,000 digits in a pax header is none', async () => {
  const lengths = Array.from({ length: 300 }, () => paxOf(`${'0'.repeat(65_000)}9 path=a\n`));
  const { finding, names } = await inspect(tar(...lengths, { name: 'last', content: '' }));
  expect(finding).toBeUndefined();
  expect(names).toContain('last');
});

test('names without end in front of one member are found out', async () => {
  const headers = Array.from({ length: 20 }, () => paxOf('10 path=a\n'.repeat(6_000)));
  expect((await inspect(tar(...headers.slice(0, 2), { name: 'last' }))).finding).toBeUndefined();
  expect((await inspect(gzip(tar(...headers, ...headers, { name: 'last' })))).finding?.kind).toBe('too-many');
});

test('NULs in the names of TNEF cost no more than their number', async () => {
  const title = `${'\0'.repeat(8_000)}x`;
  const file = tnef(...Array.from({ length: 6_000 }, () => ({ title })));
  expect((await inspect(file, { maxMembers: 100_000 })).names.filter((name) => name === title)).toHaveLength(
    6_000,
  );
});

test('time is bounded', async () => {
  let ms = 0;
  const slow = () => {
    ms += 100;
    return ms;
  };
  const many = zip(...Array.from({ length: 3_000 }, (_, n) => ({ name: `${n}`, content: 'a' })));
  expect((await inspect(many, { maxMs: 150 }, slow)).finding?.kind).toBe('too-slow');
  expect((await inspect(gzipSync(randomBytes(1_000_000)), { maxMs: 150 }, slow)).finding?.kind).toBe(
    'too-slow',
  );
});

test('members behind an archive in an archive are found, whatever its size', async () => {
  for (const size of [0, 1, 100, 16_384, 100_000, 1_000_000]) {
    const inner = zip({ name: 'inner', content: randomBytes(size) });
    const content = zip(
      { name: 'a.zip', content: inner },
      { name: 'b.tgz', content: gzip(tar({ name: 'packed', content: randomBytes(size) })) },
      { name: 'c.tgz', method: 0, content: gzip(tar({ name: 'stored' })) },
      { name: 'd.zip', content: zip({ name: 'last' }) },
    );
    expect((await inspect(content)).names).toEqual(
      expect.arrayContaining(['inner', 'packed', 'stored', 'last']),
    );
  }
});

test('gzip members are one file', async () => {
  const bytes = tar({ name: 'first', content: 'a' }, { name: 'second', content: 'a' });
  const content = Buffer.concat([gzip(bytes.subarray(0, 700), 'one'), gzip(bytes.subarray(700), 'two')]);
  expect((await inspect(content)).names).toEqual(expect.arrayContaining(['one', 'two', 'first', 'second']));
});

/** Bytes that nothing compresses, the same each time: random ones may begin an archive by chance. */
function noise(length: number, seed: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(length));
}

test('a large archive is read in pieces', async () => {
  const members = Array.from({ length: 40 }, (_, n) => ({ name: `${n}.bin`, content: noise(500_000, n) }));
  const content = zip(...members, { name: 'inner.tar.gz', content: gzipSync(tar(...members.slice(0, 10))) });
  const before = process.memoryUsage().arrayBuffers;
  const { names, finding } = await inspect(content);
  expect(finding).toBeUndefined();
  expect(new Set(names).size).toBe(42);
  // What it keeps while it reads 25 MB; the rest is rubbish of the test's own.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024);
});

test('texts are not read, and of other parts only the beginning', async () => {
  const indexOf = (raw: string) => {
    const indexer = new MessageIndexer();
    indexer.write(Buffer.from(raw));
    return indexer.end(0);
  };
  let reads = 0;
  const read = async function* () {
    reads++;
    yield Buffer.alloc(100, 'a');
  };
  const text = `Content-Type: text/plain\r\n\r\n${'Hello\r\n'.repeat(500)}`;
  expect([await holdsArchive(indexOf(text), read), reads]).toEqual([false, 0]);
  const image = `Content-Type: image/png; name=a.png\r\n\r\n${'Hello\r\n'.repeat(500)}`;
  expect([await holdsArchive(indexOf(image), read), reads]).toEqual([false, 1]);
});

/** The same numbers in every run. */
function pseudoRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test.each<[string, () => Buffer]>([
  [
    'zip',
    () =>
      zip(
        { name: 'a' },
        { name: 'b.zip', content: zip({ name: 'c' }) },
        { name: 'd', method: 0, content: tar({ name: 'e' }) },
      ),
  ],
  ['gzip', () => Buffer.concat([gzip('abc', 'name'), gzip(tar({ name: 'a', content: 'b' }))])],
  [
    'tar',
    () =>
      Buffer.concat([
        paxTar('a'.repeat(200)),
        gnuTar('b'.repeat(200)),
        tar({ name: 'z.zip', content: zip({ name: 'c' }) }),
      ]),
  ],
  ['TNEF', () => tnef({ title: 'a', longName: 'b', message: tnef({ title: 'c', content: gzip('d', 'e') }) })],
  ['deflate', () => zip({ name: 'a.zip', method: 8, content: deflateRawSync(zip({ name: 'b' })) })],
])('a damaged %s file ends the search and nothing else', async (_kind, make) => {
  const random = pseudoRandom(20_261_122);
  const whole = make();
  for (let round = 0; round < 400; round++) {
    const bytes = Buffer.from(whole);
    for (let flips = random(8); flips >= 0; flips--) bytes[random(bytes.length)] = random(256);
    // Lengths and counts are where trouble is.
    if (round % 3 === 0)
      bytes.writeUInt32LE(random(2) === 0 ? 0xffffffff : random(2 ** 31), random(bytes.length - 4));
    const end = round % 4 === 0 ? random(bytes.length) : bytes.length;
    await inspect(bytes.subarray(0, end), { maxMembers: 2_000 });
  }
});
