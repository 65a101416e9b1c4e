/**
 * Items a second of an initial Sync of 10,000 messages with 2 KB bodies: 14.1, HTML and plain text wanted, one phone,
 * one kept-open TLS connection. The clock runs while the phone waits for an answer, not while it decodes one.
 */

import { median, printTable } from './support/figures.ts';
import { deliver } from './support/mail.ts';
import { Phone } from './support/phone.ts';
import { Site } from './support/site.ts';

const messages = Number(process.env['BENCH_MESSAGES'] ?? 10_000);
const rounds = 5;

interface Round {
  readonly ms: number;
  readonly cpuMs: number;
  readonly bytes: number;
}

async function fullSync(site: Site, phone: Phone, inbox: string, windowSize: number): Promise<Round> {
  await phone.prime(inbox);
  const before = site.usage.cpuMs;
  let [ms, bytes, items] = [0, 0, 0];
  for (let more = true; more; ) {
    const answer = await phone.sync(inbox, windowSize);
    ms += answer.ms;
    bytes += answer.bytes;
    items += answer.items;
    more = answer.more;
  }
  if (items !== messages) throw new Error(`${items} of ${messages} messages arrived`);
  return { ms, cpuMs: site.usage.cpuMs - before, bytes };
}

const site = await Site.start();
try {
  const user = await site.addUser('alice');
  await deliver(site.smtp, user.address, messages);
  const phone = new Phone({ baseUrl: site.baseUrl, ca: site.ca, user, deviceId: 'BENCH1' });
  const inbox = await phone.setUp();
  const rows = [];
  for (const windowSize of [100, 512]) {
    const done: Round[] = [];
    for (let round = 0; round < rounds; round++) done.push(await fullSync(site, phone, inbox, windowSize));
    const perSecond = (of: (round: Round) => number) => Math.round((messages / median(done.map(of))) * 1000);
    rows.push([
      `window ${windowSize}`,
      perSecond(({ ms }) => ms),
      perSecond(({ cpuMs }) => cpuMs),
      Math.round((done[0]?.bytes ?? 0) / messages),
      Math.round(site.usage.residentKiB / 1024),
    ]);
  }
  const head = ['initial sync', 'items/s', 'items per cpu second', 'bytes an item', 'server MiB'];
  printTable(head, rows);
  phone.close();
} finally {
  await site.stop();
}
