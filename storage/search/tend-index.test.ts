import { describe, expect, test } from 'vitest';
import type { FolderId, MailboxRef } from '#domain/ids';
import { indexedFinder } from '#domain/search/find-indexed';
import { SearchField } from '#domain/search/query';
import { scanMailbox } from '#domain/search/scan';
import { silentLogger } from '#telemetry/log';
import { found, mailOf, openSite, queryOf, textIn } from '#test/support/indexed-site';
import { mailboxPart } from '../keys.ts';
import { mailboxRows } from '../layout.ts';
import { Maintenance } from '../maintenance.ts';
import type { Part, Store } from '../store.ts';
import { StoredIndexes } from './stored-indexes.ts';
import { extendIndex, tidyIndex } from './tend-index.ts';

const inbox = 1 as FolderId;
const archive = 5 as FolderId;
const dayMs = 24 * 3_600_000;

type Site = Awaited<ReturnType<typeof openSite>>;

const mails = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) =>
    mailOf({ subject: `mail ${from + n}`, text: `word${(from + n) % 10} text`, receivedMs: from + n + 1 }),
  );

const partOf = ({ organization, mailbox }: MailboxRef): Part => mailboxPart(organization, mailbox);

async function expectSame(site: Site, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    const query = queryOf(textIn(text), [inbox, archive]);
    const expected = await found(scanMailbox, site.mailbox, query);
    expect(await found(site.finder, site.mailbox, query), text).toEqual(expected);
  }
}

/** How many messages a search reads the body of. */
async function bodiesRead(site: Site, text: string): Promise<number> {
  let bodies = 0;
  const { mail } = site.database;
  const mailbox = mail.mailbox.bind(mail);
  mail.mailbox = (ref) => {
    const reader = mailbox(ref);
    const inlineBodies = reader.inlineBodies.bind(reader);
    reader.inlineBodies = (ids) => {
      bodies += ids.length;
      return inlineBodies(ids);
    };
    return reader;
  };
  try {
    await found(site.finder, site.mailbox, queryOf(textIn(text), [inbox, archive]));
  } finally {
    mail.mailbox = mailbox;
  }
  return bodies;
}

describe('an index', () => {
  test('is made by maintenance after the first search of a mailbox, and spares later ones the bodies', async () => {
    const site = await openSite();
    await site.add(mails(200));
    expect(await site.rowsOf('W')).toHaveLength(0);
    expect(await bodiesRead(site, 'word3')).toBe(200);
    const maintenance = new Maintenance({ ...site.database, clock: site.clock, log: silentLogger });
    await maintenance.runDue(site.clock.now());
    expect(await site.segments()).toMatchObject([{ count: 200 }]);
    expect(await bodiesRead(site, 'word3')).toBe(0);
    expect(await bodiesRead(site, 'nothing')).toBe(0);
    await expectSame(site, 'word3', 'word', 'mail 17', 'nothing');
  });

  test('is not made for a mailbox in which nobody searches, and mail that comes writes no row of it', async () => {
    const site = await openSite();
    await site.add(mails(100));
    expect([...(await site.rowsOf('W')), ...(await site.rowsOf('w'))]).toEqual([]);
    await site.extend();
    const before = (await site.rowsOf('w')).length;
    await site.add(mails(30, 100));
    expect(await site.rowsOf('w')).toHaveLength(before);
    await expectSame(site, 'word3');
  });

  test('a phrase reads the messages only that have all its words', async () => {
    const site = await openSite();
    await site.add([...mails(100), mailOf({ text: 'quick brown fox' }), mailOf({ text: 'brown quick fox' })]);
    await site.extend();
    expect(await bodiesRead(site, 'quick brown')).toBe(2);
    await expectSame(site, 'quick brown', 'brown quick', 'quick fox');
  });

  test('a word counts in the fields it is in', async () => {
    const site = await openSite();
    await site.add([...mails(70), mailOf({ subject: 'red', text: 'blue', from: 'green@example.org' })]);
    await site.extend();
    const ids = async (word: string, fields: number) =>
      (await found(site.finder, site.mailbox, queryOf(textIn(word, fields)))).length;
    expect(await ids('red', SearchField.Subject)).toBe(1);
    expect(await ids('red', SearchField.Body | SearchField.From)).toBe(0);
    expect(await ids('green', SearchField.From)).toBe(1);
    expect(await ids('blue', SearchField.Body)).toBe(1);
    expect(await ids('blue', SearchField.Subject)).toBe(0);
  });

  test('a draft is looked at itself once its text has changed', async () => {
    const site = await openSite();
    await site.add(mails(70));
    const [draft] = await site.add([mailOf({ text: 'before', draft: true })]);
    await site.extend();
    await expectSame(site, 'before', 'after');
    await site.database.mail.transact([site.ref], async (of) => {
      if (draft !== undefined) await of(site.ref).replaceItem(draft, mailOf({ text: 'after', draft: true }));
    });
    const after = queryOf(textIn('after'));
    expect(await found(site.finder, site.mailbox, after)).toEqual([`${inbox}/${draft?.id}`]);
    await expectSame(site, 'before', 'after');
  });

  test('an item that is moved is found where it is, at once', async () => {
    const site = await openSite();
    const items = await site.add(mails(100));
    await site.extend();
    await site.database.mail.transact([site.ref], async (of) => {
      for (const item of items.slice(0, 40)) await of(site.ref).moveItem(item, archive);
    });
    expect(await found(site.finder, site.mailbox, queryOf(textIn('word3'), [archive]))).toHaveLength(4);
    expect(await found(site.finder, site.mailbox, queryOf(textIn('word3'), [inbox]))).toHaveLength(6);
    await site.extend();
    expect(await found(site.finder, site.mailbox, queryOf(textIn('word3'), [archive]))).toHaveLength(4);
  });
});

