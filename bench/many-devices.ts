/**
 * 1,000 devices that synchronise at once: each has 20 messages to fetch, then one new message, then nothing. Devices
 * are 20 to a user, in four processes; the figures are seen by the devices, from the first byte sent to the last one
 * received, and count how many requests the server answers a second meanwhile.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Order, Report } from './many-devices-phones.ts';
import { percentile, printTable } from './support/figures.ts';
import { deliver } from './support/mail.ts';
import { shareOf } from './support/share.ts';
import { Site, type User } from './support/site.ts';

const devices = shareOf(1_000);
const devicesPerUser = 20;
const messages = 20;
const processes = 4;

async function give(client: ChildProcess, order: Order): Promise<Report> {
  client.send(order);
  const gone = once(client, 'exit').then(() => {
    throw new Error('a process of phones ended');
  });
  const [report] = (await Promise.race([once(client, 'message'), gone])) as Report[];
  return report ?? { ms: [] };
}

const clients = Array.from({ length: processes }, () =>
  fork(join(import.meta.dirname, 'many-devices-phones.ts')),
);
const site = await Site.start();
try {
  const users: User[] = [];
  for (let n = 0; n < Math.ceil(devices / devicesPerUser); n++) users.push(await site.addUser(`user${n}`));
  for (const { address } of users) await deliver(site.smtp, address, messages);
  await Promise.all(
    clients.map((client, n) => {
      const own = users.filter((_, index) => index % processes === n);
      return give(client, { do: 'set-up', baseUrl: site.baseUrl, ca: site.ca, users: own, devicesPerUser });
    }),
  );
  const rows = [];
  for (const what of [`${messages} messages`, 'nothing new', 'one new message'] as const) {
    if (what === 'one new message') for (const { address } of users) await deliver(site.smtp, address, 1);
    const [start, cpu] = [performance.now(), site.usage.cpuMs];
    const reports = await Promise.all(clients.map((client) => give(client, { do: 'sync' })));
    const seconds = (performance.now() - start) / 1000;
    const ms = reports.flatMap((report) => report.ms);
    rows.push([
      `${users.length * devicesPerUser} devices, ${what}`,
      Math.round(ms.length / seconds),
      percentile(ms, 0.5).toFixed(0),
      percentile(ms, 0.99).toFixed(0),
      ((site.usage.cpuMs - cpu) / ms.length).toFixed(2),
      Math.round(site.usage.residentKiB / 1024),
    ]);
  }
  printTable(['all at once', 'Syncs/s', 'median, ms', 'p99', 'server cpu ms a Sync', 'server MiB'], rows);
} finally {
  for (const client of clients) client.disconnect();
  await site.stop();
}
