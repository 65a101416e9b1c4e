/** Sync, GetItemEstimate and Ping as 2.5 and 12.0 have them. */
import { describe, expect, test } from 'vitest';
import type { ItemId } from '#domain/ids';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
import {
  type Content,
  child,
  childrenOf,
  type Element,
  el,
  textOf,
} from '#protocols/activesync/wbxml/element';
import type { EasResponse } from '#test/support/eas-connection';
import { smartMail } from '#test/support/smart-mail';
import {
  answered,
  commands,
  elsewhere,
  startPhone,
  statuses,
  syncRaw,
  told,
  versions,
} from './sync-phone.ts';

const old = ['2.5', '12.0'] as const;
const { read, remove } = commands;

const collectionsOf = ({ element }: EasResponse) =>
  childrenOf(child(element, AirSync.Collections), AirSync.Collection);
const namesOf = (element: Element | undefined) => element?.children.map(({ tag }) => tag.name);
const collection = (...content: readonly Content[]) => el(AirSync.Collection, ...content);

describe.each(old)('%s: Sync', (version) => {
  test('Sync: Class is the first of every answered Collection, also of a failed one', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const contacts = phone.folder(9);
    const ask = async (id: string, className: string, key: string) => {
      const asked = collection(
        el(AirSync.Class, className),
        el(AirSync.SyncKey, key),
        el(AirSync.CollectionId, id),
      );
      const [answer] = collectionsOf(await syncRaw(phone, [asked]));
      expect(answer?.children[0]?.tag).toBe(AirSync.Class);
      return [textOf(answer, AirSync.Class), textOf(answer, AirSync.Status)];
    };
    expect(await ask(inbox, 'Email', '0')).toEqual(['Email', '1']);
    expect(await ask(contacts, 'Contacts', '0')).toEqual(['Contacts', '1']);
    expect(await ask(inbox, 'Email', 'x.1')).toEqual(['Email', '3']);
    expect(await ask('999', 'Calendar', '0')).toEqual(['Calendar', '12']);
    expect(await ask('nonsense', 'Email', 'x.1')).toEqual(['Email', '12']);
    await phone.sync(inbox);
    await server.deliver('One');
    expect(namesOf(collectionsOf((await phone.sync(inbox)).response)[0])).toEqual([
      'Class',
      'SyncKey',
      'CollectionId',
      'Status',
      'Commands',
    ]);
  });

  test('Sync: a Class that the folder does not have answers Status 4 and leaves the key', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await phone.sync(inbox);
    const key = phone.collection(inbox).syncKey;
    await server.deliver('One');
    for (const className of ['Contacts', 'Nonsense', 'email']) {
      const wrong = collection(
        el(AirSync.Class, className),
        el(AirSync.SyncKey, key),
        el(AirSync.CollectionId, inbox),
      );
      const [answer] = collectionsOf(await syncRaw(phone, [wrong]));
      expect([textOf(answer, AirSync.Status), textOf(answer, AirSync.SyncKey)]).toEqual(['4', key]);
    }
    expect((await phone.sync(inbox)).commands?.children).toHaveLength(1);
  });

  test('Sync: a Collection without Class is served, and answered with the Class of its folder', async () => {
    const { phone } = await startPhone(version);
    const asked = collection(el(AirSync.SyncKey, '0'), el(AirSync.CollectionId, phone.folder(8)));
    const [answer] = collectionsOf(await syncRaw(phone, [asked]));
    expect([textOf(answer, AirSync.Class), textOf(answer, AirSync.Status)]).toEqual(['Calendar', '1']);
  });

  test('Sync: with nothing new every Collection is answered with its key, never an empty answer', async () => {
    const { phone, inbox, trash } = await startPhone(version);
    for (const folder of [inbox, trash]) await phone.syncAll(folder);
    const keys = [inbox, trash].map((folder) => phone.collection(folder).syncKey);
    for (const options of [{}, { getChanges: false }]) {
      const asked = [inbox, trash].map((folder) => phone.collectionElement(folder, options));
      const response = await syncRaw(phone, asked);
      expect(collectionsOf(response).map((one) => textOf(one, AirSync.SyncKey))).toEqual(keys);
      expect(answered(response)).toMatchObject([
        { id: inbox, status: 1, more: false, commands: 0 },
        { id: trash, status: 1, more: false, commands: 0 },
      ]);
    }
  });

  test('Sync: with GetChanges 0 nothing is sent, no MoreAvailable either, and nothing is lost', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await phone.syncAll(inbox);
    await server.deliver('One');
    const quiet = await phone.sync(inbox, { getChanges: false });
    expect(quiet).toMatchObject({ status: 1, moreAvailable: false, commands: undefined });
    expect((await phone.sync(inbox)).commands?.children).toHaveLength(1);
  });

  test('Sync: a Collection whose changes find no room says MoreAvailable, after its Commands are done', async () => {
    const { server, phone, inbox, trash } = await startPhone(version);
    const id = await server.deliver('One');
    for (const folder of [inbox, trash]) await phone.syncAll(folder);
    for (const folder of [inbox, trash]) await server.deliver('New', Number(folder));
    const sent = [read(`${inbox}:${id}`, true)];
    const asked = [phone.collectionElement(trash), phone.collectionElement(inbox, { commands: sent })];
    const response = await syncRaw(phone, asked, el(AirSync.WindowSize, 1));
    expect(answered(response)).toMatchObject([
      { id: trash, more: false, commands: 1 },
      { id: inbox, more: true, commands: 0 },
    ]);
    expect(namesOf(collectionsOf(response)[1])).toEqual([
      'Class',
      'SyncKey',
      'CollectionId',
      'Status',
      'MoreAvailable',
    ]);
    phone.applySync(inbox, response, sent);
    expect((await phone.sync(inbox)).commands?.children).toHaveLength(1);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test('Sync: Wait, HeartbeatInterval and Partial are not known: HTTP 400, and nothing is done', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const id = `${inbox}:${await server.deliver('One')}`;
    await phone.syncAll(inbox);
    for (const unknown of [el(AirSync.Wait, 1), el(AirSync.HeartbeatInterval, 60), el(AirSync.Partial)]) {
      const asked = phone.collectionElement(inbox, { commands: [read(id, true)] });
      expect((await syncRaw(phone, [asked], unknown)).status).toBe(400);
    }
    expect(server.endpoint.waiting).toBe(0);
    phone.collection(inbox).reset();
    expect(textOf((await phone.syncAll(inbox)).get(id), Email.Read)).toBe('0');
  });

  test('Sync: an empty request is HTTP 400, also after a full one', async () => {
    const { phone, inbox } = await startPhone(version);
    expect((await phone.post('Sync')).status).toBe(400);
    await phone.syncAll(inbox);
    expect((await phone.post('Sync')).status).toBe(400);
  });

  test('Sync: no SyncKey, no CollectionId, and no Collection at all answer Status 4', async () => {
    const { phone, inbox } = await startPhone(version);
    const name = el(AirSync.Class, 'Email');
    for (const wrong of [
      [collection(name, el(AirSync.CollectionId, inbox))],
      [collection(name, el(AirSync.SyncKey, '0'))],
      [],
    ]) {
      expect((await syncRaw(phone, wrong)).rootStatus).toBe(4);
    }
  });

  test('Sync: Conflict 1 answers Status 7 and the server wins, Conflict 0 lets the client win', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const id = await server.deliver('One');
    const serverId = `${inbox}:${id}`;
    await phone.syncAll(inbox);
    await elsewhere(server).mark(id, { read: true });
    const same = await phone.sync(inbox, { commands: [read(serverId, true)] });
    expect(same.responses).toBeUndefined();
    await elsewhere(server).mark(id, { read: false });
    await elsewhere(server).mark(id, { read: true });
    await elsewhere(server).mark(id, { read: false });
    const first = await phone.sync(inbox, { commands: [read(serverId, true)] });
    expect(statuses(first.responses)).toEqual([`Change ${serverId} 7`]);
    expect(told(first.commands)).toEqual([['Change', serverId, 'Read']]);
    await phone.sync(inbox, { options: [el(AirSync.Conflict, 0)] });
    await elsewhere(server).mark(id, { read: true });
    await elsewhere(server).mark(id, { read: false });
    const second = await phone.sync(inbox, { commands: [read(serverId, true)] });
    expect(second.responses).toBeUndefined();
    phone.collection(inbox).reset();
    expect(textOf((await phone.syncAll(inbox)).get(serverId), Email.Read)).toBe('1');
  });

  test('Sync: a lost answer is given again, and its Commands are done once', async () => {
    const { server, phone, inbox, trash } = await startPhone(version);
    const id = await server.deliver('One');
    await phone.syncAll(inbox);
    await phone.syncAll(trash);
    await server.deliver('Two');
    const asked = phone.collectionElement(inbox, { commands: [remove(`${inbox}:${id}`)] });
    const [first, second] = [await syncRaw(phone, [asked]), await syncRaw(phone, [asked])];
    expect(answered(second)).toEqual(answered(first));
    phone.applySync(inbox, second, [remove(`${inbox}:${id}`)]);
    expect([...phone.collection(inbox).items.keys()]).toHaveLength(1);
    expect([...(await phone.syncAll(trash)).keys()]).toEqual([`${trash}:${id}`]);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });
});

