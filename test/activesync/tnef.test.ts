/** winmail.dat (MS-OXTNEF) as phones see it. */
import { expect, test } from 'vitest';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { FolderType } from '#domain/folder';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { el, textOf } from '#protocols/activesync/wbxml/element';
import { smartMail } from '#test/support/smart-mail';
import { compressRtf, mailWithTnef, property, writeTnef } from '#test/support/tnef-writer';
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
