import { describe, expect, test } from 'vitest';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { Find } from '#protocols/activesync/wbxml/code-pages/find';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { systemOutside } from '../../src/outside.ts';
import { email, findMail, inFolder, mail } from './search-phone.ts';
import { startEndpoint } from './server.ts';

async function start() {
  const server = await startEndpoint();
  const phone = server.phone('16.1');
  await phone.provision();
  return { server, phone };
}

const words = (text: string) => el(Find.FreeText, text);

describe('the command', () => {
  test.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0'] as const)(
    'Find: below 16.1 (%s) it is 137 or HTTP 501',
    async (version) => {
      // Its tags are not in the versions before it.
      const phone = (await startEndpoint()).phone(version, { validate: false });
      await phone.provision();
      const answer = await phone.post('Find', el(Find.Find), { validateRequest: false });
      expect([answer.status, answer.rootStatus]).toEqual(
        isAtLeast(version, '14.0') ? [200, 137] : [501, undefined],
      );
    },
  );

  test.each<[string, Element[]]>([
    ['no SearchId', [el(Find.ExecuteSearch, el(Find.MailBoxSearchCriterion, el(Find.Query, words('a'))))]],
    ['a SearchId of 65 characters', [el(Find.SearchId, 'x'.repeat(65)), el(Find.ExecuteSearch)]],
    ['no ExecuteSearch', [el(Find.SearchId, 'a')]],
    ['no criterion', [el(Find.SearchId, 'a'), el(Find.ExecuteSearch)]],
  ])('Find: %s answers Status 2 in the root', async (_name, children) => {
    const { phone } = await start();
    const { element, rootStatus } = await phone.command('Find', el(Find.Find, ...children), {
      validateRequest: false,
    });
    expect(rootStatus).toBe(2);
    expect(child(element, Find.Response)).toBeUndefined();
  });

  test.each<[string, readonly Element[], number]>([
    ['no Query', [], 2],
    ['no FreeText', [email], 2],
    ['an empty FreeText', [email, words(' ')], 2],
    ['an unknown Class', [el(AirSync.Class, 'Mail'), words('a')], 2],
    ['a folder that is not there', [email, inFolder(99), words('a')], 3],
    ['a folder that cannot be', [email, inFolder('x'), words('a')], 3],
    ['a folder that holds no mail', [email, inFolder(7), words('a')], 1],
    ['another Class', [el(AirSync.Class, 'Calendar'), words('a')], 1],
    ['no Class', [words('a')], 1],
  ])('Find: %s', async (_name, query, status) => {
    const { phone } = await start();
    expect((await findMail(phone, query, {}, false)).status).toBe(status);
  });
});

describe('results', () => {
  test('Find: a message has Class, ServerId, CollectionId and the properties of a list', async () => {
    const { server, phone } = await start();
    const header = [
      'Cc: Carol C <carol@example.org>, dave@example.org',
      'Bcc: eve@example.org',
      'Importance: high',
    ];
    const id = await server.receive(mail('Subject', `${'Preview 手. '.repeat(100)}`, header), {
      receivedMs: 1000,
    });
    const found = await findMail(phone, 'preview');
    expect(found).toMatchObject({ status: 1, subjects: ['Subject'], range: '0-0', total: 1 });
    const [result] = found.results;
    expect(textOf(result, AirSync.Class)).toBe('Email');
    expect(textOf(result, AirSync.ServerId)).toBe(id);
    expect(textOf(result, AirSync.CollectionId)).toBe('1');
    const properties = child(result, Find.Properties);
    const values = Object.fromEntries(properties?.children.map(({ tag, text }) => [tag.name, text]) ?? []);
    expect(values).toMatchObject({
      Subject: 'Subject',
      DateReceived: '1970-01-01T00:00:01.000Z',
      DisplayTo: 'Alice',
      DisplayCc: 'Carol C;dave@example.org',
      DisplayBcc: 'eve@example.org',
      Importance: '2',
      Read: '0',
      IsDraft: '0',
      HasAttachments: '0',
      From: '"Bob Builder" <bob@example.org>',
    });
    expect(values['Preview']).toMatch(/^Preview 手\. Preview/);
    expect(values['Preview']?.length).toBeLessThanOrEqual(255);
    expect(properties?.children.map(({ tag }) => tag)).toContain(Email2.IsDraft);
    expect(properties?.children.map(({ tag }) => tag)).toContain(Email.Importance);
  });

  test('Find: nothing found is Status 1, without a Result', async () => {
    const { phone } = await start();
    expect(await findMail(phone, 'nothing')).toMatchObject({
      status: 1,
      results: [],
      range: '0-0',
      total: 0,
    });
  });

  test('Find: the Store is Mailbox', async () => {
    const { phone } = await start();
    const criterion = el(Find.MailBoxSearchCriterion, el(Find.Query, email, words('a')));
    const request = el(Find.Find, el(Find.SearchId, 's'), el(Find.ExecuteSearch, criterion));
    const { element } = await phone.command('Find', request);
    expect(textOf(element, Find.Response, ItemOperations.Store)).toBe('Mailbox');
  });

  test('Find: without CollectionId all folders are searched; with one, that; with DeepTraversal, those below too', async () => {
    const { server, phone } = await start();
    await server.addFolders(1);
    for (const folder of [1, 4, 11])
      await server.receive(mail(`in ${folder}`), { folder, receivedMs: folder });
    const found = async (...query: Element[]) =>
      (await findMail(phone, [email, ...query, words('in')])).subjects;
    expect(await found()).toEqual(['in 11', 'in 4', 'in 1']);
    expect(await found(inFolder(4))).toEqual(['in 4']);
    expect(await found(inFolder(0))).toEqual(['in 11', 'in 4', 'in 1']);
    const deep = await findMail(phone, [email, inFolder(1), words('in')], { deep: true });
    expect(deep.subjects).toEqual(['in 1']);
  });
});

