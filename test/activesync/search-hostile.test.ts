/** What no phone sends: each query has its answer, and the next one of somebody else, too. */
import { expect, test } from 'vitest';
import { Find } from '#protocols/activesync/wbxml/code-pages/find';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import { email, findMail, freeText, inFolder, mail, searchMail, searchStore } from './search-phone.ts';
import { startEndpoint } from './server.ts';

async function start() {
  const server = await startEndpoint();
  const phone = server.phone('16.1');
  await phone.provision();
  return { server, phone };
}

const many = (count: number, make: (n: number) => Element) =>
  Array.from({ length: count }, (_, n) => make(n));

test.each<[string, readonly Element[], number]>([
  ['a FreeText of 1 MB', [freeText('a'.repeat(1024 * 1024))], 8],
  ['a FreeText of 1 MB of quotes', [freeText('"'.repeat(1024 * 1024))], 8],
  ['a FreeText of 500 words', [freeText('a '.repeat(500))], 8],
  ['5,000 FreeTexts', many(5000, (n) => freeText(`w${n}`)), 8],
  ['5,000 CollectionIds', [...many(5000, (n) => inFolder(n + 1)), freeText('a')], 8],
  ['500 times the same CollectionId', [...many(500, () => inFolder(1)), freeText('a')], 1],
  ['500 CollectionIds that are not there', [...many(500, (n) => inFolder(n + 100)), freeText('a')], 11],
  ['an Or of 5,000 FreeTexts', [el(Search.Or, ...many(5000, (n) => freeText(`w${n}`)))], 2],
  ['regular expressions', [freeText('(a+)+$ ^.*(?=b) [[:alpha:]] \\ {1,9999}')], 1],
  ['a CollectionId of 1 MB', [inFolder('1'.repeat(1024 * 1024)), freeText('a')], 11],
  ['a ConversationId of 1 MB', [el(Search.ConversationId, Buffer.alloc(1024 * 1024))], 2],
])('Search: %s', async (_name, and, status) => {
  const { server, phone } = await start();
  await server.receive(mail('a', 'a'.repeat(500_000)));
  expect((await searchMail(phone, and, [], false)).status).toBe(status);
});

test('Search: 10,000 Ands in each other are no document (102), 40 are too complex', async () => {
  const { phone } = await start();
  let nested = freeText('a');
  for (let n = 0; n < 40; n++) nested = el(Search.And, nested);
  const store = [el(Search.Name, 'Mailbox'), el(Search.Query, nested)];
  expect((await searchStore(phone, store, false)).status).toBe(8);
  // Search, Store, Name "Mailbox", Query, and And 10,000 times, each with content.
  const begin = [
    0x03,
    0x01,
    0x6a,
    0x00,
    0x00,
    0x0f,
    0x45,
    0x47,
    0x48,
    0x03,
    ...Buffer.from('Mailbox\0'),
    0x01,
    0x49,
  ];
  const and = 10_000;
  const bytes = Buffer.from([
    ...begin,
    ...Array<number>(and).fill(0x53),
    ...Array<number>(and + 3).fill(0x01),
  ]);
  const headers = { 'Content-Type': 'application/vnd.ms-sync.wbxml' };
  expect((await phone.post('Search', bytes, { headers })).rootStatus).toBe(102);
});

test.each<[string, string | readonly Element[], number]>([
  ['a FreeText of 1 MB', 'a'.repeat(1024 * 1024), 2],
  ['a FreeText of 1,000 parentheses', '('.repeat(1000), 2],
  ['a FreeText of 200 parentheses', '('.repeat(200), 2],
  ['a FreeText of 1,000 NOTs', 'NOT '.repeat(500), 2],
  ['a FreeText of 2,000 quotes', '"'.repeat(2000), 2],
  ['a FreeText of 2,000 colons', 'a:'.repeat(1000), 1],
  ['regular expressions', '(a+)+$ ^.*(?=b) [[:alpha:]] \\ {1,9999}', 1],
  ['5,000 CollectionIds', [email, ...many(5000, (n) => inFolder(n + 1)), el(Find.FreeText, 'a')], 2],
])('Find: %s', async (_name, query, status) => {
  const { server, phone } = await start();
  await server.receive(mail('a', 'a'.repeat(500_000)));
  expect((await findMail(phone, query, {}, false)).status).toBe(status);
});

test('Search: messages made to cost much are searched', async () => {
  const { server, phone } = await start();
  const page = (body: string) =>
    `From: x@example.org\r\nSubject: page\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n${body}\r\n`;
  await server.receive(page('<div>'.repeat(150_000)));
  await server.receive(page('<!--'.repeat(150_000)));
  await server.receive(page('&#x110000;<'.repeat(70_000)));
  await server.receive(mail('accents', '\u0301'.repeat(400_000)));
  await server.receive(mail('words', 'a '.repeat(400_000)));
  await server.receive(mail('same', '手'.repeat(300_000)));
  for (const words of [`${'a '.repeat(50)}b`, '手'.repeat(1000), 'zzz']) {
    expect((await searchMail(phone, [freeText(words)])).status).toBe(1);
  }
});

test('Search: many searches of one phone at the same time are all answered', async () => {
  const { server, phone } = await start();
  for (let n = 0; n < 50; n++) await server.deliver(`item ${n}`);
  const searches = many(20, (n) => freeText(`item ${n}`)).map((words) => searchMail(phone, [email, words]));
  // A newer one stops an older one, which may try again.
  for (const { status } of await Promise.all(searches)) expect([1, 10]).toContain(status);
  expect((await searchMail(phone, [email, freeText('item')])).status).toBe(1);
});
