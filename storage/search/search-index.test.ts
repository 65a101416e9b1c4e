import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { FolderId, ItemId, MailboxRef, OrganizationId } from '#domain/ids';
import type { Item, NewItem } from '#domain/item';
import { Mailbox } from '#domain/mailbox';
import { indexedFinder } from '#domain/search/find-indexed';
import type { MailFinder } from '#domain/search/finder';
import { allFields, type MailCondition, type MailQuery } from '#domain/search/query';
import { scanMailbox } from '#domain/search/scan';
import { patternOf } from '#domain/search/text';
import { silentLogger } from '#telemetry/log';
import { newItem } from '#test/support/new-item';
import { fixedClock, tempDatabase, tempFolder, tempMailbox } from '#test/support/temp-store';
import type { Database } from '../database.ts';
import { mailboxPart } from '../keys.ts';
import { mailboxRows } from '../layout.ts';
import type { MaintenanceRun } from '../maintenance-context.ts';
import { IndexRows } from './index-rows.ts';
import { extendIndex, tidyIndex } from './tend-index.ts';

const clock = fixedClock(1_700_000_000_000);
const start = { receivedMs: Number.MAX_SAFE_INTEGER, item: 0 };
const inbox = 1 as FolderId;
const dayMs = 24 * 3_600_000;

function runOf(database: Database): MaintenanceRun {
  return {
    ...database,
    clock,
    log: silentLogger,
    nowMs: clock.now(),
    signal: new AbortController().signal,
  };
}

async function extend(database: Database, ref: MailboxRef): Promise<void> {
  while (await extendIndex(runOf(database), ref));
}

function mailOf({
  subject,
  text,
  from = 'a@example.org',
  receivedMs = 1,
  draft = false,
}: Partial<MailText>): NewItem {
  const head = Buffer.from(`Subject: x\r\n\r\n`);
  const raw = Buffer.concat([head, Buffer.from(text ?? '')]);
  const plain = newItem(subject ?? '', receivedMs);
  const part = { path: '1', type: 'text/plain', charset: 'utf-8', encoding: '8bit' };
  const parts = [{ ...part, start: head.length, end: raw.length, size: raw.length - head.length }];
  const envelope = { ...plain.envelope, from: [{ name: '', address: from }] };
  const detail = { ...plain.detail, parts };
  return { ...plain, draft, size: raw.length, envelope, detail, body: { kind: 'inline', raw } };
}

interface MailText {
  readonly subject: string;
  readonly text: string;
  readonly from: string;
  readonly receivedMs: number;
  readonly draft: boolean;
}

function textIn(text: string, fields: number = allFields): MailCondition {
  return { kind: 'text', pattern: patternOf(text) ?? ' nothing', fields };
}

const queryOf = (condition: MailCondition, folders: readonly number[] = [1]): MailQuery => ({
  folders: folders as FolderId[],
  condition,
});

async function found(finder: MailFinder, mailbox: Mailbox, query: MailQuery): Promise<string[]> {
  const all: string[] = [];
  for await (const { matches } of finder(mailbox, query, start)) {
    all.push(...matches.map(({ folder, item }) => `${folder}/${item}`));
  }
  return all;
}

/** The same, begun anew wherever a step has ended. */
async function foundInPieces(finder: MailFinder, mailbox: Mailbox, query: MailQuery): Promise<string[]> {
  const all: string[] = [];
  let from = start;
  for (let isMore = true; isMore; ) {
    isMore = false;
    for await (const { matches, reached } of finder(mailbox, query, from)) {
      all.push(...matches.map(({ folder, item }) => `${folder}/${item}`));
      isMore = matches.length > 0;
      from = reached;
      if (isMore) break;
    }
  }
  return all;
}

async function openSite() {
  const folder = await tempFolder();
  const organization = `m-${randomBytes(16).toString('hex')}` as OrganizationId;
  let database = await tempDatabase({ clock, folder });
  const wrapped = database.keys.create(organization);
  database.keys.add(organization, wrapped);
  const ref = await tempMailbox(database, organization);
  const site = {
    ref,
    get database() {
      return database;
    },
    get mailbox() {
      return new Mailbox(database.mail, ref);
    },
    get finder() {
      return indexedFinder(database.indexes);
    },
    async restart() {
      await database.close();
      database = await tempDatabase({ clock, folder });
      database.keys.add(organization, wrapped);
    },
    async add(mails: readonly NewItem[], to: FolderId = inbox): Promise<Item[]> {
      const items: Item[] = [];
      for (let n = 0; n < mails.length; n += 50) {
        const some = mails.slice(n, n + 50);
        items.push(
          ...(await database.mail.transact([ref], async (of) => {
            const added: Item[] = [];
            for (const mail of some) added.push(await of(ref).addItem(to, mail));
            return added;
          })),
        );
      }
      return items;
    },
    async segments() {
      const rows = new IndexRows(database.sealer, mailboxPart(ref.organization, ref.mailbox));
      return await rows.segments(database.store);
    },
    async rowsOf(kind: 'w' | 'W') {
      const row = kind === 'w' ? mailboxRows.searchSegment : mailboxRows.searchIndex;
      const part = mailboxPart(ref.organization, ref.mailbox);
      return (await database.store.page(part, row.range())).rows;
    },
  };
  return site;
}

