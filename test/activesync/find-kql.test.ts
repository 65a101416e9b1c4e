import { expect, test } from 'vitest';
import type { FolderId, ItemId } from '#domain/ids';
import { findMail, mail } from './search-phone.ts';
import { startEndpoint } from './server.ts';

const file = [
  'From: Carol <carol@example.net>',
  'To: Alice <alice@example.test>',
  'Subject: Report',
  'Importance: high',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'see the table',
  '--b',
  'Content-Type: application/pdf; name="Figures 2026.pdf"',
  'Content-Disposition: attachment; filename="Figures 2026.pdf"',
  '',
  'x',
  '--b--',
  '',
].join('\r\n');

/** The same mailbox for all queries: Red, Green and Report, the newest last. */
async function start() {
  const server = await startEndpoint();
  const phone = server.phone('16.1');
  await phone.provision();
  const red = await server.receive(mail('Red', 'bright apples', ['Cc: dave@example.org']), {
    receivedMs: Date.UTC(2026, 9, 1),
  });
  await server.receive(mail('Green', 'sour apples and pears', ['Bcc: eve@example.org']), {
    receivedMs: Date.UTC(2026, 9, 2),
  });
  await server.receive(file, { receivedMs: Date.UTC(2026, 10, 1) });
  const { mailbox } = server.alice;
  await server.database.mail.transact([mailbox], async (of) => {
    const tx = of(mailbox);
    const item = await tx.item(1 as FolderId, Number(red.split(':')[1]) as ItemId);
    if (item !== undefined) await tx.markItem(item, { read: true, categories: ['Blue Category'] }, 1);
  });
  return phone;
}

test.each<[string, string]>([
  ['apples', 'Green Red'],
  ['"sour apples"', 'Green'],
  ['"apples sour"', ''],
  ['apples pears', 'Green'],
  ['apples AND pears', 'Green'],
  ['bright OR table', 'Report Red'],
  ['apples NOT pears', 'Red'],
  ['apples -pears', 'Red'],
  ['NOT apples', 'Report'],
  ['(bright OR sour) apples', 'Green Red'],
  ['from:bob', 'Green Red'],
  ['from:carol@example.net', 'Report'],
  ['from:example.net OR from:bob', 'Report Green Red'],
  ['to:alice', 'Report Green Red'],
  ['cc:dave', 'Red'],
  ['bcc:eve', 'Green'],
  ['participants:eve', 'Green'],
  ['subject:red', 'Red'],
  ['subject:apples', ''],
  ['body:red', ''],
  ['body:(bright apples)', 'Red'],
  ['attachment:figures', 'Report'],
  ['attachment:report', ''],
  ['hasattachment:true', 'Report'],
  ['hasattachment:false', 'Green Red'],
  ['importance:high', 'Report'],
  ['isread:true', 'Red'],
  ['isread:no', 'Report Green'],
  ['category:blue', 'Red'],
  ['kind:email apples', 'Green Red'],
  ['kind:contacts', ''],
  ['received:2026-10-01', 'Red'],
  ['received>2026-10-01', 'Report Green'],
  ['received:2026-10-01..2026-10-02', 'Green Red'],
  ['received<2026-10-02 apples', 'Red'],
  ['NOT received:2026-10', 'Report'],
  ['size>100', 'Report Green Red'],
  ['size>1MB', ''],
  ['colour:red', ''],
  ['see:the', 'Report'],
  ['.*', ''],
  ['from:bob from:carol apples OR “see the”', 'Report Green Red'],
  ['ANY(bright table) received:1.10.2026', 'Red'],
  ['apples NEAR(3) pears is:unread', 'Green'],
])('Find: FreeText %s finds "%s"', async (query, subjects) => {
  const found = await findMail(await start(), query);
  expect(found.status).toBe(1);
  expect(found.subjects.join(' ')).toBe(subjects);
});

test('Find: a date with slashes is read as the Accept-Language of its request writes it', async () => {
  const phone = await start();
  const findIn = async (language: string | undefined, query: string) => {
    const headers = language === undefined ? {} : { 'Accept-Language': language };
    return (await findMail(phone, query, { headers })).subjects;
  };
  for (const language of [undefined, 'en-US', 'en-us,de;q=0.5']) {
    expect(await findIn(language, 'received:10/01/2026')).toEqual(['Red']);
    expect(await findIn(language, 'received:01/10/2026')).toEqual([]);
  }
  for (const language of ['en-GB', 'de-DE,en-US;q=0.8']) {
    expect(await findIn(language, 'received:01/10/2026')).toEqual(['Red']);
    expect(await findIn(language, 'received:10/01/2026')).toEqual([]);
    expect(await findIn(language, 'received:2026-10-01')).toEqual(['Red']);
  }
});
