import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { classOf } from '#domain/folder';
import { collectionIdOf, serverIdOf } from '#protocols/activesync/ids';
import { Maintenance } from '#storage/maintenance';
import { silentLogger } from '#telemetry/log';
import { Choices } from '#test/support/choices';
import type { EasClient } from '#test/support/eas-client';
import { dayMs } from '#test/support/maintenance';
import { storeFaults } from '#test/support/store-faults';
import { fixedClock } from '#test/support/temp-store';
import { type Asked, type CrashCase, type Desk, isLarge } from './crash-case.ts';
import { fileCases } from './file-cases.ts';
import { itemCases } from './item-cases.ts';
import { settingsCases } from './settings-cases.ts';
import { type Contents, CrashSite, contentsOf, type Person } from './site.ts';

/** CRASH_SEEDS asks for more; CRASH_SEED for one, CRASH_CASE for a case by its name. */
const first = Number(process.env['CRASH_SEED'] ?? 1);
const seeds = process.env['CRASH_SEED'] === undefined ? Number(process.env['CRASH_SEEDS'] ?? 1) : 1;
const cases = [...itemCases, ...fileCases, ...settingsCases].filter(({ name }) =>
  name.includes(process.env['CRASH_CASE'] ?? ''),
);

/** Where nobody counts what a process writes, it is killed then. */
const longestMs = 20_000;
/** Tells how far each case was when the server was killed. */
const isTelling = process.env['CRASH_TELL'] !== undefined;

/** A case with its people, as it stands. */
interface Running {
  readonly crashCase: CrashCase;
  readonly person: Person;
  readonly friend: Person;
  readonly phones: EasClient[];
  asked: Asked | undefined;
  done: number;
  readonly faults: string[];
}

test(`what phones asked of a server that is killed is there once after it, seeds ${first} to ${first + seeds - 1}`, {
  timeout: 60_000 + seeds * (isLarge ? 600_000 : 120_000),
}, async () => {
  const site = await CrashSite.open();
  const rounds: Running[][] = [];
  for (let seed = first; seed < first + seeds; seed++) rounds.push(await peopleFor(site, seed));
  await site.end('SIGTERM');
  await site.offline(async (database) => {
    for (const { crashCase, person } of rounds.flat()) await crashCase.fill?.(database, person);
  });
  await site.start();
  for (const [n, round] of rounds.entries()) {
    const choices = new Choices(first + n);
    for (const group of Map.groupBy(round, ({ crashCase }) => crashCase.group).values())
      await crash(site, group, choices);
  }
  await site.end('SIGTERM');
  const faults = await faultsOf(site, rounds.flat());
  expect([...faults, ...site.faults].join('\n')).toBe('');
});

async function peopleFor(site: CrashSite, seed: number): Promise<Running[]> {
  const running: Running[] = [];
  const friend = await site.person(`friend-${seed}`);
  for (const [n, crashCase] of cases.entries()) {
    const person = await site.person(`own-${seed}-${n}`);
    running.push({ crashCase, person, friend, phones: [], asked: undefined, done: 0, faults: [] });
  }
  return running;
}

/** The cases of a group are at work when the server is killed; then they go on. */
async function crash(site: CrashSite, group: readonly Running[], choices: Choices): Promise<void> {
  const { organization: OrganizationId } = site;
  await site.admin('Mailstead.PutMobileDeviceAccessSettings', { OrganizationId, NewDevices: 'ALLOW' });
  for (const one of group) one.asked = await one.crashCase.begin(deskOf(site, one));
  const writes = group.reduce((sum, { crashCase }) => sum + crashCase.writesKib, 0) * 1024;
  // Sooner rather than later: the small ones are done before the large ones.
  const enough = (await site.written()) + (writes * choices.below(1000) ** 2) / 1_000_000;
  const began = Date.now();
  let isDone = false;
  const work = Promise.all(group.map((one) => goOn(one, true))).then(() => {
    isDone = true;
  });
  while (!isDone && (await site.written()) < enough && Date.now() - began < longestMs) await pause(2);
  await site.end('SIGKILL');
  await work;
  for (const { crashCase, done, asked } of group)
    if (isTelling) console.log(`${done} of ${asked?.steps.length}: ${crashCase.name}`);
  await site.start();
  await Promise.all(group.map((one) => goOn(one, false)));
  for (const one of group) for (const phone of one.phones) await catchUp(phone, one);
}

