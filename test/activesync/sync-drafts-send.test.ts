import { describe, expect, test } from 'vitest';
import { FolderType } from '#domain/folder';
import type { DeviceId } from '#domain/ids';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import {
  add,
  addDraft,
  attachments,
  body,
  change,
  draftsFolder,
  draftVersions,
  file,
  letter,
  rawDrafts,
  send,
  startDrafts,
} from './drafts-phone.ts';
import { maxMessageBytes, type TestServer } from './server.ts';
import { commands, startPhone, statuses, syncRaw, told } from './sync-phone.ts';

const inboxOfBob = (server: TestServer) => server.messages(server.bob, FolderType.Inbox);
const sentOf = (server: TestServer) => server.messages(server.alice, FolderType.SentItems);

/** The Responses of an answer to a request that the test built itself. */
const responsesOf = (element: Element | undefined) =>
  child(element, AirSync.Collections, AirSync.Collection, AirSync.Responses);

/** What the device's state of Drafts was before `work`, put back: as after a crash before the answer was made. */
async function withLostState(
  { database, alice }: TestServer,
  phone: EasClient,
  work: () => Promise<unknown>,
): Promise<void> {
  const device = phone.deviceId as DeviceId;
  const before = await database.mail.mailbox(alice.mailbox).syncStates(device, draftsFolder);
  await work();
  await database.mail.transact([alice.mailbox], async (of) => {
    of(alice.mailbox).deleteSyncStates(device, draftsFolder);
    for (const state of before.toReversed()) of(alice.mailbox).putSyncState(device, draftsFolder, state);
  });
}

describe.each(draftVersions)('%s: Send in Drafts', (version) => {
  test('Send in an Add: the message goes to all, Bcc too, a copy stands in Sent Items, and no draft is left', async () => {
    const { server, phone, drafts, sent } = await startDrafts(version);
    await phone.syncAll(sent);
    const data = letter('Now', el(Email2.Bcc, 'alice.alias@example.test'), body(1, 'text'));
    const { responses } = await phone.sync(drafts, { commands: [add('c1', ...data, send)] });
    expect(statuses(responses)).toEqual(['Add c1 1']);
    const [[got = ''], [copy = '']] = [await inboxOfBob(server), await sentOf(server)];
    expect(got).toContain('Subject: Now\r\n');
    expect(got).not.toContain('Bcc:');
    expect(copy).toContain('Bcc: <alice.alias@example.test>\r\n');
    expect(await server.messages(server.alice, FolderType.Inbox)).toHaveLength(1);
    expect(await rawDrafts(server)).toEqual([]);
    expect((await phone.sync(drafts)).response.body).toHaveLength(0);
    const [item] = [...(await phone.syncAll(sent)).values()];
    expect([textOf(item, Email.Subject), textOf(item, Email2.Bcc), textOf(item, Email2.IsDraft)]).toEqual([
      'Now',
      'alice.alias@example.test',
      undefined,
    ]);
  });

  test('Send in a Change: the draft goes out as it is then, and every device hears that it is gone', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const files = attachments(file('f1', 'a.txt', 'content of a'));
    const serverId = await addDraft(phone, drafts, ...letter('One', body(1, 'first'), files));
    await tablet.syncAll(drafts);
    const edit = change(serverId, el(Email.Subject, 'Two'), send);
    const { responses, commands: back } = await phone.sync(drafts, { commands: [edit] });
    expect(statuses(responses)).toEqual([`Change ${serverId} 1`]);
    expect(told(back)).toEqual([['Delete', serverId]]);
    expect(told((await tablet.sync(drafts)).commands)).toEqual([['Delete', serverId]]);
    const [got = ''] = await inboxOfBob(server);
    expect(got).toContain('Subject: Two\r\n');
    expect(got).toContain('first');
    expect(got).toContain(Buffer.from('content of a').toString('base64'));
    expect(await sentOf(server)).toHaveLength(1);
    expect(await rawDrafts(server)).toEqual([]);
    expect(phone.collection(drafts).anomalies).toEqual([]);
  });

  test('Send in a Change without ApplicationData, and after a Change in the same request', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const [one, two] = [
      await addDraft(phone, drafts, ...letter('One')),
      await addDraft(phone, drafts, ...letter('Two')),
    ];
    const { responses } = await phone.sync(drafts, {
      commands: [change(one, send), change(two, el(Email.Subject, 'Three')), change(two, send)],
    });
    expect(statuses(responses)).toEqual([`Change ${one} 1`, `Change ${two} 1`, `Change ${two} 1`]);
    const subjects = (await inboxOfBob(server)).map((raw) => /^Subject: (.*)\r$/m.exec(raw)?.[1]);
    expect(subjects.sort()).toEqual(['One', 'Three']);
    expect(await rawDrafts(server)).toEqual([]);
  });

  test('Send in a Change behind a Delete of the same draft answers Status 8 and sends nothing', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(phone, drafts, ...letter('Gone'));
    const remove = el(AirSync.Delete, el(AirSync.ServerId, serverId));
    const { responses } = await phone.sync(drafts, { commands: [remove, change(serverId, send)] });
    expect(statuses(responses)).toEqual([`Change ${serverId} 8`]);
    expect(await inboxOfBob(server)).toEqual([]);
    expect(await rawDrafts(server)).toEqual([]);
  });

  test('Send of Body Type 4 goes out with the time of the sending', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const mime = 'To: bob@example.test\r\nSubject: old\r\nDate: Mon, 1 Jan 2001 00:00:00 +0000\r\n\r\nx\r\n';
    const { responses } = await phone.sync(drafts, {
      commands: [add('c1', body(4, Buffer.from(mime)), send)],
    });
    expect(statuses(responses)).toEqual(['Add c1 1']);
    expect((await inboxOfBob(server))[0]).not.toContain('2001');
  });

  test('Send: no recipient, one that is no address, or one that nobody has answers Status 183, and the draft stays', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(phone, drafts, el(Email.Subject, 'To whom'));
    for (const data of [[], [el(Email.To, 'unfinished')], [el(Email.To, 'nobody@example.test')]]) {
      const { responses } = await phone.sync(drafts, { commands: [change(serverId, ...data, send)] });
      expect(statuses(responses)).toEqual([`Change ${serverId} 183`]);
      const added = await phone.sync(drafts, { commands: [add('c1', ...data, send)] });
      expect(statuses(added.responses)).toEqual(['Add c1 183']);
    }
    expect(await rawDrafts(server)).toHaveLength(1);
    expect(await sentOf(server)).toEqual([]);
    const { responses } = await phone.sync(drafts, { commands: [change(serverId, ...letter('Bob'), send)] });
    expect(statuses(responses)).toEqual([`Change ${serverId} 1`]);
  });
});

