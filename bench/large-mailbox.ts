/**
 * A mailbox of 1,000,000 items in 10,000 folders: 600,000 in the Inbox, 100,000 in one that is emptied, the rest in all others. How long
 * requests of its phone take, beside those of a neighbour of 1,000 items in the same organisation; and how long that neighbour waits
 * while the large mailbox does what takes long. `BENCH_FILLED=FOLDER` keeps the filled data there for another run: filling takes longest. `BENCH_INDEX_SECONDS`
 * is how long is waited for the index.
 */
import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Move } from '#protocols/activesync/wbxml/code-pages/move';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { child, childrenOf, el, textOf } from '#protocols/activesync/wbxml/element';
import { SmtpClient } from '#test/support/smtp-client';
import { percentile, printTable } from './support/figures.ts';
import { archiveId, fillMailboxes, inboxId, type MailboxPlan, rareWord } from './support/large-mailbox.ts';
import { deliverOne } from './support/mail.ts';
import { Phone } from './support/phone.ts';
import { shareOf } from './support/share.ts';
import { Site, type User } from './support/site.ts';

const large: MailboxPlan = {
  items: shareOf(1_000_000),
  inInbox: shareOf(600_000),
  inArchive: shareOf(100_000),
  folders: Math.max(20, shareOf(10_000)),
};
const small: MailboxPlan = { items: 1000, inInbox: 1000, inArchive: 0, folders: 10 };
const rounds = 50;
const firstPages = 10;
/** So many pages of an initial Sync does the neighbour live beside. */
const pagesBeside = shareOf(1000);
const aloneMs = 10_000;
/** MS-ASCMD, FilterType: a month. */
const month = 5;
const [inbox, archive] = [String(inboxId), String(archiveId)];
const filled = process.env['BENCH_FILLED'];
const longestIndexMs = Number(process.env['BENCH_INDEX_SECONDS'] ?? Number.POSITIVE_INFINITY) * 1000;

const figure = (ms: readonly number[], p: number) => percentile(ms, p).toFixed(1);
const row = (what: string, ...lists: readonly (readonly number[])[]) => [
  what,
  ...lists.flatMap((ms) => (ms.length === 0 ? ['', ''] : [figure(ms, 0.5), figure(ms, 0.99)])),
];

async function times(count: number, run: (n: number) => Promise<number>): Promise<number[]> {
  const ms: number[] = [];
  for (let n = 0; n < count; n++) ms.push(await run(n));
  return ms;
}

async function fillSite(site: Site): Promise<{ readonly owner: User; readonly other: User }> {
  const kept = filled && (await stat(join(filled, 'users.json')).catch(() => undefined));
  if (filled !== undefined && kept !== undefined) {
    await site.whileStopped(async (data) => {
      await rm(data, { recursive: true, force: true });
      await cp(join(filled, 'data'), data, { recursive: true });
    });
    return JSON.parse(await readFile(join(filled, 'users.json'), 'utf8'));
  }
  const users = { owner: await site.addUser('large'), other: await site.addUser('neighbour') };
  await site.whileStopped(async (data) => {
    const seconds = await fillMailboxes(data, [
      { ref: users.owner.ref, plan: large },
      { ref: users.other.ref, plan: small },
    ]);
    console.log(`${large.items} items were put into ${large.folders} folders in ${Math.round(seconds)} s`);
    if (filled === undefined) return;
    await cp(data, join(filled, 'data'), { recursive: true });
    await writeFile(join(filled, 'users.json'), JSON.stringify(users));
  });
  return users;
}

