import { describe, expect, test } from 'vitest';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { child, el, textOf } from '#protocols/activesync/wbxml/element';
import { EasClient } from '#test/support/eas-client';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';
import {
  answered,
  commands,
  elsewhere,
  expectNothing,
  startPhone,
  statuses,
  syncRaw,
  told,
  versions,
} from './sync-phone.ts';

const { read, remove } = commands;

describe.each(versions)('%s: keys', (version) => {
  test('key 0 primes: a key and no Commands, also with GetChanges', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await server.deliver('One');
    for (const getChanges of [undefined, true, false]) {
      const options = getChanges === undefined ? {} : { getChanges };
      const primed = await phone.sync(inbox, { syncKey: '0', ...options });
      expect(primed).toMatchObject({ status: 1, moreAvailable: false, commands: undefined });
      expect(primed.response.element?.children[0]?.children[0]?.children.map(({ tag }) => tag.name)).toEqual([
        ...(isAtLeast(version, '12.1') ? [] : ['Class']),
        'SyncKey',
        'CollectionId',
        'Status',
      ]);
    }
    expect((await phone.sync(inbox)).commands?.children).toHaveLength(1);
  });

  test('Options that come with key 0 stay in force', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await server.deliver('One');
    if (version === '2.5') {
      await phone.sync(inbox, { options: [el(AirSync.Truncation, 0)] });
      const { commands: sent } = await phone.sync(inbox);
      expect(textOf(sent, AirSync.Add, AirSync.ApplicationData, Email.BodyTruncated)).toBe('1');
      return;
    }
    await phone.sync(inbox, { body: { type: 1, truncationSize: 4 } });
    const { commands: sent } = await phone.sync(inbox);
    const body = child(sent, AirSync.Add, AirSync.ApplicationData, AirSyncBase.Body);
    expect(textOf(body, AirSyncBase.Data)).toBe('Text');
    expect(textOf(body, AirSyncBase.Truncated)).toBe('1');
  });

  test('Commands with key 0 answer Status 4', async () => {
    const { phone, inbox } = await startPhone(version);
    const sent = await phone.sync(inbox, { syncKey: '0', commands: [read(`${inbox}:1024`, true)] });
    expect(sent.response.rootStatus).toBe(4);
  });

  test('a repeated key gives the same changes, and its commands are applied once', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const [one, two] = [await server.deliver('One'), await server.deliver('Two')];
    await phone.syncAll(inbox);
    const key = phone.collection(inbox).syncKey;
    await server.deliver('Three');
    const sent = [remove(`${inbox}:${one}`), read(`${inbox}:${two}`, true)];
    const element = phone.collectionElement(inbox, { commands: sent });
    const lost = await syncRaw(phone, [element]);
    const again = await phone.sync(inbox, { syncKey: key, commands: sent });
    expect(again).toMatchObject({ status: 1, responses: undefined });
    const first = child(lost.element, AirSync.Collections, AirSync.Collection, AirSync.Commands);
    expect(told(again.commands)).toEqual(told(first));
    expect(phone.collection(inbox).anomalies).toEqual([]);
    expectNothing(phone, (await phone.sync(inbox)).response);
    const trash = phone.folder(4);
    expect((await phone.syncAll(trash)).size).toBe(1);
  });

  test('lost answers may follow each other, and the next key still goes on from the last', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await phone.syncAll(inbox);
    for (let n = 0; n < 4; n++) {
      await server.deliver(`m${n}`);
      await syncRaw(phone, [phone.collectionElement(inbox)]);
    }
    expect((await phone.syncAll(inbox)).size).toBe(4);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test('a request that comes twice is answered twice the same, and either answer can be gone on from', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const id = await server.deliver('One');
    await phone.syncAll(inbox);
    await server.deliver('Two');
    const sent = [read(`${inbox}:${id}`, true), remove(`${inbox}:12345`)];
    const element = phone.collectionElement(inbox, { commands: sent });
    const [first, second] = await Promise.all([syncRaw(phone, [element]), syncRaw(phone, [element])]);
    expect(first.body.equals(second.body)).toBe(true);
    phone.applySync(inbox, first, sent);
    expectNothing(phone, (await phone.sync(inbox)).response);
  });

  test('of two answers to one key only the last one counts: the key of the other answers Status 3', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await phone.syncAll(inbox);
    await server.deliver('One');
    const key = phone.collection(inbox).syncKey;
    await phone.sync(inbox);
    await server.deliver('Two');
    await syncRaw(phone, [phone.collectionElement(inbox, { syncKey: key })]);
    expect((await phone.sync(inbox)).status).toBe(3);
  });

  test('a key two behind, a key of another folder and garbage answer Status 3 with key 0', async () => {
    const { server, phone, inbox, trash } = await startPhone(version);
    await phone.sync(inbox);
    const { syncKey } = phone.collection(inbox);
    for (const subject of ['One', 'Two']) {
      await server.deliver(subject);
      await phone.sync(inbox);
    }
    await phone.syncAll(trash);
    const others = [syncKey, phone.collection(trash).syncKey, 'x', '1', '-1', '{0}1', 'ü', `${syncKey}0`];
    for (const wrong of others) {
      const { response, status } = await phone.sync(inbox, { syncKey: wrong });
      expect(status, wrong).toBe(3);
      const collection = child(response.element, AirSync.Collections, AirSync.Collection);
      expect(textOf(collection, AirSync.SyncKey)).toBe('0');
      expect(textOf(collection, AirSync.CollectionId)).toBe(inbox);
    }
    expectNothing(phone, (await phone.sync(inbox)).response);
  });

  test('key 0 starts over, and keys of the life before are unknown', async () => {
    const { server, phone, inbox } = await startPhone(version);
    await server.deliver('One');
    await phone.syncAll(inbox);
    const old = phone.collection(inbox).syncKey;
    phone.collection(inbox).reset();
    expect((await phone.syncAll(inbox)).size).toBe(1);
    expect((await phone.sync(inbox, { syncKey: old })).status).toBe(3);
  });

  test('an unknown CollectionId answers Status 12 in its Collection', async () => {
    const { phone, inbox } = await startPhone(version);
    for (const id of ['999', 'Inbox', '0', '1:1']) {
      for (const syncKey of ['0', '1']) {
        const response = await syncRaw(phone, [
          el(AirSync.Collection, el(AirSync.SyncKey, syncKey), el(AirSync.CollectionId, id)),
          phone.collectionElement(inbox, { syncKey: '0' }),
        ]);
        expect(answered(response)).toMatchObject([
          { id, status: 12 },
          { id: inbox, status: 1 },
        ]);
      }
    }
  });

  test('a Collection that is there twice answers Status 4, and nothing of it is done', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const serverId = `${inbox}:${await server.deliver('One')}`;
    await phone.syncAll(inbox);
    await server.deliver('Two');
    const one = phone.collectionElement(inbox, { commands: [commands.read(serverId, true)] });
    const { rootStatus } = await syncRaw(phone, [one, phone.collectionElement(phone.folder(4)), one]);
    expect(rootStatus).toBe(4);
    const items = await phone.syncAll(inbox);
    expect(items.size).toBe(2);
    expect(textOf(items.get(serverId), Email.Read)).toBe('0');
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test('a Collection without SyncKey or CollectionId, and a request for nothing, answer Status 4', async () => {
    const { phone, inbox } = await startPhone(version);
    const id = el(AirSync.CollectionId, inbox);
    const requests = [
      await syncRaw(phone, [el(AirSync.Collection, id)]),
      await syncRaw(phone, [el(AirSync.Collection, el(AirSync.SyncKey), id)]),
      await syncRaw(phone, [el(AirSync.Collection, el(AirSync.SyncKey, '0'))]),
      await syncRaw(phone, []),
      await phone.post('Sync', el(AirSync.Sync), { validateRequest: false }),
    ];
    expect(requests.map(({ rootStatus }) => rootStatus)).toEqual([4, 4, 4, 4, 4]);
  });

  test('more than 200 commands answer Status 4, 301 collections Status 15 with Limit 300', async () => {
    const { server, phone, inbox } = await startPhone(version);
    const id = await server.deliver('One');
    await phone.syncAll(inbox);
    const many = (count: number) =>
      Array.from({ length: count }, (_, n) => read(`${inbox}:${id}`, n % 2 === 0));
    expect((await phone.sync(inbox, { commands: many(201) })).response.rootStatus).toBe(4);
    expect((await phone.sync(inbox, { commands: many(200) })).status).toBe(1);
    const collections = Array.from({ length: 301 }, () => phone.collectionElement(inbox, { syncKey: '0' }));
    const { element, rootStatus } = await syncRaw(phone, collections);
    // Limit came with 12.1.
    const refused = isAtLeast(version, '12.1') ? [15, '300'] : [4, undefined];
    expect([rootStatus, textOf(element, AirSync.Limit)]).toEqual(refused);
  });
});

