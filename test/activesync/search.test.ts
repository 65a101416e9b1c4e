import { describe, expect, test } from 'vitest';
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { DocumentLibrary } from '#protocols/activesync/wbxml/code-pages/document-library';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { Tasks } from '#protocols/activesync/wbxml/code-pages/tasks';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import {
  email,
  freeText,
  inFolder,
  mail,
  newerThan,
  olderThan,
  searchMail,
  searchStore,
} from './search-phone.ts';
import { startEndpoint } from './server.ts';

const versions = ['12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;

async function start(version: ProtocolVersion = '16.1', validate = true) {
  const server = await startEndpoint();
  const phone = server.phone(version, { validate });
  await phone.provision();
  return { server, phone };
}

const mailbox = el(Search.Name, 'Mailbox');
const and = (...children: Element[]) => el(Search.Query, el(Search.And, ...children));

describe.each(versions)('Search in %s', (version) => {
  test('Search: FreeText in a folder finds messages, newest first, with Class, LongId and CollectionId', async () => {
    const { server, phone } = await start(version);
    await server.receive(mail('First invoice'), { receivedMs: 1000 });
    await server.receive(mail('Nothing'), { receivedMs: 2000 });
    const id = await server.receive(mail('Second', 'with an Invoice in it'), { receivedMs: 3000 });
    const found = await searchMail(phone, [email, inFolder(1), freeText('invoice')]);
    expect(found).toMatchObject({ status: 1, subjects: ['Second', 'First invoice'], range: '0-1', total: 2 });
    const [first] = found.results;
    expect(first?.children.map(({ tag }) => tag)).toEqual([
      AirSync.Class,
      Search.LongId,
      AirSync.CollectionId,
      Search.Properties,
    ]);
    expect(first?.children.slice(0, 3).map(({ text }) => text)).toEqual(['Email', id, '1']);
  });

  test('Search: nothing found is Status 1 with one empty Result and Total 0', async () => {
    const { phone } = await start(version);
    const found = await searchMail(phone, [email, inFolder(1), freeText('invoice')]);
    expect(found).toMatchObject({ status: 1, range: '0-0', total: 0 });
    expect(found.results.map(({ children }) => children.length)).toEqual([0]);
  });

  test('Search: ConversationId finds the conversation in all folders, since 14.0; below it is Status 2', async () => {
    const { server, phone } = await start(version, isAtLeast(version, '14.0'));
    await server.receive(mail('Trip', 'a', ['Message-ID: <root@x>']), { receivedMs: 1000 });
    await server.receive(mail('Re: Trip', 'b', ['References: <root@x>']), { folder: 5, receivedMs: 2000 });
    await server.receive(mail('Trip', 'another'), { receivedMs: 3000 });
    const reader = server.database.mail.mailbox(server.alice.mailbox);
    const [root] = await reader.list(1 as never, {
      from: { receivedMs: 1000, item: 0 },
      to: { receivedMs: -1, item: 0 },
      limit: 1,
    });
    const item = await reader.item(1 as never, root?.item as never);
    const id = el(Search.ConversationId, item?.conversationId);
    const found = await searchMail(phone, [email, inFolder(2), id]);
    if (!isAtLeast(version, '14.0')) expect(found.status).toBe(2);
    else expect(found).toMatchObject({ status: 1, subjects: ['Re: Trip', 'Trip'] });
  });

  test('Search: Class Notes and SMS are known since 14.0 and hold nothing; below they are Status 2', async () => {
    const { server, phone } = await start(version);
    await server.receive(mail('Note'));
    for (const name of ['Notes', 'SMS']) {
      const found = await searchMail(phone, [el(AirSync.Class, name), freeText('note')]);
      if (!isAtLeast(version, '14.0')) expect(found.status).toBe(2);
      else expect(found).toMatchObject({ status: 1, total: 0 });
    }
  });
});

test.each(['Mailbox', 'DocumentLibrary'])(
  'Search: %s in 2.5 answers Status 2, and 1 or its own later',
  async (name) => {
    const store = [el(Search.Name, name), el(Search.Query, el(Search.And, freeText('a')))];
    // Neither store's tags are in 2.5.
    const { phone } = await start('2.5', false);
    expect((await searchStore(phone, store)).status).toBe(2);
    if (name === 'Mailbox') expect((await searchStore((await start('12.0')).phone, store)).status).toBe(1);
  },
);

describe('the Query of a mailbox', () => {
  const date = '2026-11-22T11:30:00.000Z';
  const nested = el(Search.And, freeText('a'));
  test.each<[string, Element, number]>([
    ['two And', el(Search.Query, nested, nested), 8],
    ['And in And', and(nested), 8],
    ['And in Or', and(el(Search.Or, nested)), 8],
    ['Or outside And', el(Search.Query, el(Search.Or, freeText('a'))), 8],
    ['FreeText outside And', el(Search.Query, freeText('a'), nested), 8],
    ['FreeText alone', el(Search.Query, freeText('a')), 8],
    ['Class outside And', el(Search.Query, email, nested), 8],
    ['CollectionId outside And', el(Search.Query, inFolder(1), nested), 8],
    ['ConversationId outside And', el(Search.Query, el(Search.ConversationId, 'x'), nested), 8],
    ['GreaterThan outside And', el(Search.Query, newerThan(date), nested), 8],
    ['LessThan outside And', el(Search.Query, olderThan(date), nested), 8],
    ['Class in Or', and(el(Search.Or, email)), 8],
    ['CollectionId in Or', and(el(Search.Or, inFolder(1))), 8],
    ['no Query', el(Search.Options), 2],
    ['an empty Query', el(Search.Query), 2],
    ['text alone', el(Search.Query, 'words'), 2],
    ['an empty And', and(), 2],
    ['an empty Or', and(el(Search.Or)), 2],
    ['an empty FreeText', and(freeText('  ')), 2],
    ['two ConversationIds', and(el(Search.ConversationId, 'x'), el(Search.ConversationId, 'y')), 2],
    ['an empty ConversationId', and(el(Search.ConversationId)), 2],
    ['EqualTo', and(el(Search.EqualTo, el(DocumentLibrary.LinkId), el(Search.Value, 'x'))), 2],
    ['an unknown Class', and(el(AirSync.Class, 'Mail'), freeText('a')), 2],
    ['a date that is none', and(newerThan('yesterday')), 2],
    ['a comparison without DateReceived', and(el(Search.LessThan, el(Search.Value, date))), 2],
    ['a comparison without Value', and(el(Search.GreaterThan, el(Email.DateReceived))), 2],
    ['an Email property', and(freeText('a'), el(Email.To, 'x')), 2],
    ['a Tasks property', and(freeText('a'), el(Tasks.Subject, 'x')), 2],
    ['a folder that is not there', and(inFolder(99), freeText('a')), 11],
    ['a folder that cannot be', and(inFolder('RI'), freeText('a')), 11],
    ['two comparisons', and(newerThan(date), newerThan(date), olderThan(date)), 1],
    ['a compact date', and(newerThan('20261122T113000Z')), 1],
    ['folder 0 beside one that is not there', and(inFolder(0), inFolder(99), freeText('a')), 1],
    ['a folder that holds no mail', and(inFolder(7), freeText('a')), 1],
    ['classes of other things', and(el(AirSync.Class, 'Calendar'), el(AirSync.Class, 'Tasks')), 1],
  ])('Search: %s', async (_name, query, status) => {
    const { phone } = await start();
    expect((await searchStore(phone, [mailbox, query], false)).status).toBe(status);
  });

  test('Search: a repeated DeepTraversal, MIMESupport, Range, RebuildResults or Store is no error', async () => {
    const { server, phone } = await start();
    await server.receive(mail('Twice'));
    const options = [
      el(Search.RebuildResults),
      el(Search.RebuildResults),
      el(Search.DeepTraversal),
      el(Search.DeepTraversal),
      el(AirSync.MIMESupport, 2),
      el(AirSync.MIMESupport, 2),
      el(Search.Range, '0-9'),
      el(Search.Range, '0-9'),
    ];
    const query = [email, inFolder(1), freeText('twice')];
    expect(await searchMail(phone, query, options, false)).toMatchObject({ status: 1, total: 1 });
    const store = el(Search.Store, mailbox, and(...query));
    const { rootStatus } = await phone.command('Search', el(Search.Search, store, store));
    expect(rootStatus).toBe(1);
  });
});

describe('the Options of a mailbox', () => {
  const html = el(AirSyncBase.BodyPartPreference, el(AirSyncBase.Type, 2));
  const plain = el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, 1));
  test.each<[string, Element[], number]>([
    ['Range 0-99', [el(Search.Range, '0-99')], 1],
    ['Range 0-100', [el(Search.Range, '0-100')], 12],
    ['Range 100-109', [el(Search.Range, '100-109')], 12],
    ['Range 5-4', [el(Search.Range, '5-4')], 2],
    ['Range of words', [el(Search.Range, 'all')], 2],
    ['an empty Range', [el(Search.Range)], 2],
    ['Range behind the only result', [el(Search.Range, '1-9')], 12],
    ['MIMESupport 3', [el(AirSync.MIMESupport, 3)], 2],
    ['two BodyPreferences of one Type', [plain, plain], 2],
    ['BodyPreference of Type 9', [el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, 9))], 2],
    ['BodyPartPreference without ConversationId', [html], 2],
  ])('Search: %s', async (_name, options, status) => {
    const { server, phone } = await start();
    await server.receive(mail('One'));
    expect((await searchMail(phone, [email, freeText('one')], options, false)).status).toBe(status);
  });

  test('Search: BodyPartPreference of another Type than HTML is 164, and below 14.1 Status 2', async () => {
    const preference = el(AirSyncBase.BodyPartPreference, el(AirSyncBase.Type, 1));
    const query = [email, el(Search.ConversationId, Buffer.alloc(16))];
    const statusIn = async (version: ProtocolVersion) =>
      (await searchMail((await start(version)).phone, query, [preference], false)).status;
    expect(await statusIn('14.1')).toBe(164);
    expect(await statusIn('14.0')).toBe(2);
  });
});