/** Numbers that are the same for a seed. */
function dice(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below;
  };
}

const vocabulary = [
  ...[
    'alpha',
    'alphabet',
    'beta',
    'Gamma',
    'naïve',
    'naif',
    'Straße',
    'strasse',
    'Łódź',
    'x',
    'xy',
    'xyz',
    '42',
    '420',
  ],
  ...[
    '日本',
    '日本語',
    '本語',
    '東京',
    '京',
    'ひらがな',
    'ภาษาไทย',
    'привет',
    'приветствие',
    '안녕',
    '안녕하세요',
    '😀😀😁',
    'e\u0301te',
  ],
  'verylongwordthatgoesonandonandonandonuntilnobodyreadsit',
  'verylongwordthatgoesonandonandonandonandendsotherwise',
];

type Dice = (below: number) => number;

function one<T>(roll: Dice, of: readonly T[]): T {
  return of[roll(of.length)] as T;
}

function randomText(roll: Dice, words: number): string {
  const separators = [' ', ', ', '\r\n', '-', ''];
  return Array.from({ length: words }, () => one(roll, vocabulary) + one(roll, separators)).join('');
}

function randomMail(roll: Dice): NewItem {
  return mailOf({
    subject: randomText(roll, 1 + roll(3)),
    text: randomText(roll, roll(6)),
    from: `${one(roll, ['alpha', 'beta', 'xyz'])}@${one(roll, ['example.org', 'alpha.test'])}`,
    receivedMs: 1 + roll(500),
    draft: roll(20) === 0,
  });
}

function randomCondition(roll: Dice, depth = 0): MailCondition {
  const kind = roll(depth > 2 ? 5 : 9);
  if (kind < 4) {
    const text = randomText(roll, 1 + (roll(3) === 0 ? roll(3) : 0));
    const cut = roll(3) === 0 ? [...text].slice(0, 1 + roll(4)).join('') : text;
    return textIn(cut, roll(2) === 0 ? allFields : 1 << roll(6));
  }
  if (kind === 4) {
    return one<MailCondition>(roll, [
      { kind: 'received', fromMs: roll(300), untilMs: 300 + roll(300) },
      { kind: 'read' },
      { kind: 'size', least: 0, most: 60 },
    ]);
  }
  if (kind < 6) return { kind: 'not', of: randomCondition(roll, depth + 1) };
  const of = Array.from({ length: 1 + roll(3) }, () => randomCondition(roll, depth + 1));
  return { kind: kind === 6 ? 'or' : 'and', of };
}

const seeds = Number(process.env['MAILSTEAD_SEARCH_SEEDS'] ?? 2);

test.each(Array.from({ length: seeds }, (_, n) => n + 1))(
  'index and scan find the same in the same order, whatever came, moved and went meanwhile (seed %i)',
  async (seed) => {
    const roll = dice(seed);
    const site = await openSite();
    const folders = [1, 3, 4, 5] as FolderId[];
    let items: Item[] = [];
    const change = async () => {
      const item = one(roll, items);
      const kind = roll(5);
      await site.database.mail.transact([site.ref], async (of) => {
        const tx = of(site.ref);
        const now = await tx.item(item.folder, item.id);
        if (now === undefined) return;
        if (kind === 0) await tx.deleteItem(now);
        else if (kind === 1) await tx.replaceItem(now, { ...randomMail(roll), draft: now.draft });
        else if (kind === 2) await tx.markItem(now, { ...now.marks, read: true }, 1);
        else
          items[items.indexOf(item)] = await tx.moveItem(
            now,
            one(
              roll,
              folders.filter((id) => id !== now.folder),
            ),
          );
      });
      if (kind === 0) items = items.filter((other) => other !== item);
    };
    let most = 0;
    for (let round = 0; round < 12; round++) {
      for (const folder of folders) {
        const mails = Array.from({ length: roll(40) }, () => randomMail(roll));
        items.push(...(await site.add(mails, folder)));
      }
      const building = roll(4) === 0 ? undefined : extend(site.database, site.ref);
      for (let n = roll(60); n > 0 && items.length > 0; n--) await change();
      await building;
      if (roll(4) === 0) await site.restart();
      if (roll(3) === 0) await tidyIndex(runOf(site.database), site.ref);
      most = Math.max(most, (await site.segments()).length);
      for (let n = 0; n < 6; n++) {
        const query = queryOf(
          randomCondition(roll),
          folders.filter(() => roll(3) > 0),
        );
        const expected = await found(scanMailbox, site.mailbox, query);
        const context = JSON.stringify(query);
        expect(await found(site.finder, site.mailbox, query), context).toEqual(expected);
        if (n === 0) expect(await foundInPieces(site.finder, site.mailbox, query), context).toEqual(expected);
      }
    }
    expect(most).toBeGreaterThan(2);
    expect(items.length).toBeGreaterThan(100);
  },
  120_000,
);

void dayMs;
void (0 as ItemId);
