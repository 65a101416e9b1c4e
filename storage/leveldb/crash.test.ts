import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { u64 } from '../keys.ts';
import { allRows, everything, seeded, testFolder } from '../store-fixtures.ts';
import { allParts, rowsOf } from './crash-load.ts';
import { openLevelStore } from './open.ts';

const rounds = Number(process.env['CRASH_ROUNDS'] ?? 20);
const writerPath = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
const random = seeded(Date.now() % 1_000_000);

/** Runs the writers on the folder, kills them at a random moment, and gives what they had acknowledged. */
async function writeAndKill(folder: string, first: number): Promise<number[]> {
  const child = spawn(process.execPath, [writerPath, folder, `${first}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const acknowledged: number[] = [];
  const enough = 1 + random(600);
  const lines = createInterface({ input: child.stdout });
  let killed: Promise<void> | undefined;
  const kill = async () => {
    await delay(random(20));
    child.kill('SIGKILL');
  };
  for await (const line of lines) {
    acknowledged.push(Number(line));
    if (acknowledged.length >= enough) {
      killed ??= kill();
    }
  }
  await killed;
  expect(await exited).toEqual([null, 'SIGKILL']);
  return acknowledged;
}

/** Numbers of all transactions found, every one of them whole. */
async function wholeTransactions(folder: string): Promise<Set<number>> {
  const store = await openLevelStore(folder, {
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    const rows = new Map<number, number>();
    for (const p of allParts) {
      const seen = await allRows(store, p, everything);
      for (const [k] of seen) {
        const id = u64.read(k, 1);
        rows.set(id, (rows.get(id) ?? 0) + 1);
      }
      // Each transaction in a partition took one number there.
      expect(await store.lastSeq(p)).toBe(seen.length / 2);
    }
    for (const [id, count] of rows) {
      expect([id, count]).toEqual([id, rowsOf(id)]);
    }
    return new Set(rows.keys());
  } finally {
    await store.close();
  }
}

it(
  `what was acknowledged survives ${rounds} kills, and nothing is there by half`,
  async () => {
    let folder = '';
    let acknowledged: number[] = [];
    for (let round = 0; round < rounds; round++) {
      if (round % 10 === 0) {
        folder = await testFolder();
        acknowledged = [];
      }
      acknowledged.push(...(await writeAndKill(folder, round * 1_000_000)));
      const found = await wholeTransactions(folder);
      expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
    }
  },
  60_000 + rounds * 5_000,
);
