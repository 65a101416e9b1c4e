import { describe, expect, test } from 'vitest';
import { ChangeKind } from '#domain/change';
import type { FolderType } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import { email, freeText, inFolder, mail, newerThan, olderThan, searchMail } from './search-phone.ts';
import { startEndpoint, type TestServer } from './server.ts';

async function start() {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await phone.provision();
  return { server, phone };
}

/** Makes a folder of mail below another; gives its number. */
async function addFolder({ database, alice }: TestServer, parent: number): Promise<number> {
  return await database.mail.transact([alice.mailbox], async (of) => {
    const tx = of(alice.mailbox);
    const [id, seq] = [await tx.nextFolderId(), await tx.seq()];
    const type: FolderType = 12;
    tx.putFolder({ id, parent: parent as FolderId, type, name: `F${id}`, created: seq, changed: seq });
    await tx.logHierarchy(ChangeKind.Add, id);
    return id;
  });
}

describe('where', () => {
  async function tree() {
    const { server, phone } = await start();
    const child = await addFolder(server, 1);
    const grandchild = await addFolder(server, child);
    const places = { inbox: 1, child, grandchild, sent: 4, deleted: 3 };
    let receivedMs = 1000;
    for (const [name, folder] of Object.entries(places)) {
      await server.receive(mail(`in ${name}`), { folder, receivedMs: receivedMs++ });
    }
    const search = async (folders: readonly (number | string)[], ...options: Element[]) =>
      (await searchMail(phone, [email, ...folders.map(inFolder), freeText('in')], options)).subjects;
    return { places, search };
  }

  test('Search: a CollectionId is searched without its subfolders', async () => {
    const { search } = await tree();
    expect(await search([1])).toEqual(['in inbox']);
  });

  test('Search: DeepTraversal searches all that is below a CollectionId', async () => {
    const { search, places } = await tree();
    const deep = el(Search.DeepTraversal);
    expect(await search([1], deep)).toEqual(['in grandchild', 'in child', 'in inbox']);
    expect(await search([places.grandchild], deep)).toEqual(['in grandchild']);
  });

  test('Search: several CollectionIds are searched, each once, in one list', async () => {
    const { search } = await tree();
    expect(await search([4, 1, 4, 1])).toEqual(['in sent', 'in inbox']);
  });

  test('Search: without a CollectionId, and with CollectionId 0, all folders are searched', async () => {
    const { search } = await tree();
    const all = ['in deleted', 'in sent', 'in grandchild', 'in child', 'in inbox'];
    expect(await search([])).toEqual(all);
    expect(await search([0])).toEqual(all);
    expect(await search([0, 1], el(Search.DeepTraversal))).toEqual(all);
  });
});

