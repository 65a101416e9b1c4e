/**
 * The commit counter: each commit also writes `S/C<n>`, one more each time. LevelDB skips a damaged block of its
 * log without a word and goes on with the records after it; then a number is missing here.
 */
import { key, systemPart, u64 } from '../keys.ts';
import { type Level, levelKey } from './level.ts';

/** How many numbers are kept, and checked on open. */
export const keptCommits = 100_000;

/** The row of a commit. */
export function commitKey(commit: number): Buffer {
  return key('S', Buffer.from('C'), u64(commit));
}

const numberOffset = levelKey(systemPart(), Buffer.from('C')).length;

/** The last commit in the database, and how many of those before it are missing from `from` on. */
export async function countCommits(level: Level, from: number): Promise<{ last: number; missing: number }> {
  const last = await lastCommit(level);
  const first = Math.max(from, last - keptCommits + 1);
  let found = 0;
  let gte = commitKey(first);
  for (;;) {
    const iterator = level.keys({
      gte,
      lte: commitKey(last),
      limit: 10_000,
      highWaterMarkBytes: 1024 * 1024,
    });
    let page: Uint8Array[];
    try {
      page = await iterator.nextv(10_000);
    } finally {
      await iterator.close();
    }
    const newest = page.at(-1);
    if (!newest) {
      return { last, missing: Math.max(0, last - first + 1 - found) };
    }
    found += page.length;
    gte = commitKey(u64.read(newest, numberOffset) + 1);
  }
}

async function lastCommit(level: Level): Promise<number> {
  const iterator = level.keys({
    gte: commitKey(0),
    lte: commitKey(Number.MAX_SAFE_INTEGER),
    limit: 1,
    reverse: true,
  });
  try {
    const [newest] = await iterator.nextv(1);
    return newest ? u64.read(newest, numberOffset) : 0;
  } finally {
    await iterator.close();
  }
}
