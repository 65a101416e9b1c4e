import { describe, expect, test } from 'vitest';
import type { FolderId } from '#domain/ids';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { newItem } from '#test/support/new-item';
import { fixedClock } from '#test/support/temp-store';
import type { TestServer } from './server.ts';
import { elsewhere, startPhone, syncRaw, told, type Version } from './sync-phone.ts';

const dayMs = 24 * 3_600_000;
const nowMs = Date.UTC(2026, 10, 22, 12);

/** Puts a message of a conversation into the Inbox as if it had come so many days ago; gives its ServerId. */
async function put({ database, alice }: TestServer, subject: string, days: number, conversation: number) {
  const item = { ...newItem(subject, nowMs - days * dayMs), conversationId: Buffer.alloc(16, conversation) };
  const { id } = await database.mail.transact([alice.mailbox], (of) =>
    of(alice.mailbox).addItem(1 as FolderId, item),
  );
  return `1:${id}`;
}

/** A phone with a filter of three days, and mail of three conversations. */
async function start(version: Version = '14.1') {
  const clock = fixedClock(nowMs);
  const started = await startPhone(version, { clock });
  const { server } = started;
  const mails = {
    oldest: await put(server, 'oldest', 90, 1),
    old: await put(server, 'old', 10, 1),
    other: await put(server, 'other', 10, 2),
    fresh: await put(server, 'fresh', 1, 1),
    alone: await put(server, 'alone', 2, 3),
  };
  return { ...started, clock, mails };
}

const mode = (on?: boolean) => el(AirSync.ConversationMode, on);
const options = (...more: readonly Element[]) => el(AirSync.Options, el(AirSync.FilterType, 2), ...more);
const preview = el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, 2), el(AirSyncBase.Preview, 7));

async function syncWith(phone: EasClient, id: string, ...rest: readonly Element[]) {
  const { tag, children } = phone.collectionElement(id);
  return phone.applySync(id, await syncRaw(phone, [el(tag, ...children, ...rest)]));
}

test.each<Version>(['14.0', '14.1', '16.0', '16.1'])(
  'ConversationMode: every mail of the folder comes whose conversation is inside the filter (%s)',
  async (version) => {
    const { phone, inbox, mails } = await start(version);
    await syncWith(phone, inbox, mode(true), options());
    const { commands, status } = await syncWith(phone, inbox, mode(true), options());
    expect(status).toBe(1);
    expect(told(commands).map(([kind, id]) => `${kind} ${id}`)).toEqual(
      [mails.fresh, mails.alone, mails.old, mails.oldest].map((id) => `Add ${id}`),
    );
    expect((await phone.sync(inbox)).response.body).toHaveLength(0);
  },
);

test('ConversationMode: older mails come without their body, with its Preview if that is asked for', async () => {
  const { phone, inbox, mails } = await start();
  await syncWith(phone, inbox, mode(), options(preview));
  await syncWith(phone, inbox, mode(), options(preview));
  const { items } = phone.collection(inbox);
  const bodyOf = (id: string) => {
    const body = child(items.get(id), AirSyncBase.Body);
    const of = (name: keyof typeof AirSyncBase) => textOf(body, AirSyncBase[name]);
    return [of('Data') !== undefined, of('Truncated'), of('Preview')];
  };
  expect(bodyOf(mails.fresh)).toEqual([true, '0', 'Text of']);
  expect(bodyOf(mails.old)).toEqual([false, '1', 'Text of']);
  expect(child(items.get(mails.old), Email2.ConversationId)).toBeDefined();
});

test('ConversationMode: 0, and Options without it, take the older mails back by SoftDelete; without Options it stays', async () => {
  const { phone, inbox, mails } = await start();
  await syncWith(phone, inbox, mode(true), options());
  await syncWith(phone, inbox);
  expect(phone.collection(inbox).items.size).toBe(4);
  for (const off of [[mode(false)], [options()]]) {
    const { commands } = await syncWith(phone, inbox, ...off);
    expect(told(commands).sort()).toEqual([mails.oldest, mails.old].map((id) => ['SoftDelete', id]));
    await syncWith(phone, inbox, mode(true), options());
    expect(phone.collection(inbox).items.size).toBe(4);
  }
  expect(phone.collection(inbox).anomalies).toEqual([]);
});

