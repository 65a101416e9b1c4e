/** BodyPartPreference and BodyPart: what a conversation shows of a message. MS-ASAIRS, since 14.1. */
import { describe, expect, test } from 'vitest';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import {
  deliverRaw,
  preference,
  startPhone,
  syncRaw,
  type Version,
  versionsWithBodies,
} from './sync-phone.ts';

const { TruncationSize, AllOrNone, Preview } = AirSyncBase;
const head = 'From: A <a@example.org>\r\nTo: alice@example.test\r\nSubject: S\r\nMIME-Version: 1.0\r\n';
const text = 'Hello world &amp; all <b>of</b> it: Grüße 😀 '.repeat(20);
const html = `${head}Content-Type: text/html; charset=utf-8\r\n\r\n<html><body onload="x()"><p>${text}</p></body></html>\r\n`;
const plain = `${head}Content-Type: text/plain; charset=utf-8\r\n\r\nJust text\r\n`;
const versionsWithParts = versionsWithBodies.filter((version) => isAtLeast(version, '14.1'));

function partPreference(type: number, ...rest: readonly [Tag, string | number | boolean][]): Element {
  return el(
    AirSyncBase.BodyPartPreference,
    el(AirSyncBase.Type, type),
    ...rest.map(([tag, value]) => el(tag, value)),
  );
}

/** The only item of the folder, with these children of Options. */
async function itemWith(phone: EasClient, inbox: string, options: readonly Element[]): Promise<Element> {
  phone.collection(inbox).reset();
  const [item] = (await phone.syncAll(inbox, { options })).values();
  if (item === undefined) throw new Error('no item');
  return item;
}

async function startWith(raw: string, version: Version = '14.1') {
  const started = await startPhone(version);
  await deliverRaw(started.server, raw);
  const { phone, inbox } = started;
  return { ...started, item: (...options: readonly Element[]) => itemWith(phone, inbox, options) };
}

const namesOf = (element: Element | undefined) => element?.children.map(({ tag }) => tag.name);
const bodiesOf = (item: Element) => namesOf(item)?.filter((name) => name.startsWith('Body'));
const partOf = (item: Element) => {
  const part = child(item, AirSyncBase.BodyPart);
  return {
    names: namesOf(part),
    status: textOf(part, AirSyncBase.Status),
    type: textOf(part, AirSyncBase.Type),
    size: Number(textOf(part, AirSyncBase.EstimatedDataSize)),
    truncated: textOf(part, AirSyncBase.Truncated),
    data: textOf(part, AirSyncBase.Data),
    preview: textOf(part, AirSyncBase.Preview),
  };
};

/** The answer of ItemOperations to a Fetch of the only item that the phone holds of a folder. */
function fetchItem(phone: EasClient, inbox: string, options: readonly Element[]) {
  const [serverId = ''] = phone.collection(inbox).items.keys();
  const fetch = el(
    ItemOperations.Fetch,
    el(ItemOperations.Store, 'Mailbox'),
    el(AirSync.CollectionId, inbox),
    el(AirSync.ServerId, serverId),
    el(ItemOperations.Options, ...options),
  );
  return phone.post('ItemOperations', el(ItemOperations.ItemOperations, fetch));
}

function fetchedIn(element: Element | undefined): Element {
  const path = [ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties] as const;
  return child(element, ...path) ?? el(AirSync.Fetch);
}

/** What a Search for the conversation of that item tells of it. */
async function searchItem(phone: EasClient, inbox: string, options: readonly Element[]): Promise<Element> {
  const [item] = phone.collection(inbox).items.values();
  const id = child(item, Email2.ConversationId)?.opaque ?? Buffer.alloc(0);
  const and = el(
    Search.And,
    el(AirSync.Class, 'Email'),
    el(AirSync.CollectionId, inbox),
    el(Search.ConversationId, id),
  );
  const store = el(
    Search.Store,
    el(Search.Name, 'Mailbox'),
    el(Search.Query, and),
    el(Search.Options, el(Search.Range, '0-9'), ...options),
  );
  const { element } = await phone.post('Search', el(Search.Search, store));
  const path = [Search.Response, Search.Store, Search.Result, Search.Properties] as const;
  return child(element, ...path) ?? el(Search.Result);
}

