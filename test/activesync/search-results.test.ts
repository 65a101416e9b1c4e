import { describe, expect, test } from 'vitest';
import type { FolderId, ItemId } from '#domain/ids';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { child, type Element, el, has, textOf } from '#protocols/activesync/wbxml/element';
import { systemOutside } from '../../src/outside.ts';
import { email, findMail, freeText, mail, searchMail } from './search-phone.ts';
import { maxMessageBytes, startEndpoint, type TestServer } from './server.ts';

async function start(version: '12.1' | '14.1' | '16.1' = '14.1') {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  return { server, phone };
}

const range = (text: string) => el(Search.Range, text);
const preference = (type: number, ...rest: Element[]) =>
  el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, type), ...rest);

async function remove({ database, alice }: TestServer, serverId: string): Promise<void> {
  const [folder, item] = serverId.split(':').map(Number);
  await database.mail.transact([alice.mailbox], async (of) => {
    const tx = of(alice.mailbox);
    const found = await tx.item(folder as FolderId, item as ItemId);
    if (found !== undefined) await tx.deleteItem(found);
  });
}

describe('pages', () => {
  async function withMails(count: number) {
    const { server, phone } = await start();
    const ids: string[] = [];
    for (let n = 0; n < count; n++)
      ids.push(await server.receive(mail(`item ${n}`), { receivedMs: 1000 + n }));
    const page = (text?: string, ...options: Element[]) =>
      searchMail(
        phone,
        [email, freeText('item')],
        [...options, ...(text === undefined ? [] : [range(text)])],
      );
    const names = (from: number, to: number) =>
      Array.from({ length: from - to + 1 }, (_, n) => `item ${from - n}`);
    return { server, phone, ids, page, names };
  }

  test('Search: Range gives pages, and Total says that there are more until there are none', async () => {
    const { page, names } = await withMails(25);
    const first = await page('0-9');
    expect(first).toMatchObject({ subjects: names(24, 15), range: '0-9' });
    expect(first.total).toBeGreaterThan(10);
    expect(await page('10-19')).toMatchObject({ subjects: names(14, 5), range: '10-19' });
    expect(await page('20-29')).toMatchObject({ subjects: names(4, 0), range: '20-24', total: 25 });
    expect((await page('25-29')).status).toBe(12);
    expect(await page('0-9')).toMatchObject({ subjects: names(24, 15), total: 25 });
  });

  test('Search: without a Range the first 100 come', async () => {
    const { page } = await withMails(105);
    const found = await page();
    expect(found).toMatchObject({ status: 1, range: '0-99' });
    expect(found.total).toBeGreaterThan(100);
    expect(found.results).toHaveLength(100);
  });

  test('Search: a later page comes from the results of the first, whatever arrived since; RebuildResults builds them anew', async () => {
    const { server, page, names } = await withMails(12);
    await page('0-4');
    await server.receive(mail('item new'), { receivedMs: 5000 });
    expect((await page('5-9')).subjects).toEqual(names(6, 2));
    expect((await page('5-9', el(Search.RebuildResults))).subjects).toEqual(names(7, 3));
  });

  test('Search: the first page asked for again has what arrived since', async () => {
    const { server, page } = await withMails(2);
    await page('0-4');
    await server.receive(mail('item new'), { receivedMs: 5000 });
    expect((await page('0-4')).subjects).toEqual(['item new', 'item 1', 'item 0']);
  });

  test('Search: what was deleted since drops out, and nothing is passed over for it', async () => {
    const { server, page, ids } = await withMails(12);
    await page('0-4');
    await remove(server, ids[1] ?? '');
    await remove(server, ids[5] ?? '');
    const later = await page('5-9');
    expect(later.subjects).toEqual(['item 6', 'item 4', 'item 3', 'item 2', 'item 0']);
    expect(later).toMatchObject({ range: '5-9', total: 10 });
  });

  test('Search: another query of the device takes the place of the results; those of other devices stay', async () => {
    const { server, phone, page, names } = await withMails(12);
    await page('0-4');
    const other = server.phone('14.1', { deviceId: 'OTHER' });
    await other.provision();
    await searchMail(other, [email, freeText('new')]);
    await server.receive(mail('item new'), { receivedMs: 5000 });
    expect((await page('5-9')).subjects).toEqual(names(6, 2));
    await searchMail(phone, [email, freeText('new')]);
    expect((await page('5-9')).subjects).toEqual(names(7, 3));
  });

  test('Search: a later page of results that are not kept is found anew', async () => {
    const { page, names } = await withMails(12);
    expect((await page('5-9')).subjects).toEqual(names(6, 2));
  });

  test('Search: the same second is no reason to lose or repeat anything', async () => {
    const { server, phone } = await start();
    for (let n = 0; n < 30; n++)
      await server.receive(mail(`item ${n}`), { receivedMs: 1000, folder: 1 + (n % 3) });
    const found = new Set<string | undefined>();
    for (const text of ['0-6', '7-13', '14-20', '21-27', '28-34']) {
      const page = await searchMail(phone, [email, freeText('item')], [range(text)]);
      for (const subject of page.subjects) found.add(subject);
    }
    expect(found.size).toBe(30);
  });
});