test('ConversationMode: a reply brings its conversation, and what happens to older mails is told', async () => {
  const { server, phone, inbox, mails } = await start();
  await syncWith(phone, inbox, mode(true), options());
  await syncWith(phone, inbox);
  const reply = await put(server, 'reply', 0, 2);
  expect(told((await phone.sync(inbox)).commands).map(([kind, id]) => [kind, id])).toEqual([
    ['Add', reply],
    ['Add', mails.other],
  ]);
  const id = Number(mails.other.split(':')[1]) as Parameters<ReturnType<typeof elsewhere>['mark']>[0];
  await elsewhere(server).mark(id, { read: true });
  expect(told((await phone.sync(inbox)).commands)).toEqual([['Change', mails.other, 'Read']]);
  await elsewhere(server).remove(id);
  expect(told((await phone.sync(inbox)).commands)).toEqual([['Delete', mails.other]]);
});

test('ConversationMode: the conversation leaves by SoftDelete once its newest mail leaves the window', async () => {
  const { phone, inbox, mails, clock } = await start();
  await syncWith(phone, inbox, mode(true), options());
  await syncWith(phone, inbox);
  clock.move(3 * dayMs);
  const { commands } = await phone.sync(inbox);
  expect(told(commands).sort()).toEqual(
    [mails.oldest, mails.old, mails.fresh, mails.alone].sort().map((id) => ['SoftDelete', id]),
  );
  expect(phone.collection(inbox).anomalies).toEqual([]);
});

describe.each(['14.0', '16.1'] as const)('%s', (version) => {
  test('ConversationMode: a Ping and GetItemEstimate count what the next Sync brings', async () => {
    const { phone, inbox } = await start(version);
    await syncWith(phone, inbox, mode(true), options());
    expect(await estimate(phone, inbox, mode(true), options())).toBe('4');
    await syncWith(phone, inbox);
    expect(await estimate(phone, inbox, mode(true), options())).toBe('0');
    expect(await estimate(phone, inbox, mode(false), options())).toBe('2');
    // Without Options there is no filter: the mail of the other conversation is due, too.
    expect(await estimate(phone, inbox)).toBe('1');
    expect(await estimate(phone, inbox, mode(true))).toBe('1');
  });
});

async function estimate(phone: EasClient, id: string, ...rest: readonly Element[]) {
  const { Collections, Collection, CollectionId, Response, Estimate } = GetItemEstimate;
  const key = el(AirSync.SyncKey, phone.collection(id).syncKey);
  const body = el(
    GetItemEstimate.GetItemEstimate,
    el(Collections, el(Collection, key, el(CollectionId, id), ...rest)),
  );
  const { element } = await phone.command('GetItemEstimate', body);
  return textOf(element, Response, Collection, Estimate);
}

test('ConversationMode: a repeated key gives the same older mails again', async () => {
  const { phone, inbox } = await start();
  await syncWith(phone, inbox, mode(true), options());
  const element = phone.collectionElement(inbox);
  const lost = await syncRaw(phone, [element]);
  const list = child(lost.element, AirSync.Collections, AirSync.Collection, AirSync.Commands);
  const { commands } = await phone.sync(inbox);
  expect(told(commands)).toEqual(told(list));
  expect(phone.collection(inbox).items.size).toBe(4);
});

test('ConversationMode: below 14.0 it is not heeded', async () => {
  const { phone, inbox } = await start('12.1');
  await syncWith(phone, inbox, mode(true), options());
  const { Collections, Collection, CollectionId, Response, Status, Estimate } = GetItemEstimate;
  const asked = el(
    Collection,
    el(CollectionId, inbox),
    el(AirSync.FilterType, 2),
    el(AirSync.SyncKey, phone.collection(inbox).syncKey),
    mode(true),
  );
  const body = el(GetItemEstimate.GetItemEstimate, el(Collections, asked));
  const { element } = await phone.post('GetItemEstimate', body, { validateRequest: false });
  expect(textOf(element, Response, Status)).toBe('1');
  expect(textOf(element, Response, Collection, Estimate)).toBe('2');
  await syncWith(phone, inbox);
  expect(phone.collection(inbox).items.size).toBe(2);
});
