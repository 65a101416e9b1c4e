/**
 * Milliseconds of a Sync that has nothing to say, in folders of 100 and of 10,000 messages: with a body that names the
 * last key, and without a body. It must not cost more in a large folder.
 */
import { percentile, printTable } from './support/figures.ts';
import { deliver } from './support/mail.ts';
import { Phone } from './support/phone.ts';
import { Site } from './support/site.ts';

const sizes = [100, Number(process.env['BENCH_MESSAGES'] ?? 10_000)];
const rounds = 2_000;

interface Folder {
  readonly messages: number;
  readonly phone: Phone;
  readonly inbox: string;
  readonly named: number[];
  readonly empty: number[];
}

async function folderOf(site: Site, messages: number): Promise<Folder> {
  const user = await site.addUser(`user${messages}`);
  await deliver(site.smtp, user.address, messages);
  const phone = new Phone({ baseUrl: site.baseUrl, ca: site.ca, user, deviceId: `BENCH${messages}` });
  const inbox = await phone.setUp();
  await phone.prime(inbox);
  for (let more = true; more; ) more = (await phone.sync(inbox, 512)).more;
  return { messages, phone, inbox, named: [], empty: [] };
}

const site = await Site.start();
try {
  const folders: Folder[] = [];
  for (const size of sizes) folders.push(await folderOf(site, size));
  for (let round = -200; round < rounds; round++) {
    // In turns, so that whatever else the machine does meets both alike.
    for (const { phone, inbox, named, empty } of folders) {
      const withBody = await phone.sync(inbox, 512);
      const without = await phone.syncEmpty();
      if (round < 0) continue;
      named.push(withBody.ms);
      empty.push(without.ms);
    }
  }
  const ms = (figures: number[], p: number) => percentile(figures, p).toFixed(2);
  printTable(
    ['nothing new, in a folder of', 'Sync, ms', 'p99', 'empty Sync, ms', 'p99'],
    folders.map(({ messages, named, empty }) => [
      messages,
      ms(named, 0.5),
      ms(named, 0.99),
      ms(empty, 0.5),
      ms(empty, 0.99),
    ]),
  );
  for (const { phone } of folders) phone.close();
} finally {
  await site.stop();
}
