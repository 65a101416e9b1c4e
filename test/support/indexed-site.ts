/** A mailbox whose search index is made and read by tests, and messages of few words. */
import { randomBytes } from 'node:crypto';
import type { FolderId, OrganizationId } from '#domain/ids';
import type { Item, NewItem } from '#domain/item';
import { Mailbox } from '#domain/mailbox';
import type { Clock } from '#domain/outside';
import { indexedFinder } from '#domain/search/find-indexed';
import type { MailFinder } from '#domain/search/finder';
import { allFields, type MailCondition, type MailQuery } from '#domain/search/query';
import { patternOf } from '#domain/search/text';
import type { Database } from '#storage/database';
import { mailboxPart } from '#storage/keys';
import { mailboxRows } from '#storage/layout';
import type { MaintenanceRun } from '#storage/maintenance-context';
import { IndexRows } from '#storage/search/index-rows';
import { extendIndex } from '#storage/search/tend-index';
import { silentLogger } from '#telemetry/log';
import { newItem } from './new-item.ts';
import { fixedClock, tempDatabase, tempFolder, tempMailbox } from './temp-store.ts';

const start = { receivedMs: Number.MAX_SAFE_INTEGER, item: 0 };
const inbox = 1 as FolderId;

function runOf(database: Database, clock: Clock): MaintenanceRun {
  return {
    ...database,
    clock,
    log: silentLogger,
    nowMs: clock.now(),
    signal: new AbortController().signal,
  };
}

export function mailOf({
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

export function textIn(text: string, fields: number = allFields): MailCondition {
  return { kind: 'text', pattern: patternOf(text) ?? ' nothing', fields };
}

export const queryOf = (condition: MailCondition, folders: readonly number[] = [1]): MailQuery => ({
  folders: folders as FolderId[],
  condition,
});

export async function found(finder: MailFinder, mailbox: Mailbox, query: MailQuery): Promise<string[]> {
  const all: string[] = [];
  for await (const { matches } of finder(mailbox, query, start)) {
    all.push(...matches.map(({ folder, item }) => `${folder}/${item}`));
  }
  return all;
}

/** The same, begun anew wherever a step has ended. */
export async function foundInPieces(
  finder: MailFinder,
  mailbox: Mailbox,
  query: MailQuery,
): Promise<string[]> {
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

export async function openSite() {
  const clock = fixedClock(1_700_000_000_000);
  const folder = await tempFolder();
  const organization = `m-${randomBytes(16).toString('hex')}` as OrganizationId;
  let database = await tempDatabase({ clock, folder });
  const wrapped = database.keys.create(organization);
  database.keys.add(organization, wrapped);
  const ref = await tempMailbox(database, organization);
  const site = {
    ref,
    clock,
    get run() {
      return runOf(database, clock);
    },
    async extend() {
      while (await extendIndex(runOf(database, clock), ref));
    },
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
    /** The same for a message that is a file. */
    async addLarge(mail: NewItem): Promise<void> {
      if (mail.body.kind !== 'inline') throw new Error('the message is a file already');
      const writer = database.mail.writeBody(organization);
      await writer.append(mail.body.raw);
      const stored = await writer.finish();
      const body = { kind: 'blob', id: stored.id } as const;
      await database.mail.transact([ref], (of) => of(ref).addItem(inbox, { ...mail, body }), [stored]);
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
