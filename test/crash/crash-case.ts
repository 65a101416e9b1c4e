/** What a row of the table of crashes is made of, and what its rows share. */
import { defaultFolder, FolderType } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import type { NewItem } from '#domain/item';
import { prepare } from '#domain/prepare';
import { itemFor } from '#domain/recipients';
import type { Database } from '#storage/database';
import type { EasClient } from '#test/support/eas-client';
import type { EasResponse } from '#test/support/eas-connection';
import type { Contents, CrashSite, Person } from './site.ts';

/** Where a row stands: its mailbox, somebody to write to, and phones, which are compared with the mailbox in the end. */
export interface Desk {
  readonly site: CrashSite;
  readonly person: Person;
  readonly friend: Person;
  /** One that has taken its policy and holds the folders. */
  phone(deviceId: string, version?: EasClient['version']): Promise<EasClient>;
}

/** What is asked of a server that is killed. */
export interface Asked {
  /** One after the other; the one whose answer is lost is done again when the server is back. Each throws at a wrong answer. */
  readonly steps: readonly (() => Promise<unknown>)[];
  /** When all are done, what is wrong with what is stored. */
  check(own: Contents, friends: Contents): readonly string[];
}

export interface CrashCase {
  readonly name: string;
  /** Those of one group are at work together when the server is killed. */
  readonly group: 'files' | 'items' | 'settings';
  /** About how many KiB the server writes for it: it is killed before it has written them. */
  readonly writesKib: number;
  /** Done before the server starts. */
  fill?(database: Database, person: Person): Promise<void>;
  begin(desk: Desk): Promise<Asked>;
}

/** Where everybody has them. */
export const place = {
  inbox: defaultFolder(FolderType.Inbox),
  drafts: defaultFolder(FolderType.Drafts),
  trash: defaultFolder(FolderType.DeletedItems),
  sent: defaultFolder(FolderType.SentItems),
  junk: defaultFolder(FolderType.UserMail),
};

/** CRASH_LARGE: as large as phones and mailboxes are; else as small as the same steps allow. */
export const isLarge = process.env['CRASH_LARGE'] !== undefined;
export const size = isLarge
  ? {
      folders: 200,
      messages: 5000,
      moved: 500,
      emptied: 2000,
      found: 3000,
      drafts: 120,
      file: 5_000_000,
      mail: 19_000_000,
    }
  : {
      folders: 40,
      messages: 400,
      moved: 200,
      emptied: 600,
      found: 1000,
      drafts: 80,
      file: 1_500_000,
      mail: 6_000_000,
    };

/** So many bytes of lines. */
export const text = (bytes: number) => `${'0123456789'.repeat(7)}\r\n`.repeat(bytes / 72);

/** Puts items into a folder. */
export async function put(
  database: Database,
  { ref }: Person,
  folder: number,
  items: readonly NewItem[],
): Promise<void> {
  for (let n = 0; n < items.length; n += 100) {
    await database.mail.transact([ref], async (of) => {
      for (const item of items.slice(n, n + 100)) await of(ref).addItem(folder as FolderId, item);
    });
  }
}

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** Asks again as long as the server has too much to do. */
export async function patiently(ask: () => Promise<EasResponse>): Promise<EasResponse> {
  for (;;) {
    const answer = await ask();
    if (answer.status !== 503) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Throws unless both say the same. */
export function expectSame(what: string, found: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
}

/** A fault if there are not so many items of a subject in a folder (anywhere, if none is given). */
export function countFault(
  { items }: Contents,
  subject: string,
  folder: number | undefined,
  wanted: number,
): string[] {
  const found = items.filter((one) => one.envelope.subject === subject);
  const there = found.filter((one) => folder === undefined || one.folder === folder);
  return there.length === wanted
    ? []
    : [`${there.length} of ${subject} in folder ${folder ?? 'any'}, and not ${wanted}`];
}

/** Puts a whole message into a folder, its body in a file if it is large. */
export async function putRaw(
  database: Database,
  { ref }: Person,
  folder: number,
  raw: string,
): Promise<void> {
  const content = { mailboxes: [ref], outbound: undefined, chunks: [Buffer.from(raw)] };
  const { items, body: stored } = await prepare(database.mail, content, {
    receivedMs: Date.now(),
    read: false,
  });
  const item = itemFor(items, ref.organization);
  await database.mail.transact([ref], (of) => of(ref).addItem(folder as FolderId, item), stored.stored);
}