test("12.1: Sync: Class is legal in a request, and must be the folder's", async () => {
  const { phone, inbox } = await startPhone('12.1');
  for (const [className, status] of [
    ['Email', '1'],
    ['Tasks', '4'],
  ] as const) {
    const asked = collection(
      el(AirSync.Class, className),
      el(AirSync.SyncKey, '0'),
      el(AirSync.CollectionId, inbox),
    );
    const [answer] = collectionsOf(await syncRaw(phone, [asked]));
    expect(textOf(answer, AirSync.Status)).toBe(status);
  }
});

describe.each(old)('%s: GetItemEstimate', (version) => {
  const ask = (phone: Awaited<ReturnType<typeof startPhone>>['phone'], ...parts: readonly Content[]) =>
    phone.post(
      'GetItemEstimate',
      el(
        GetItemEstimate.GetItemEstimate,
        el(GetItemEstimate.Collections, el(GetItemEstimate.Collection, ...parts)),
      ),
      { validateRequest: false },
    );

  test('GetItemEstimate: Class, CollectionId, FilterType, SyncKey; the answer has Class before CollectionId', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await phone.sync(inbox);
    await server.deliver('One');
    const { element } = await ask(
      phone,
      el(GetItemEstimate.Class, 'Email'),
      el(GetItemEstimate.CollectionId, inbox),
      el(AirSync.FilterType, 2),
      el(AirSync.SyncKey, phone.collection(inbox).syncKey),
    );
    const answer = child(element, GetItemEstimate.Response);
    expect(textOf(answer, GetItemEstimate.Status)).toBe('1');
    const [named] = childrenOf(answer, GetItemEstimate.Collection);
    expect(named?.children.map(({ tag, text }) => `${tag.name}=${text}`)).toEqual([
      'Class=Email',
      `CollectionId=${inbox}`,
      'Estimate=1',
    ]);
  });

  test('GetItemEstimate: FilterType counts what the next Sync with it would bring', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await phone.sync(inbox);
    await server.deliver('One');
    for (const filterType of [0, 1, 5]) {
      expect(await phone.getItemEstimate(inbox, { filterType })).toEqual({ status: 1, estimate: 1 });
    }
  });

  test('GetItemEstimate: Status 2 for a folder that is none, 3 for key 0, 4 for a key that is not good', async () => {
    const { phone, inbox } = await startPhone(version);
    expect((await phone.getItemEstimate('999', { syncKey: 'x.1' })).status).toBe(2);
    expect((await phone.getItemEstimate(inbox, { syncKey: '0' })).status).toBe(3);
    expect((await phone.getItemEstimate(inbox, { syncKey: 'x.1' })).status).toBe(4);
  });

  test('GetItemEstimate: without FilterType the one in force counts; without SyncKey it is HTTP 400', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await phone.sync(inbox);
    await server.deliver('One');
    const key = el(AirSync.SyncKey, phone.collection(inbox).syncKey);
    const id = el(GetItemEstimate.CollectionId, inbox);
    const { element } = await ask(phone, el(GetItemEstimate.Class, 'Email'), id, key);
    const estimate = textOf(
      element,
      GetItemEstimate.Response,
      GetItemEstimate.Collection,
      GetItemEstimate.Estimate,
    );
    expect(estimate).toBe('1');
    expect((await ask(phone, el(GetItemEstimate.Class, 'Email'), id)).status).toBe(400);
  });
});

