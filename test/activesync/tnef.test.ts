/** winmail.dat (MS-OXTNEF) as phones see it. */
import { expect, test } from 'vitest';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { FolderType } from '#domain/folder';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Calendar } from '#protocols/activesync/wbxml/code-pages/calendar';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { smartMail } from '#test/support/smart-mail';
import {
  berlinZone,
  compressRtf,
  mailWithTnef,
  meetingProperty,
  property,
  recurrencePattern,
  type WrittenProperty,
  writeTnef,
} from '#test/support/tnef-writer';
import { mailsOf, openFile } from './mail-phone.ts';
import { deliverRaw, startPhone } from './sync-phone.ts';

const { text, bytes, number, message, time } = property;
const versions = ['2.5', '12.1', '14.1', '16.1'] as const;
const picture = Buffer.from(Array.from({ length: 700 }, (_, n) => n % 251));
const table = Buffer.from(Array.from({ length: 3_000 }, (_, n) => (n * 7) % 253));
const rtf = compressRtf(
  '{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0\\fcharset0 Arial;}}{\\*\\htmltag <html><body><p>}Gr\\\'fc\\\'dfe \\htmlrtf {\\b \\htmlrtf0{\\*\\htmltag <b>}Budget\\htmlrtf }\\htmlrtf0{\\*\\htmltag </b>}{\\*\\htmltag <img src="cid:image001.png@01D">}{\\*\\htmltag </p></body></html>}}',
);
const inner = writeTnef({
  properties: [
    text(0x0037, 'Minutes'),
    text(0x0042, 'Carol'),
    text(0x5d02, 'carol@example.org'),
    time(0x0039, Date.UTC(2026, 10, 16, 9, 0, 0)),
    text(0x1000, 'We met.'),
  ],
  files: [{ title: 'list.txt', data: Buffer.from('one, two') }],
});
const stream = writeTnef({
  properties: [bytes(0x1009, rtf)],
  files: [
    {
      title: 'image001.png',
      data: picture,
      properties: [text(0x370e, 'image/png'), text(0x3712, 'image001.png@01D'), number(0x3714, 4)],
    },
    { title: 'FIGURE~1.XLS', data: table, properties: [text(0x3707, 'Figures für 2027.xlsx')] },
    { properties: [number(0x3705, 5), text(0x3001, 'Minutes'), message(inner)] },
  ],
});

test('winmail.dat: 2.5 to 16.1 get its text, its files by name, size and Content-ID, and each file and message in it', async () => {
  const { server } = await startPhone('2.5');
  await deliverRaw(server, mailWithTnef(stream));
  for (const version of versions) {
    const { phone, inbox } = await startPhone(version, {
      server,
      deviceId: `phone${version.replace('.', '')}`,
    });
    const [mail] = (await mailsOf(phone, inbox, 1)).values();
    expect(mail?.body?.trim(), version).toMatch(/^Grüße Budget/);
    const isOld = version === '2.5';
    expect(mail?.native).toBe(isOld ? undefined : '2');
    expect(mail?.files).toMatchObject([
      {
        name: 'image001.png',
        method: 1,
        size: 700,
        contentId: 'image001.png@01D',
        isInline: isOld ? undefined : true,
      },
      { name: 'Figures für 2027.xlsx', method: 1, size: 3_000, contentId: undefined },
      { name: 'Minutes.eml', method: 5 },
    ]);
    const files = [];
    for (const { reference } of mail?.files ?? []) files.push(await openFile(phone, reference));
    expect(files[0]).toEqual({ type: 'image/png', bytes: picture });
    expect(files[1]?.bytes).toEqual(table);
    expect(files[2]?.type).toBe('message/rfc822');
    expect(files[2]?.bytes.toString()).toMatch(
      /^From: "Carol" <carol@example\.org>\r\nSubject: Minutes\r\n[\s\S]*list\.txt/,
    );
    if (isOld) continue;
    const [rich] = (await mailsOf(phone, inbox, 2)).values();
    expect(rich?.body).toContain('<p>Grüße <b>Budget</b><img src="cid:image001.png@01D"');
  }
});

test('winmail.dat: BodyPreference 4 and MIMESupport 2 bring the message as it came', async () => {
  const raw = mailWithTnef(stream, { text: 'Own text' });
  const { server, phone, inbox } = await startPhone('14.1');
  await deliverRaw(server, raw);
  const [mail] = (await mailsOf(phone, inbox, 4)).values();
  expect(mail?.body).toBe(raw.toString());
  expect(mail?.files.map(({ name }) => name)).toEqual([
    'image001.png',
    'Figures für 2027.xlsx',
    'Minutes.eml',
  ]);
  expect((await mailsOf(phone, inbox, 1)).values().next().value?.body).toBe('Own text');
});

