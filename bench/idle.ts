/**
 * Resident memory with 5,000 waiting Pings, each on a TLS connection of its own, beside a bare node:https server that
 * holds as many of the same requests in the same run. The server is started anew between the phones' setting up and
 * their waiting, as the bare one is. 20 devices share a user, because signing in the first time takes a core 30 ms.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Order, Report } from './idle-phones.ts';
import { printTable } from './support/figures.ts';
import { Site, type Usage, type User, usageOf } from './support/site.ts';

const connections = Number(process.env['BENCH_CONNECTIONS'] ?? 5_000);
const devicesPerUser = 20;
/** A process may have so many files open only, and the phones must not want for processor time either. */
const processes = 4;

/** Before and with the connections, in MiB. */
interface Held {
  readonly before: number;
  readonly after: number;
}

async function measure(clients: readonly ChildProcess[], order: Order, usage: () => Usage): Promise<Held> {
  await atRest(usage);
  const before = usage().residentKiB / 1024;
  await Promise.all(clients.map((client) => give(client, order)));
  await atRest(usage);
  const after = usage().residentKiB / 1024;
  const reports = await Promise.all(clients.map((client) => give(client, { do: 'hang-up' })));
  const answers = reports.flatMap((report) => report.answers);
  if (answers.length > 0) throw new Error(`${answers.length} Pings were answered: ${answers[0]}`);
  return { before, after };
}

/** Waits until a process has done next to nothing for three seconds. */
async function atRest(usage: () => Usage): Promise<void> {
  for (let quiet = 0, last = usage().cpuMs; quiet < 3; ) {
    await sleep(1_000);
    const now = usage().cpuMs;
    quiet = now - last <= 20 ? quiet + 1 : 0;
    last = now;
  }
}

async function give(client: ChildProcess, order: Order): Promise<Report> {
  client.send(order);
  const gone = once(client, 'exit').then(() => {
    throw new Error('a process of phones ended');
  });
  const [report] = (await Promise.race([once(client, 'message'), gone])) as Report[];
  return report ?? { answers: [] };
}

/** An order to hold Pings with a server at `host:port`. */
const pingOrder = (address: string, ca: string): Order => {
  return { do: 'ping', port: Number(address.slice(address.lastIndexOf(':') + 1)), ca };
};

async function bare(clients: readonly ChildProcess[], site: Site): Promise<Held> {
  const { cert, key } = site.certificate;
  const server = spawn(process.execPath, [join(import.meta.dirname, 'bare-https.ts'), cert, key], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => server.kill('SIGKILL'));
  const [line] = await once(createInterface(server.stdout), 'line');
  const address = JSON.parse(String(line).slice('ready '.length)).https;
  const held = await measure(clients, pingOrder(address, site.ca), () => usageOf(server.pid ?? 0));
  server.kill('SIGKILL');
  return held;
}

async function makeUsers(site: Site): Promise<User[]> {
  const users: User[] = [];
  for (let n = 0; n < Math.ceil(connections / devicesPerUser); n++)
    users.push(await site.addUser(`user${n}`));
  return users;
}

const clients = Array.from({ length: processes }, () => fork(join(import.meta.dirname, 'idle-phones.ts')));
const site = await Site.start();
try {
  const users = await makeUsers(site);
  const { baseUrl, ca } = site;
  await Promise.all(
    clients.map((client, n) => {
      const own = users.filter((_, index) => index % processes === n);
      return give(client, { do: 'set-up', baseUrl, ca, users: own, devicesPerUser });
    }),
  );
  await site.restart();
  const ours = await measure(clients, pingOrder(site.baseUrl, ca), () => site.usage);
  const theirs = await bare(clients, site);
  const row = (name: string, { before, after }: Held) => [
    name,
    before.toFixed(0),
    after.toFixed(0),
    (((after - before) * 1024) / connections).toFixed(1),
  ];
  printTable(
    [`${connections} waiting Pings`, 'before, MiB', 'with them, MiB', 'KiB each'],
    [row('mailstead', ours), row('bare node:https', theirs)],
  );
  const each = (ours.after - ours.before) / (theirs.after - theirs.before);
  const total = ours.after / theirs.after;
  console.log(`${total.toFixed(2)} times as much in all, ${each.toFixed(2)} times for each connection`);
} finally {
  for (const client of clients) client.disconnect();
  await site.stop();
}
