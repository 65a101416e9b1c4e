import { expect, test } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Contacts } from '#protocols/activesync/wbxml/code-pages/contacts';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { commands, startPhone, statuses, syncRaw, told, type Version } from './sync-phone.ts';

const forClass = (name: string, ...more: readonly Element[]) =>
  el(AirSync.Options, ...more, el(AirSync.Class, name));

/** A Sync of one folder with these Options, and whatever else is put behind the key and the folder. */
async function syncWith(phone: EasClient, id: string, ...rest: readonly Element[]) {
  const { tag, children } = phone.collectionElement(id);
  return phone.applySync(id, await syncRaw(phone, [el(tag, ...children, ...rest)]));
}

async function startWithOne(version: Version = '14.1') {
  const started = await startPhone(version);
  const item = await started.server.deliver('One');
  await started.phone.syncAll(started.inbox);
  return { ...started, serverId: `${started.inbox}:${item}` };
}

test('Options for Email and SMS: mail comes as ever, and nothing is SMS', async () => {
  const { server, phone, inbox } = await startWithOne();
  const two = await server.deliver('Two');
  const { status, commands: sent } = await syncWith(phone, inbox, forClass('Email'), forClass('SMS'));
  expect(status).toBe(1);
  expect(told(sent).map(([kind, id]) => [kind, id])).toEqual([['Add', `${inbox}:${two}`]]);
  expect(textOf(sent, AirSync.Add, AirSync.Class)).toBeUndefined();
});

test('Options for SMS alone: Email is no longer named, so its items leave by SoftDelete and come back when it is', async () => {
  const { server, phone, inbox, serverId } = await startWithOne();
  const { commands: left } = await syncWith(phone, inbox, forClass('SMS'));
  expect(told(left)).toEqual([['SoftDelete', serverId]]);
  const two = await server.deliver('Two');
  expect((await phone.sync(inbox)).response.body).toHaveLength(0);
  // GetItemEstimate without Options does not filter.
  expect(await phone.getItemEstimate(inbox)).toMatchObject({ status: 1, estimate: 2 });
  const { commands: back } = await syncWith(phone, inbox, forClass('Email'));
  expect(
    told(back)
      .map(([kind, id]) => [kind, id])
      .sort(),
  ).toEqual([
    ['Add', serverId],
    ['Add', `${inbox}:${two}`],
  ]);
  expect(phone.collection(inbox).anomalies).toEqual([]);
});

test('Options for SMS alone from the first key on: the folder is as if empty', async () => {
  const { server, phone, inbox } = await startPhone('14.1');
  await server.deliver('One');
  expect((await syncWith(phone, inbox, forClass('SMS'))).status).toBe(1);
  expect((await phone.sync(inbox)).response.body).toHaveLength(0);
});

test('Options for another class than the folder holds, or SMS beside anything but mail, answer Status 4', async () => {
  const { phone, inbox } = await startWithOne();
  const calendar = phone.folder(8);
  await phone.syncAll(calendar);
  for (const [id, names] of [
    [inbox, ['Calendar']],
    [inbox, ['Contacts', 'SMS']],
    [calendar, ['Email']],
    [calendar, ['Calendar', 'SMS']],
    [calendar, ['SMS']],
  ] as const) {
    const { status } = await syncWith(phone, id, ...names.map((name) => forClass(name)));
    expect(status, `${id} ${names.join()}`).toBe(4);
  }
  expect((await syncWith(phone, calendar, forClass('Calendar'))).status).toBe(1);
});

test('below 14.0 Options know no Class: it is not heeded, and a second Options answers Status 4', async () => {
  const { phone, inbox } = await startWithOne('12.1');
  expect((await syncWith(phone, inbox, forClass('SMS'))).status).toBe(1);
  expect(phone.collection(inbox).items.size).toBe(1);
  expect((await syncWith(phone, inbox, forClass('Email'), forClass('SMS'))).status).toBe(4);
});

test('a Class in a Change or a Delete is not heeded', async () => {
  const { server, phone, inbox, serverId } = await startWithOne('16.1');
  const [change] = [commands.read(serverId, true)];
  const classed = (command: Element) => el(command.tag, el(AirSync.Class, 'Email'), ...command.children);
  expect((await phone.sync(inbox, { commands: [classed(change)] })).responses).toBeUndefined();
  const { phone: tablet } = await startPhone('16.1', { server, deviceId: 'tablet' });
  const [item] = [...(await tablet.syncAll(inbox)).values()];
  expect(textOf(item, Email.Read)).toBe('1');
});