test('winmail.dat: ItemOperations: a Range of a file in it, and its FileReference after the message was moved', async () => {
  const { server, phone, inbox, trash } = await startPhone('16.1');
  await deliverRaw(server, mailWithTnef(stream));
  const [[serverId, mail] = []] = await mailsOf(phone, inbox, 1);
  const fileReference = mail?.files[1]?.reference ?? '';
  const { status, properties } = await phone.fetch({ fileReference }, [
    el(ItemOperations.Range, '1000-1999'),
  ]);
  expect([
    status,
    textOf(properties, ItemOperations.Range),
    textOf(properties, ItemOperations.Total),
  ]).toEqual([1, '1000-1999', '3000']);
  expect(textOf(properties, ItemOperations.Data)).toBe(table.subarray(1000, 2000).toString('base64'));
  expect(textOf(properties, AirSyncBase.ContentType)).toContain('spreadsheetml');
  await phone.moveItems({ item: serverId ?? '', from: inbox, to: trash });
  expect((await openFile(phone, fileReference)).bytes).toEqual(table);
  for (const wrong of [`${fileReference}9`, fileReference.replace('.0.2', '.0.0'), `${fileReference}.1`]) {
    expect((await phone.fetch({ fileReference: wrong })).status, wrong).toBe(15);
  }
});

test('winmail.dat: what cannot be read is the file that it is', async () => {
  const broken = stream.subarray(0, stream.length - 5);
  const { server, phone, inbox } = await startPhone('14.1');
  await deliverRaw(server, mailWithTnef(broken, { text: 'Text' }));
  const [mail] = (await mailsOf(phone, inbox, 1)).values();
  expect(mail?.files).toMatchObject([{ name: 'winmail.dat', method: 1, size: broken.length }]);
  expect((await openFile(phone, mail?.files[0]?.reference ?? '')).bytes).toEqual(broken);
});

test.each(['2.5', '16.1'] as const)(
  '%s: SmartForward: the text of a winmail.dat is quoted, and its files go as files',
  async (version) => {
    const { server, phone, inbox } = await startPhone(version);
    await deliverRaw(server, mailWithTnef(stream));
    const [serverId = ''] = (await mailsOf(phone, inbox, 1)).keys();
    const to = server.bob.address;
    const mime = `To: ${to}\r\nSubject: FW: S\r\nContent-Type: text/html\r\n\r\n<p>See below</p>\r\n`;
    const answer = await smartMail(phone, 'SmartForward', { mime, folderId: inbox, itemId: serverId });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    const [sent = ''] = await server.messages(server.bob, FolderType.Inbox);
    expect(sent).not.toContain('ms-tnef');
    const bob = server.phone(version, { user: to });
    await bob.provision();
    await bob.folderSync();
    const [mail] = (await mailsOf(bob, bob.folder(2), 1)).values();
    expect(mail?.body).toMatch(/See below[\s\S]*Grüße/);
    expect(mail?.files.map(({ name, method }) => [name, method])).toEqual([
      ['image001.png', 1],
      ['Figures für 2027.xlsx', 1],
      ['Minutes.eml', 5],
    ]);
    const opened = [];
    for (const { reference } of mail?.files ?? []) opened.push((await openFile(bob, reference)).bytes);
    expect(opened.slice(0, 2)).toEqual([picture, table]);
    expect(opened[2]?.toString()).toContain('Subject: Minutes');
  },
);

test('winmail.dat: a file of a blocked kind is refused by its name, also where archives are not looked into', async () => {
  const { server } = await startPhone('14.1');
  const attachments = new AttachmentPolicy({ blockedExtensions: ['.bat'], inspectArchives: false });
  const withBatch = writeTnef({
    files: [{ title: 'RUN~1', data: table, properties: [text(0x3707, 'run.bat')] }],
  });
  await expect(deliverRaw(server, mailWithTnef(withBatch, { text: 'T' }), attachments)).rejects.toMatchObject(
    {
      code: 'message/blocked-attachment',
    },
  );
  await deliverRaw(server, mailWithTnef(stream, { text: 'T' }), attachments);
});

