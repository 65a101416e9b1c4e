import { describe, expect, test } from 'vitest';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { Find } from '#protocols/activesync/wbxml/code-pages/find';
import { GAL } from '#protocols/activesync/wbxml/code-pages/gal';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import {
  bytesOf,
  child,
  childrenOf,
  type Element,
  el,
  integerOf,
  textOf,
} from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { photo, startPeopleSite } from './people-site.ts';

/** One of each form: what these commands say differs below 14.0 and from 14.1 on alone. */
const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.1'] as const;

/** What Search or Find says of the address book. */
interface GalAnswer {
  readonly root: number | undefined;
  readonly status: number | undefined;
  readonly people: readonly (Element | undefined)[];
  readonly range: string | undefined;
  readonly total: number | undefined;
}

async function searchGal(
  phone: EasClient,
  query: string,
  options: readonly Element[] = [],
  validateRequest = true,
): Promise<GalAnswer> {
  const asked = options.length === 0 ? [] : [el(Search.Options, ...options)];
  const store = el(Search.Store, el(Search.Name, 'GAL'), el(Search.Query, query), ...asked);
  const { element, rootStatus } = await phone.command('Search', el(Search.Search, store), {
    validateRequest,
  });
  const answer = child(element, Search.Response, Search.Store);
  return {
    root: rootStatus,
    status: integerOf(answer, Search.Status),
    people: childrenOf(answer, Search.Result).map((result) => child(result, Search.Properties)),
    range: textOf(answer, Search.Range),
    total: integerOf(answer, Search.Total),
  };
}

async function findGal(
  phone: EasClient,
  query: string,
  options: readonly Element[] = [],
  validateRequest = true,
): Promise<GalAnswer> {
  const asked = options.length === 0 ? [] : [el(Find.Options, ...options)];
  const criterion = el(Find.GalSearchCriterion, el(Find.Query, query), ...asked);
  const request = el(Find.Find, el(Find.SearchId, 'one'), el(Find.ExecuteSearch, criterion));
  const { element, rootStatus } = await phone.command('Find', request, { validateRequest });
  const answer = child(element, Find.Response);
  return {
    root: rootStatus,
    status: integerOf(answer, Find.Status),
    people: childrenOf(answer, Find.Result).map((result) => child(result, Find.Properties)),
    range: textOf(answer, Find.Range),
    total: integerOf(answer, Find.Total),
  };
}

const names = ({ people }: GalAnswer) => people.map((person) => textOf(person, GAL.DisplayName));

const pictures = ({ people }: GalAnswer) =>
  people.map((person) => {
    const data = bytesOf(person, GAL.Picture, GAL.Data);
    return [integerOf(person, GAL.Picture, GAL.Status), data?.length];
  });

const details = {
  DisplayName: 'Bob Baker',
  FirstName: 'Bob',
  LastName: 'Baker',
  Telephone: '+1 555 0100',
  Office: 'B 12',
  JobTitle: 'Cook',
  Company: 'Acme',
  Department: 'Kitchen',
};

