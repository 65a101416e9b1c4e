/** What Search and ItemOperations tell of a message: all that Sync does. */
import { describe, expect, test } from 'vitest';
import type { FolderId } from '#domain/ids';
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { DocumentLibrary } from '#protocols/activesync/wbxml/code-pages/document-library';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { RightsManagement } from '#protocols/activesync/wbxml/code-pages/rights-management';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { Tasks } from '#protocols/activesync/wbxml/code-pages/tasks';
import {
  bytesOf,
  child,
  childrenOf,
  type Element,
  el,
  integerOf,
  textOf,
} from '#protocols/activesync/wbxml/element';
import { smartMail } from '#test/support/smart-mail';
import { addDraft, body, change, letter, startDrafts } from './drafts-phone.ts';
import { freeText, inFolder, searchMail } from './search-phone.ts';
import { startPhone } from './sync-phone.ts';

const versions = ['12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;
const draftVersions = ['16.0', '16.1'] as const;

const text = `<p>Needle ${'and hay '.repeat(20)}</p>`;
const full = [
  'From: Eva <eva@example.org>',
  'Sender: Office <office@example.org>',
  'Reply-To: list@example.org',
  'To: Alice <alice@example.test>',
  'Cc: carol@example.net',
  'Subject: Re: Needle',
  'Message-ID: <two@example.org>',
  'References: <one@example.org>',
  'Importance: high',
  'MIME-Version: 1.0',
  'Content-Type: multipart/related; boundary=r',
  '',
  '--r',
  'Content-Type: text/html; charset=utf-8',
  '',
  text,
  '--r',
  'Content-Type: image/png; name=logo.png',
  'Content-ID: <logo@x>',
  'Content-Location: logo.png',
  'Content-Disposition: inline; filename=logo.png',
  'Content-Transfer-Encoding: base64',
  '',
  'AAECAwQFBgc=',
  '--r--',
  '',
].join('\r\n');

const date = '2026-11-23T08:00:00.000Z';
const flag = el(
  Email.Flag,
  el(Tasks.Subject, 'Look'),
  el(Email.Status, 1),
  el(Email.FlagType, 'Follow up'),
  el(Tasks.DateCompleted, date),
  el(Email.CompleteTime, date),
  el(Tasks.StartDate, date),
  el(Tasks.DueDate, date),
  el(Tasks.UtcStartDate, date),
  el(Tasks.UtcDueDate, date),
  el(Tasks.ReminderSet, 1),
  el(Tasks.ReminderTime, date),
  el(Tasks.OrdinalDate, date),
  el(Tasks.SubOrdinalDate, '5'),
);

/** The properties of that message, in the order of Exchange, and what stands in those that hold others. */
const since120 = [
  ...['To', 'Cc', 'From', 'ReplyTo', 'Subject', 'DateReceived', 'DisplayTo', 'ThreadTopic', 'Importance'],
  ...['Read', 'Attachments', 'Body', 'MessageClass', 'InternetCPID', 'Flag', 'ContentClass'],
  'NativeBodyType',
];
const since140 = [
  ...['ConversationId', 'ConversationIndex', 'LastVerbExecuted', 'LastVerbExecutionTime'],
  ...['ReceivedAsBcc', 'Sender', 'Categories'],
];
const attachmentNames = [
  ...['DisplayName', 'FileReference', 'Method', 'EstimatedDataSize', 'ContentId', 'ContentLocation'],
  'IsInline',
];

const preference = (type: number, ...more: readonly Element[]) =>
  el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, type), ...more);
const namesIn = (element: Element | undefined) => element?.children.map(({ tag }) => tag.name);

/** alice has the message, read, flagged, in a category and replied to; another of her phones has synced it. */
async function open(version: ProtocolVersion) {
  const { server, phone, inbox } = await startPhone(version as '14.1');
  const serverId = await server.receive(full, { inBcc: true });
  await phone.syncAll(inbox);
  const categories = isAtLeast(version, '14.0') && el(Email.Categories, el(Email.Category, 'red'));
  const marks = [el(Email.Read, true), flag, ...(categories ? [categories] : [])];
  await phone.sync(inbox, { commands: [change(serverId, ...marks)] });
  const mime = 'To: bob@example.test\r\nSubject: Re: Needle\r\n\r\nYes\r\n';
  await smartMail(phone, 'SmartReply', { mime, itemId: serverId });
  return { server, phone, inbox, serverId };
}