describe.each(old)('%s: Ping', (version) => {
  test('Ping: AutdState of an old client is passed over, and so is a missing Class', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await phone.syncAll(inbox);
    await server.deliver('One');
    const request = el(
      Ping.Ping,
      el(Ping.AutdState, 'x'),
      el(Ping.HeartbeatInterval, 60),
      el(Ping.Folders, el(Ping.Folder, el(Ping.Id, inbox))),
    );
    const { element } = await phone.post('Ping', request, { validateRequest: false });
    expect([textOf(element, Ping.Status), textOf(element, Ping.Folders, Ping.Folder)]).toEqual(['2', inbox]);
  });

  test('Ping: an empty request repeats the last one; with nothing kept it answers Status 3', async () => {
    const { server, phone, inbox } = await startPhone(version);
    expect((await phone.ping()).status).toBe(3);
    await phone.syncAll(inbox);
    await server.deliver('One');
    expect((await phone.ping([inbox], 60)).status).toBe(2);
    expect(await phone.ping()).toMatchObject({ status: 2, folders: [inbox] });
  });
});

test.each(['2.5', '12.0', '12.1', '14.0'] as const)(
  '%s: Sync: that a message was replied to is told from 14.0 on, and below it nothing',
  async (version) => {
    const { server, phone, inbox } = await startPhone(version);
    const id = await server.receive('From: a@example.org\r\nSubject: Q\r\n\r\nText\r\n');
    await phone.syncAll(inbox);
    const mime = `To: ${server.bob.address}\r\n\r\nYes\r\n`;
    expect((await smartMail(phone, 'SmartReply', { mime, itemId: id })).status).toBe(200);
    const { commands: sent } = await phone.sync(inbox);
    expect(told(sent).map(([kind, , ...names]) => [kind, names.includes('LastVerbExecuted')])).toEqual(
      version === '14.0' ? [['Change', true]] : [],
    );
    await elsewhere(server).mark(Number(id.split(':')[1]) as ItemId, { read: true });
    expect(told((await phone.sync(inbox)).commands)).toEqual([['Change', id, 'Read']]);
  },
);

