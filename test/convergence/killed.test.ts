import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Choices } from '#test/support/choices';
import { KilledServer } from './killed-server.ts';
import { act, allSteps, report } from './run-seed.ts';
import { World } from './world.ts';

/** CONVERGENCE_KILLS asks for more. */
const kills = Number(process.env['CONVERGENCE_KILLS'] ?? 3);
const first = Number(process.env['CONVERGENCE_SEED'] ?? process.env['CONVERGENCE_FIRST'] ?? 1);
/** So many seeds are at work together, and then others. */
const seedsAtOnce = 3;
/** Until the last kill there is one more round. */
const stepsOfRound = 8;
const killsOfServer = 5;
/** A kill meets them within this time after the start. */
const longestLifeMs = 2500;

test(`phones and mailboxes agree after ${kills} kills of the server, from seed ${first} on`, {
  timeout: 120_000 + kills * 60_000,
}, async () => {
  for (let done = 0; done < kills; done += killsOfServer) {
    const seed = first + (done / killsOfServer) * seedsAtOnce;
    const faults = await underKills(seed, Math.min(killsOfServer, kills - done));
    expect(faults.join('\n\n')).toBe('');
    if (kills > killsOfServer) console.log(`convergence: ${done + killsOfServer} of ${kills} kills`);
  }
});

/** Kills a server under some seeds; gives the reports of those that fail. */
async function underKills(firstSeed: number, count: number): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mailstead-test-'));
  const server = await KilledServer.start(folder);
  const choices = new Choices(firstSeed);
  const worlds: World[] = [];
  for (let seed = firstSeed; seed < firstSeed + seedsAtOnce; seed++) {
    worlds.push(new World(seed, await server.home(`seed${seed}`)));
  }
  let isKilling = true;
  const live = async (world: World) => {
    await world.begin();
    for (let round = 1; isKilling; round++) await act(world, allSteps(round).slice(0, stepsOfRound));
    await world.quiesce();
    world.close();
  };
  const kill = async () => {
    for (let n = 0; n < count; n++) {
      await pause(200 + choices.below(longestLifeMs));
      for (const world of worlds) world.note('-- killed');
      await server.kill();
    }
    isKilling = false;
  };
  await Promise.all([...worlds.map(live), kill()]);
  const truthOf = await server.end();
  for (const world of worlds) world.compare(truthOf(world.home));
  await rm(folder, { recursive: true, force: true });
  const failed = worlds.filter(({ faults }) => faults.length > 0);
  return [...failed.map((world) => report(world.seed, world)), ...server.faults];
}
