import { describe, expect, test } from 'vitest';
import { newItem } from '#test/support/new-item';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { DomainError } from '../errors.ts';
import type { DeviceId, FolderId, MailboxRef } from '../ids.ts';
import { Mailbox } from '../mailbox.ts';
import type { MailStore } from '../ports.ts';
import type { MailFinder } from './finder.ts';
import { MailSearches } from './mail-searches.ts';
import { allFields, anyMail, type MailCondition, type MailQuery, noMail } from './query.ts';
import { scanMailbox } from './scan.ts';
import { patternOf } from './text.ts';

const device = 'd1' as DeviceId;
const inbox = 1 as FolderId;
const forEver = new AbortController().signal;

function words(text: string): MailCondition {
  return { kind: 'text', pattern: patternOf(text) ?? '', fields: allFields };
}

const query = (condition: MailCondition, folders: readonly number[] = [1]): MailQuery => ({
  folders: folders as FolderId[],
  condition,
});

/** Puts messages into folders: where, its subject, when. */
async function fill(
  store: MailStore,
  ref: MailboxRef,
  mails: readonly (readonly [FolderId, string, number])[],
): Promise<void> {
  for (let n = 0; n < mails.length; n += 100) {
    await store.transact([ref], async (of) => {
      for (const [folder, subject, receivedMs] of mails.slice(n, n + 100)) {
        await of(ref).addItem(folder, newItem(subject, receivedMs));
      }
    });
  }
}

