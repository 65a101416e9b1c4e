import { expect, test } from 'vitest';
import { newItem } from '#test/support/new-item';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { listStart } from '../change.ts';
import type { FolderId, ItemId } from '../ids.ts';
import type { Item } from '../item.ts';
import { Mailbox } from '../mailbox.ts';
import { indexedFinder } from './find-indexed.ts';
import { IndexChangedError, type IndexSegment, type MailIndex, type MailIndexes } from './mail-index.ts';
import { anyMail, type MailCondition } from './query.ts';
import { scanMailbox } from './scan.ts';

const inbox = 1 as FolderId;
const item7: MailCondition = { kind: 'text', pattern: ' item 7', fields: 1 };

async function withMails(count: number, receivedMs = (n: number) => n) {
  const database = await tempDatabase({ clock: fixedClock(1) });
  const ref = await tempMailbox(database, tempOrganization(database));
  const items: Item[] = [];
  for (let n = 0; n < count; n += 100) {
    await database.mail.transact([ref], async (of) => {
      for (let m = n; m < Math.min(count, n + 100); m++) {
        items.push(await of(ref).addItem(inbox, newItem(`item ${m}`, receivedMs(m))));
      }
    });
  }
  return { items, mailbox: new Mailbox(database.mail, ref) };
}

/** Knows every word of every item to be in doubt, and counts how often it is asked. */
class DoubtfulSegment implements IndexSegment {
  readonly #items: readonly Item[];
  asked = 0;

  constructor(items: readonly Item[]) {
    this.#items = items;
  }

  get oldestMs() {
    return Math.min(...this.#items.map(({ receivedMs }) => receivedMs));
  }

  get newestMs() {
    return Math.max(...this.#items.map(({ receivedMs }) => receivedMs));
  }

  get count() {
    return this.#items.length;
  }

  async doubtful() {
    this.asked++;
    return [...this.#items.keys()];
  }

  async items() {
    return {
      ids: Float64Array.from(this.#items, ({ id }) => id),
      receivedMs: Float64Array.from(this.#items, ({ receivedMs }) => receivedMs),
      folders: Uint32Array.from(this.#items, () => inbox),
    };
  }

  async fields() {
    return undefined;
  }
}

function indexesOf(open: () => Partial<MailIndex> | undefined) {
  const calls: string[] = [];
  const indexes: MailIndexes = {
    open: async () => {
      calls.push('open');
      const index = open();
      return (
        index && { end: 0 as ItemId, segments: [], isNeglected: false, rest: async () => undefined, ...index }
      );
    },
    request: async () => void calls.push('request'),
    discard: async () => void calls.push('discard'),
  };
  return { indexes, calls };
}

async function search(indexes: MailIndexes, mailbox: Mailbox, condition: MailCondition, most = 1e9) {
  const found: number[] = [];
  let steps = 0;
  for await (const { matches } of indexedFinder(indexes)(
    mailbox,
    { folders: [inbox], condition },
    listStart,
  )) {
    found.push(...matches.map(({ item }) => item));
    steps++;
    if (found.length >= most) break;
  }
  return { found, steps };
}

async function scan(mailbox: Mailbox, condition: MailCondition) {
  const found: number[] = [];
  for await (const { matches } of scanMailbox(mailbox, { folders: [inbox], condition }, listStart)) {
    found.push(...matches.map(({ item }) => item));
  }
  return found;
}

test('a mailbox without an index is searched message by message, and one is asked for', async () => {
  const { mailbox } = await withMails(200);
  const { indexes, calls } = indexesOf(() => undefined);
  expect((await search(indexes, mailbox, item7)).found).toEqual(await scan(mailbox, item7));
  expect(calls).toEqual(['open', 'request']);
});

test('a query without text does not ask for an index', async () => {
  const { mailbox } = await withMails(10);
  const { indexes, calls } = indexesOf(() => undefined);
  expect((await search(indexes, mailbox, anyMail)).found).toHaveLength(10);
  expect(calls).toEqual([]);
});

test('many items behind the index are found in the lists, and it is asked to catch up', async () => {
  const { items, mailbox } = await withMails(900, (n) => (n * 7) % 300);
  const end = items[300]?.id ?? (0 as ItemId);
  const segments = [new DoubtfulSegment(items.slice(0, 300))];
  const { indexes, calls } = indexesOf(() => ({ end, segments }));
  const { found } = await search(indexes, mailbox, item7);
  expect(found).toHaveLength(111);
  expect(found).toEqual(await scan(mailbox, item7));
  expect(calls).toEqual(['open', 'request']);
});

test('segments are asked from the newest on, and no more of them than a page needs', async () => {
  const { items, mailbox } = await withMails(1000);
  const segments = Array.from(
    { length: 20 },
    (_, n) => new DoubtfulSegment(items.slice(n * 50, n * 50 + 50)),
  );
  const { indexes } = indexesOf(() => ({ end: (2 ** 50) as ItemId, segments, rest: async () => [] }));
  const all: MailCondition = { kind: 'text', pattern: ' item', fields: 1 };
  const { found } = await search(indexes, mailbox, all, 10);
  expect(found.slice(0, 10)).toEqual(
    items
      .slice(-10)
      .map(({ id }) => id)
      .reverse(),
  );
  expect(segments.filter(({ asked }) => asked > 0)).toEqual(segments.slice(-2));
});

test('more places than are held are found again when their turn comes', async () => {
  const { items, mailbox } = await withMails(600);
  // A large mailbox whose items are all gone but for the oldest: what the index thinks is there is not.
  const ghosts = Array.from({ length: 10 }, (_, n) =>
    Array.from(
      { length: 3000 },
      (_, m) => ({ ...items[0], id: 1e9 + n * 3000 + m, receivedMs: 1000 + m }) as Item,
    ),
  );
  const segments = [...ghosts, items].map((some) => new DoubtfulSegment(some));
  const { indexes } = indexesOf(() => ({ end: (2 ** 50) as ItemId, segments, rest: async () => [] }));
  const { found } = await search(indexes, mailbox, item7);
  expect(found).toEqual(await scan(mailbox, item7));
  expect(segments[0]?.asked).toBeGreaterThan(1);
});

test('an index that changes while it is read is opened again, and the search goes on where it was', async () => {
  const { items, mailbox } = await withMails(300);
  let opened = 0;
  const { indexes, calls } = indexesOf(() => {
    opened++;
    const older = new DoubtfulSegment(items.slice(0, 150));
    if (opened <= 2) older.items = () => Promise.reject(new IndexChangedError('gone'));
    const segments = [older, new DoubtfulSegment(items.slice(150))];
    return { end: (2 ** 50) as ItemId, segments, rest: async () => [] };
  });
  const all: MailCondition = { kind: 'text', pattern: ' item', fields: 1 };
  expect((await search(indexes, mailbox, all)).found).toEqual(await scan(mailbox, all));
  expect(calls).toEqual(['open', 'open', 'open']);
});

test('an index that cannot be read is discarded, and the search goes on without it', async () => {
  const { items, mailbox } = await withMails(300);
  const broken = new DoubtfulSegment(items);
  broken.items = () => Promise.reject(new IndexChangedError('unreadable'));
  const { indexes, calls } = indexesOf(() => ({
    end: (2 ** 50) as ItemId,
    segments: [broken],
    rest: async () => [],
  }));
  expect((await search(indexes, mailbox, item7)).found).toEqual(await scan(mailbox, item7));
  expect(calls.at(-1)).toBe('discard');
});