describe.each(versions)('%s: windows', (version) => {
  test('the initial sync comes in windows, and MoreAvailable stands between Status and Commands', async () => {
    const { server, phone, inbox } = await startPhone(version);
    for (let n = 0; n < 5; n++) await server.deliver(`m${n}`);
    await phone.sync(inbox);
    const counts: number[] = [];
    for (;;) {
      const { response, commands: sent, moreAvailable } = await phone.sync(inbox, { windowSize: 2 });
      counts.push(sent?.children.length ?? 0);
      const [collection] = response.element?.children[0]?.children ?? [];
      const names = [
        ...(isAtLeast(version, '12.1') ? [] : ['Class']),
        'SyncKey',
        'CollectionId',
        'Status',
        ...(moreAvailable ? ['MoreAvailable'] : []),
        'Commands',
      ];
      expect(collection?.children.map(({ tag }) => tag.name)).toEqual(names);
      if (!moreAvailable) break;
    }
    expect(counts).toEqual([2, 2, 1]);
    expect(phone.collection(inbox).items.size).toBe(5);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test('the global window is filled in the order of the request, and the rest follows', async () => {
    const { server, phone, inbox, trash } = await startPhone(version);
    const sent = phone.folder(5);
    const folders = [trash, inbox, sent];
    for (const folder of folders) {
      for (let n = 0; n < 3; n++) await server.deliver(`m${n}`, Number(folder));
      await phone.sync(folder);
    }
    // Below 12.1 nothing is left out.
    const old = <T>(...rows: readonly T[]) => (isAtLeast(version, '12.1') ? [] : rows);
    const answers = [];
    for (let n = 0; n < 3; n++) {
      const response = await syncRaw(
        phone,
        folders.map((folder) => phone.collectionElement(folder, { windowSize: 2 })),
        el(AirSync.WindowSize, 4),
      );
      answers.push(answered(response).map(({ id, commands, more }) => [id, commands, more]));
      for (const folder of folders) phone.applySync(folder, response);
    }
    expect(answers).toEqual([
      [[trash, 2, true], [inbox, 2, true], ...old([sent, 0, true])],
      [
        [trash, 1, false],
        [inbox, 1, false],
        [sent, 2, true],
      ],
      [...old([trash, 0, false], [inbox, 0, false]), [sent, 1, false]],
    ]);
  });

  test('a full window does not keep the commands of a later collection from being done', async () => {
    const { server, phone, inbox, trash } = await startPhone(version);
    const id = await server.deliver('m', Number(trash));
    await phone.syncAll(trash);
    await phone.sync(inbox);
    for (let n = 0; n < 2; n++) await server.deliver(`m${n}`);
    await server.deliver('new', Number(trash));
    const own = [read(`${trash}:${id}`, true), read(`${trash}:99`, true)];
    const response = await syncRaw(
      phone,
      [phone.collectionElement(inbox), phone.collectionElement(trash, { commands: own })],
      el(AirSync.WindowSize, 2),
    );
    expect(answered(response)).toMatchObject([{ commands: 2 }, { id: trash, commands: 0 }]);
    expect(statuses(phone.applySync(trash, response, own).responses)).toEqual([`Change ${trash}:99 8`]);
    expect((await phone.syncAll(trash)).size).toBe(2);
  });
});

test('a WindowSize of 0 or above 512 is 512, an absent one 100', async () => {
  const { server, phone, inbox } = await startPhone('14.1');
  await Promise.all(Array.from({ length: 520 }, (_, n) => server.deliver(`m${n}`)));
  for (const [windowSize, count] of [
    ['0', 512],
    ['513', 512],
    ['99999999999', 512],
    ['many', 512],
    [undefined, 100],
  ] as const) {
    phone.collection(inbox).reset();
    await phone.sync(inbox);
    const plain = phone.collectionElement(inbox);
    const element =
      windowSize === undefined ? plain : el(plain.tag, ...plain.children, el(AirSync.WindowSize, windowSize));
    const [answer] = answered(await syncRaw(phone, [element]));
    expect(answer, String(windowSize)).toMatchObject({ commands: count, more: true });
  }
});

test('GetChanges 0 applies commands, keeps the changes for later and gives a new key', async () => {
  const { server, phone, inbox } = await startPhone('14.1');
  const id = await server.deliver('One');
  await phone.syncAll(inbox);
  await server.deliver('Two');
  const { syncKey } = phone.collection(inbox);
  const quiet = await phone.sync(inbox, { getChanges: false, commands: [read(`${inbox}:${id}`, true)] });
  expect(quiet).toMatchObject({ status: 1, commands: undefined, responses: undefined });
  expect(phone.collection(inbox).syncKey).not.toBe(syncKey);
  expect((await phone.sync(inbox, { getChanges: false })).response.body).toHaveLength(0);
  expect((await phone.syncAll(inbox)).size).toBe(2);
});

test('a folder of every class primes and stays quiet', async () => {
  const { phone } = await startPhone('16.1');
  for (const id of phone.folders.keys()) {
    expect((await phone.sync(id)).status).toBe(1);
    expect((await phone.sync(id)).response.body, id).toHaveLength(0);
    const add = el(
      AirSync.Add,
      el(AirSync.ClientId, 'c1'),
      el(AirSync.ApplicationData, el(Email.Subject, 'x')),
    );
    const { syncKey } = phone.collection(id);
    const refused = await phone.sync(id, { commands: [add] });
    // Drafts are the only mail that a device adds.
    const answer = id === phone.folder(3) ? expect.stringMatching(/^Add 2:\d+ 1$/) : 'Add c1 6';
    expect(statuses(refused.responses), id).toEqual([answer]);
    expect(phone.collection(id).syncKey).not.toBe(syncKey);
  }
});

describe.each(['14.0', '16.1'] as const)('%s', (version) => {
  test('ConversationMode on a folder without mail answers Status 4 and leaves the key, on mail it does no harm', async () => {
    const { phone, inbox } = await startPhone(version);
    for (const [id, status] of [
      [inbox, 1],
      [phone.folder(8), 4],
    ] as const) {
      for (const syncKey of ['0', undefined]) {
        if (syncKey === undefined) await phone.syncAll(id);
        const key = syncKey ?? phone.collection(id).syncKey;
        const element = el(
          AirSync.Collection,
          el(AirSync.SyncKey, key),
          el(AirSync.CollectionId, id),
          el(AirSync.ConversationMode, true),
          el(AirSync.Options, el(AirSync.FilterType, 0)),
        );
        const response = await syncRaw(phone, [element]);
        if (status === 4 || key === '0') expect(answered(response)).toMatchObject([{ id, status }]);
        else expect(response.status).toBe(200);
      }
      expect((await phone.sync(id)).status).toBe(1);
    }
  });
});

test('state survives a restart of the server', async () => {
  const folder = await tempFolder();
  const before = await startServer({ folder });
  const alice = await before.addUser('alice');
  const deliver = async (server: typeof before, subject: string) => {
    const client = await SmtpClient.greeted(`${server.smtp.host}:${server.smtp.port}`);
    await client.command('EHLO client.example');
    const raw = Buffer.from(`From: x@example.org\r\nSubject: ${subject}\r\n\r\nText\r\n`);
    expect((await client.mail('x@example.org', [alice.address], raw)).code).toBe(250);
    client.close();
  };
  const client = (server: typeof before) =>
    new EasClient({ baseUrl: server.baseUrl, ca: server.ca, user: alice.address, password: alice.password });
  await deliver(before, 'One');
  const phone = client(before);
  await phone.provision();
  await phone.folderSync();
  const inbox = phone.folder(2);
  await phone.syncAll(inbox);
  const { syncKey } = phone.collection(inbox);
  await before.server.stop();

  const after = await startServer({ folder });
  const same = client(after);
  same.policyKey = phone.policyKey;
  expect((await same.sync(inbox, { syncKey })).response.body).toHaveLength(0);
  expect((await same.post('Sync')).body).toHaveLength(0);
  await deliver(after, 'Two');
  const { commands: sent } = await same.sync(inbox, { syncKey });
  expect(sent?.children.map((add) => textOf(add, AirSync.ApplicationData, Email.Subject))).toEqual(['Two']);
});

test('changes that another device makes reach each device once, in its own time', async () => {
  const { server, phone, inbox } = await startPhone('14.1');
  const { phone: tablet } = await startPhone('16.1', { server, deviceId: 'tablet' });
  const id = await server.deliver('One');
  await phone.syncAll(inbox);
  await tablet.syncAll(inbox);
  await elsewhere(server).mark(id, { read: true });
  expect(told((await phone.sync(inbox)).commands)).toEqual([['Change', `${inbox}:${id}`, 'Read']]);
  expectNothing(phone, (await phone.sync(inbox)).response);
  await elsewhere(server).remove(id);
  expect(told((await tablet.sync(inbox)).commands)).toEqual([['Delete', `${inbox}:${id}`]]);
});
