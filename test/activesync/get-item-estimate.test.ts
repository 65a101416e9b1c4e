import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FolderSync } from '#domain/sync';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { child, el, textOf } from '#protocols/activesync/wbxml/element';
import { startEndpoint } from './server.ts';

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