/** What each of the three commands tells of an item, by these options. */
async function told(
  {
    server,
    inbox,
    serverId,
  }: { server: Awaited<ReturnType<typeof open>>['server']; inbox: string; serverId: string },
  version: ProtocolVersion,
) {
  const { phone: tablet } = await startPhone(version as '14.1', { server, deviceId: 'tablet' });
  const synced = await tablet.syncAll(inbox, { body: { type: 2, truncationSize: 20 } });
  const options = [preference(2, el(AirSyncBase.TruncationSize, 20))];
  const fetched = await tablet.fetch({ collectionId: inbox, serverId }, options);
  const { results } = await searchMail(tablet, [freeText('needle'), inFolder(inbox)], options);
  return {
    sync: synced.get(serverId),
    fetch: fetched.properties,
    search: child(results[0], Search.Properties),
  };
}

describe.each(versions)('%s', (version) => {
  test('Search, ItemOperations: every property of a message is the one of Sync', async () => {
    const { sync, fetch, search } = await told(await open(version), version);
    expect(namesIn(sync)).toEqual([...since120, ...(isAtLeast(version, '14.0') ? since140 : [])]);
    expect(child(sync, Email.Flag)?.children).toEqual(flag.children);
    expect(namesIn(child(sync, AirSyncBase.Attachments, AirSyncBase.Attachment))).toEqual(attachmentNames);
    expect(namesIn(child(sync, AirSyncBase.Body))).toEqual([
      'Type',
      'EstimatedDataSize',
      'Truncated',
      'Data',
    ]);
    expect(fetch?.children).toEqual(sync?.children);
    expect(search?.children).toEqual(sync?.children);
  });

  test('ItemOperations: Fetch repeats CollectionId and ServerId, or FileReference, and has Class or ContentType', async () => {
    const { phone, inbox, serverId } = await open(version);
    const item = await phone.fetch({ collectionId: inbox, serverId });
    const fetchIn = (element: Element | undefined) =>
      child(element, ItemOperations.Response, ItemOperations.Fetch);
    const ofItem = fetchIn(item.response.element);
    expect(ofItem?.children.map(({ tag, text: said }) => `${tag.name}=${said}`)).toEqual([
      'Status=1',
      `CollectionId=${inbox}`,
      `ServerId=${serverId}`,
      'Class=Email',
      'Properties=',
    ]);
    const fileReference = textOf(
      item.properties,
      AirSyncBase.Attachments,
      AirSyncBase.Attachment,
      AirSyncBase.FileReference,
    );
    const file = await phone.fetch({ fileReference: fileReference ?? '' }, [el(ItemOperations.Range, '0-1')]);
    expect(namesIn(fetchIn(file.response.element))).toEqual(['Status', 'FileReference', 'Properties']);
    expect(file.properties?.children.map(({ tag, text: said }) => `${tag.name}=${said}`)).toEqual([
      'Range=0-1',
      'Total=8',
      'ContentType=image/png',
      'Data=AAE=',
    ]);
  });

  test('Search, ItemOperations: BodyPreference: AllOrNone leaves out what does not fit, Preview since 14.0, nonsense Status 2', async () => {
    const { phone, inbox, serverId } = await open(version);
    const { TruncationSize, AllOrNone, Preview, Type } = AirSyncBase;
    const ask = async (...options: readonly Element[]) => {
      const fetched = await phone.fetch({ collectionId: inbox, serverId }, options);
      const found = await searchMail(phone, [freeText('needle'), inFolder(inbox)], options, false);
      const properties = child(found.results[0], Search.Properties);
      expect(found.status).toBe(fetched.status);
      expect(child(properties, AirSyncBase.Body)).toEqual(child(fetched.properties, AirSyncBase.Body));
      return { status: fetched.status, body: child(fetched.properties, AirSyncBase.Body) };
    };
    const cut = await ask(preference(2, el(TruncationSize, 20), el(AllOrNone, 1)));
    expect(namesIn(cut.body)).toEqual(['Type', 'EstimatedDataSize', 'Truncated']);
    const fits = await ask(preference(2, el(TruncationSize, 5000), el(AllOrNone, 1)));
    expect(textOf(fits.body, AirSyncBase.Data)).toContain('hay');
    if (isAtLeast(version, '14.0')) {
      const previewed = await ask(preference(2, el(TruncationSize, 0), el(Preview, 6)));
      expect(textOf(previewed.body, Preview)).toBe('Needle');
    }
    expect((await ask(preference(1))).body?.children[0]?.text).toBe('1');
    const whole = await ask(el(AirSync.MIMESupport, 2), preference(4));
    expect(textOf(whole.body, Type)).toBe('4');
    expect((await ask(preference(1), preference(1))).status).toBe(2);
  });

  test('ItemOperations: Schema gives each property that it names, and no other; BodyPart and MeetingRequest of none are left out', async () => {
    const { phone, inbox, serverId } = await open(version);
    const item = { collectionId: inbox, serverId };
    const { To, Cc, From, ReplyTo, DateReceived, Subject, DisplayTo, Importance, Read } = Email;
    const { MessageClass, ThreadTopic, InternetCPID } = Email;
    const named = [To, Cc, From, ReplyTo, DateReceived, Subject, DisplayTo, Importance, Read];
    named.push(MessageClass, ThreadTopic, InternetCPID, AirSyncBase.Body, AirSyncBase.Attachments);
    for (const tag of named) {
      const { status, properties } = await phone.fetch(item, [el(ItemOperations.Schema, el(tag))]);
      expect([status, namesIn(properties)]).toEqual([1, [tag.name]]);
    }
    const absent = [el(Email.MeetingRequest), isAtLeast(version, '14.1') && el(AirSyncBase.BodyPart)];
    const schema = el(ItemOperations.Schema, ...absent.filter((one) => one !== false), el(Subject));
    const { properties } = await phone.fetch(item, [schema]);
    expect(namesIn(properties)).toEqual(['Subject']);
  });

  test('ItemOperations: EmptyFolderContents: subfolders go with Options and DeleteSubFolders only', async () => {
    const { server, phone, inbox } = await open(version);
    await server.addFolders(1, 1 as FolderId);
    const empty = async (...options: readonly Element[]) => {
      const operation = el(ItemOperations.EmptyFolderContents, el(AirSync.CollectionId, inbox), ...options);
      const request = el(ItemOperations.ItemOperations, operation);
      const { element } = await phone.command('ItemOperations', request);
      const [answer] = childrenOf(
        child(element, ItemOperations.Response),
        ItemOperations.EmptyFolderContents,
      );
      expect(answer?.children.map(({ tag, text: said }) => `${tag.name}=${said}`)).toEqual([
        'Status=1',
        `CollectionId=${inbox}`,
      ]);
      await phone.folderSync();
      return [...phone.folders.values()].filter(({ displayName }) => displayName.startsWith('Folder '))
        .length;
    };
    expect(await empty()).toBe(1);
    expect((await phone.syncAll(inbox)).size).toBe(0);
    expect(await empty(el(ItemOperations.Options))).toBe(1);
    expect(await empty(el(ItemOperations.Options, el(ItemOperations.DeleteSubFolders)))).toBe(0);
  });

  test('ItemOperations: UserName, Password and what is of rights management are passed over; a LinkId answers Status 9', async () => {
    const { phone, inbox, serverId } = await open(version);
    const { Fetch, Options, Store, UserName, Password } = ItemOperations;
    const { RemoveRightsManagementProtection, RightsManagementSupport } = RightsManagement;
    const ask = async (store: string, ...parts: readonly Element[]) => {
      const request = el(ItemOperations.ItemOperations, el(Fetch, el(Store, store), ...parts));
      const { element } = await phone.command('ItemOperations', request, { validateRequest: false });
      return integerOf(element, ItemOperations.Response, Fetch, ItemOperations.Status);
    };
    const options = el(
      Options,
      el(UserName, 'x'),
      el(Password, 'y'),
      el(RightsManagementSupport, 1),
      preference(1),
    );
    const ids = [el(AirSync.CollectionId, inbox), el(AirSync.ServerId, serverId)];
    expect(await ask('Mailbox', ...ids, el(RemoveRightsManagementProtection), options)).toBe(1);
    const link = el(DocumentLibrary.LinkId, '\\\\server\\share\\a.doc');
    expect(await ask('DocumentLibrary', link, options)).toBe(9);
  });

  test('Search: UserName, Password and RightsManagementSupport are passed over', async () => {
    const { phone } = await open(version);
    const options = [
      el(Search.UserName, 'x'),
      el(Search.Password, 'y'),
      el(RightsManagement.RightsManagementSupport, 1),
    ];
    expect((await searchMail(phone, [freeText('needle')], options, false)).status).toBe(1);
  });
});