describe('maintenance of an index', () => {
  test('small segments become large ones', async () => {
    const site = await openSite();
    for (let n = 0; n < 20; n++) {
      await site.add(mails(64, n * 64));
      await site.extend();
      expect((await site.segments()).length).toBeLessThan(8);
    }
    const segments = await site.segments();
    expect(segments.reduce((sum, { count }) => sum + count, 0)).toBe(1280);
    await expectSame(site, 'word3', 'mail 1200');
  });

  test('messages of very many words make small segments, and one of more than anybody writes is looked at itself', async () => {
    const site = await openSite();
    const words = (n: number) => Array.from({ length: 30_000 }, (_, word) => `w${n}x${word.toString(36)}`);
    for (let n = 0; n < 5; n++) {
      await site.addLarge(mailOf({ text: words(n).join(' '), receivedMs: n + 1 }));
    }
    // Of each two characters that follow each other hardly any come twice.
    let state = 1;
    const scripture = Array.from({ length: 80_000 }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return 0x4e00 + ((state >>> 8) % 20_011);
    });
    await site.addLarge(mailOf({ text: String.fromCodePoint(...scripture), receivedMs: 20 }));
    await site.add(mails(70, 30));
    await site.extend();
    const segments = await site.segments();
    expect(segments[0]?.count).toBeLessThan(6);
    for (const { bytes } of segments) expect(bytes).toBeLessThan(2 * 1024 * 1024);
    expect(segments.reduce((sum, { doubtful }) => sum + doubtful.length, 0)).toBe(1);
    const pair = String.fromCodePoint(...scripture.slice(70_000, 70_002));
    await expectSame(site, 'w3x7', 'w4xn', 'mail 31', pair);
    expect(await found(site.finder, site.mailbox, queryOf(textIn(pair)))).toHaveLength(1);
  });

  test('what is gone leaves it, and of nothing but gone items nothing stays', async () => {
    const site = await openSite();
    const items = await site.add(mails(200));
    await site.extend();
    const bytes = async () => (await site.rowsOf('w')).reduce((sum, [, value]) => sum + value.length, 0);
    const before = await bytes();
    const remove = async (some: typeof items) => {
      for (let n = 0; n < some.length; n += 50) {
        await site.database.mail.transact([site.ref], async (of) => {
          for (const item of some.slice(n, n + 50)) await of(site.ref).deleteItem(item);
        });
      }
    };
    await remove(items.slice(0, 150));
    await tidyIndex(site.run, site.ref);
    expect(await site.segments()).toMatchObject([{ count: 50 }]);
    expect(await bytes()).toBeLessThan(before);
    await expectSame(site, 'word3', 'mail');
    await remove(items.slice(150));
    await tidyIndex(site.run, site.ref);
    expect(await site.rowsOf('w')).toEqual([]);
  });

  test('an index in whose mailbox nobody searches for 90 days is dropped', async () => {
    const site = await openSite();
    await site.add(mails(100));
    await site.extend();
    site.clock.move(89 * dayMs);
    await tidyIndex(site.run, site.ref);
    expect(await site.segments()).toHaveLength(1);
    // That somebody searches counts.
    await expectSame(site, 'word3');
    site.clock.move(89 * dayMs);
    await tidyIndex(site.run, site.ref);
    expect(await site.segments()).toHaveLength(1);
    site.clock.move(2 * dayMs);
    await tidyIndex(site.run, site.ref);
    expect([...(await site.rowsOf('W')), ...(await site.rowsOf('w'))]).toEqual([]);
    await expectSame(site, 'word3');
  });

  test('a removed mailbox gets no index', async () => {
    const site = await openSite();
    const { store } = site.database;
    const part = partOf(site.ref);
    await store.deleteRange(part, mailboxRows.folder.range());
    await site.database.indexes.request(site.ref);
    await site.extend();
    expect([...(await site.rowsOf('W')), ...(await site.rowsOf('w'))]).toEqual([]);
  });
});

