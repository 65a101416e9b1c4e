/** Elements of Sync that have no file of their own: each says what it does, or that it does nothing. */
import { describe, expect, test } from 'vitest';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Calendar } from '#protocols/activesync/wbxml/code-pages/calendar';
import { Contacts } from '#protocols/activesync/wbxml/code-pages/contacts';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { RightsManagement } from '#protocols/activesync/wbxml/code-pages/rights-management';
import { Tasks } from '#protocols/activesync/wbxml/code-pages/tasks';
import { child, childrenOf, el, textOf } from '#protocols/activesync/wbxml/element';
import { smartMail } from '#test/support/smart-mail';
import {
  addDraft,
  attachments,
  change as changeDraft,
  draftVersions,
  file,
  letter,
  rawDrafts,
  send,
  startDrafts,
} from './drafts-phone.ts';
import {
  answered,
  commands,
  deliverRaw,
  elsewhere,
  expectNothing,
  preference,
  startPhone,
  statuses,
  syncRaw,
  versions,
  versionsWithBodies,
} from './sync-phone.ts';

const { change, fetch, remove } = commands;

describe.each(versions)('%s', (version) => {
  test('Sync: Supported is taken with key 0, empty or with a list, and passed over with a later key', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await server.deliver('One');
    for (const [folder, supported] of [
      [inbox, []],
      [phone.folder(9), [el(Contacts.JobTitle), el(Contacts.Email1Address)]],
      [phone.folder(8), [el(Calendar.Subject), el(Calendar.StartTime)]],
    ] as const) {
      expect((await phone.sync(folder, { supported })).status).toBe(1);
      const { tag, children } = phone.collectionElement(folder, { supported });
      expect((await syncRaw(phone, [el(tag, ...children)])).rootStatus).toBeUndefined();
    }
    expect((await phone.syncAll(inbox)).size).toBe(1);
  });

  test('Sync: RightsManagementSupport brings no license: nothing here is protected', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await server.deliver('One');
    await phone.sync(inbox);
    const options = [el(RightsManagement.RightsManagementSupport, true)];
    const response = await syncRaw(phone, [phone.collectionElement(inbox, { options })]);
    expect(answered(response)).toMatchObject([{ status: 1, commands: 1 }]);
    expect(JSON.stringify(response.element)).not.toContain('RightsManagementLicense');
  });

  test('Sync: Conflict and FilterType are read in any order of Options, and an empty Options is the default', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await server.deliver('One');
    await phone.sync(inbox, { options: [el(AirSync.FilterType, 1), el(AirSync.Conflict, 0)] });
    const { tag, children } = phone.collectionElement(inbox);
    const response = await syncRaw(phone, [el(tag, ...children, el(AirSync.Options))]);
    expect(answered(response)).toMatchObject([{ status: 1, commands: 1 }]);
  });

  test('Sync: a command without ServerId, or an Add without ClientId, and one with an id over 64 characters answer Status 4', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await server.deliver('One');
    await phone.syncAll(inbox);
    const data = el(AirSync.ApplicationData, el(Email.Read, true));
    const long = 'x'.repeat(65);
    for (const wrong of [
      el(AirSync.Change, data),
      el(AirSync.Change, el(AirSync.ServerId, long), data),
      el(AirSync.Delete),
      el(AirSync.Fetch, el(AirSync.ServerId)),
      el(AirSync.Add, data),
      el(AirSync.Add, el(AirSync.ClientId, long), data),
      el(AirSync.SoftDelete, el(AirSync.ServerId, `${inbox}:1`)),
    ]) {
      const { rootStatus } = await syncRaw(phone, [phone.collectionElement(inbox, { commands: [wrong] })]);
      expect(rootStatus, wrong.tag.name).toBe(4);
    }
    expectNothing(phone, (await phone.sync(inbox)).response);
  });

  test('Sync: UmCallerID and UmUserNotes, which are the server’s own, answer Status 6', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const serverId = `${inbox}:${await server.deliver('One')}`;
    await phone.syncAll(inbox);
    for (const part of [el(Email2.UmCallerID, '+1 555'), el(Email2.UmUserNotes, 'x')]) {
      const sent = [change(serverId, part)];
      const response = await syncRaw(phone, [phone.collectionElement(inbox, { commands: sent })]);
      expect(statuses(phone.applySync(inbox, response, sent).responses)).toEqual([`Change ${serverId} 6`]);
    }
  });

  test('Sync: of many items that are fetched whole, those over 64 MiB together answer Status 16', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const file = `Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=f.bin\r\n\r\n${`${'A'.repeat(76)}\r\n`.repeat(12_000)}`;
    const raw = `Subject: S\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nText\r\n--b\r\n${file}--b--\r\n`;
    await deliverRaw(server, raw);
    const [serverId = ''] = (await phone.syncAll(inbox)).keys();
    const asked = Array.from({ length: 80 }, () => fetch(serverId));
    const { responses } = await phone.sync(inbox, { commands: asked });
    const told = childrenOf(responses, AirSync.Fetch).map((one) => textOf(one, AirSync.Status));
    const most = Math.floor((64 * 1024 * 1024) / Buffer.byteLength(raw));
    expect(told).toEqual(asked.map((_, n) => (n < most ? '1' : '16')));
    const [first, last] = [responses?.children[0], responses?.children.at(-1)];
    expect(textOf(first, AirSync.ApplicationData, Email.Subject)).toBe('S');
    expect(child(last, AirSync.ApplicationData)).toBeUndefined();
  });

  test('Sync: a response to Delete and Change names the item and its Status, and holds no ApplicationData', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await server.deliver('One');
    await phone.syncAll(inbox);
    const sent = [remove('nonsense'), change('nonsense', el(Email.Read, true))];
    const { responses } = await phone.sync(inbox, { commands: sent });
    expect(
      responses?.children.map(({ tag, children }) => [tag.name, ...children.map((c) => c.tag.name)]),
    ).toEqual([
      ['Change', 'ServerId', 'Status'],
      ['Delete', 'ServerId', 'Status'],
    ]);
    expect(statuses(responses)).toEqual(['Change nonsense 8', 'Delete nonsense 8']);
  });

  test('Sync: an attachment has its ContentLocation, in the versions that know it', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const picture =
      'Content-Type: image/png; name=a.png\r\nContent-Location: http://example.org/a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n';
    await deliverRaw(
      server,
      `Subject: S\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<img src="http://example.org/a.png">\r\n--b\r\n${picture}--b--\r\n`,
    );
    const [item] = (await phone.syncAll(inbox)).values();
    const attachments = child(item, version === '2.5' ? Email.Attachments : AirSyncBase.Attachments);
    const [attachment] = attachments?.children ?? [];
    expect(attachment).toBeDefined();
    expect(textOf(attachment, AirSyncBase.ContentLocation)).toBe(
      version === '2.5' ? undefined : 'http://example.org/a.png',
    );
  });
});