/** A message about a meeting in a place. */
function meetingMail(method: string, ...event: readonly string[]): string {
  return [
    'From: Anna <anna@example.org>',
    'To: alice@example.test',
    'Subject: Needle',
    'MIME-Version: 1.0',
    `Content-Type: text/calendar; charset=utf-8; method=${method}`,
    '',
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    `METHOD:${method}`,
    'BEGIN:VEVENT',
    'UID:needle@example.org',
    'DTSTAMP:20261116T080000Z',
    'DTSTART:20261120T100000Z',
    'DTEND:20261120T110000Z',
    'LOCATION:Room 1',
    'GEO:48.1;11.5',
    'ORGANIZER:mailto:anna@example.org',
    'ATTENDEE;RSVP=TRUE:mailto:alice@example.test',
    ...event,
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}

test.each(versions)('%s: Search, ItemOperations: MeetingRequest is the one of Sync', async (version) => {
  const { server, inbox } = await startPhone(version as '14.1');
  const reminder = ['BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER:-PT15M', 'END:VALARM'];
  const mails: readonly (readonly [string, ...string[]])[] = [
    [meetingMail('REQUEST', 'RRULE:FREQ=WEEKLY;BYDAY=FR;COUNT=3'), 'Recurrences', 'StartTime', 'Organizer'],
    [meetingMail('REQUEST', 'RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20270601T000000Z'), 'Recurrences'],
    [meetingMail('REQUEST', 'RRULE:FREQ=YEARLY'), 'Recurrences'],
    [meetingMail('REQUEST', 'RECURRENCE-ID:20261119T100000Z', ...reminder), 'RecurrenceId', 'Reminder'],
    [
      meetingMail('COUNTER'),
      ...(version === '16.1' ? (['ProposedStartTime', 'ProposedEndTime'] as const) : []),
    ],
  ];
  for (const [raw, ...names] of mails) {
    const serverId = await server.receive(raw);
    const { sync, fetch, search } = await told({ server, inbox, serverId }, version);
    expect(namesIn(child(sync, Email.MeetingRequest))).toEqual(expect.arrayContaining(names));
    expect(fetch?.children).toEqual(sync?.children);
    expect(search?.children).toEqual(sync?.children);
  }
});

test.each(['14.0', '14.1', '16.0', '16.1'] as const)(
  '%s: ItemOperations: Move without MoveAlways answers Status 155, of a conversation that is not there 6, with its ConversationId',
  async (version) => {
    const { phone } = await open(version);
    const { Move, ConversationId, DstFldId, Options, MoveAlways } = ItemOperations;
    const id = Buffer.alloc(16, 7);
    const ask = async (...options: readonly Element[]) => {
      const move = el(Move, el(ConversationId, id), el(DstFldId, phone.folder(4)), ...options);
      const { element } = await phone.command('ItemOperations', el(ItemOperations.ItemOperations, move));
      const answer = child(element, ItemOperations.Response, Move);
      expect(Buffer.from(bytesOf(answer, ConversationId) ?? [])).toEqual(id);
      return integerOf(answer, ItemOperations.Status);
    };
    expect(await ask()).toBe(155);
    expect(await ask(el(Options))).toBe(155);
    expect(await ask(el(Options, el(MoveAlways)))).toBe(6);
  },
);

test.each(draftVersions)(
  '%s: Search, ItemOperations: a draft has IsDraft and Bcc, and its files',
  async (version) => {
    const { server, phone, drafts } = await startDrafts(version);
    const bcc = el(Email2.Bcc, 'eve@example.org');
    const serverId = await addDraft(phone, drafts, ...letter('Needle', bcc, body(1, 'Text')));
    const { sync, fetch, search } = await told({ server, inbox: drafts, serverId }, version);
    expect(textOf(sync, Email2.IsDraft)).toBe('1');
    expect(textOf(sync, Email2.Bcc)).toContain('eve@example.org');
    expect(fetch?.children).toEqual(sync?.children);
    expect(search?.children).toEqual(sync?.children);
  },
);
