/**
 * The directory with 10 and with 1,000 organisations of 100 users each, and with one of 10,000: processor time of what is
 * asked of it, in this process, over a real store. People are made without passwords but for one, whose sign-in is measured
 * with the cheapest hash there is. Figures of one column should be those of the next.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Directory } from '#directory/directory';
import { argon2idOf } from '#directory/password';
import { SignIn } from '#directory/sign-in';
import type { OrganizationId } from '#domain/ids';
import { openDatabase } from '#storage/database';
import { StoredDirectory } from '#storage/directory-store';
import { Maintenance } from '#storage/maintenance';
import { silentLogger } from '#telemetry/log';
import { systemOutside } from '../src/outside.ts';
import { printTable } from './support/figures.ts';
import { shareOf } from './support/share.ts';

const password = 'Password-of-bench-1';
const roundMs = 300;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const folder = await mkdtemp(join(tmpdir(), 'mailstead-bench-'));
const database = await openDatabase({
  folder,
  inlineBodyBytes: 32_768,
  now: Date.now,
  onFatal: (error) => {
    throw error;
  },
});
const passwords = argon2idOf({ memoryKiB: 8, passes: 1 });
const parts = {
  mailboxes: database.mail,
  outside: systemOutside,
  settings: { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 },
  passwords,
};
const newDirectory = () => new Directory({ ...parts, store: new StoredDirectory(database) });
const directory = newDirectory();
const organizations: OrganizationId[] = [];
const maintenance = new Maintenance({ ...database, clock: systemOutside.clock, log: silentLogger });
// Writes down that everybody is in the indexes, as with each start.
await maintenance.runDue(Date.now());

/** Makes an organisation `org<n>` of so many users `user<m>`, of whom the first is enabled and has a password. */
async function addOrganization(alias: string, users: number): Promise<OrganizationId> {
  const organization = await directory.createOrganization({ alias });
  const first = await directory.createUser(organization, { name: 'user0', displayName: 'User', password });
  await directory.registerToWorkMail(organization, first, `user0@${alias}.mailstead.test`);
  for (let n = 1; n < users; n += 100) {
    const names = Array.from({ length: Math.min(100, users - n) }, (_, m) => `user${n + m}`);
    await Promise.all(names.map((name) => directory.createUser(organization, { name, displayName: name })));
  }
  return organization;
}

/** Processor microseconds of one; the first are not counted. */
async function measure(once: (n: number) => Promise<unknown>): Promise<number> {
  for (let n = 0; n < 20; n++) await once(n);
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  let count = 0;
  while (performance.now() - start < roundMs || count < 5) await once(count++);
  const { user, system } = process.cpuUsage(cpu);
  return Math.round((user + system) / count);
}

/** Figures by what was asked, of organisations that take turns. */
async function figures(
  of: readonly OrganizationId[],
  aliases: readonly string[],
): Promise<Map<string, number>> {
  const turn = (n: number) => of[n % of.length] ?? ('' as OrganizationId);
  const addressOf = (n: number) => `user0@${aliases[n % aliases.length]}.mailstead.test`;
  const id = (await directory.describeUser(turn(0), 'user0')).id;
  // Nothing is remembered by this one.
  const cold = () => new SignIn({ directory: newDirectory(), clock: systemOutside.clock, passwords });
  const warm = cold();
  const asked: Record<string, (n: number) => Promise<unknown>> = {
    'ListUsers, first page': (n) => directory.listUsers(turn(n), {}, undefined, 100),
    'ListUsers, by state, first': (n) =>
      newDirectory().listUsers(turn(n), { state: 'ENABLED' }, undefined, 100),
    'ListUsers, by state, again': (n) =>
      directory.listUsers(turn(n % 10), { state: 'ENABLED' }, undefined, 100),
    'ListUsers, by name prefix, again': (n) =>
      directory.listUsers(turn(n % 10), { namePrefix: 'user9' }, undefined, 100),
    'DescribeUser, by id': () => directory.describeUser(turn(0), id),
    'DescribeUser, by name': (n) => directory.describeUser(turn(n), 'user0'),
    'DescribeUser, by address': (n) => directory.describeUser(turn(n), addressOf(n)),
    'RCPT, first': (n) => newDirectory().resolveRecipient(addressOf(n)),
    'RCPT, again': () => directory.resolveRecipient(addressOf(0)),
    'RCPT, again, while others change': async (n) => {
      if (n % 10 === 0 && of.length > 1) {
        await directory.putMailRouting(turn(1), {});
      }
      return directory.resolveRecipient(addressOf(0));
    },
    'sign-in, first': (n) => cold().signIn(addressOf(n), [password], '127.0.0.1'),
    'sign-in, again': () => warm.signIn(addressOf(0), [password], '127.0.0.1'),
    'sign-in name nobody has, no domain': () => directory.userFor('nobody'),
    'sign-in name that all have, no domain': () => directory.userFor('user0'),
    'RCPT of postmaster here, first': () => newDirectory().resolveRecipient('postmaster@mail.example.com'),
    'ListGroups, none there, again': (n) => directory.groups.list(turn(n % 10), {}, undefined, 100),
    'ListOrganizations, first page': () => directory.listOrganizations(undefined, 100),
    'hourly maintenance, nothing to do': () => maintenance.runDue(Date.now()),
  };
  const found = new Map<string, number>();
  for (const [what, once] of Object.entries(asked)) found.set(what, await measure(once));
  collectGarbage();
  found.set('heap after, MiB', Math.round(process.memoryUsage().heapUsed / 1_048_576));
  return found;
}

try {
  const aliases: string[] = [];
  const columns: [string, Map<string, number>][] = [];
  for (const count of [10, shareOf(1_000)]) {
    for (let n = organizations.length; n < count; n++) {
      organizations.push(await addOrganization(`org${n}`, 100));
      aliases.push(`org${n}`);
    }
    columns.push([`${count} of 100`, await figures(organizations, aliases)]);
  }
  const large = await addOrganization('large', shareOf(10_000));
  columns.push([`one of ${shareOf(10_000)}`, await figures([large], ['large'])]);
  const names = [...(columns[0]?.[1].keys() ?? [])];
  const head = ['processor time of one, µs', ...columns.map(([name]) => name)];
  printTable(
    head,
    names.map((name) => [name, ...columns.map(([, found]) => found.get(name) ?? 0)]),
  );
} finally {
  await database.close();
  await rm(folder, { recursive: true, force: true });
}