test('an Add of class SMS answers the item Status 6', async () => {
  const { phone, inbox } = await startWithOne('14.1');
  const add = el(
    AirSync.Add,
    el(AirSync.Class, 'SMS'),
    el(AirSync.ClientId, 's1'),
    el(AirSync.ApplicationData, el(Email.Subject, 'x')),
  );
  expect(statuses((await phone.sync(inbox, { commands: [add] })).responses)).toEqual(['Add s1 6']);
});

test('Supported: not in a folder of notes (Status 4); with any other key than 0 it is not heeded', async () => {
  const { phone, inbox } = await startWithOne();
  const [notes, contacts] = [phone.folder(10), phone.folder(9)];
  const supported = el(AirSync.Supported, el(Contacts.FirstName));
  const answer = async (id: string) => (await syncWith(phone, id, supported)).status;
  expect(await answer(notes)).toBe(4);
  expect([await answer(contacts), await answer(contacts), await answer(inbox)]).toEqual([1, 1, 1]);
  await phone.syncAll(notes);
  expect(await answer(notes)).toBe(1);
});

test('MaxItems is for the recipient cache alone: Sync answers Status 4, GetItemEstimate 2', async () => {
  const { phone, inbox } = await startWithOne();
  const options = el(AirSync.Options, el(AirSync.MaxItems, 5));
  expect((await syncWith(phone, inbox, options)).status).toBe(4);
  expect(await estimate(phone, inbox, options)).toEqual(['2', undefined]);
});

test('GetItemEstimate: a filter for tasks on mail answers 110, ConversationMode without mail and another class 103', async () => {
  const { phone, inbox } = await startWithOne();
  const calendar = phone.folder(8);
  await phone.syncAll(calendar);
  const filter = el(AirSync.Options, el(AirSync.FilterType, 8));
  expect(await estimate(phone, inbox, filter)).toEqual(['110', undefined]);
  expect(await estimate(phone, calendar, el(AirSync.ConversationMode, true))).toBe(103);
  expect(await estimate(phone, inbox, forClass('Calendar'))).toBe(103);
  expect(await estimate(phone, inbox, el(AirSync.ConversationMode, true))).toEqual(['1', '0']);
});

/** Status and Estimate of the folder, or the Status of the whole. */
async function estimate(phone: EasClient, id: string, ...rest: readonly Element[]) {
  const collection = el(
    GetItemEstimate.Collection,
    el(AirSync.SyncKey, phone.collection(id).syncKey),
    el(GetItemEstimate.CollectionId, id),
    ...rest,
  );
  const body = el(GetItemEstimate.GetItemEstimate, el(GetItemEstimate.Collections, collection));
  const { element, rootStatus } = await phone.post('GetItemEstimate', body, { validateRequest: false });
  if (rootStatus !== undefined) return rootStatus;
  const answer = child(element, GetItemEstimate.Response);
  return [
    textOf(answer, GetItemEstimate.Status),
    textOf(answer, GetItemEstimate.Collection, GetItemEstimate.Estimate),
  ];
}

test('more than 200 commands answer Status 4, 200 are done, and an empty Commands asks for nothing', async () => {
  const { phone, inbox, serverId } = await startWithOne();
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) => commands.read(serverId, n % 2 === 0));
  const { syncKey } = phone.collection(inbox);
  expect((await phone.sync(inbox, { commands: many(201) })).response.rootStatus).toBe(4);
  expect(phone.collection(inbox).syncKey).toBe(syncKey);
  expect((await phone.sync(inbox, { commands: many(200) })).status).toBe(1);
  expect((await syncWith(phone, inbox, el(AirSync.Commands))).response.body).toHaveLength(0);
});

test('of doubled elements in Options the first counts', async () => {
  const { phone, inbox } = await startWithOne();
  const twice = [AirSync.FilterType, AirSync.Conflict, AirSync.MIMESupport].flatMap((tag) => [
    el(tag, 0),
    el(tag, 99),
  ]);
  expect((await syncWith(phone, inbox, el(AirSync.Options, ...twice))).status).toBe(1);
});