describe.each(draftVersions)('%s: Send in Drafts: refusals', (version) => {
  test('Send: a blocked attachment answers Status 120, what is too large 122, a full mailbox 9; the draft stays', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(phone, drafts, ...letter('One'));
    const answer = async (...data: Parameters<typeof letter>[1][]) => {
      const { responses } = await phone.sync(drafts, {
        commands: [change(serverId, ...data, send), add('c1', ...letter('x'), ...data, send)],
      });
      return statuses(responses).map((line) => line.split(' ').at(-1));
    };
    expect(await answer(attachments(file('f', 'virus.exe', 'MZ')))).toEqual(['120', '120']);
    expect(await answer(attachments(file('f', 'a.txt', 'x'.repeat(maxMessageBytes))))).toEqual([
      '122',
      '122',
    ]);
    for (let n = 0; n < 9; n++) await server.receive(`Subject: ${n}\r\n\r\n${'x'.repeat(maxMessageBytes)}`);
    expect(await answer(el(Email.Subject, 'Two'))).toEqual(['9', '9']);
    expect(await inboxOfBob(server)).toEqual([]);
    expect((await rawDrafts(server)).map((raw) => raw.includes('Subject: One'))).toEqual([true]);
  });

  test('Send of a draft that somebody else changed answers Status 7, and the draft stays', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const serverId = await addDraft(phone, drafts, ...letter('One'));
    await tablet.syncAll(drafts);
    await tablet.sync(drafts, { commands: [change(serverId, el(Email.Subject, 'Two'))] });
    const { responses } = await phone.sync(drafts, { commands: [change(serverId, send)] });
    expect(statuses(responses)).toEqual([`Change ${serverId} 7`]);
    expect(await inboxOfBob(server)).toEqual([]);
    const again = await phone.sync(drafts, { commands: [change(serverId, send)] });
    expect(statuses(again.responses)).toEqual([`Change ${serverId} 1`]);
  });

  test('Send of what is gone answers Status 8, outside Drafts and of what is no draft 6', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const inbox = phone.folder(2);
    const [mail, other] = [await server.deliver('One'), await server.deliver('Two', 2)];
    await phone.syncAll(inbox);
    const gone = await phone.sync(drafts, { commands: [change(`${drafts}:1024`, send)] });
    expect(statuses(gone.responses)).toEqual([`Change ${drafts}:1024 8`]);
    const there = await phone.sync(inbox, { commands: [change(`${inbox}:${mail}`, send), add('c1', send)] });
    expect(statuses(there.responses)).toEqual(['Add c1 6', `Change ${inbox}:${mail} 6`]);
    const none = await phone.sync(drafts, { commands: [change(`${drafts}:${other}`, send)] });
    expect(statuses(none.responses)).toEqual([`Change ${drafts}:${other} 6`]);
  });

  test('a wrong key sends nothing', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const sent = await phone.sync(drafts, {
      syncKey: 'wrong.1',
      commands: [add('c1', ...letter('x'), send)],
    });
    expect(sent.status).toBe(3);
    expect(await inboxOfBob(server)).toEqual([]);
  });
});