describe.each([
  ...versions.map((version) => ({ version, command: 'Search', ask: searchGal, page: Search })),
  { version: '16.1' as const, command: 'Find', ask: findGal, page: Find },
])('$command of the GAL in $version', ({ version, ask, page }) => {
  test('Properties: everything that is known, in the order of the schema, FirstName even if empty', async () => {
    const site = await startPeopleSite();
    const bob = await site.addPerson('bob', details);
    const phone = await site.phoneOf(version);
    const answer = await ask(phone, 'bak');
    expect(answer).toMatchObject({ root: 1, status: 1, range: '0-0', total: 1 });
    const said = answer.people[0]?.children.map(({ tag, text }) => [tag.name, text]);
    expect(said).toEqual([
      ['DisplayName', 'Bob Baker'],
      ['Phone', '+1 555 0100'],
      ['Office', 'B 12'],
      ['Title', 'Cook'],
      ['Company', 'Acme'],
      ['Alias', 'bob'],
      ['FirstName', 'Bob'],
      ['LastName', 'Baker'],
      ['EmailAddress', bob.address],
    ]);
    const [alice] = (await ask(phone, 'alice')).people;
    expect(alice?.children.map(({ tag, text }) => [tag.name, text])).toEqual([
      ['DisplayName', 'Alice'],
      ['Alias', 'alice'],
      ['FirstName', ''],
      ['EmailAddress', site.alice.address],
    ]);
  });

  test('Query: words from their beginning, in any case, one letter is enough; sorted by DisplayName', async () => {
    const site = await startPeopleSite();
    await site.addPerson('zed', { DisplayName: 'Zed Ärmel', Department: 'Kitchen' });
    await site.addPerson('bob', details);
    const phone = await site.phoneOf(version);
    expect(names(await ask(phone, 'kitch'))).toEqual(['Bob Baker', 'Zed Ärmel']);
    expect(names(await ask(phone, 'ARMEL z'))).toEqual(['Zed Ärmel']);
    expect(names(await ask(phone, 'a'))).toEqual(['Alice', 'Bob Baker', 'Zed Ärmel']);
    expect(names(await ask(phone, 'aker'))).toEqual([]);
    expect(names(await ask(phone, `${'x'.repeat(100_000)} a`))).toEqual([]);
  });

  test('Status 1 without a Result when nobody is found', async () => {
    const site = await startPeopleSite();
    const answer = await ask(await site.phoneOf(version), 'nobody');
    expect(answer).toMatchObject({ root: 1, status: 1, people: [], total: 0 });
  });

  test('HiddenFromGlobalAddressList, disabled users and other organisations are not shown; groups and resources are', async () => {
    const site = await startPeopleSite();
    const hidden = await site.addPerson('team-hidden', { HiddenFromGlobalAddressList: true });
    const gone = await site.addPerson('team-gone');
    await site.addGroup('team', [hidden]);
    const { ResourceId } = await site.call('CreateResource', { Name: 'team-room', Type: 'ROOM' });
    await site.call('RegisterToWorkMail', { EntityId: ResourceId, Email: 'room@test.mailstead.test' });
    const { OrganizationId } = await site.admin('CreateOrganization', { Alias: 'other' });
    const stranger = { OrganizationId, Name: 'team-x', DisplayName: 'Team X', Password: 'Password-1' };
    const { UserId } = await site.admin('CreateUser', stranger);
    await site.admin('RegisterToWorkMail', {
      OrganizationId,
      EntityId: UserId,
      Email: 'x@other.mailstead.test',
    });
    const phone = await site.phoneOf(version);
    expect(names(await ask(phone, 'team'))).toEqual(['team', 'Team-gone', 'team-room']);
    await site.call('DeregisterFromWorkMail', { EntityId: gone.id });
    expect(names(await ask(phone, 'team'))).toEqual(['team', 'team-room']);
    await site.call('UpdateUser', { UserId: hidden.id, HiddenFromGlobalAddressList: false });
    expect(names(await ask(phone, 'team'))).toEqual(['team', 'Team-hidden', 'team-room']);
  });

  test('Range: a part, and Total tells how many there are', async () => {
    const site = await startPeopleSite();
    for (const name of ['one', 'two', 'three']) await site.addPerson(name, { Company: 'Acme' });
    const phone = await site.phoneOf(version);
    const first = await ask(phone, 'acme', [el(page.Range, '0-1')]);
    expect([names(first), first.range, first.total]).toEqual([['One', 'Three'], '0-1', 3]);
    const rest = await ask(phone, 'acme', [el(page.Range, '0-99')]);
    expect([names(rest), rest.range, rest.total]).toEqual([['One', 'Three', 'Two'], '0-2', 3]);
  });

  test('Picture before 14.1 is passed over; an empty one means no limits', async () => {
    const site = await startPeopleSite();
    await site.putPhoto(site.alice, photo(102_400));
    const answer = await ask(await site.phoneOf(version), 'alice', [el(page.Picture)], false);
    const hasPictures = isAtLeast(version, '14.1');
    expect(pictures(answer)).toEqual([hasPictures ? [1, 102_400] : [undefined, undefined]]);
  });
});