describe.each(versionsWithBodies)('%s', (version) => {
  test('Sync: MIMETruncation 0 to 8 cut MIME at so many bytes where its BodyPreference has no TruncationSize', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await deliverRaw(server, `Subject: S\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(2000)}`);
    const sizes = [undefined, 4096, 5120, 7168, 10_240, 20_480, 51_200, 102_400];
    const dataWith = async (...options: Parameters<typeof el>[1][]) => {
      phone.collection(inbox).reset();
      const parts = [el(AirSync.MIMESupport, 2), ...options].filter((part) => typeof part === 'object');
      const [item] = (await phone.syncAll(inbox, { options: parts as never })).values();
      const body = child(item, AirSyncBase.Body);
      expect(textOf(body, AirSyncBase.Type)).toBe('4');
      return [textOf(body, AirSyncBase.Data)?.length, textOf(body, AirSyncBase.Truncated)];
    };
    for (const [value, size] of sizes.entries()) {
      expect(await dataWith(el(AirSync.MIMETruncation, value), preference(4)), String(value)).toEqual([
        size,
        '1',
      ]);
    }
    expect((await dataWith(el(AirSync.MIMETruncation, 8), preference(4)))[1]).toBe('0');
    const own = preference(4, [AirSyncBase.TruncationSize, 100]);
    expect(await dataWith(el(AirSync.MIMETruncation, 3), own)).toEqual([100, '1']);
  });

  test('Sync: Truncation, of bodies without AirSyncBase, cuts nothing', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await server.deliver('One');
    await phone.sync(inbox);
    const options = [el(AirSync.Truncation, 0), preference(1)];
    const response = await syncRaw(phone, [phone.collectionElement(inbox, { options })]);
    phone.applySync(inbox, response);
    const [item] = phone.collection(inbox).items.values();
    expect(textOf(item, AirSyncBase.Body, AirSyncBase.Data)).toBe('Text of One\r\n');
  });

  test('Sync: OrdinalDate and SubOrdinalDate of a Flag are kept, and told to other devices', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const serverId = `${inbox}:${await server.deliver('One')}`;
    await phone.syncAll(inbox);
    const { phone: tablet } = await startPhone(version, { server, deviceId: 'tablet' });
    await tablet.syncAll(inbox);
    const parts = [
      el(Email.Status, 2),
      el(Tasks.OrdinalDate, '2026-11-22T11:30:00.000Z'),
      el(Tasks.SubOrdinalDate, '5555555'),
    ];
    expect(
      (await phone.sync(inbox, { commands: [change(serverId, el(Email.Flag, ...parts))] })).responses,
    ).toBeUndefined();
    const held = child((await tablet.syncAll(inbox)).get(serverId), Email.Flag);
    expect(textOf(held, Tasks.OrdinalDate)).toBe('2026-11-22T11:30:00.000Z');
    expect(textOf(held, Tasks.SubOrdinalDate)).toBe('5555555');
  });

  test('Sync: a cleared Flag and an empty one are no flag, Status 0 too', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const id = await server.deliver('One');
    const serverId = `${inbox}:${id}`;
    await phone.syncAll(inbox);
    for (const cleared of [el(Email.Flag), el(Email.Flag, el(Email.Status, 0))]) {
      await elsewhere(server).mark(id, { flag: { status: 2, type: 'x' } });
      await phone.sync(inbox);
      await phone.sync(inbox, { commands: [change(serverId, cleared)] });
      phone.collection(inbox).reset();
      const flag = child((await phone.syncAll(inbox)).get(serverId), Email.Flag);
      expect([flag?.children, flag?.text]).toEqual([[], '']);
    }
  });
});