/** The same, with some of its functions replaced. */
function overlaid<T extends object>(target: T, others: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const value: unknown = Reflect.get(name in others ? others : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function withMails(count: number, finder: MailFinder = scanMailbox) {
  const clock = fixedClock(1_000_000);
  const database = await tempDatabase({ clock });
  const ref = await tempMailbox(database, tempOrganization(database));
  const add = (n: number, folder: FolderId = inbox) =>
    database.mail.transact([ref], (of) => of(ref).addItem(folder, newItem(`item ${n}`, n)));
  await fill(
    database.mail,
    ref,
    Array.from({ length: count }, (_, n) => [inbox, `item ${n + 1}`, n + 1] as const),
  );
  const mailbox = new Mailbox(database.mail, ref);
  let steps = 0;
  const counted: MailFinder = async function* (...asked) {
    for await (const step of finder(...asked)) {
      steps++;
      yield step;
    }
  };
  const searches = new MailSearches(clock, counted);
  const page = async (
    first: number,
    last: number,
    extra: Partial<Parameters<MailSearches['page']>[1]> = {},
  ) => {
    steps = 0;
    const asked = { device, name: '', query: query(words('item')), first, last, rebuild: false, ...extra };
    const found = await searches.page(mailbox, asked, forEver);
    return { ...found, subjects: found.items.map(({ envelope }) => envelope.subject), steps };
  };
  return { clock, database, ref, mailbox, searches, page, add };
}

/** What a reader of a mailbox was asked for. */
function countingStore(store: MailStore) {
  const counts = { items: 0, details: 0, bodies: 0 };
  const mailbox = (ref: MailboxRef) => {
    const reader = store.mailbox(ref);
    return overlaid(reader, {
      items: (folder, ids) => {
        counts.items += ids.length;
        return reader.items(folder, ids);
      },
      details: (ids) => {
        counts.details += ids.length;
        return reader.details(ids);
      },
      inlineBodies: (ids) => {
        counts.bodies += ids.length;
        return reader.inlineBodies(ids);
      },
    });
  };
  return { counting: overlaid(store, { mailbox }), counts };
}

describe('the work of a search', () => {
  async function counted(condition: MailCondition, last: number) {
    const { database, ref, clock } = await withMails(500);
    const { counting, counts } = countingStore(database.mail);
    const mailbox = new Mailbox(counting, ref);
    const asked = { device, name: '', query: query(condition), first: 0, last, rebuild: false };
    const found = await new MailSearches(clock).page(mailbox, asked, forEver);
    return { found, counts };
  }

  test('a page that is full needs no look at the rest of the mailbox', async () => {
    const { found, counts } = await counted(words('item'), 9);
    expect(found.items).toHaveLength(10);
    // One step, and the page itself.
    expect(counts.items).toBeLessThanOrEqual(64 + 10);
  });

  test('a body is read only when it decides', async () => {
    const from: MailCondition = { kind: 'text', pattern: ' nobody', fields: 2 };
    const { found, counts } = await counted({ kind: 'and', of: [from, words('text')] }, 9);
    expect(found).toMatchObject({ items: [], total: 0, isTimedOut: false });
    expect(counts).toEqual({ items: 500, details: 0, bodies: 0 });
  });

  test.each<[string, MailCondition]>([
    ['nothing', noMail],
    ['a word and nothing', { kind: 'and', of: [words('item'), noMail] }],
    ['one of nothing', { kind: 'or', of: [noMail, { kind: 'and', of: [noMail] }] }],
  ])('where %s can match no message is looked at', async (_name, condition) => {
    const { found, counts } = await counted(condition, 9);
    expect(found).toMatchObject({ items: [], total: 0, isTimedOut: false });
    expect(counts.items).toBe(0);
  });

  test('of a conversation its messages alone are looked at', async () => {
    const { database, ref, clock, mailbox } = await withMails(300);
    const conversationId = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const sent = 4 as FolderId;
    const others = 7 as FolderId;
    await database.mail.transact([ref], async (of) => {
      for (const [folder, receivedMs] of [
        [inbox, 50],
        [sent, 400],
        [inbox, 60],
        [others, 500],
      ] as const) {
        await of(ref).addItem(folder, { ...newItem(`at ${receivedMs}`, receivedMs), conversationId });
      }
    });
    const { counting, counts } = countingStore(database.mail);
    const condition: MailCondition = { kind: 'conversation', id: conversationId.toString('hex') };
    const ask = async (of: MailCondition, store: Mailbox) => {
      const asked = { device, name: '', query: query(of, [1, 4]), first: 0, last: 9, rebuild: false };
      const { items } = await new MailSearches(clock).page(store, asked, forEver);
      return items.map(({ envelope }) => envelope.subject);
    };
    const counted = new Mailbox(counting, ref);
    expect(await ask(condition, counted)).toEqual(['at 400', 'at 60', 'at 50']);
    expect(counts.items).toBe(3 + 3);
    const received: MailCondition = { kind: 'received', fromMs: 60, untilMs: 400 };
    expect(await ask({ kind: 'and', of: [condition, received] }, counted)).toEqual(['at 60']);
    // As long as what an older version stored is not listed, everything is looked at.
    const reader = overlaid(mailbox.reader, {
      conversation: () => Promise.reject(new DomainError('server/busy', 'not yet')),
    });
    const old = new Mailbox(overlaid(database.mail, { mailbox: () => reader }), ref);
    expect(await ask(condition, old)).toEqual(['at 400', 'at 60', 'at 50']);
  });

  test('dates bound what is looked at', async () => {
    const received: MailCondition = { kind: 'received', fromMs: 100, untilMs: 110 };
    const { found, counts } = await counted({ kind: 'and', of: [received, words('item')] }, 99);
    expect(found).toMatchObject({ total: 10, isTimedOut: false });
    // Looked at, and given.
    expect(counts.items).toBe(10 + 10);
  });
});

describe('what is kept', () => {
  test('the next page goes on where the last one ended, and a page that was had costs nothing', async () => {
    const { page } = await withMails(300);
    const first = await page(0, 9);
    expect(first.subjects).toEqual(Array.from({ length: 10 }, (_, n) => `item ${300 - n}`));
    expect((await page(5, 9)).steps).toBe(0);
    const later = await page(100, 109);
    expect(later.subjects[0]).toBe('item 200');
    const end = await page(290, 399);
    expect(end.subjects).toEqual(Array.from({ length: 10 }, (_, n) => `item ${10 - n}`));
    expect(end).toMatchObject({ total: 300, isTimedOut: false });
  });

  test('it is forgotten ten minutes after it was last asked for', async () => {
    const { clock, mailbox, searches, page } = await withMails(20);
    await page(0, 9);
    const search = { device, name: '', query: query(words('item')) };
    clock.move(600_000);
    expect(searches.has(mailbox, search)).toBe(true);
    clock.move(1);
    expect(searches.has(mailbox, search)).toBe(false);
    expect((await page(10, 19)).steps).toBeGreaterThan(0);
  });

  test('another query, name or device is another search', async () => {
    const { mailbox, searches, page } = await withMails(20);
    await page(0, 9, { name: 'a' });
    const search = { device, name: 'a', query: query(words('item')) };
    expect(searches.has(mailbox, search)).toBe(true);
    expect(searches.has(mailbox, { ...search, name: 'b' })).toBe(false);
    expect(searches.has(mailbox, { ...search, query: query(words('other')) })).toBe(false);
    expect(searches.has(mailbox, { ...search, device: 'd2' as DeviceId })).toBe(false);
  });

  test('over all devices it is bounded: the ones used last stay', async () => {
    // A thousand results in one step, of which a page reads one.
    const { mailbox, searches, page } = await withMails(1, async function* (...asked) {
      for await (const { matches, reached } of scanMailbox(...asked)) {
        yield { matches: Array.from({ length: 1000 }, () => matches).flat(), reached };
      }
    });
    for (let n = 0; n < 130; n++) await page(0, 0, { device: `d${n}` as DeviceId });
    const has = (n: number) =>
      searches.has(mailbox, { device: `d${n}` as DeviceId, name: '', query: query(words('item')) });
    expect(has(0)).toBe(false);
    expect(has(129)).toBe(true);
    const kept = Array.from({ length: 130 }, (_, n) => n).filter(has);
    expect(kept.length).toBeGreaterThan(90);
    expect(kept.length).toBeLessThanOrEqual(101);
  });

  test('a server that starts again finds a later page anew', async () => {
    const { mailbox, clock, page } = await withMails(50);
    const before = await page(10, 19);
    const asked = { device, name: '', query: query(words('item')), first: 10, last: 19, rebuild: false };
    const after = await new MailSearches(clock).page(mailbox, asked, forEver);
    expect(after.items.map(({ id }) => id)).toEqual(before.items.map(({ id }) => id));
  });
});

describe('a search that is long', () => {
  /** Takes a second for each step. */
  async function slow(count: number) {
    const tools = await withMails(count, async function* (...asked) {
      for await (const step of scanMailbox(...asked)) {
        tools.clock.move(1000);
        yield step;
      }
    });
    return tools;
  }

  test('it ends after ten seconds with what there is, and goes on when it is asked again, also to build anew', async () => {
    const { page } = await slow(2000);
    const rare = { query: query(words('item 7')), rebuild: true };
    const found: boolean[] = [];
    let last = await page(0, 999, rare);
    for (; last.isTimedOut; last = await page(0, 999, rare)) {
      expect(last.steps).toBeLessThanOrEqual(12);
      expect(last.total).toBe(last.items.length + 1);
      found.push(true);
    }
    expect(found.length).toBeGreaterThan(1);
    // 7, 70 to 79, 700 to 799.
    expect(last.total).toBe(111);
  });

  test('it ends when nobody waits for it', async () => {
    const { mailbox, searches } = await withMails(500);
    const gone = AbortSignal.abort();
    const asked = { device, name: '', query: query(words('item')), first: 0, last: 9, rebuild: false };
    expect(await searches.page(mailbox, asked, gone)).toMatchObject({ items: [], isTimedOut: true });
    expect((await searches.page(mailbox, asked, forEver)).items).toHaveLength(10);
  });

  test('it ends when the same device begins another', async () => {
    const { page } = await withMails(1000);
    const [older, newer] = await Promise.all([
      page(0, 9, { query: query(words('nothing')) }),
      page(0, 9, { query: query(words('item')) }),
    ]);
    expect(older).toMatchObject({ items: [], isTimedOut: true });
    expect(newer.items).toHaveLength(10);
  });

  test('a search that is repeated while it is under way finds nothing twice', async () => {
    const [begun, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isFirst = true;
    const { page } = await withMails(1000, async function* (...asked) {
      const waits = isFirst;
      isFirst = false;
      for await (const step of scanMailbox(...asked)) {
        begun.resolve();
        if (waits) await answered.promise;
        yield step;
      }
    });
    const lost = page(0, 499);
    await begun.promise;
    expect((await page(0, 499)).items).toHaveLength(500);
    answered.resolve();
    expect(await lost).toMatchObject({ isTimedOut: true });
    const { subjects, total } = await page(0, 999);
    expect(new Set(subjects).size).toBe(1000);
    expect(total).toBe(1000);
  });

  test('a fault is told, and the search can be asked again', async () => {
    let isBroken = true;
    const { page } = await withMails(200, async function* (...asked) {
      for await (const step of scanMailbox(...asked)) {
        if (isBroken && step.matches.some(({ item }) => item > 0)) throw new Error('broken');
        yield step;
      }
    });
    await expect(page(0, 9)).rejects.toThrow('broken');
    isBroken = false;
    expect((await page(0, 9)).items).toHaveLength(10);
  });
});

describe('several folders', () => {
  test('their lists come as one, newest first, whatever is read at a time', async () => {
    const { page, database, ref } = await withMails(0);
    const folders = await database.mail.transact([ref], async (of) => {
      const tx = of(ref);
      const seq = await tx.seq();
      const made: FolderId[] = [];
      for (let n = 0; n < 200; n++) {
        const id = await tx.nextFolderId();
        tx.putFolder({ id, parent: 0 as FolderId, type: 12, name: `F${n}`, created: seq, changed: seq });
        made.push(id);
      }
      return made;
    });
    // Some folders hold many, most a few, and many share a time.
    const folderOf = (n: number) => folders[n % 3 === 0 ? 0 : (n * 7) % 200] ?? inbox;
    const mails = Array.from(
      { length: 400 },
      (_, n) => [folderOf(n), `item ${n}`, Math.floor(n / 5)] as const,
    );
    await fill(database.mail, ref, mails);
    const found = await page(0, 999, { query: query(anyMail, folders) });
    expect(found.total).toBe(400);
    const places = found.items.map(({ receivedMs, id }) => [-receivedMs, id] as const);
    expect(places).toEqual([...places].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
    expect(new Set(found.items.map(({ id }) => id)).size).toBe(400);
  });

  test('a search goes on in the middle of them', async () => {
    const { database, ref, mailbox } = await withMails(100);
    const sent = 4 as FolderId;
    await fill(
      database.mail,
      ref,
      Array.from({ length: 100 }, (_, n) => [sent, `sent ${n}`, n + 1] as const),
    );
    const asked = query(anyMail, [1, 4]);
    const all: number[] = [];
    for await (const { matches } of scanMailbox(mailbox, asked, {
      receivedMs: Number.MAX_SAFE_INTEGER,
      item: 0,
    }))
      all.push(...matches.map(({ item }) => item));
    let from = { receivedMs: Number.MAX_SAFE_INTEGER, item: 0 };
    const pieces: number[] = [];
    for (let isMore = true; isMore; ) {
      isMore = false;
      // One step with something in it, and from there on anew.
      for await (const { matches, reached } of scanMailbox(mailbox, asked, from)) {
        pieces.push(...matches.map(({ item }) => item));
        from = reached;
        isMore = matches.length > 0;
        if (isMore) break;
      }
    }
    expect(all).toHaveLength(200);
    expect(pieces).toEqual(all);
  });
});

test('a message that cannot be read keeps no other from being found', async () => {
  const { database, ref, clock } = await withMails(20);
  const isBad = (ids: readonly number[], which: number) => ids.some((id) => id % 1024 === which);
  const fault = () => Promise.reject(new Error('unreadable'));
  const broken = overlaid<MailStore>(database.mail, {
    mailbox: (of) => {
      const reader = database.mail.mailbox(of);
      return overlaid(reader, {
        items: (folder, ids) => (isBad(ids, 3) ? fault() : reader.items(folder, ids)),
        item: (folder, id) => (isBad([id], 3) ? fault() : reader.item(folder, id)),
        inlineBodies: (ids) => (isBad(ids, 5) ? fault() : reader.inlineBodies(ids)),
      });
    },
  });
  const asked = { device, name: '', query: query(words('text')), first: 0, last: 99, rebuild: false };
  const found = await new MailSearches(clock).page(new Mailbox(broken, ref), asked, forEver);
  expect(found).toMatchObject({ total: 18, isTimedOut: false });
});