/** Every request of a phone, on its own. */
async function measure(phone: Phone, address: string): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, readonly number[]>();
  const folders = (key: string) =>
    phone.timed('FolderSync', el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, key)));
  await phone.setUp();
  let key = '0';
  found.set(
    'FolderSync, key 0',
    await times(firstPages, async () => {
      const { ms, root } = await folders('0');
      key = textOf(root, FolderHierarchy.SyncKey) ?? '';
      return ms;
    }),
  );
  found.set('FolderSync, nothing new', await times(rounds, async () => (await folders(key)).ms));
  for (const [name, filter] of [['all', 0] as const, ['a month', month] as const]) {
    const first = async () => {
      await phone.prime(inbox, filter);
      return (await phone.sync(inbox, 100)).ms;
    };
    found.set(`first page of an initial Sync, ${name}`, await times(firstPages, first));
  }
  const estimate = () => {
    const { SyncKey, CollectionId } = AirSync;
    const { Collections, Collection } = GetItemEstimate;
    const asked = el(Collection, el(SyncKey, phone.syncKey), el(CollectionId, inbox));
    return phone.timed('GetItemEstimate', el(GetItemEstimate.GetItemEstimate, el(Collections, asked)));
  };
  found.set('GetItemEstimate, a month to come', await times(firstPages, async () => (await estimate()).ms));
  await phone.prime(inbox, 1);
  while ((await phone.sync(inbox, 512)).more);
  found.set('Sync, nothing new', await times(rounds, async () => (await phone.sync(inbox, 512)).ms));
  return new Map([...found, ...(await withMail(phone, address))]);
}

async function withMail(phone: Phone, address: string): Promise<ReadonlyMap<string, readonly number[]>> {
  const sender = await SmtpClient.greeted(site.smtp);
  const [delivered, synced]: [number[], number[]] = [[], []];
  const added: string[] = [];
  for (let n = 0; n < 2 * rounds; n++) {
    const began = performance.now();
    await deliverOne(sender, address, n);
    delivered.push(performance.now() - began);
    const answer = await phone.sync(inbox, 512);
    synced.push(answer.ms);
    added.push(...answer.added);
  }
  sender.close();
  const { SrcMsgId, SrcFldId, DstFldId } = Move;
  // There and back: each time the same hundred.
  const move = async (n: number) => {
    const [from, to] = n % 2 === 0 ? [inbox, '3'] : ['3', inbox];
    const ids = added.map((id) => id.replace(/^[^:]*:/, `${from}:`));
    const moves = ids.map((id) => el(Move.Move, el(SrcMsgId, id), el(SrcFldId, from), el(DstFldId, to)));
    const { ms, root } = await phone.timed('MoveItems', el(Move.MoveItems, ...moves));
    const failed = childrenOf(root, Move.Response).find((one) => textOf(one, Move.Status) !== '3');
    if (failed !== undefined) throw new Error(`MoveItems was answered Status ${textOf(failed, Move.Status)}`);
    return ms;
  };
  return new Map<string, readonly number[]>([
    ['delivery, to its 250', delivered],
    ['Sync, one new message', synced],
    [`MoveItems of ${added.length}`, await times(4, move)],
  ]);
}

/** Milliseconds, and what it was answered. */
async function searchFor(phone: Phone, word: string) {
  const { And, FreeText, Query, Options, Range, Store, Name } = Search;
  const query = el(Query, el(And, el(AirSync.Class, 'Email'), el(FreeText, word)));
  const options = el(Options, el(Range, '0-9'), el(Search.RebuildResults), el(Search.DeepTraversal));
  const store = el(Store, el(Name, 'Mailbox'), query, options);
  const { ms, root } = await phone.timed('Search', el(Search.Search, store));
  const answer = child(root, Search.Response, Store);
  return { ms, status: textOf(answer, Search.Status), total: textOf(answer, Search.Total) };
}

async function emptyArchive(phone: Phone): Promise<void> {
  const { EmptyFolderContents, Response, Status } = ItemOperations;
  const asked = el(EmptyFolderContents, el(AirSync.CollectionId, archive));
  const { root } = await phone.timed('ItemOperations', el(ItemOperations.ItemOperations, asked));
  const status = textOf(root, Response, EmptyFolderContents, Status);
  if (status !== '1') throw new Error(`EmptyFolderContents was answered Status ${status}`);
}

/** The neighbour's Syncs while something goes on. */
class Neighbour {
  readonly #worker: Worker;
  #heard: number[] = [];

