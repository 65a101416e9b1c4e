import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { Find } from '#protocols/activesync/wbxml/code-pages/find';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { MeetingResponse } from '#protocols/activesync/wbxml/code-pages/meeting-response';
import { Move } from '#protocols/activesync/wbxml/code-pages/move';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
import { ResolveRecipients } from '#protocols/activesync/wbxml/code-pages/resolve-recipients';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { bytesOf, child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { toXml } from '#protocols/activesync/wbxml/xml';
import type { EasClient } from '#test/support/eas-client';
import { startTwoOrganizations, type TestOrganization } from '#test/support/two-organizations';
import { photo } from './people-site.ts';

/** What a request names: something of the other organisation, or what nobody has. */
interface Ids {
  readonly folder: string;
  readonly item: string;
  readonly conversation: Uint8Array;
  readonly folderKey: string;
  readonly syncKey: string;
  readonly name: string;
  readonly policyKey: number;
}

interface Request {
  readonly command: string;
  readonly body: Element | Uint8Array | undefined;
  readonly query?: Record<string, string>;
  readonly policyKey?: number;
}

type Ask = (ids: Ids, phone: EasClient) => Request;

const mime = (from: string, to: string, subject: string) =>
  [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject}`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'the quokka is mine',
    '--b',
    'Content-Type: application/pdf; name=plan.pdf',
    'Content-Disposition: attachment; filename=plan.pdf',
    '',
    'the plan',
    '--b--',
    '',
  ].join('\r\n');

const { CollectionId, ServerId, SyncKey } = AirSync;
const sync = (...children: readonly (Element | undefined)[]) =>
  el(AirSync.Sync, el(AirSync.Collections, el(AirSync.Collection, ...children)));
/** A command in the phone's own Inbox. */
const inInbox = (phone: EasClient, command: Element): Request => ({
  command: 'Sync',
  body: sync(
    el(SyncKey, phone.collection('1').syncKey),
    el(CollectionId, '1'),
    el(AirSync.GetChanges, '0'),
    el(AirSync.Commands, command),
  ),
});
const folderCommand = (
  command: 'FolderCreate' | 'FolderUpdate' | 'FolderDelete',
  { folderKey }: EasClient,
  ...children: readonly Element[]
): Request => ({
  command,
  body: el(FolderHierarchy[command], el(FolderHierarchy.SyncKey, folderKey), ...children),
});
const operation = (body: Element): Request => ({
  command: 'ItemOperations',
  body: el(ItemOperations.ItemOperations, body),
});
const fetch = (...selector: readonly Element[]) =>
  operation(el(ItemOperations.Fetch, el(ItemOperations.Store, 'Mailbox'), ...selector));
const smart = (command: 'SmartReply' | 'SmartForward', ...source: readonly Element[]): Request => ({
  command,
  body: el(
    ComposeMail[command],
    el(ComposeMail.ClientId, randomBytes(8).toString('hex')),
    el(ComposeMail.Source, ...source),
    el(ComposeMail.Mime, Buffer.from(mime('a@b.test', 'alice@two.mailstead.test', 'answer'))),
  ),
});
const searchIn = (...and: readonly Element[]): Request => ({
  command: 'Search',
  body: el(
    Search.Search,
    el(
      Search.Store,
      el(Search.Name, 'Mailbox'),
      el(Search.Query, el(Search.And, el(AirSync.Class, 'Email'), ...and, el(Search.FreeText, 'quokka'))),
      el(Search.Options, el(Search.Range, '0-9')),
    ),
  ),
});
const move = (item: string, from: string, to: string): Request => ({
  command: 'MoveItems',
  body: el(
    Move.MoveItems,
    el(Move.Move, el(Move.SrcMsgId, item), el(Move.SrcFldId, from), el(Move.DstFldId, to)),
  ),
});
const respond = (...which: readonly Element[]): Request => ({
  command: 'MeetingResponse',
  body: el(
    MeetingResponse.MeetingResponse,
    el(MeetingResponse.Request, el(MeetingResponse.UserResponse, 1), ...which),
  ),
});

/** Of every command that can name something. */
const requests = {
  'Provision, FolderSync with a policy key': ({ policyKey }) => ({
    command: 'FolderSync',
    body: el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0')),
    policyKey,
  }),
  'FolderSync with a key': ({ folderKey }) => ({
    command: 'FolderSync',
    body: el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, folderKey)),
  }),
  'FolderCreate below a folder': ({ folder }, phone) =>
    folderCommand(
      'FolderCreate',
      phone,
      el(FolderHierarchy.ParentId, folder),
      el(FolderHierarchy.DisplayName, 'x'),
      el(FolderHierarchy.Type, 12),
    ),
  'FolderUpdate of a folder': ({ folder }, phone) =>
    folderCommand(
      'FolderUpdate',
      phone,
      el(FolderHierarchy.ServerId, folder),
      el(FolderHierarchy.ParentId, '0'),
      el(FolderHierarchy.DisplayName, 'x'),
    ),
  'FolderDelete of a folder': ({ folder }, phone) =>
    folderCommand('FolderDelete', phone, el(FolderHierarchy.ServerId, folder)),
  'Sync of a folder': ({ folder }) => ({
    command: 'Sync',
    body: sync(el(SyncKey, '0'), el(CollectionId, folder)),
  }),
  'Sync with a key': ({ syncKey }) => ({
    command: 'Sync',
    body: sync(el(SyncKey, syncKey), el(CollectionId, '1')),
  }),
  'Sync Fetch': ({ item }, phone) => inInbox(phone, el(AirSync.Fetch, el(ServerId, item))),
  'Sync Delete': ({ item }, phone) => inInbox(phone, el(AirSync.Delete, el(ServerId, item))),
  'Sync Change': ({ item }, phone) =>
    inInbox(phone, el(AirSync.Change, el(ServerId, item), el(AirSync.ApplicationData, el(Email.Read, true)))),
  'GetItemEstimate with a key': ({ syncKey }) => ({
    command: 'GetItemEstimate',
    body: el(
      GetItemEstimate.GetItemEstimate,
      el(
        GetItemEstimate.Collections,
        el(GetItemEstimate.Collection, el(SyncKey, syncKey), el(GetItemEstimate.CollectionId, '1')),
      ),
    ),
  }),
  'Ping of a folder': ({ folder }) => ({
    command: 'Ping',
    body: el(
      Ping.Ping,
      el(Ping.HeartbeatInterval, 60),
      el(Ping.Folders, el(Ping.Folder, el(Ping.Id, folder), el(Ping.Class, 'Email'))),
    ),
  }),
  'MoveItems of an item': ({ folder, item }) => move(item, folder, '4'),
  'MoveItems of an item, from a folder of both': ({ item }) => move(item, '1', '4'),
  'MoveItems to a folder': ({ folder }) => move('1:1', '1', folder),
  'ItemOperations Fetch of an item': ({ folder, item }) =>
    fetch(el(CollectionId, folder), el(ServerId, item)),
  'ItemOperations Fetch of a LongId': ({ item }) => fetch(el(Search.LongId, item)),
  'ItemOperations Fetch of an attachment': ({ item }) => fetch(el(AirSyncBase.FileReference, `${item}:2`)),
  'ItemOperations EmptyFolderContents': ({ folder }) =>
    operation(el(ItemOperations.EmptyFolderContents, el(CollectionId, folder))),
  'ItemOperations Move of a conversation': ({ conversation }) =>
    operation(
      el(
        ItemOperations.Move,
        el(ItemOperations.ConversationId, conversation),
        el(ItemOperations.DstFldId, '4'),
      ),
    ),
  'SmartReply to an item': ({ folder, item }) =>
    smart('SmartReply', el(ComposeMail.FolderId, folder), el(ComposeMail.ItemId, item)),
  'SmartForward of a LongId': ({ item }) => smart('SmartForward', el(ComposeMail.LongId, item)),
  'MeetingResponse to an item': ({ folder, item }) =>
    respond(el(MeetingResponse.CollectionId, folder), el(MeetingResponse.RequestId, item)),
  'MeetingResponse to a LongId': ({ item }) => respond(el(Search.LongId, item)),
  'Search in a folder': ({ folder }) => searchIn(el(CollectionId, folder)),
  'Search of a conversation': ({ conversation }) => searchIn(el(Search.ConversationId, conversation)),
  'Search of the address book': ({ name }) => ({
    command: 'Search',
    body: el(
      Search.Search,
      el(
        Search.Store,
        el(Search.Name, 'GAL'),
        el(Search.Query, name),
        el(Search.Options, el(Search.Range, '0-9'), el(Search.Picture)),
      ),
    ),
  }),
  'Find in a folder': ({ folder }) => ({
    command: 'Find',
    body: el(
      Find.Find,
      el(Find.SearchId, 'a'),
      el(
        Find.ExecuteSearch,
        el(
          Find.MailBoxSearchCriterion,
          el(Find.Query, el(AirSync.Class, 'Email'), el(CollectionId, folder), el(Find.FreeText, 'quokka')),
        ),
      ),
    ),
  }),
  'Find in the address book': ({ name }) => ({
    command: 'Find',
    body: el(
      Find.Find,
      el(Find.SearchId, 'b'),
      el(
        Find.ExecuteSearch,
        el(Find.GalSearchCriterion, el(Find.Query, name), el(Find.Options, el(Find.Range, '0-9'))),
      ),
    ),
  }),
  'ResolveRecipients of an address and a name': ({ name }) => ({
    command: 'ResolveRecipients',
    body: el(
      ResolveRecipients.ResolveRecipients,
      el(ResolveRecipients.To, `${name}@one.mailstead.test`),
      el(ResolveRecipients.To, name),
      el(
        ResolveRecipients.Options,
        el(ResolveRecipients.CertificateRetrieval, 2),
        el(ResolveRecipients.Picture),
      ),
    ),
  }),
} satisfies Readonly<Record<string, Ask>>;

/** The same below 14.0, where other commands name things in the query. */
const oldRequests: Readonly<Record<string, Ask>> = {
  'GetAttachment of an item': ({ item }) => ({
    command: 'GetAttachment',
    body: undefined,
    query: { AttachmentName: `${item}:2` },
  }),
  'DeleteCollection of a folder': ({ folder }) => ({
    command: 'DeleteCollection',
    body: undefined,
    query: { CollectionId: folder },
  }),
  'MoveCollection of a folder': ({ folder }) => ({
    command: 'MoveCollection',
    body: undefined,
    query: { CollectionId: folder, ParentId: '0', CollectionName: 'y' },
  }),
  'CreateCollection below a folder': ({ folder }) => ({
    command: 'CreateCollection',
    body: undefined,
    query: { CollectionName: 'z', ParentId: folder },
  }),
  'SmartForward of an item': ({ item, folder }) => ({
    command: 'SmartForward',
    body: Buffer.from(mime('a@b.test', 'alice@two.mailstead.test', 'answer')),
    query: { ItemId: item, CollectionId: folder },
  }),
};

async function signUp(organization: TestOrganization, version: ProtocolVersion) {
  const phone = organization.phone(version);
  await phone.provision();
  await phone.folderSync();
  await phone.syncAll('1');
  return phone;
}

/** What alice of an organisation gets to have that nobody else has. */
async function furnish(one: TestOrganization, phone: EasClient): Promise<Ids> {
  const carol = await one.addUser('carol');
  await one.call('Mailstead.PutUserPhoto', { UserId: carol.id, Photo: photo(500).toString('base64') });
  const created = await phone.command(
    'FolderCreate',
    el(
      FolderHierarchy.FolderCreate,
      el(FolderHierarchy.SyncKey, phone.folderKey),
      el(FolderHierarchy.ParentId, '0'),
      el(FolderHierarchy.DisplayName, 'Private'),
      el(FolderHierarchy.Type, 12),
    ),
  );
  const folder = textOf(created.element, FolderHierarchy.ServerId) ?? '';
  phone.folderKey = textOf(created.element, FolderHierarchy.SyncKey) ?? '';
  for (let n = 0; n < 5; n++) {
    await phone.sendMail(mime(one.alice.address, one.alice.address, `secret ${n}`), { saveInSent: false });
  }
  await expect.poll(async () => (await phone.syncAll('1')).size, { timeout: 20_000 }).toBe(5);
  const newest = [...phone.collection('1').items.keys()].toSorted(
    (a, b) => a.length - b.length || (a < b ? -1 : 1),
  );
  const source = newest.at(-1) ?? '';
  const conversation = bytesOf(phone.collection('1').items.get(source), Email2.ConversationId);
  const [moved] = await phone.moveItems({ item: source, from: '1', to: folder });
  return {
    folder,
    item: moved?.destination ?? '',
    conversation: conversation ?? new Uint8Array(),
    folderKey: phone.folderKey,
    syncKey: phone.collection('1').syncKey,
    name: 'carol',
    policyKey: phone.policyKey ?? 0,
  };
}

/** The same forms, of nothing. */
function madeUp(ids: Ids): Ids {
  const other = (key: string) => key.replace(/^.{6}/, (start) => [...start].toReversed().join(''));
  return {
    folder: '77',
    item: '77:777',
    conversation: new Uint8Array(ids.conversation.length).fill(9),
    folderKey: other(ids.folderKey),
    syncKey: other(ids.syncKey),
    name: 'xarol',
    policyKey: (ids.policyKey ^ 0x55) >>> 0,
  };
}

/** An answer as it is told, but for what the request named and the keys of the phone itself. */
async function answerTo(ask: Ask, ids: Ids, phone: EasClient): Promise<string> {
  const { command, body, query, policyKey } = ask(ids, phone);
  const own = phone.policyKey;
  phone.policyKey = policyKey ?? own;
  const options = { validateRequest: false, ...(query && { query }) };
  const { status, element } = await phone.post(command, body, options);
  phone.policyKey = own;
  const key = textOf(child(element, AirSync.Collections, AirSync.Collection), SyncKey);
  if (key !== undefined && key !== '0' && command === 'Sync') phone.collection('1').syncKey = key;
  const names = [ids.item, Buffer.from(ids.conversation).toString('hex'), ids.name];
  let told = `${status} ${element === undefined ? '' : toXml(element, 100_000)}`;
  for (const name of names) told = told.replaceAll(name, 'NAMED');
  return told.replace(/(<(?:\w+:)?(?:CollectionId|ServerId|SyncKey|Id)>)[^<]*/g, '$1');
}

test.each([
  ['16.1', requests],
  ['12.1', { ...requests, ...oldRequests }],
] as const)(
  '%s: what another organisation has is told of as what nobody has, by every command, and stays as it is',
  async (version, asked) => {
    const { one, two } = await startTwoOrganizations();
    const [theirs, ours] = [await signUp(one, '14.1'), await signUp(two, version)];
    const ids = await furnish(one, theirs);
    expect([...ours.folders.keys()]).not.toContain(ids.folder);
    await theirs.syncAll(ids.folder);
    const served = (name: 'ItemOperations Fetch of an item' | 'Search of the address book') =>
      answerTo(requests[name], ids, theirs);
    expect(await served('ItemOperations Fetch of an item')).toContain('quokka');
    expect(await served('Search of the address book')).toContain('NAMED of one');
    const before = JSON.stringify([...(await theirs.syncAll('1')).keys()]);
    for (const [name, ask] of Object.entries(asked)) {
      const told = await answerTo(ask, ids, ours);
      expect(told, name).not.toMatch(/quokka|secret|plan|carol|Private/);
      expect(told, name).toBe(await answerTo(ask, madeUp(ids), ours));
    }
    theirs.folderKey = '0';
    expect(await theirs.folderSync()).toBe(1);
    expect([...theirs.folders.values()].map(({ displayName }) => displayName)).toContain('Private');
    expect((await theirs.sync(ids.folder)).commands).toBeUndefined();
    expect(JSON.stringify([...(await theirs.syncAll('1')).keys()])).toBe(before);
    expect([...(await ours.syncAll('1')).keys()]).toEqual([]);
  },
);

test('a password of one organisation opens nothing of the other, nor does a name that both have', async () => {
  const { one, two } = await startTwoOrganizations();
  const body = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));
  expect((await two.phone('14.1', one.alice.password).post('FolderSync', body)).status).toBe(401);
  const theirs = one.phone('14.1');
  await theirs.provision();
  expect((await theirs.post('FolderSync', body)).status).toBe(200);
});

test('Settings Oof: who writes from another organisation of the server is outside', async () => {
  const { one, two } = await startTwoOrganizations();
  const ours = await signUp(two, '14.1');
  await one.call('Mailstead.PutAutomaticReply', {
    UserId: one.alice.id,
    State: 'ENABLED',
    InternalMessage: 'inside: the safe is 1234',
    ExternalMessage: 'outside: away',
    ExternalAudience: 'ALL',
  });
  const letter = `From: ${two.alice.address}\r\nTo: ${one.alice.address}\r\nSubject: Hello\r\n\r\nHello\r\n`;
  await ours.sendMail(letter, { saveInSent: false });
  const body = { body: { type: 1 } };
  await expect.poll(async () => (await ours.syncAll('1', body)).size, { timeout: 20_000 }).toBe(1);
  const [reply] = ours.collection('1').items.values();
  expect(textOf(reply, AirSyncBase.Body, AirSyncBase.Data)).toContain('outside: away');
});
