/**
 * Items a second of an initial Sync of 10,000 and of 100,000 messages with 2 KB bodies, and the server's memory while it
 * answers: 14.1, HTML and plain text wanted, one phone, one kept-open TLS connection. The clock runs while the phone
 * waits for an answer, not while it decodes one. Then a Sync that has nothing to say, one without a body, and one that
 * brings a single new message, in the same folders and in one of 100: none may cost more in a large folder. Beside them
 * an initial Sync of newsletters, 50 KB of HTML each, which is cleaned of what a phone must not run.
 */
import { SmtpClient } from '#test/support/smtp-client';
import { median, percentile, printTable } from './support/figures.ts';
import { deliver, deliverOne, newsletterOf } from './support/mail.ts';
import { Phone } from './support/phone.ts';
import { shareOf } from './support/share.ts';
import { Site } from './support/site.ts';

const sizes = [100, shareOf(10_000), shareOf(100_000)];
const windows = [100, 512];
const quietRounds = shareOf(1_000);
const newMessages = shareOf(300);
const newsletters = shareOf(1_000);

interface Folder {
  readonly messages: number;
  readonly address: string;
  readonly phone: Phone;
  readonly inbox: string;
  readonly named: number[];
  readonly empty: number[];
  readonly incremental: number[];
}

interface Round {
  readonly ms: number;
  readonly cpuMs: number;
  readonly bytes: number;
}

async function folderOf(
  site: Site,
  messages: number,
  name = `user${messages}`,
  message?: typeof newsletterOf,
): Promise<Folder> {
  const user = await site.addUser(name);
  await deliver(site.smtp, user.address, messages, message);
  const phone = new Phone({ baseUrl: site.baseUrl, ca: site.ca, user, deviceId: `BENCH${messages}` });
  const inbox = await phone.setUp();
  return { messages, address: user.address, phone, inbox, named: [], empty: [], incremental: [] };
}

async function fullSync(site: Site, { phone, inbox, messages }: Folder, windowSize: number): Promise<Round> {
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

async function initialRows(site: Site, folder: Folder, what = 'messages'): Promise<(string | number)[][]> {
  const { messages } = folder;
  const rounds = messages > 20_000 ? 1 : 5;
  const rows = [];
  for (const windowSize of windows) {
    const done: Round[] = [];
    for (let round = 0; round < rounds; round++) done.push(await fullSync(site, folder, windowSize));
    const perSecond = (of: (round: Round) => number) => Math.round((messages / median(done.map(of))) * 1000);
    rows.push([
      `${messages} ${what}, window ${windowSize}`,
      perSecond(({ ms }) => ms),
      perSecond(({ cpuMs }) => cpuMs),
      Math.round((done[0]?.bytes ?? 0) / messages),
      Math.round(site.usage.residentKiB / 1024),
      Math.round(site.usage.anonymousKiB / 1024),
    ]);
  }
  return rows;
}

/** In turns, so that whatever else the machine does meets all folders alike. */
async function quietSyncs(folders: readonly Folder[]): Promise<void> {
  for (let round = -100; round < quietRounds; round++) {
    for (const { phone, inbox, named, empty } of folders) {
      const withBody = await phone.sync(inbox, 512);
      const without = await phone.syncEmpty();
      if (round < 0) continue;
      named.push(withBody.ms);
      empty.push(without.ms);
    }
  }
}

async function incrementalSyncs(site: Site, folders: readonly Folder[]): Promise<void> {
  const sender = await SmtpClient.greeted(site.smtp);
  for (let number = 0; number < newMessages; number++) {
    for (const { phone, inbox, address, incremental } of folders) {
      await deliverOne(sender, address, number);
      const { items, ms } = await phone.sync(inbox, 512);
      if (items !== 1) throw new Error(`${items} items in place of one`);
      incremental.push(ms);
    }
  }
  sender.close();
}

const site = await Site.start();
try {
  const folders: Folder[] = [];
  for (const size of sizes) folders.push(await folderOf(site, size));
  const rows = [];
  for (const folder of folders) {
    const done = await initialRows(site, folder);
    if (folder.messages > 100) rows.push(...done);
  }
  const news = await folderOf(site, newsletters, 'newsletters', newsletterOf);
  rows.push(...(await initialRows(site, news, 'newsletters')));
  news.phone.close();
  const head = [
    'initial sync',
    'items/s',
    'items per cpu second',
    'bytes an item',
    'server MiB',
    'without mapped files',
  ];
  printTable(head, rows);
  await quietSyncs(folders);
  await incrementalSyncs(site, folders);
  const ms = (figures: number[], p: number) => percentile(figures, p).toFixed(2);
  console.log('');
  printTable(
    ['in a folder of', 'nothing new, ms', 'p99', 'without a body, ms', 'p99', 'one new message, ms', 'p99'],
    folders.map(({ messages, named, empty, incremental }) => [
      messages,
      ms(named, 0.5),
      ms(named, 0.99),
      ms(empty, 0.5),
      ms(empty, 0.99),
      ms(incremental, 0.5),
      ms(incremental, 0.99),
    ]),
  );
  for (const { phone } of folders) phone.close();
} finally {
  await site.stop();
}
