import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FolderSync } from '#domain/sync';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { RightsManagement } from '#protocols/activesync/wbxml/code-pages/rights-management';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { startEndpoint } from './server.ts';
import { elsewhere, putAt, startPhone } from './sync-phone.ts';

describe.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const)('%s', (version) => {
  const start = async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    return { server, phone, inbox: phone.folder(2) };
  };

  test('counts what the next Sync has, and leaves the key as it is', async () => {
    const { server, phone, inbox } = await start();
    for (const subject of ['One', 'Two', 'Three']) await server.deliver(subject);
    await phone.sync(inbox);
    for (let n = 0; n < 2; n++)
      expect(await phone.getItemEstimate(inbox)).toEqual({ status: 1, estimate: 3 });
    await phone.syncAll(inbox);
    expect(await phone.getItemEstimate(inbox)).toEqual({ status: 1, estimate: 0 });
    await server.deliver('Four');
    expect(await phone.getItemEstimate(inbox)).toEqual({ status: 1, estimate: 1 });
  });

  test('GetItemEstimate: Estimate counts every Delete', async () => {
    const { server, phone, inbox } = await start();
    const ids = [await server.deliver('One'), await server.deliver('Two'), await server.deliver('Three')];
    await phone.syncAll(inbox);
    for (const id of ids) await elsewhere(server).remove(id);
    expect(await phone.getItemEstimate(inbox)).toEqual({ status: 1, estimate: 3 });
  });

  test('an unknown folder answers 2, a folder that was never synced 3, an unknown key 4', async () => {
    const { phone, inbox } = await start();
    const ask = async (id: string, syncKey: string) => (await phone.getItemEstimate(id, { syncKey })).status;
    expect([await ask('999', '1'), await ask(inbox, '0'), await ask(inbox, 'x.1')]).toEqual([2, 3, 4]);
  });

  test('a folder named again and again is counted once, and answered as often as it is named', async () => {
    const { server, phone, inbox } = await start();
    await server.deliver('One');
    await phone.sync(inbox);
    const count = vi.spyOn(FolderSync.prototype, 'estimate');
    onTestFinished(() => count.mockRestore());
    const parts = [
      el(AirSync.SyncKey, phone.collection(inbox).syncKey),
      el(GetItemEstimate.CollectionId, inbox),
    ];
    const collections = Array.from({ length: 1000 }, () => el(GetItemEstimate.Collection, ...parts));
    const body = el(GetItemEstimate.GetItemEstimate, el(GetItemEstimate.Collections, ...collections));
    const { element } = await phone.post('GetItemEstimate', body, { validateRequest: false });
    expect(element?.children).toHaveLength(1000);
    const last = child(element?.children.at(-1), GetItemEstimate.Collection);
    expect(textOf(last, GetItemEstimate.Estimate)).toBe('1');
    expect(count).toHaveBeenCalledTimes(1);
  });

  const ask = (phone: EasClient, ...collections: readonly Element[]) =>
    phone.post(
      'GetItemEstimate',
      el(GetItemEstimate.GetItemEstimate, el(GetItemEstimate.Collections, ...collections)),
      { validateRequest: false },
    );
  const refused = isAtLeast(version, '14.0') ? [200, 103] : [400, undefined];

  test('GetItemEstimate: a Response holds Status and Collection, and that CollectionId and Estimate, in the order of the request', async () => {
    const { server, phone, inbox } = await start();
    await phone.sync(inbox);
    await server.deliver('One');
    const collection = (id: string, key: string) =>
      el(GetItemEstimate.Collection, el(AirSync.SyncKey, key), el(GetItemEstimate.CollectionId, id));
    const { element } = await ask(
      phone,
      collection(phone.folder(5), '0'),
      collection(inbox, phone.collection(inbox).syncKey),
    );
    const read = ({ tag, text, children }: Element): unknown[] =>
      children.length > 0 ? [tag.name, ...children.map(read)] : [tag.name, text];
    const named = isAtLeast(version, '12.1') ? [] : [['Class', 'Email']];
    expect(element?.children.map(read)).toEqual([
      ['Response', ['Status', '3'], ['Collection', ...named, ['CollectionId', phone.folder(5)]]],
      ['Response', ['Status', '1'], ['Collection', ...named, ['CollectionId', inbox], ['Estimate', '1']]],
    ]);
  });

  test('GetItemEstimate: without SyncKey, without a CollectionId of up to 64 characters, and with 1001 Collections it is 103 (HTTP 400)', async () => {
    const { phone, inbox } = await start();
    const [key, id] = [el(AirSync.SyncKey, 'x.1'), el(GetItemEstimate.CollectionId, inbox)];
    const collection = (...parts: readonly Element[]) => el(GetItemEstimate.Collection, ...parts);
    const many = Array.from({ length: 1001 }, () => collection(key, id));
    for (const wrong of [
      [collection(id)],
      [collection(key)],
      [collection(key, el(GetItemEstimate.CollectionId, '1'.repeat(65)))],
      many,
    ]) {
      const { status, rootStatus } = await ask(phone, ...wrong);
      expect([status, rootStatus]).toEqual(refused);
    }
  });

  test('GetItemEstimate: Options are read as Sync reads them, and what is out of range is 103 (HTTP 400)', async () => {
    const { server, phone, inbox } = await start();
    await phone.sync(inbox);
    await server.deliver('One');
    const collection = (...options: readonly Element[]) =>
      el(
        GetItemEstimate.Collection,
        el(AirSync.SyncKey, phone.collection(inbox).syncKey),
        el(GetItemEstimate.CollectionId, inbox),
        el(AirSync.Options, ...options),
      );
    const preference = (...parts: readonly Element[]) => el(AirSyncBase.BodyPreference, ...parts);
    const type = el(AirSyncBase.Type, 2);
    for (const options of [
      [el(AirSync.Class, 'Email'), el(AirSync.FilterType, 3)],
      [el(AirSync.Conflict, 0), el(AirSync.MIMESupport, 2), el(AirSync.MIMETruncation, 4)],
      [el(AirSync.Truncation, 4), el(RightsManagement.RightsManagementSupport, true)],
      [preference(type, el(AirSyncBase.TruncationSize, 500), el(AirSyncBase.AllOrNone, true))],
      [preference(type, el(AirSyncBase.Preview, 100))],
    ]) {
      const { element } = await ask(phone, collection(...options));
      const answer = child(element, GetItemEstimate.Response);
      expect(textOf(answer, GetItemEstimate.Collection, GetItemEstimate.Estimate)).toBe('1');
    }
    for (const wrong of [
      // Below 14.0 a Class stands in the Collection, and nowhere else.
      ...(isAtLeast(version, '14.0') ? [el(AirSync.Class, 'Fax')] : []),
      el(AirSync.Conflict, 2),
      el(AirSync.MIMESupport, 3),
      el(AirSync.MIMETruncation, 9),
      el(AirSync.Truncation, 10),
      preference(el(AirSyncBase.Type, 5)),
      preference(type, el(AirSyncBase.TruncationSize, '-1')),
      preference(type, el(AirSyncBase.AllOrNone, 'maybe')),
      preference(type, el(AirSyncBase.Preview, 256)),
    ]) {
      const { status, rootStatus } = await ask(phone, collection(wrong));
      expect([status, rootStatus], wrong.tag.name).toEqual(refused);
    }
  });

  test.runIf(isAtLeast(version, '14.1'))(
    'GetItemEstimate: BodyPartPreference changes no number, and one that is not for HTML is 164',
    async () => {
      const { server, phone, inbox } = await start();
      await phone.sync(inbox);
      await server.deliver('One');
      const collection = (type: number) =>
        el(
          GetItemEstimate.Collection,
          el(AirSync.SyncKey, phone.collection(inbox).syncKey),
          el(GetItemEstimate.CollectionId, inbox),
          el(AirSync.Options, el(AirSyncBase.BodyPartPreference, el(AirSyncBase.Type, type))),
        );
      const { element } = await ask(phone, collection(2));
      const answer = child(element, GetItemEstimate.Response);
      expect(textOf(answer, GetItemEstimate.Collection, GetItemEstimate.Estimate)).toBe('1');
      expect((await ask(phone, collection(1))).rootStatus).toBe(164);
    },
  );

  test('GetItemEstimate: FilterType 8 on mail is 110, below 14.0 HTTP 500', async () => {
    const { phone, inbox } = await start();
    await phone.sync(inbox);
    const isOld = !isAtLeast(version, '14.0');
    const key = el(AirSync.SyncKey, phone.collection(inbox).syncKey);
    const id = el(GetItemEstimate.CollectionId, inbox);
    const filter = el(AirSync.FilterType, 8);
    const parts = isOld ? [id, filter, key] : [key, id, el(AirSync.Options, filter)];
    const { status, element } = await ask(phone, el(GetItemEstimate.Collection, ...parts));
    const told = textOf(element, GetItemEstimate.Response, GetItemEstimate.Status);
    expect([status, told]).toEqual(isOld ? [500, undefined] : [200, '110']);
    expect(await phone.getItemEstimate(inbox)).toEqual({ status: 1, estimate: 0 });
  });

  test('GetItemEstimate: a narrower FilterType counts what leaves, a wider one what comes', async () => {
    const { server, phone, inbox } = await start();
    const week = 7 * 24 * 3600 * 1000;
    await putAt(server, 'Old', Date.now() - 2 * week);
    await putAt(server, 'New', Date.now());
    await phone.syncAll(inbox);
    expect(await phone.getItemEstimate(inbox, { filterType: 3 })).toEqual({ status: 1, estimate: 1 });
    expect(await phone.getItemEstimate(inbox, { filterType: 5 })).toEqual({ status: 1, estimate: 0 });
    await phone.syncAll(inbox, { options: [el(AirSync.FilterType, 3)] });
    expect(await phone.getItemEstimate(inbox, { filterType: 5 })).toEqual({ status: 1, estimate: 1 });
  });

  test('a filter out of range and a request without folders are refused by the version', async () => {
    const { phone, inbox } = await start();
    const filter = el(AirSync.FilterType, 9);
    const collection = el(
      GetItemEstimate.Collection,
      el(AirSync.SyncKey, 'x.1'),
      el(GetItemEstimate.CollectionId, inbox),
      !isAtLeast(version, '14.0') ? filter : el(AirSync.Options, filter),
    );
    for (const collections of [[collection], []]) {
      const body = el(GetItemEstimate.GetItemEstimate, el(GetItemEstimate.Collections, ...collections));
      const { status, rootStatus } = await phone.post('GetItemEstimate', body, { validateRequest: false });
      expect(!isAtLeast(version, '14.0') ? status : rootStatus).toBe(!isAtLeast(version, '14.0') ? 400 : 103);
    }
  });
});

describe.each(['14.0', '14.1', '16.0', '16.1'] as const)('%s', (version) => {
  test.each([
    ['there is no filter', 0, 2],
    ['that of the policy counts', 5, 1],
  ])('GetItemEstimate: without Options %s', async (_, MaxEmailAgeFilter, estimate) => {
    const policy = { settings: { MaxEmailAgeFilter }, allowNonProvisionableDevices: false } as const;
    const { server, phone, inbox } = await startPhone(version);
    await server.policies.put(server.organization, 'organization', policy);
    await phone.provision();
    const day = 24 * 3600 * 1000;
    for (const days of [40, 10, 0]) await putAt(server, `${days} days`, Date.now() - days * day);
    await phone.syncAll(inbox, { options: [el(AirSync.FilterType, 3)] });
    expect(await phone.getItemEstimate(inbox)).toEqual({ status: 1, estimate });
  });
});