describe.each(draftVersions)('%s: Send in Drafts: repeats', (version) => {
  test('a repeated request whose answer was lost is answered as done, and sends nothing twice', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(phone, drafts, ...letter('One'));
    const element = phone.collectionElement(drafts, {
      commands: [change(serverId, send), add('c1', ...letter('Two'), send)],
    });
    const answers = [];
    for (let n = 0; n < 3; n++)
      answers.push(statuses(responsesOf((await syncRaw(phone, [element])).element)));
    expect(answers).toEqual(Array(3).fill(['Add c1 1', `Change ${serverId} 1`]));
    expect(await inboxOfBob(server)).toHaveLength(2);
    expect(await sentOf(server)).toHaveLength(2);
  });

  test('a crash between the sending and the answer: the draft is gone, and the repeated request sends nothing twice', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(phone, drafts, ...letter('One'));
    const request = [change(serverId, send), add('c1', ...letter('Two'), send)];
    const element = phone.collectionElement(drafts, { commands: request });
    await withLostState(server, phone, () => syncRaw(phone, [element]));
    expect(await rawDrafts(server)).toEqual([]);
    const { responses, commands: back } = await phone.sync(drafts, { commands: request });
    expect(statuses(responses)).toEqual(['Add c1 1', `Change ${serverId} 1`]);
    expect(told(back)).toEqual([['Delete', serverId]]);
    expect(await inboxOfBob(server)).toHaveLength(2);
  });

  test('two equal requests at once send one message', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const element = phone.collectionElement(drafts, { commands: [add('c1', ...letter('One'), send)] });
    const answers = await Promise.all([syncRaw(phone, [element]), syncRaw(phone, [element])]);
    expect(answers.map(({ element: answer }) => statuses(responsesOf(answer)))).toEqual([
      ['Add c1 1'],
      ['Add c1 1'],
    ]);
    expect(await inboxOfBob(server)).toHaveLength(1);
  });

  test('the same text sent again on purpose goes out again', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    for (let n = 0; n < 2; n++) await phone.sync(drafts, { commands: [add('c1', ...letter('ok'), send)] });
    expect(await inboxOfBob(server)).toHaveLength(2);
  });

  test('a draft of another device is sent, and deleting it at the same time keeps to one of the two', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startPhone('14.1', { server, deviceId: 'tablet' });
    const serverId = await addDraft(phone, drafts, ...letter('One'));
    await tablet.syncAll(drafts);
    await Promise.all([
      phone.sync(drafts, { commands: [change(serverId, send)] }),
      tablet.sync(drafts, { commands: [commands.remove(serverId)] }),
    ]);
    const [sent, dropped] = [
      await inboxOfBob(server),
      await server.messages(server.alice, FolderType.DeletedItems),
    ];
    expect(sent.length + dropped.length).toBe(1);
    expect(await rawDrafts(server)).toEqual([]);
  });
});
