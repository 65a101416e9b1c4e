import { expect, test } from 'vitest';
import { ContentFeed } from './content-feed.ts';
import { ContentIntake } from './content-intake.ts';
import type { ContentMessage } from './relay-messages.ts';

const chunkBytes = 64 * 1024;

/** Chunks that tell where they stand, and how many were read in all. */
function source(chunks: number, fault?: Error) {
  const read = { chunks: 0, isEnded: false };
  async function* open(): AsyncGenerator<Uint8Array> {
    try {
      for (let n = 0; n < chunks; n++) {
        read.chunks++;
        yield Buffer.alloc(chunkBytes, n);
      }
      if (fault !== undefined) throw fault;
    } finally {
      read.isEnded = true;
    }
  }
  return { open, read };
}

/** A message that goes from a feed to an intake, as by two threads. */
function handed(open: () => AsyncIterable<Uint8Array>) {
  const readings: number[] = [];
  let onTheWay = 0;
  let most = 0;
  let feed: ContentFeed;
  const start = (number: number) => {
    readings.push(number);
    onTheWay = 0;
    feed = new ContentFeed(number, (message, transfer) => {
      const copy: ContentMessage = structuredClone(message, { transfer: [...transfer] });
      if ('chunks' in message) for (const { byteLength } of transfer) expect(byteLength).toBe(0);
      if ('chunks' in copy) for (const { length } of copy.chunks) onTheWay += length;
      most = Math.max(most, onTheWay);
      queueMicrotask(() => intake.take(copy));
    });
    void feed.run(open());
  };
  const intake = new ContentIntake({
    read: (number) => {
      feed.stop();
      start(number);
    },
    more: (_read, bytes) => {
      onTheWay -= bytes;
      feed.more(bytes);
    },
  });
  start(0);
  return { intake, readings, most: () => most, stop: () => feed.stop() };
}

async function firstBytes(content: AsyncIterable<Uint8Array>, upTo = Number.POSITIVE_INFINITY) {
  const found: number[] = [];
  for await (const chunk of content) {
    found.push(chunk[0] ?? -1);
    if (found.length >= upTo) break;
  }
  return found;
}

const all = (chunks: number) => Array.from({ length: chunks }, (_, n) => n);

test('a message passes in order, and at most 512 KiB of it are on the way', async () => {
  const { open } = source(100);
  const { intake, most } = handed(open);
  expect(await firstBytes(intake.open())).toEqual(all(100));
  expect(most()).toBeLessThanOrEqual(512 * 1024);
});

test('nobody takes it: no more than 512 KiB are read', async () => {
  const { open, read } = source(100);
  const { stop } = handed(open);
  await new Promise((resolve) => setImmediate(resolve));
  expect(read).toMatchObject({ isEnded: false });
  expect(read.chunks * chunkBytes).toBeLessThanOrEqual(512 * 1024);
  stop();
  await expect.poll(() => read.isEnded).toBe(true);
});

test('who stops within the first chunks leaves them to the next reader', async () => {
  const { open } = source(20);
  const { intake, readings } = handed(open);
  expect(await firstBytes(intake.open(), 1)).toEqual([0]);
  expect(await firstBytes(intake.open(), 2)).toEqual([0, 1]);
  expect(await firstBytes(intake.open())).toEqual(all(20));
  expect(readings).toEqual([0]);
});

test('what was read further is read once more from the beginning', async () => {
  const { open, read } = source(20);
  const { intake, readings } = handed(open);
  expect(await firstBytes(intake.open(), 5)).toEqual(all(5));
  expect(await firstBytes(intake.open())).toEqual(all(20));
  expect(await firstBytes(intake.open())).toEqual(all(20));
  expect(readings).toEqual([0, 1, 2]);
  expect(read.isEnded).toBe(true);
});

test('an error of reading comes after what was read before it', async () => {
  const { intake } = handed(source(10, new Error('damaged')).open);
  const found: number[] = [];
  const reading = async () => {
    for await (const chunk of intake.open()) found.push(chunk[0] ?? -1);
  };
  await expect(reading()).rejects.toThrow('damaged');
  // What waited for more of a batch is lost with it.
  expect(found).toEqual(all(found.length));
  expect(found.length).toBeGreaterThan(0);
});

test('the end of the attempt is an error for who waits', async () => {
  const { intake, stop } = handed(source(100).open);
  const content = intake.open()[Symbol.asyncIterator]();
  expect((await content.next()).value?.[0]).toBe(0);
  stop();
  const rest = firstBytes({ [Symbol.asyncIterator]: () => content });
  intake.end();
  await expect(rest).rejects.toThrow('over');
});

test('memory that holds something else is copied', async () => {
  const whole = Buffer.alloc(1_000, 7);
  const { intake } = handed(async function* () {
    yield whole.subarray(100, 200);
    yield whole.subarray(300);
  });
  let bytes = 0;
  for await (const chunk of intake.open()) bytes += chunk.length;
  expect(bytes).toBe(800);
  expect(whole.every((byte) => byte === 7)).toBe(true);
  expect(whole).toHaveLength(1_000);
});