test.each(['Search', 'Find'])(
  '%s: while mail comes and goes between its pages, what stays comes once',
  async (command) => {
    const { server, phone } = await start('16.1');
    const ids: string[] = [];
    for (let n = 0; n < 60; n++) ids.push(await server.receive(mail(`item ${n}`), { receivedMs: 1000 + n }));
    const page = (text: string) =>
      command === 'Find'
        ? findMail(phone, 'item', { range: text })
        : searchMail(phone, [email, freeText('item')], [range(text)]);
    const seen: (string | undefined)[] = [];
    const gone = new Set<string>();
    let first = 0;
    for (;;) {
      const { status, subjects, total = 0 } = await page(`${first}-${first + 6}`);
      expect(status).toBe(1);
      seen.push(...subjects);
      first += subjects.length;
      if (subjects.length === 0 || first >= total) break;
      // One of what was given, one of what comes next, one far away; and new mail before and among them.
      for (const n of [60 - first, 58 - first, 50 - first].filter((one) => one >= 0)) {
        if (!seen.includes(`item ${n}`)) gone.add(`item ${n}`);
        await remove(server, ids[n] ?? '');
      }
      await server.receive(mail(`new item ${first}`), { receivedMs: 5000 + first });
      await server.receive(mail(`new item among ${first}`), { receivedMs: 1000 });
    }
    const stayed = ids.map((_, n) => `item ${n}`).filter((subject) => !gone.has(subject));
    const old = seen.filter((subject) => subject?.startsWith('item') === true);
    expect(old).toEqual(stayed.toReversed());
    expect(new Set(seen).size).toBe(seen.length);
  },
);

test('Search: a search that takes too long is Status 10, and goes on where it was when it is asked again', async () => {
  let [skew, step] = [0, 0];
  const now = () => {
    skew += step;
    return systemOutside.clock.now() + skew;
  };
  const clock = { ...systemOutside.clock, now };
  const server = await startEndpoint({ clock });
  const phone = server.phone('14.1');
  await phone.provision();
  for (let n = 0; n < 200; n++) await server.deliver(n === 3 ? 'needle' : `hay ${n}`);
  const search = () => searchMail(phone, [email, freeText('needle')], [el(Search.RebuildResults)]);
  // A few looks at the clock, and its time is over.
  step = 2000;
  const statuses: number[] = [];
  for (let n = 0; n < 9; n++) {
    const found = await search();
    statuses.push(found.status);
    if (found.status !== 10) expect(found.subjects).toEqual(['needle']);
    if (found.status !== 10) break;
  }
  expect(statuses.at(0)).toBe(10);
  expect(statuses.at(-1)).toBe(1);
});

describe('the properties', () => {
  const html = [
    'From: x@example.org',
    'Subject: Page',
    'MIME-Version: 1.0',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<html><body><p>Some <b>words</b></p></body></html>',
    '',
  ].join('\r\n');

  test.each([
    [1, 'Some words'],
    [2, '<b>words</b>'],
  ])('Search: BodyPreference Type %i gives that body', async (type, text) => {
    const { server, phone } = await start();
    await server.receive(html);
    const { results } = await searchMail(phone, [freeText('words')], [preference(type)]);
    const body = child(results[0], Search.Properties, AirSyncBase.Body);
    expect(textOf(body, AirSyncBase.Type)).toBe(`${type}`);
    expect(textOf(body, AirSyncBase.Data)).toContain(text);
  });

  test('Search: MIMESupport 2 and BodyPreference Type 4 with TruncationSize give the beginning of the message', async () => {
    const { server, phone } = await start();
    await server.receive(html);
    const size = el(AirSyncBase.TruncationSize, 19);
    const options = [el(AirSync.MIMESupport, 2), preference(4, size)];
    const { results } = await searchMail(phone, [freeText('words')], options);
    const body = child(results[0], Search.Properties, AirSyncBase.Body);
    expect(textOf(body, AirSyncBase.Data)).toBe('From: x@example.org');
    expect(textOf(body, AirSyncBase.Truncated)).toBe('1');
  });

  test('Search: the properties are those of Sync in each version', async () => {
    for (const version of ['12.1', '14.1', '16.1'] as const) {
      const { server, phone } = await start(version);
      await phone.folderSync();
      await server.receive(html);
      const synced = [...(await phone.syncAll('1', { body: { type: 2 } })).values()];
      const { results } = await searchMail(phone, [freeText('words')], [preference(2)]);
      expect(child(results[0], Search.Properties)?.children).toEqual(synced[0]?.children);
      expect(has(results[0], Search.Properties, Email2.ConversationId)).toBe(version !== '12.1');
      expect(has(results[0], Search.Properties, Email.DateReceived)).toBe(true);
    }
  });

  test('Search: results of great size come some at a time, and Range says how many', async () => {
    const { server, phone } = await start();
    const text = 'x'.repeat(maxMessageBytes * 0.9);
    for (let n = 0; n < 8; n++) await server.receive(mail(`big ${n}`, text), { receivedMs: 1000 + n });
    const found = await searchMail(phone, [freeText('big')], [preference(1), range('0-7')]);
    expect(found).toMatchObject({ status: 1, total: 8 });
    expect(found.results.length).toBeGreaterThan(1);
    expect(found.results.length).toBeLessThan(8);
    expect(found.range).toBe(`0-${found.results.length - 1}`);
  });
});
