/** The seeds of a run: a few in each run of the tests, many in `npm run test:convergence`. */
import { report, runSeed, type SeedResult, shortened } from './run-seed.ts';
import { Site, type Station } from './station.ts';

/** This one alone. */
const only = process.env['CONVERGENCE_SEED'];
const first = Number(only ?? process.env['CONVERGENCE_FIRST'] ?? 1);
const count = only === undefined ? Number(process.env['CONVERGENCE_SEEDS'] ?? 200) : 1;
/** Seeds that run at the same time before one store: while one waits for the disk, another has its turn. */
const stationsOfSite = 4;
/** A store is used for so many. */
const seedsOfSite = 100;
const mostFailures = 3;

/** Every other one of the seeds, for one process of two. */
export function seedsOfHalf(half: 0 | 1): readonly number[] {
  const seeds = Array.from({ length: count }, (_, n) => first + n);
  return only === undefined ? seeds.filter((_, n) => n % 2 === half) : seeds.slice(0, 1 - half);
}

/** Runs the seeds; gives the reports of those that fail, and faults that the server has logged. */
export async function runSeeds(seeds: readonly number[]): Promise<string[]> {
  const failures: string[] = [];
  for (let from = 0; from < seeds.length && failures.length < mostFailures; from += seedsOfSite) {
    const due = seeds.slice(from, from + seedsOfSite);
    const found = await runOnSite(due);
    failures.push(...found);
    if (seeds.length > seedsOfSite) {
      const done = from + due.length;
      const counts = `convergence: ${done} of ${seeds.length} seeds, up to ${due.at(-1)}, ${failures.length} failed`;
      // A long run tells at once what it finds.
      console.log([...found, counts].join('\n\n'));
    }
  }
  return failures;
}

async function runOnSite(seeds: readonly number[]): Promise<string[]> {
  const failures: string[] = [];
  const waiting = [...seeds];
  const site = await Site.open();
  const work = async (station: Station) => {
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
      const result = await runSeed(seed, await station.home(`seed-${seed}`));
      if (result.faults.length > 0) failures.push(report(seed, await shorter(seed, result, station)));
      if (failures.length >= mostFailures) return;
    }
  };
  try {
    await Promise.all(Array.from({ length: stationsOfSite }, async () => work(await site.station())));
  } finally {
    await site.close();
  }
  return [...failures, ...site.faults];
}

function shorter(seed: number, result: SeedResult, station: Station): Promise<SeedResult> {
  return shortened(seed, result, (name) => station.home(name));
}