describe('what', () => {
  const files = [
    'From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>',
    'To: Alice <alice@example.test>, "Carol C" <carol@other.example>',
    'Cc: dave@example.net',
    'Subject: =?utf-8?b?w5xiZXJzaWNodA==?=',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/html; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<html><head><style>.hidden{color:red}</style></head><body><!-- comment -->',
    '<p title=3D"tooltip">Sch=F6ne Gr=FC=DFe aus <b>Mün</b>chen</p>&eacute;clair</body></html>',
    '--b',
    'Content-Type: application/pdf; name="Budget_2026.pdf"',
    'Content-Disposition: attachment; filename="Budget_2026.pdf"',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('within the file').toString('base64'),
    '--b--',
    '',
  ].join('\r\n');

  test.each([
    ['ubersicht', 'the subject without accents'],
    ['JÖRG', 'the name of the sender in capitals'],
    ['joerg@example.org', 'the address of the sender'],
    ['example.org', 'the domain of the sender'],
    ['carol', 'a recipient'],
    ['dave', 'a recipient of a copy'],
    ['schone grusse', 'the body, decoded'],
    ['"schöne grüße aus"', 'a phrase of the body'],
    ['eclair', 'a letter by its name'],
    ['budget 2026', 'the name of an attachment'],
    ['übers jör gru budg', 'words of several places, each by its beginning'],
  ])('Search: FreeText %s finds %s', async (words) => {
    const { server, phone } = await start();
    await server.receive(Buffer.from(files, 'latin1'));
    expect((await searchMail(phone, [email, freeText(words)])).total).toBe(1);
  });

  test.each([
    ['bersicht', 'the end of a word'],
    ['hidden', 'what a style says'],
    ['comment', 'a comment'],
    ['tooltip', 'an attribute'],
    ['body', 'the name of a tag'],
    ['within', 'what stands in an attachment'],
    ['"grüße schöne"', 'a phrase turned round'],
    ['übersicht unknown', 'only one of two words'],
    ['.*', 'signs'],
    ['[a-z]+', 'a regular expression'],
    ['%', 'a sign'],
  ])('Search: FreeText %s does not find %s', async (words) => {
    const { server, phone } = await start();
    await server.receive(Buffer.from(files, 'latin1'));
    expect(await searchMail(phone, [email, freeText(words)])).toMatchObject({ status: 1, total: 0 });
  });

  test('Search: text without blanks is found in the middle', async () => {
    const { server, phone } = await start();
    await server.receive(mail('来週の会議について', '資料はあとで送ります'));
    for (const words of ['会議', '資料', '送り']) {
      expect((await searchMail(phone, [freeText(words)])).total).toBe(1);
    }
    expect((await searchMail(phone, [freeText('議会')])).total).toBe(0);
  });

  test('Search: a large message, whose body is a file, is found by its body', async () => {
    const { server, phone } = await start();
    const text = `${'Lorem ipsum dolor sit amet.\r\n'.repeat(4000)}needle\r\n`;
    await server.receive(mail('Long', text));
    expect((await searchMail(phone, [freeText('needle')])).total).toBe(1);
  });

  test('Search: several FreeTexts must all be there; of an Or, one', async () => {
    const { server, phone } = await start();
    await server.receive(mail('red apple'), { receivedMs: 1000 });
    await server.receive(mail('red pear'), { receivedMs: 2000 });
    await server.receive(mail('green pear'), { receivedMs: 3000 });
    const or = el(Search.Or, freeText('apple'), freeText('pear'));
    const found = async (...and: Element[]) => (await searchMail(phone, [email, ...and])).subjects;
    expect(await found(freeText('red'), freeText('pear'))).toEqual(['red pear']);
    expect(await found(or)).toEqual(['green pear', 'red pear', 'red apple']);
    expect(await found(or, freeText('red'))).toEqual(['red pear', 'red apple']);
    const dates = el(Search.Or, newerThan('1970-01-01T00:00:02Z'), freeText('apple'));
    expect(await found(dates, freeText('r'))).toEqual(['red apple']);
  });

  test('Search: a Class, folders or dates alone list what is there', async () => {
    const { server, phone } = await start();
    for (const second of [1, 2, 3]) await server.receive(mail(`${second}`), { receivedMs: second * 1000 });
    const found = async (...and: Element[]) => (await searchMail(phone, and)).subjects;
    expect(await found(email)).toEqual(['3', '2', '1']);
    expect(await found(inFolder(1))).toEqual(['3', '2', '1']);
    const after = newerThan('1970-01-01T00:00:01.000Z');
    const before = olderThan('1970-01-01T00:00:03.000Z');
    expect(await found(after)).toEqual(['3', '2']);
    expect(await found(before)).toEqual(['2', '1']);
    expect(await found(email, after, before)).toEqual(['2']);
    expect(await found(olderThan('1970-01-01T00:00:00Z'))).toEqual([undefined]);
  });

  test('Search: Email among other classes finds mail, other classes alone find nothing', async () => {
    const { server, phone } = await start();
    await server.receive(mail('here'));
    const classes = ['Calendar', 'Contacts', 'Tasks', 'Notes'].map((name) => el(AirSync.Class, name));
    expect((await searchMail(phone, [...classes, email, freeText('here')])).total).toBe(1);
    expect((await searchMail(phone, [...classes, freeText('here')])).total).toBe(0);
  });

  test('Search: nobody finds what another has', async () => {
    const { server } = await start();
    await server.receive(mail('secret'));
    const bob = server.phone('14.1', { user: server.bob.address, deviceId: 'BOB' });
    await bob.provision();
    expect((await searchMail(bob, [email, freeText('secret')])).total).toBe(0);
  });
});