function deskOf(site: CrashSite, { person, friend, phones }: Running): Desk {
  return {
    site,
    person,
    friend,
    phone: async (deviceId, version) => {
      const phone = await site.phone(person, deviceId, version);
      await phone.provision();
      await phone.folderSync();
      phones.push(phone);
      return phone;
    },
  };
}

/** Does what is left to do. */
async function goOn(one: Running, mayBeCutOff: boolean): Promise<void> {
  const { asked, faults, crashCase } = one;
  const steps = asked?.steps ?? [];
  try {
    for (; one.done < steps.length; one.done++) await steps[one.done]?.();
  } catch (error) {
    if (!mayBeCutOff || !isCutOff(error)) faults.push(`${crashCase.name}, step ${one.done + 1}: ${error}`);
  }
}

function isCutOff(error: unknown): boolean {
  return (
    error instanceof Error &&
    ('code' in error || /aborted|socket hang up|terminated|ended without a reply/.test(error.message))
  );
}

/** The phone asks for all there is. */
async function catchUp(phone: EasClient, { faults, crashCase }: Running): Promise<void> {
  try {
    const status = await phone.folderSync();
    if (status !== 1) faults.push(`${crashCase.name}: FolderSync is answered ${status}`);
    for (const id of phone.folders.keys())
      if (phone.classOf(id) === 'Email') await phone.syncAll(id, { windowSize: 512 });
  } catch (error) {
    faults.push(`${crashCase.name}, ${phone.deviceId}: ${error}`);
  }
  phone.close();
}

async function faultsOf(site: CrashSite, all: readonly Running[]): Promise<string[]> {
  const refs = site.people.map(({ ref }) => ref);
  return await site.offline(async (database) => {
    const faults: string[] = [];
    for (const { crashCase, person, friend, phones, asked, faults: own } of all) {
      const contents = await contentsOf(database, person);
      const said = [
        ...own,
        ...(asked?.check(contents, await contentsOf(database, friend)) ?? []),
        ...phones.flatMap((phone) => viewFaults(phone, contents)),
      ];
      faults.push(...said.map((fault) => `${person.address}, ${crashCase.name}: ${fault}`));
    }
    faults.push(...(await storeFaults(database, refs, false)));
    const clock = fixedClock(Date.now());
    const maintenance = new Maintenance({ ...database, clock, log: silentLogger });
    for (let days = 0; days < 4; days++) {
      clock.move(dayMs + 1);
      await maintenance.runDue(clock.now());
    }
    faults.push(...(await storeFaults(database, refs, true)).map((fault) => `days later: ${fault}`));
    return faults;
  });
}

/** How what a phone holds differs from the mailbox. */
function viewFaults(phone: EasClient, { folders, items }: Contents): string[] {
  const faults = [...phone.folders.keys()].filter(
    (id) => !folders.some((one) => collectionIdOf(one.id) === id),
  );
  const said = faults.map((id) => `${phone.deviceId} holds folder ${id}, which there is not`);
  for (const { id, type } of folders) {
    const collection = collectionIdOf(id);
    if (!phone.folders.has(collection)) said.push(`${phone.deviceId} has not folder ${collection}`);
    if (classOf(type) !== 'Email') continue;
    const held = new Set(phone.collection(collection).items.keys());
    const there = items.filter(({ folder }) => folder === id).map((one) => serverIdOf(id, one.id));
    const missing = there.filter((one) => !held.delete(one));
    if (missing.length + held.size > 0)
      said.push(`${phone.deviceId}, folder ${collection}: ${missing.length} missing, ${held.size} too many`);
    said.push(...phone.collection(collection).anomalies.map((what) => `${phone.deviceId}: ${what}`));
  }
  return said;
}
