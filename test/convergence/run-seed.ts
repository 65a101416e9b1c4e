/** Runs seeds, and makes of one that fails a history that can be read. */

import { Choices } from '#test/support/choices';
import type { Home } from './home.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';
import { truthOf, World } from './world.ts';

/** Things that happen in one seed. */
const stepsOfSeed = 26;
/** So many times a failing seed is run again with less in it. */
const mostShorter = 80;

/** The end of a long history. */
const linesOfReport = 150;

/** What came of a seed. */
export interface SeedResult {
  readonly faults: readonly string[];
  readonly history: readonly string[];
}

/** What happens at a step: the same whatever is left out before it. */
function operationAt(choices: Choices): Operation | undefined {
  const total = operations.reduce((sum, { weight }) => sum + weight, 0);
  let left = choices.below(total);
  return operations.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
}

/** Does these steps of a seed. */
export async function act(world: World, steps: readonly number[]): Promise<void> {
  for (const step of steps) {
    const choices = new Choices(Math.imul(world.seed, 1_000_003) + step * 7919);
    const operation = operationAt(choices);
    if (operation === undefined || (operation.isInside && world.home.inside === undefined)) continue;
    world.note(`${step}. ${operation.name}`);
    await operation.run(world, choices);
    await world.checkModel();
    if (world.faults.length > 0) return;
  }
}

/** The steps of a seed; of a later round they are others. */
export function allSteps(round = 0): number[] {
  return Array.from({ length: stepsOfSeed }, (_, step) => 1000 * round + step);
}

/** Runs a seed before a server in this process. */
export async function runSeed(seed: number, home: Home, steps = allSteps()): Promise<SeedResult> {
  const world = new World(seed, home);
  try {
    await world.begin();
    await act(world, steps);
    if (world.faults.length === 0) await world.quiesce();
    if (world.faults.length === 0 && home.inside !== undefined)
      world.compare(await truthOf(home.inside.mailbox));
  } catch (error) {
    world.complain(error instanceof Error ? `${error.stack}` : String(error));
  } finally {
    world.close();
  }
  return { faults: world.faults, history: world.history };
}

/** Leaves out what the fault does not need; gives what is left. */
export async function shortened(
  seed: number,
  first: SeedResult,
  homeOf: (name: string) => Promise<Home>,
): Promise<SeedResult> {
  let steps = allSteps();
  let result = first;
  let runs = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = steps.length - size; at > -size && runs < mostShorter; at -= size) {
      const fewer = steps.filter((_, n) => n < at || n >= at + size);
      const tried = await runSeed(seed, await homeOf(`shorter-${seed}-${runs++}`), fewer);
      if (tried.faults.length === 0) continue;
      steps = fewer;
      result = tried;
    }
  }
  return result;
}

/** For the message of a failed test. */
export function report(seed: number, { faults, history }: SeedResult): string {
  return [
    `seed ${seed} (CONVERGENCE_SEED=${seed} npx vitest run test/convergence)`,
    ...faults.slice(0, 10).map((fault) => `  ${fault}`),
    'history:',
    ...history.slice(-linesOfReport).map((line) => `  ${line}`),
  ].join('\n');
}