test.each(versions)(
  'Sync in %s: LastVerbExecuted and LastVerbExecutionTime, of a message that was answered',
  async (version) => {
    const { server, phone, inbox } = await startPhone(version);
    const itemId = `${inbox}:${await server.deliver('One')}`;
    const before = Date.now();
    const mime = `To: ${server.bob.address}\r\n\r\nYes\r\n`;
    await smartMail(phone, 'SmartReply', { mime, folderId: inbox, itemId });
    const [item] = (await phone.syncAll(inbox)).values();
    const verb = textOf(item, Email2.LastVerbExecuted);
    const time = textOf(item, Email2.LastVerbExecutionTime);
    if (!isAtLeast(version, '14.0')) {
      expect([verb, time]).toEqual([undefined, undefined]);
      return;
    }
    expect(verb).toBe('1');
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(time ?? '')).toBeGreaterThanOrEqual(before);
  },
);

describe.each(draftVersions)('%s: drafts', (version) => {
  test('Sync: ContentLocation of a file that is added to a draft is kept', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const location = el(AirSyncBase.ContentLocation, 'http://example.org/a.png');
    const sent = attachments(file('f1', 'a.png', 'PNG', location));
    const serverId = await addDraft(phone, drafts, ...letter('Files'), sent);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const [attachment] =
      child((await tablet.syncAll(drafts)).get(serverId), AirSyncBase.Attachments)?.children ?? [];
    expect(textOf(attachment, AirSyncBase.ContentLocation)).toBe('http://example.org/a.png');
  });

  test('Sync: a draft that cannot be sent for a fault of the server is 111 for the whole request, and stays', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(phone, drafts, el(Email.To, 'fault@example.test'));
    const { rootStatus } = await phone.post(
      'Sync',
      el(
        AirSync.Sync,
        el(AirSync.Collections, phone.collectionElement(drafts, { commands: [changeDraft(serverId, send)] })),
      ),
    );
    expect(rootStatus).toBe(111);
    expect(await rawDrafts(server)).toHaveLength(1);
    expect((await phone.syncAll(drafts)).size).toBe(1);
  });
});
