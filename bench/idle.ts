/**
 * Resident memory and processor time with 10,000 waiting Pings, each on a TLS connection of its own, beside a bare
 * node:https server that holds as many of the same requests in the same run. The server is started anew between the
 * phones' setting up and their waiting, as the bare one is. 20 devices share a user, because signing in the first time
 * takes a core 30 ms. Then one message is delivered to each of 200 users, and the milliseconds from its 250 to the Ping
 * answers of its 20 devices are what they see; all are on one machine, so its clock is everybody's.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { SmtpClient } from '#test/support/smtp-client';
import type { Order, Report } from './idle-phones.ts';
import { percentile, printTable, wallClockMs } from './support/figures.ts';
import { deliverOne } from './support/mail.ts';
import { shareOf } from './support/share.ts';
import { Site, type Usage, type User, usageOf } from './support/site.ts';

const connections = shareOf(10_000);
const devicesPerUser = 20;
/** A process may have so many files open only, and the phones must not want for processor time either. */
const processes = 4;

const idleSeconds = 20;
const pushed = shareOf(200);

/** Before and with the connections, in MiB; processor time in milliseconds while nothing happens. */
interface Held {
  readonly before: number;
  readonly after: number;
  readonly idleCpuMs: number;
}

/** `push` is done while the Pings wait, and says who may be answered then, and since when. */
async function measure(
  clients: readonly ChildProcess[],
  order: Order,
  usage: () => Usage,
  push: () => Promise<ReadonlyMap<string, number>> = async () => new Map(),
): Promise<Held & { readonly pushMs: readonly number[] }> {
  await atRest(usage);
  const before = usage().residentKiB / 1024;
  await Promise.all(clients.map((client) => give(client, order)));
  await atRest(usage);
  const after = usage().residentKiB / 1024;
  const cpuMs = usage().cpuMs;
  await sleep(idleSeconds * 1_000);
  const idleCpuMs = usage().cpuMs - cpuMs;
  const acceptedAt = await push();
  const reports = await Promise.all(clients.map((client) => give(client, { do: 'hang-up' })));
  const answers = reports.flatMap((report) => report.answers);
  const pushMs = answers.map(({ address, at, text }) => {
    const accepted = acceptedAt.get(address);
    if (accepted === undefined) throw new Error(`a Ping of ${address} was answered: ${text}`);
    return at - accepted;
  });
  if (pushMs.length !== acceptedAt.size * devicesPerUser) {
    throw new Error(`${pushMs.length} Pings were answered in place of ${acceptedAt.size * devicesPerUser}`);
  }
  return { before, after, idleCpuMs, pushMs };
}

/** Delivers a message to each of some users; gives when each had its 250. */
async function pushTo(site: Site, users: readonly User[]): Promise<ReadonlyMap<string, number>> {
  const acceptedAt = new Map<string, number>();
  const sender = await SmtpClient.greeted(site.smtp);
  for (const [number, { address }] of users.entries()) {
    await deliverOne(sender, address, number);
    acceptedAt.set(address, wallClockMs());
    await sleep(50);
  }
  sender.close();
  await sleep(2_000);
  return acceptedAt;
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
  const ours = await measure(
    clients,
    pingOrder(site.baseUrl, ca),
    () => site.usage,
    () => pushTo(site, users.slice(0, pushed)),
  );
  const theirs = await bare(clients, site);
  const row = (name: string, { before, after, idleCpuMs }: Held) => [
    name,
    before.toFixed(0),
    after.toFixed(0),
    (((after - before) * 1024) / connections).toFixed(1),
    (idleCpuMs / idleSeconds).toFixed(1),
  ];
  printTable(
    [`${connections} waiting Pings`, 'before, MiB', 'with them, MiB', 'KiB each', 'cpu ms a second'],
    [row('mailstead', ours), row('bare node:https', theirs)],
  );
  const each = (ours.after - ours.before) / (theirs.after - theirs.before);
  const total = ours.after / theirs.after;
  console.log(`${total.toFixed(2)} times as much in all, ${each.toFixed(2)} times for each connection`);
  const ms = (p: number) => percentile(ours.pushMs, p).toFixed(1);
  printTable(
    ['from 250 to the Ping answers', 'median, ms', 'p99', 'most'],
    [[`${pushed} deliveries, ${devicesPerUser} devices each`, ms(0.5), ms(0.99), ms(1)]],
  );
} finally {
  for (const client of clients) client.disconnect();
  await site.stop();
}