  constructor(user: User) {
    const options = { baseUrl: site.baseUrl, ca: site.ca, user, deviceId: 'BENCHNEIGHBOUR' };
    this.#worker = new Worker(new URL('./large-mailbox-neighbour.ts', import.meta.url), {
      workerData: options,
    });
    this.#worker.on('message', (ms: number) => this.#heard.push(ms));
  }

  async ready(): Promise<void> {
    while (this.#heard.length < rounds) await sleep(100);
  }

  async beside(what: string, run: () => Promise<unknown>): Promise<(string | number)[]> {
    await this.#next();
    this.#heard = [];
    const [began, cpu] = [performance.now(), site.usage.cpuMs];
    await run();
    const seconds = (performance.now() - began) / 1000;
    const cpuSeconds = (site.usage.cpuMs - cpu) / 1000;
    await this.#next();
    const ms = this.#heard;
    const memory = Math.round(site.usage.anonymousKiB / 1024);
    const times = [0.5, 0.99, 1].map((p) => figure(ms, p));
    return [what, seconds.toFixed(0), cpuSeconds.toFixed(0), ms.length, ...times, memory];
  }

  /** A Sync that is under way counts, too. */
  async #next(): Promise<void> {
    const before = this.#heard.length;
    while (this.#heard.length === before) await sleep(5);
  }

  close(): Promise<number> {
    return this.#worker.terminate();
  }
}

async function wholeTree(phone: Phone): Promise<number> {
  return (await phone.timed('FolderSync', el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'))))
    .ms;
}

async function initialSync(phone: Phone): Promise<void> {
  await phone.prime(inbox);
  for (let page = 0; page < pagesBeside && (await phone.sync(inbox, 100)).more; page++);
}

const site = await Site.start();
try {
  const { owner, other } = await fillSite(site);
  const phoneOf = (user: User, deviceId: string) => {
    return new Phone({ baseUrl: site.baseUrl, ca: site.ca, user, deviceId });
  };
  const [phone, othersPhone] = [phoneOf(owner, 'BENCHLARGE'), phoneOf(other, 'BENCHSMALL')];
  console.log(`anonymous memory at the beginning: ${Math.round(site.usage.anonymousKiB / 1024)} MiB`);
  const [itsOwn, theOthers] = [
    await measure(phone, owner.address),
    await measure(othersPhone, other.address),
  ];
  printTable(
    ['', `of ${large.items}: median, ms`, 'p99', `of ${small.items}: median`, 'p99'],
    [...itsOwn].map(([what, ms]) => row(what, ms, theOthers.get(what) ?? [])),
  );
  console.log('');
  const neighbour = new Neighbour(other);
  await neighbour.ready();
  const head = ['the neighbour beside', 's', 'cpu s', 'Syncs', 'median, ms', 'p99', 'most', 'server MiB'];
  const rows = [await neighbour.beside('nothing', () => sleep(aloneMs))];
  rows.push(await neighbour.beside('20 FolderSyncs of key 0', () => times(20, () => wholeTree(phone))));
  rows.push(await neighbour.beside(`${pagesBeside} pages of an initial Sync`, () => initialSync(phone)));
  rows.push(await neighbour.beside(`emptying a folder of ${large.inArchive}`, () => emptyArchive(phone)));
  printTable(head, rows);
  const before = await site.timesLogged('search.index.extended');
  const indexing = [await neighbour.beside('a search without the index', () => searchFor(phone, rareWord))];
  const isMade = site.logged('search.index.extended', before, longestIndexMs);
  indexing.push(await neighbour.beside('making the index', () => isMade));
  const searches: number[] = [];
  const search = async () => {
    const { ms, status, total } = await searchFor(phone, rareWord);
    if (status !== '1' || total !== '1') throw new Error(`Search found ${total}, Status ${status}`);
    searches.push(ms);
    return ms;
  };
  if (await isMade) indexing.push(await neighbour.beside('20 searches by it', () => times(20, search)));
  await neighbour.close();
  printTable(head, indexing);
  if (searches.length > 0) {
    console.log('');
    const most = figure(searches, 1);
    printTable(
      ['a word that one mail has', 'median, ms', 'most'],
      [['by the index', figure(searches, 0.5), most]],
    );
  } else console.log('the index was not whole by then');
  phone.close();
  othersPhone.close();
} finally {
  await site.stop();
}