describe('pages', () => {
  async function withMails(count: number) {
    const { server, phone } = await start();
    for (let n = 0; n < count; n++) await server.receive(mail(`item ${n}`), { receivedMs: 1000 + n });
    return { server, phone };
  }

  test('Find: pages of a SearchId follow its first, which begins at 0; else it is Status 4 in the Response', async () => {
    const { phone } = await withMails(12);
    const find = (range: string, searchId = 'a', query = 'item') =>
      findMail(phone, query, { range, searchId });
    expect((await find('5-9')).status).toBe(4);
    const first = await find('0-4');
    expect(first).toMatchObject({ status: 1, range: '0-4' });
    expect(first.total).toBeGreaterThan(5);
    expect(await find('5-9')).toMatchObject({
      status: 1,
      range: '5-9',
      subjects: ['item 6', 'item 5', 'item 4', 'item 3', 'item 2'],
    });
    expect(await find('10-19')).toMatchObject({ status: 1, range: '10-11', total: 12 });
    expect(await find('12-19')).toMatchObject({ status: 1, results: [], total: 12 });
    expect((await find('5-9', 'b')).status).toBe(4);
    expect((await find('5-9', 'a', 'other')).status).toBe(4);
  });

  test('Find: a page behind the last result has Total and no Range', async () => {
    const { phone } = await withMails(2);
    expect(await findMail(phone, 'item', { range: '0-4' })).toMatchObject({ range: '0-1', total: 2 });
    const behind = await findMail(phone, 'item', { range: '5-9' });
    expect(behind).toEqual({ status: 1, results: [], subjects: [], range: undefined, total: 2 });
  });

  test('Find: results come from the first page on as they were found', async () => {
    const { server, phone } = await withMails(12);
    await findMail(phone, 'item', { range: '0-4' });
    await server.receive(mail('item new'), { receivedMs: 5000 });
    expect((await findMail(phone, 'item', { range: '5-9' })).subjects[0]).toBe('item 6');
    expect((await findMail(phone, 'item', { range: '0-4', searchId: 'next' })).subjects[0]).toBe('item new');
  });

  test.each(['0-1000', '5-4', 'x', '-1'])('Find: Range %s answers Status 2', async (range) => {
    const { phone } = await start();
    expect((await findMail(phone, 'a', { range }, false)).status).toBe(2);
  });

  test('Find: Range 0-999 gives more than 100, no Range the first 100', async () => {
    const { server, phone } = await start();
    for (let n = 0; n < 120; n++) await server.deliver(`item ${n}`);
    expect(await findMail(phone, 'item', { range: '0-999' })).toMatchObject({ range: '0-119', total: 120 });
    expect(await findMail(phone, 'item', { searchId: 'b' })).toMatchObject({ range: '0-99' });
  });
});

test('Find: a search that takes too long is 111, or what there is, and goes on where it was', async () => {
  let [skew, step] = [0, 0];
  const now = () => {
    skew += step;
    return systemOutside.clock.now() + skew;
  };
  const server = await startEndpoint({ clock: { ...systemOutside.clock, now } });
  const phone = server.phone('16.1');
  await phone.provision();
  for (let n = 0; n < 200; n++) await server.deliver(n === 3 ? 'needle' : `hay ${n}`);
  step = 2000;
  const statuses: number[] = [];
  for (let n = 0; n < 9 && statuses.at(-1) !== 1; n++) {
    const { status, subjects } = await findMail(phone, 'needle');
    statuses.push(status);
    if (status === 1) expect(subjects).toEqual(['needle']);
  }
  expect(statuses.at(0)).toBe(111);
  expect(statuses.at(-1)).toBe(1);
});
