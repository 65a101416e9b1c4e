import { expect, test } from 'vitest';
import { runSeeds, seedsOfHalf } from './seeds.ts';

const seeds = seedsOfHalf(0);

test.skipIf(seeds.length === 0)(
  `phones and mailboxes agree after ${seeds.length} seeds of random changes, from ${seeds[0]} on`,
  { timeout: 300_000 + seeds.length * 10_000 },
  async () => {
    expect((await runSeeds(seeds)).join('\n\n')).toBe('');
  },
);