describe('a device that changes its version', () => {
  const flag = { status: 2, type: 'x' } as const;

  test.each([
    ['2.5', '12.0', 'Flag', { flag }],
    ['2.5', '16.1', 'Categories', { categories: ['red'] }],
    ['12.1', '14.1', 'Categories', { categories: ['red'] }],
  ] as const)(
    '%s to %s: Sync: a device that was not told of a mark (%s) starts over (Status 3), and knows it then',
    async (from, to, name, marks) => {
      const isThere = (item: Element | undefined) => (child(item, Email[name])?.children ?? []).length > 0;
      for (const isBefore of [true, false]) {
        const { server, phone, inbox } = await startPhone(from);
        const id = await server.deliver('One');
        const serverId = `${inbox}:${id}`;
        if (isBefore) await elsewhere(server).mark(id, marks);
        await phone.syncAll(inbox);
        if (!isBefore) await elsewhere(server).mark(id, marks);
        // It goes on in its version, past the change of the mark.
        await server.deliver('Two');
        expect((await phone.sync(inbox)).commands?.children).toHaveLength(1);
        phone.version = to;
        expect(await phone.ping([inbox], 60)).toMatchObject({ status: 2, folders: [inbox] });
        expect((await phone.getItemEstimate(inbox)).status).toBe(4);
        const sent = [read(serverId, true)];
        expect((await phone.sync(inbox, { commands: sent })).status).toBe(1);
        expect((await phone.sync(inbox)).status).toBe(3);
        const item = (await phone.syncAll(inbox)).get(serverId);
        expect([isThere(item), textOf(item, Email.Read)]).toEqual([true, '1']);
        phone.version = from;
        expect((await phone.sync(inbox)).status).toBe(1);
        phone.version = to;
        expect((await phone.sync(inbox)).status).toBe(1);
      }
    },
  );

  test.each([1, 2])(
    'Sync: however often it changes, it holds in the end what a new one does (seed %i)',
    async (seed) => {
      let state = seed * 7919;
      const upTo = (count: number) => {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
        return Math.floor(state / 256) % count;
      };
      const oneOf = <T>(list: readonly T[]): T | undefined => list[upTo(Math.max(1, list.length))];
      const { server, phone, inbox } = await startPhone('2.5');
      const ids: ItemId[] = [];
      const sync = async (options: Parameters<typeof phone.sync>[1] = {}) => {
        if ((await phone.sync(inbox, options)).status === 3) phone.collection(inbox).reset();
      };
      const marks = [
        () => ({ flag: upTo(2) === 0 ? null : flag }),
        () => ({ categories: upTo(2) === 0 ? [] : ['red'] }),
        () => ({ read: upTo(2) === 0 }),
      ];
      const steps = [
        async () => void ids.push(await server.deliver(`Message ${ids.length}`)),
        async () => {
          const [id, mark] = [oneOf(ids), oneOf(marks)];
          if (id !== undefined && mark !== undefined) await elsewhere(server).mark(id, mark());
        },
        async () => {
          phone.version = oneOf(versions) ?? '2.5';
        },
        async () => await sync({ windowSize: 1 + upTo(4) }),
        async () => {
          const held = oneOf([...phone.collection(inbox).items.keys()]);
          if (held !== undefined) await sync({ commands: [read(held, upTo(2) === 0)] });
        },
        // Its answer is lost.
        async () => void (await syncRaw(phone, [phone.collectionElement(inbox)])),
      ];
      for (let n = 0; n < 60; n++) await oneOf(steps)?.();
      phone.version = '16.1';
      const known = (items: ReadonlyMap<string, Element>) =>
        new Map(
          [...items].map(([id, item]) => [
            id,
            [Email.Subject, Email.Read, Email.Flag, Email.Categories].map((tag) => {
              const element = child(item, tag);
              return element?.text || (element?.children ?? []).map(({ text }) => text);
            }),
          ]),
        );
      const { phone: fresh } = await startPhone('16.1', { server, deviceId: 'fresh' });
      expect(known(await phone.syncAll(inbox))).toEqual(known(await fresh.syncAll(inbox)));
      expect(phone.collection(inbox).anomalies).toEqual([]);
    },
  );

  test('14.1 to 2.5 and back: what it marked itself is known to it, and its key goes on', async () => {
    const { server, phone, inbox } = await startPhone('14.1');
    const serverId = `${inbox}:${await server.deliver('One')}`;
    await phone.syncAll(inbox);
    const marks = [el(Email.Flag, el(Email.Status, 2), el(Email.FlagType, 'x'))];
    await phone.sync(inbox, { commands: [commands.change(serverId, ...marks)] });
    phone.version = '2.5';
    await elsewhere(server).mark(Number(serverId.split(':')[1]) as ItemId, { read: true });
    expect(told((await phone.sync(inbox)).commands)).toEqual([['Change', serverId, 'Read']]);
    phone.version = '14.1';
    expect((await phone.sync(inbox)).status).toBe(1);
  });

  test('2.5 to 14.1: a lost answer that told nothing of a mark is not gone on from', async () => {
    const { server, phone, inbox } = await startPhone('2.5');
    const id = await server.deliver('One');
    await elsewhere(server).mark(id, { flag });
    await phone.sync(inbox);
    const before = phone.collection(inbox).syncKey;
    await phone.sync(inbox);
    phone.version = '14.1';
    const { commands: again, status } = await phone.sync(inbox, { syncKey: before });
    expect([
      status,
      textOf(child(again, AirSync.Add, AirSync.ApplicationData), Email.Flag, Email.Status),
    ]).toEqual([1, '2']);
    expect((await phone.sync(inbox)).status).toBe(1);
  });

  test('14.1 to 12.0: Sync: with Options of 14.1 for SMS alone its mail comes in 12.0', async () => {
    const { server, phone, inbox } = await startPhone('14.1');
    await phone.sync(inbox, { options: [el(AirSync.Class, 'SMS')] });
    await server.deliver('One');
    expect((await phone.sync(inbox)).commands).toBeUndefined();
    phone.version = '12.0';
    expect((await phone.sync(inbox)).commands?.children).toHaveLength(1);
  });

  test('2.5 to 14.1: the key goes on, and what comes then is in the form of 14.1', async () => {
    const { server, phone, inbox } = await startPhone('2.5');
    const [one, two] = [await server.deliver('One'), await server.deliver('Two')];
    await phone.syncAll(inbox, { options: [el(AirSync.Truncation, 1)] });
    phone.version = '14.1';
    await elsewhere(server).mark(one, { read: true, categories: ['red'] });
    const first = await phone.sync(inbox);
    expect(first.status).toBe(1);
    expect(told(first.commands)).toEqual([['Change', `${inbox}:${one}`, 'Read', 'Categories']]);
    const three = await server.deliver('Three');
    const { commands: added } = await phone.sync(inbox, { body: { type: 1 } });
    const data = child(added, AirSync.Add, AirSync.ApplicationData);
    expect(textOf(data, AirSyncBase.Body, AirSyncBase.Data)).toBe('Text of Three\r\n');
    expect(child(data, Email.Flag)).toBeDefined();
    const held = [...phone.collection(inbox).items.keys()].sort();
    expect(held).toEqual([one, two, three].map((id) => `${inbox}:${id}`).sort());
    expect(phone.collection(inbox).anomalies).toEqual([]);
    expect(
      await server.devices.get(server.alice.mailbox, phone.deviceId.toLowerCase() as never),
    ).toMatchObject({
      protocolVersion: '14.1',
    });
  });

  test('14.1 to 2.5 and back: each answer has the form of its request, and nothing is told twice', async () => {
    const { server, phone, inbox } = await startPhone('14.1');
    await phone.sync(inbox, { body: { type: 2, truncationSize: 10 } });
    const subjects: string[] = [];
    for (const version of ['14.1', '2.5', '12.0', '16.1', '2.5', '14.1'] as const) {
      phone.version = version;
      await server.deliver(version);
      const { commands: sent, moreAvailable } = await phone.sync(inbox);
      expect(moreAvailable).toBe(false);
      for (const { children } of sent?.children ?? []) {
        const data = children.find(({ tag }) => tag === AirSync.ApplicationData);
        subjects.push(textOf(data, Email.Subject) ?? '');
        const isOld = child(data, Email.BodyTruncated) !== undefined;
        expect([isOld, child(data, AirSyncBase.Body) !== undefined]).toEqual([
          version === '2.5',
          version !== '2.5',
        ]);
      }
    }
    expect(subjects).toEqual(['14.1', '2.5', '12.0', '16.1', '2.5', '14.1']);
    expect(phone.collection(inbox).anomalies).toEqual([]);
    expect(phone.collection(inbox).items.size).toBe(6);
  });

  test('a lost answer in 2.5 is given again in 14.1', async () => {
    const { server, phone, inbox } = await startPhone('2.5');
    await phone.sync(inbox);
    await server.deliver('One');
    await syncRaw(phone, [phone.collectionElement(inbox)]);
    phone.version = '14.1';
    const { commands: sent } = await phone.sync(inbox);
    expect(child(sent, AirSync.Add, AirSync.ApplicationData, AirSyncBase.Body)).toBeDefined();
    expect((await phone.sync(inbox)).commands).toBeUndefined();
    expect(phone.collection(inbox).items.size).toBe(1);
  });
});