describe.each(versionsWithParts)('Sync: BodyPart %s', (version) => {
  test('BodyPart: only BodyPartPreference gives only BodyPart, both give both, neither gives Body', async () => {
    const { item } = await startWith(html, version);
    expect(bodiesOf(await item(partPreference(2)))).toEqual(['BodyPart']);
    expect(bodiesOf(await item(preference(1), partPreference(2)))).toEqual(['Body', 'BodyPart']);
    expect(bodiesOf(await item(preference(1)))).toEqual(['Body']);
    expect(bodiesOf(await item(el(AirSync.FilterType, 0)))).toEqual(['Body']);
  });

  test('BodyPart: Status 1, Type 2, its size, its Data, in the order of the schema', async () => {
    const { item } = await startWith(html, version);
    const part = partOf(await item(partPreference(2, [Preview, 11])));
    expect(part.names).toEqual(['Status', 'Type', 'EstimatedDataSize', 'Truncated', 'Data', 'Preview']);
    expect(part).toMatchObject({ status: '1', type: '2', truncated: '0', preview: 'Hello world' });
    expect(part.data).toContain('<b>of</b>');
    expect(part.data).not.toContain('onload');
    expect(part.size).toBe(Buffer.byteLength(part.data ?? ''));
  });
});

test('BodyPart: of plain text there is HTML', async () => {
  const { item } = await startWith(plain);
  const made = await item(partPreference(2), preference(1));
  expect(partOf(made).data).toMatch(/^<html.*Just text/);
  expect(textOf(made, AirSyncBase.Body, AirSyncBase.Data)).toBe('Just text\r\n');
});

test('BodyPart: TruncationSize cuts it, AllOrNone leaves it out, Preview is up to 255 characters', async () => {
  const { item } = await startWith(html);
  const cut = partOf(await item(partPreference(2, [TruncationSize, 100], [Preview, 255])));
  expect(cut).toMatchObject({ status: '1', truncated: '1' });
  expect(Buffer.byteLength(cut.data ?? '')).toBeLessThanOrEqual(100);
  expect(cut.size).toBeGreaterThan(500);
  expect([...(cut.preview ?? '')]).toHaveLength(255);
  const none = partOf(await item(partPreference(2, [TruncationSize, 100], [AllOrNone, true])));
  expect(none).toMatchObject({ status: '1', truncated: '1', data: undefined, preview: undefined });
  const fits = partOf(await item(partPreference(2, [TruncationSize, 100_000], [AllOrNone, true])));
  expect(fits).toMatchObject({ status: '1', truncated: '0' });
});

describe.each(versionsWithParts)('%s', (version) => {
  test('BodyPart: a part over 1 MiB is Status 176; cut, it comes', async () => {
    const large = html.replace(text, 'A long word. '.repeat(100_000));
    const { phone, inbox, item } = await startWith(large, version);
    const synced = await item(partPreference(2));
    const fetched = fetchedIn((await fetchItem(phone, inbox, [partPreference(2)])).element);
    for (const one of [synced, fetched, await searchItem(phone, inbox, [partPreference(2)])]) {
      const part = partOf(one);
      expect(part).toMatchObject({ status: '176', type: '2', truncated: '1', data: undefined });
      expect(part.size).toBeGreaterThan(1_300_000);
    }
    expect(partOf(await item(partPreference(2, [TruncationSize, 500])))).toMatchObject({ status: '1' });
  });
});

test('BodyPart: a policy bounds it, and one without HTML gives the Body in its place', async () => {
  const { server, phone, item } = await startWith(html);
  const put = async (settings: Record<string, number | boolean>) => {
    const policy = { settings, allowNonProvisionableDevices: false };
    await server.policies.put(server.organization, 'organization', policy);
    await phone.provision();
  };
  await put({ MaxEmailHTMLBodyTruncationSize: 60 });
  expect(partOf(await item(partPreference(2))).data?.length).toBeLessThanOrEqual(60);
  await put({ AllowHTMLEmail: false });
  const made = await item(partPreference(2));
  expect(bodiesOf(made)).toEqual(['Body']);
  expect(textOf(made, AirSyncBase.Body, AirSyncBase.Type)).toBe('1');
});