describe('when something goes wrong', () => {
  /** Lets so many transactions pass, and ends everything at the next, as kill -9 would. */
  function cutStore(store: Store, after: number, cut: AbortController): Store {
    let left = after;
    return new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name !== 'transact' && name !== 'deleteRange') return value.bind(target);
        return async (...args: unknown[]) => {
          if (left-- <= 0) {
            cut.abort(new Error('killed'));
            throw new Error('killed');
          }
          return await value.apply(target, args);
        };
      },
    });
  }

  test('a build that is killed anywhere loses nothing, finds nothing twice, and leaves nothing behind', async () => {
    const site = await openSite();
    let cuts = 0;
    for (let round = 0; round < 24; round++) {
      const items = await site.add(mails(64, round * 64));
      await site.database.mail.transact([site.ref], async (of) => {
        const [gone, moved] = items;
        if (gone !== undefined) await of(site.ref).deleteItem(gone);
        if (moved !== undefined) await of(site.ref).moveItem(moved, archive);
      });
      await site.add(mails(1, 1e6 + round));
      const cut = new AbortController();
      const store = cutStore(site.database.store, round % 12, cut);
      await extendIndex({ ...site.run, store, signal: cut.signal }, site.ref).catch(() => cuts++);
      if (round % 5 === 4) await site.restart();
      await expectSame(site, 'word3');
    }
    expect(cuts).toBeGreaterThan(10);
    await site.extend();
    await expectSame(site, 'word3', 'mail', 'nothing');
    const segments = await site.segments();
    const rows = await site.rowsOf('w');
    const pieces = segments.reduce((sum, one) => sum + one.pieces.length, 0);
    expect(rows).toHaveLength(segments.length * 2 + pieces);
  });

  test('a row of it that was changed is no answer: the messages are looked at, and the index is made anew', async () => {
    const site = await openSite();
    await site.add(mails(100));
    const part = partOf(site.ref);
    for (const kind of [0, 1, 2]) {
      await site.extend();
      const rows = (await site.rowsOf('w')).filter(([key]) => key[1] === kind);
      await site.database.store.transact([part], async (tx) => {
        for (const [key, value] of rows) {
          const changed = Buffer.from(value);
          changed[20] = (changed[20] ?? 0) ^ 1;
          tx.put(part, key, changed);
        }
      });
      await expectSame(site, 'word3', 'nothing');
      await site.extend();
      expect(await bodiesRead(site, 'word3')).toBe(0);
    }
  });

  test('an index that grows while it is opened gives nothing twice', async () => {
    const site = await openSite();
    await site.add(mails(100));
    await site.extend();
    await site.add(mails(100, 100));
    const { store } = site.database;
    let isFirst = true;
    const growing = new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          const isNow = isFirst && name === 'page';
          if (isNow) isFirst = false;
          if (isNow) await site.extend();
          return await value.apply(target, args);
        };
      },
    });
    const now = () => site.clock.now();
    const indexes = new StoredIndexes({ store: growing, sealer: site.database.sealer, now });
    const query = queryOf(textIn('word3'));
    expect(await found(indexedFinder(indexes), site.mailbox, query)).toEqual(
      await found(scanMailbox, site.mailbox, query),
    );
    expect(isFirst).toBe(false);
  });

  test('a segment that is replaced while it is read is no fault', async () => {
    const site = await openSite();
    for (let n = 0; n < 7; n++) {
      await site.add(mails(64, n * 64));
      await site.extend();
    }
    await site.add(mails(64, 7 * 64));
    const query = queryOf(textIn('word3'));
    const expected = await found(scanMailbox, site.mailbox, query);
    const all: string[] = [];
    let isMerged = false;
    for await (const { matches } of site.finder(site.mailbox, query, { receivedMs: 1e15, item: 0 })) {
      all.push(...matches.map(({ folder, item }) => `${folder}/${item}`));
      if (!isMerged) await site.extend();
      isMerged = true;
    }
    expect(await site.segments()).toHaveLength(1);
    expect(all).toEqual(expected);
  });

  test('hostile messages: very many words, very long words', async () => {
    const site = await openSite();
    const many = Array.from({ length: 150_000 }, (_, n) => (n * 7919).toString(36)).join(' ');
    const signs = Array.from({ length: 100_000 }, (_, n) =>
      String.fromCharCode(0x4e00 + ((n * 7919) % 20_000)),
    );
    const hostile = [
      many,
      signs.join(''),
      'x'.repeat(1_000_000),
      `${'y'.repeat(300)} end`,
      '\ud800 \u0000\uffff',
    ];
    await site.add(mails(64));
    for (const text of hostile) await site.addLarge(mailOf({ text, receivedMs: 500 }));
    await site.extend();
    for (const [, value] of await site.rowsOf('w')) expect(value.length).toBeLessThan(60 * 1024);
    const bytes = (await site.rowsOf('w')).reduce((sum, [, value]) => sum + value.length, 0);
    expect(bytes).toBeLessThan(4 * 1024 * 1024);
    const words = ['xxx', 'x'.repeat(50), 'y'.repeat(299), 'y'.repeat(301), (7919 * 3000).toString(36)];
    await expectSame(site, ...words, signs.slice(4000, 4003).join(''), signs[9] ?? '', 'end');
  });
});