describe('the stores', () => {
  const link = (value: string) =>
    el(Search.Query, el(Search.EqualTo, el(DocumentLibrary.LinkId), el(Search.Value, value)));
  const documents = el(Search.Name, 'DocumentLibrary');
  test.each<[string, Element[], number]>([
    ['an unknown Name', [el(Search.Name, 'Attic'), and(freeText('a'))], 2],
    ['no Name', [and(freeText('a'))], 2],
    ['DocumentLibrary', [documents, link('\\\\server\\share')], 13],
    ['DocumentLibrary by https', [documents, link('https://portal/docs')], 13],
    ['Document Library with a blank', [el(Search.Name, 'Document Library'), link('\\\\server\\share')], 13],
    [
      'DocumentLibrary with Range 0-999',
      [documents, link('\\\\s\\d'), el(Search.Options, el(Search.Range, '0-999'))],
      13,
    ],
    [
      'DocumentLibrary with Range 0-1000',
      [documents, link('\\\\s\\d'), el(Search.Options, el(Search.Range, '0-1000'))],
      12,
    ],
    ['DocumentLibrary without EqualTo', [documents, el(Search.Query, 'x')], 2],
    [
      'DocumentLibrary without LinkId',
      [documents, el(Search.Query, el(Search.EqualTo, el(Search.Value, '\\\\s')))],
      2,
    ],
    ['DocumentLibrary without Value', [documents, link('')], 2],
    ['DocumentLibrary with a bad link', [documents, link('shelf three')], 4],
  ])('Search: %s', async (_name, store, status) => {
    const { phone } = await start();
    expect((await searchStore(phone, store, false)).status).toBe(status);
  });

  test('Search: without a Store it is 103, and HTTP 400 below 14.0', async () => {
    const { server, phone } = await start();
    const answer = await phone.post('Search', el(Search.Search), { validateRequest: false });
    expect(answer.rootStatus).toBe(103);
    const old = server.phone('12.1');
    await old.provision();
    expect((await old.post('Search', el(Search.Search), { validateRequest: false })).status).toBe(400);
  });
});