describe.each([
  { command: 'Search', version: '14.1' as const, ask: searchGal, page: Search },
  { command: 'Find', version: '16.1' as const, ask: findGal, page: Find },
])('$command of the GAL', ({ version, ask, page }) => {
  test('Picture: Status 1, 173 (none), 174 (above MaxSize), 175 (after MaxPictures), byte for byte', async () => {
    const site = await startPeopleSite();
    const people = [];
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) people.push(await site.addPerson(name));
    const [one, two, , four, five] = people;
    if (one === undefined || two === undefined || four === undefined || five === undefined) throw new Error();
    await site.putPhoto(one, photo(1000));
    await site.putPhoto(two, photo(2001));
    await site.putPhoto(four, photo(2000));
    await site.putPhoto(five, photo(500));
    const phone = await site.phoneOf(version);
    const picture = (maxSize?: number, maxPictures?: number) =>
      el(
        page.Picture,
        maxSize === undefined ? undefined : el(page.MaxSize, maxSize),
        maxPictures === undefined ? undefined : el(page.MaxPictures, maxPictures),
      );
    const limited = await ask(phone, 'p', [picture(2000, 2)]);
    expect(pictures(limited)).toEqual([
      [1, 1000],
      [174, undefined],
      [173, undefined],
      [1, 2000],
      [175, undefined],
    ]);
    expect(Buffer.from(bytesOf(limited.people[0], GAL.Picture, GAL.Data) ?? [])).toEqual(photo(1000));
    expect(pictures(await ask(phone, 'p', [picture(0)])).map(([status]) => status)).toEqual([
      174, 174, 173, 174, 174,
    ]);
    expect(pictures(await ask(phone, 'p', [picture(undefined, 0)])).map(([status]) => status)).toEqual([
      175, 175, 173, 175, 175,
    ]);
    expect(pictures(await ask(phone, 'p'))).toEqual(people.map(() => [undefined, undefined]));
  });

  test('Status 2: no text, no Range, no number in Picture', async () => {
    const site = await startPeopleSite();
    const phone = await site.phoneOf(version);
    const statusOf = async (query: string, ...options: Element[]) => {
      const { root, status } = await ask(phone, query, options, false);
      return status ?? root;
    };
    expect(await statusOf(' ')).toBe(2);
    expect(await statusOf('alice', el(page.Range, '5-1'))).toBe(2);
    expect(await statusOf('alice', el(page.Range, 'all'))).toBe(2);
    expect(await statusOf('alice', el(page.Picture, el(page.MaxSize, 'x')))).toBe(2);
    expect(await statusOf('alice', el(page.Picture, el(page.MaxPictures, '-1')))).toBe(2);
    expect(await statusOf('alice')).toBe(1);
  });
});

test('Search of the GAL: Store Status 12 for a Range beyond 99, or behind the last result', async () => {
  const site = await startPeopleSite();
  const phone = await site.phoneOf('16.1');
  const search = (query: string, range: string) => searchGal(phone, query, [el(Search.Range, range)]);
  expect(await search('alice', '0-100')).toMatchObject({ root: 1, status: 12 });
  const behind = { root: 1, status: 12, people: [], range: undefined, total: undefined };
  expect(await search('alice', '1-9')).toEqual(behind);
  expect(await search('nobody', '5-9')).toMatchObject({ root: 1, status: 1, people: [], total: 0 });
});

test('Find of the GAL: a Range beyond 99 gives the first 100, and Total counts no more', async () => {
  const site = await startPeopleSite();
  for (let n = 0; n <= 100; n++) await site.addGroup(`team-${n}`, []);
  const phone = await site.phoneOf('16.1');
  const find = (range: string) => findGal(phone, 'team', [el(Find.Range, range)]);
  const all = await find('0-999');
  expect(all).toMatchObject({ status: 1, range: '0-99', total: 100 });
  expect(all.people).toHaveLength(100);
  expect(await find('100-199')).toMatchObject({ status: 1, people: [], range: undefined, total: 100 });
});

test('Find of the GAL: Status 4 for a search that does not begin with 0, and pages of one that did', async () => {
  const site = await startPeopleSite();
  for (const name of ['one', 'two', 'three']) await site.addPerson(name, { Company: 'Acme' });
  const phone = await site.phoneOf('16.1');
  const page = (range: string) => findGal(phone, 'acme', [el(Find.Range, range)]);
  expect(await page('1-2')).toMatchObject({ root: 1, status: 4, people: [] });
  expect(names(await page('0-0'))).toEqual(['One']);
  const next = await page('1-9');
  expect([names(next), next.range, next.total]).toEqual([['Three', 'Two'], '1-2', 3]);
  expect(names(await page('1-9'))).toEqual(['Three', 'Two']);
  expect(await page('3-9')).toMatchObject({ status: 1, people: [], range: undefined, total: 3 });
  expect(await page('200-300')).toMatchObject({ status: 1, people: [], range: undefined, total: 3 });
});

test('Find below 16.1 is Status 137', async () => {
  const site = await startPeopleSite();
  const phone = await site.phoneOf('16.0');
  expect((await findGal(phone, 'alice')).root).toBe(137);
});