test.each([
  [1, '14.1'],
  [3, '16.0'],
  [4, '16.1'],
] as const)('Sync: BodyPartPreference of Type %i is 164', async (type, version) => {
  const { phone, inbox } = await startPhone(version);
  await phone.syncAll(inbox);
  const { syncKey: key } = phone.collection(inbox);
  const collection = el(
    AirSync.Collection,
    el(AirSync.SyncKey, key),
    el(AirSync.CollectionId, inbox),
    el(AirSync.Options, partPreference(type)),
  );
  const { element } = await syncRaw(phone, [collection]);
  expect(textOf(element, AirSync.Status)).toBe('164');
});

test('Sync: two BodyPartPreference, one without Type or Preview 256 are Status 6, AllOrNone 7 is 4', async () => {
  const { phone, inbox } = await startPhone('14.1');
  await phone.syncAll(inbox);
  const { syncKey: key } = phone.collection(inbox);
  for (const [status, ...options] of [
    ['6', partPreference(2), partPreference(2)],
    ['6', el(AirSyncBase.BodyPartPreference, el(TruncationSize, 5))],
    ['6', partPreference(2, [Preview, 256])],
    ['4', partPreference(2, [AllOrNone, 7])],
  ] as [string, ...Element[]][]) {
    const collection = el(
      AirSync.Collection,
      el(AirSync.SyncKey, key),
      el(AirSync.CollectionId, inbox),
      el(AirSync.Options, ...options),
    );
    const { element } = await syncRaw(phone, [collection]);
    expect(textOf(element, AirSync.Status)).toBe(status);
  }
});

test.each(['12.0', '12.1', '14.0'] as const)(
  'Sync: BodyPartPreference is not known in %s and changes nothing',
  async (version) => {
    const { phone, inbox, server } = await startPhone(version);
    await deliverRaw(server, html);
    const made = async (options: readonly Element[]) => {
      phone.collection(inbox).reset();
      await phone.sync(inbox);
      const { syncKey: key } = phone.collection(inbox);
      const collection = el(
        AirSync.Collection,
        ...(version === '12.0' ? [el(AirSync.Class, 'Email')] : []),
        el(AirSync.SyncKey, key),
        el(AirSync.CollectionId, inbox),
        el(AirSync.Options, ...options),
      );
      const { element } = await syncRaw(phone, [collection]);
      const add = child(element, AirSync.Collections, AirSync.Collection, AirSync.Commands, AirSync.Add);
      return bodiesOf(child(add, AirSync.ApplicationData) ?? el(AirSync.Add));
    };
    expect(await made([preference(2), partPreference(2)])).toEqual(['Body']);
  },
);

describe.each(versionsWithParts)('%s', (version) => {
  test('Sync: Fetch gives the whole Body without a BodyPart, ItemOperations both as they are asked for', async () => {
    const { phone, inbox, item } = await startWith(html, version);
    await item(partPreference(2, [TruncationSize, 20]));
    const [serverId = ''] = phone.collection(inbox).items.keys();
    const { responses } = await phone.sync(inbox, {
      commands: [el(AirSync.Fetch, el(AirSync.ServerId, serverId))],
    });
    const fetched = child(responses, AirSync.Fetch, AirSync.ApplicationData) ?? el(AirSync.Fetch);
    expect(bodiesOf(fetched)).toEqual(['Body']);
    expect(textOf(fetched, AirSyncBase.Body, AirSyncBase.Truncated)).toBe('0');
    const fetch = (...options: readonly Element[]) => fetchItem(phone, inbox, options);
    const { element } = await fetch(partPreference(2, [TruncationSize, 50]), preference(1));
    const properties = fetchedIn(element);
    expect(bodiesOf(properties)).toEqual(['Body', 'BodyPart']);
    expect(partOf(properties)).toMatchObject({ status: '1', truncated: '1' });
    const refused = await fetch(partPreference(1));
    expect(textOf(refused.element, ItemOperations.Status)).toBe('164');
  });

  test('Search: a conversation comes with BodyPart, and with Body if both are asked for', async () => {
    const { phone, inbox, item } = await startWith(html, version);
    await item(preference(1));
    const search = (...options: readonly Element[]) => searchItem(phone, inbox, options);
    const alone = await search(partPreference(2, [Preview, 5]));
    expect(bodiesOf(alone)).toEqual(['BodyPart']);
    expect(partOf(alone)).toMatchObject({ status: '1', preview: 'Hello' });
    expect(bodiesOf(await search(preference(1), partPreference(2)))).toEqual(['Body', 'BodyPart']);
  });
});