/** An invitation of Outlook that is nothing but TNEF. */
function invitation(name: string, ...more: readonly WrittenProperty[]): Buffer {
  const { appointment, meeting } = meetingProperty;
  const id = Buffer.from(
    `040000008200e00074c5b7101a82e00800000000${'12'.repeat(8)}${'00'.repeat(8)}10000000${'55'.repeat(16)}`,
    'hex',
  );
  const startMs = Date.UTC(2026, 10, 20, 9);
  return writeTnef({
    messageClass: `IPM.Microsoft Schedule.${name}`,
    properties: [
      text(0x1000, 'You are invited.'),
      meeting(bytes(0x03, id)),
      meeting(time(0x1a, Date.UTC(2026, 10, 16, 8))),
      appointment(time(0x820d, startMs)),
      appointment(time(0x820e, startMs + 1_800_000)),
      appointment(bytes(0x8233, berlinZone())),
      appointment(text(0x8208, 'Room 1')),
      ...more,
    ],
    files: [{ title: 'agenda.txt', data: Buffer.from('one') }],
  });
}

async function toldOf(raw: Uint8Array): Promise<ReadonlyMap<string, Element>> {
  const { server } = await startPhone('2.5');
  await deliverRaw(server, raw);
  const all = new Map<string, Element>();
  for (const version of versions) {
    const deviceId = `phone${version.replace('.', '')}`;
    const { phone, inbox } = await startPhone(version, { server, deviceId });
    const [item] = (await phone.syncAll(inbox, { body: { type: 1 } })).values();
    if (item !== undefined) all.set(version, item);
  }
  return all;
}

test('winmail.dat: a meeting that stands in it alone is one, in 2.5 to 16.1, with its text and its files', async () => {
  const pattern = { frequency: 0x200b, type: 1, period: 1, specific: [32], end: 0x2022, count: 4 };
  const series = meetingProperty.appointment(bytes(0x8216, recurrencePattern(pattern)));
  const all = await toldOf(mailWithTnef(invitation('MtgReq', series)));
  expect([...all.keys()]).toEqual([...versions]);
  const uid = `040000008200E00074C5B7101A82E00800000000${'12'.repeat(8)}${'00'.repeat(8)}10000000${'55'.repeat(16)}`;
  for (const [version, item] of all) {
    expect(textOf(item, Email.MessageClass), version).toBe('IPM.Schedule.Meeting.Request');
    const meeting = child(item, Email.MeetingRequest);
    const said = Object.fromEntries((meeting?.children ?? []).map((one) => [one.tag.name, one.text]));
    expect(said, version).toMatchObject({
      StartTime: '2026-11-20T09:00:00.000Z',
      EndTime: '2026-11-20T09:30:00.000Z',
      DtStamp: '2026-11-16T08:00:00.000Z',
      InstanceType: '1',
      Organizer: '"A" <a@example.org>',
    });
    const pair = [textOf(meeting, Email.GlobalObjId), textOf(meeting, Calendar.UID)];
    const isNew = version === '16.1';
    expect(pair).toEqual(isNew ? [undefined, uid] : [Buffer.from(uid, 'hex').toString('base64'), undefined]);
    const rule = child(meeting, Email.Recurrences, Email.Recurrence);
    expect([Email.Type, Email.DayOfWeek, Email.Occurrences].map((tag) => textOf(rule, tag))).toEqual([
      '1',
      '32',
      '4',
    ]);
    const body = version === '2.5' ? [Email.Body] : [AirSyncBase.Body, AirSyncBase.Data];
    expect(textOf(item, ...body)).toContain('You are invited.');
    const [list, one] =
      version === '2.5'
        ? [Email.Attachments, Email.Attachment]
        : [AirSyncBase.Attachments, AirSyncBase.Attachment];
    expect(child(item, list, one)?.children.map((part) => part.text)).toContain('agenda.txt');
  }
});

test('winmail.dat: an answer to a meeting has its class, and what is no meeting is plain mail', async () => {
  const classOf = async (stream: Buffer) =>
    textOf((await toldOf(mailWithTnef(stream))).get('14.1'), Email.MessageClass);
  expect(await classOf(invitation('MtgRespN'))).toBe('IPM.Schedule.Meeting.Resp.Neg');
  const without = writeTnef({
    messageClass: 'IPM.Microsoft Schedule.MtgReq',
    properties: [text(0x1000, 'Text')],
  });
  expect(await classOf(without)).toBe('IPM.Note');
});
