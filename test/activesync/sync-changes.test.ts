import { describe, expect, test } from 'vitest';
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { Tasks } from '#protocols/activesync/wbxml/code-pages/tasks';
import { type Content, child, childrenOf, el, textOf } from '#protocols/activesync/wbxml/element';
import { forms } from '#test/support/eas-versions';
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

const { change, read, remove, fetch } = commands;
const flag = (...parts: readonly Content[]) => el(Email.Flag, ...parts);
const active = flag(el(Email.Status, 2), el(Email.FlagType, 'Flag for follow up'));
const categories = (...names: readonly string[]) =>
  el(Email.Categories, ...names.map((name) => el(Email.Category, name)));

/** A phone that holds one message of the Inbox. */
async function startWithOne(version: (typeof versions)[number]) {
  const started = await startPhone(version);
  const id = await started.server.deliver('One');
  await started.phone.syncAll(started.inbox);
  return { ...started, id, serverId: `${started.inbox}:${id}` };
}

describe.each(versions)('%s: changes of the server', (version) => {
  /** Those of these marks that the version knows. */
  const marked = (...names: readonly ('Read' | 'Flag' | 'Categories')[]) =>
    names.filter((name) =>
      isAtLeast(version, { Read: '2.5', Flag: '12.0', Categories: '14.0' }[name] as ProtocolVersion),
    );

  test('an added, a changed and a deleted message come as Add, Change and Delete', async () => {
    const { server, phone, inbox, id, serverId } = await startWithOne(version);
    const gone = await server.deliver('Gone');
    await phone.syncAll(inbox);
    const added = await server.deliver('Two');
    await elsewhere(server).mark(id, { read: true });
    await elsewhere(server).remove(gone);
    const list = told((await phone.sync(inbox)).commands);
    expect(list.map(([kind, item]) => [kind, item])).toEqual([
      ['Add', `${inbox}:${added}`],
      ['Change', serverId],
      ['Delete', `${inbox}:${gone}`],
    ]);
    expect(phone.collection(inbox).anomalies).toEqual([]);
  });

  test('what came and went in between is not told of', async () => {
    const { server, phone, inbox, id } = await startWithOne(version);
    await elsewhere(server).remove(await server.deliver('Short-lived'));
    expectNothing(phone, (await phone.sync(inbox)).response);
    await elsewhere(server).mark(id, { read: true });
    await elsewhere(server).remove(id);
    expect(told((await phone.sync(inbox)).commands)).toEqual([['Delete', `${inbox}:${id}`]]);
  });

  test('a Change holds Read, Flag and Categories alone, as far as they changed', async () => {
    const { server, phone, inbox, id, serverId } = await startWithOne(version);
    const mark = { status: 2, type: 'Flag for follow up' } as const;
    const steps = [
      [{ read: true }, marked('Read')],
      [{ flag: mark }, marked('Flag')],
      [{ categories: ['red'] }, marked('Categories')],
      [{ read: false, flag: null }, marked('Read', 'Flag')],
      [{ read: true, categories: [] }, marked('Read', 'Categories')],
    ] as const;
    for (const [marks, names] of steps) {
      await elsewhere(server).mark(id, marks);
      const { commands: sent, response } = await phone.sync(inbox);
      if (names.length === 0) expectNothing(phone, response);
      else expect(told(sent)).toEqual([['Change', serverId, ...names]]);
    }
    const held = phone.collection(inbox).items.get(serverId);
    expect(textOf(held, Email.Read)).toBe('1');
    expect(child(held, Email.Flag)?.children).toEqual(version === '2.5' ? undefined : []);
  });

  test('changes fold: one Change for all that happened, and whole for what left and came back', async () => {
    const { server, phone, inbox, trash, id, serverId } = await startWithOne(version);
    await elsewhere(server).mark(id, { read: true });
    await elsewhere(server).mark(id, { flag: { status: 2, type: 'x' } });
    await elsewhere(server).mark(id, { read: false });
    expect(told((await phone.sync(inbox)).commands)).toEqual([
      ['Change', serverId, ...marked('Read', 'Flag')],
    ]);
    const { phone: tablet } = await startPhone(version, { server, deviceId: 'tablet' });
    await tablet.moveItems({ item: serverId, from: inbox, to: trash });
    await tablet.moveItems({ item: `${trash}:${id}`, from: trash, to: inbox });
    const [whole] = told((await phone.sync(inbox)).commands);
    expect(whole?.slice(0, 3)).toEqual(['Change', serverId, 'To']);
    expect(whole).toContain('Body');
  });

  test('what the phone itself moves comes once in its new place', async () => {
    const { phone, inbox, trash, id, serverId } = await startWithOne(version);
    await phone.syncAll(trash);
    await phone.moveItems({ item: serverId, from: inbox, to: trash });
    expectNothing(phone, (await phone.sync(inbox)).response);
    const [added] = told((await phone.sync(trash)).commands);
    expect(added?.slice(0, 2)).toEqual(['Add', `${trash}:${id}`]);
    expectNothing(phone, (await phone.sync(trash)).response);
  });
});

describe.each(versions)('%s: changes of the client', (version) => {
  test.runIf(isAtLeast(version, '12.0'))(
    'Read, Flag and Categories are kept, told to other devices, and do not come back',
    async () => {
      const { server, phone, inbox, serverId } = await startWithOne(version);
      const { phone: tablet } = await startPhone(version, { server, deviceId: 'tablet' });
      await tablet.syncAll(inbox);
      const data = [
        el(Email.Read, true),
        active,
        ...(!isAtLeast(version, '14.0') ? [] : [categories('red', 'blue')]),
      ];
      const answer = await phone.sync(inbox, { commands: [change(serverId, ...data)] });
      expect(answer).toMatchObject({ status: 1, commands: undefined, responses: undefined });
      expectNothing(phone, (await phone.sync(inbox)).response);
      const [told1] = told((await tablet.sync(inbox)).commands);
      expect(told1?.slice(2)).toEqual([
        'Read',
        'Flag',
        ...(!isAtLeast(version, '14.0') ? [] : ['Categories']),
      ]);
      const held = tablet.collection(inbox).items.get(serverId);
      expect(textOf(held, Email.Flag, Email.Status)).toBe('2');
      expect(textOf(held, Email.Flag, Tasks.Subject)).toBe('One');
      if (isAtLeast(version, '14.0')) {
        const list = childrenOf(child(held, Email.Categories), Email.Category);
        expect(list.map(({ text }) => text)).toEqual(['red', 'blue']);
        await phone.sync(inbox, { commands: [change(serverId, categories())] });
        await tablet.sync(inbox);
        expect(child(tablet.collection(inbox).items.get(serverId), Email.Categories)?.children).toEqual([]);
      }
      await phone.sync(inbox, { commands: [change(serverId, flag())] });
      await tablet.sync(inbox);
      expect(child(tablet.collection(inbox).items.get(serverId), Email.Flag)?.children).toEqual([]);
    },
  );

  test.runIf(isAtLeast(version, '12.0'))('a flag goes through all its states', async () => {
    const { server, phone, inbox, serverId } = await startWithOne(version);
    const { phone: tablet } = await startPhone(version, { server, deviceId: 'tablet' });
    await tablet.syncAll(inbox);
    const time = '2026-11-22T11:30:00.000Z';
    const due = '2026-11-29T00:00:00.000Z';
    const whole = [
      el(Tasks.Subject, 'Call back'),
      el(Email.Status, 2),
      el(Email.FlagType, 'for Follow Up'),
      el(Tasks.StartDate, time),
      el(Tasks.DueDate, due),
      el(Tasks.UtcStartDate, time),
      el(Tasks.UtcDueDate, due),
      el(Tasks.ReminderSet, true),
      el(Tasks.ReminderTime, time),
    ];
    const done = [
      el(Tasks.Subject, 'Call back'),
      el(Email.Status, 1),
      el(Email.FlagType, 'for Follow Up'),
      el(Tasks.DateCompleted, due),
      el(Email.CompleteTime, due),
    ];
    for (const parts of [whole, done]) {
      expect(
        (await phone.sync(inbox, { commands: [change(serverId, flag(...parts))] })).responses,
      ).toBeUndefined();
      await tablet.sync(inbox);
      const held = child(tablet.collection(inbox).items.get(serverId), Email.Flag);
      const values = (list: typeof parts) => list.map(({ tag, text }) => `${tag.name}=${text}`).sort();
      expect(values([...(held?.children ?? [])])).toEqual(values(parts));
    }
  });

  test('a malformed Read or Flag, and a property of the server, answer Status 6 for that item alone', async () => {
    const { server, phone, inbox, serverId } = await startWithOne(version);
    const other = `${inbox}:${await server.deliver('Two')}`;
    await phone.syncAll(inbox);
    const time = '2026-11-22T11:30:00.000Z';
    const before = '2026-11-20T11:30:00.000Z';
    const dates = (start: string, end: string) => [
      el(Tasks.StartDate, start),
      el(Tasks.DueDate, end),
      el(Tasks.UtcStartDate, start),
      el(Tasks.UtcDueDate, end),
    ];
    const wrong: readonly Content[] = [
      el(Email.Read, '2'),
      el(Email.Read, 'yes'),
      flag(el(Email.Status, 3)),
      flag(el(Email.Status, 'x')),
      flag(el(Email.Status, 2), el(Tasks.DueDate, time)),
      flag(el(Email.Status, 2), ...dates(time, before)),
      flag(el(Email.Status, 2), ...dates('soon', time)),
      flag(el(Email.Status, 2), el(Tasks.ReminderSet, true)),
      flag(el(Email.Status, 2), el(Tasks.ReminderSet, 'abc'), el(Tasks.ReminderTime, time)),
      flag(el(Email.Status, 2), el(Tasks.ReminderSet, '2'), el(Tasks.ReminderTime, time)),
      flag(el(Email.Status, 1), el(Email.CompleteTime, time)),
      flag(el(Email.Status, 1), el(Tasks.DateCompleted, time)),
      el(Email2.Sender, 'x@example.org'),
      el(Email2.ReceivedAsBcc, true),
      el(Email2.ConversationId, Buffer.alloc(16)),
    ];
    for (const [n, part] of wrong.entries()) {
      const key = phone.collection(inbox).syncKey;
      const sent = [change(serverId, part), read(other, n % 2 === 0)];
      const response = await syncRaw(phone, [phone.collectionElement(inbox, { commands: sent })]);
      const { responses } = phone.applySync(inbox, response, sent);
      expect(statuses(responses), String(n)).toEqual([`Change ${serverId} 6`]);
      expect(phone.collection(inbox).syncKey).not.toBe(key);
    }
    expect(textOf(phone.collection(inbox).items.get(other), Email.Read)).toBe('1');
    phone.collection(inbox).reset();
    const items = await phone.syncAll(inbox);
    expect(textOf(items.get(serverId), Email.Read)).toBe('0');
    expect(child(items.get(serverId), Email.Flag)?.children ?? []).toEqual([]);
    expect(textOf(items.get(other), Email.Read)).toBe('1');
  });

  test('what a client may not change is ignored', async () => {
    const { phone, inbox, serverId } = await startWithOne(version);
    const data = [el(Email.Subject, 'Changed'), el(Email.From, 'x@y'), el(Email.Read, true)];
    const sent = [
      change(serverId, ...data),
      change(serverId),
      el(AirSync.Change, el(AirSync.ServerId, serverId)),
    ];
    const element = phone.collectionElement(inbox, { commands: sent });
    expect(answered(await syncRaw(phone, [element]))).toMatchObject([{ status: 1, commands: 0 }]);
    phone.collection(inbox).reset();
    const held = (await phone.syncAll(inbox)).get(serverId);
    expect([textOf(held, Email.Subject), textOf(held, Email.Read)]).toEqual(['One', '1']);
  });

  test('a Change of a missing item answers Status 8, a Delete of one nothing', async () => {
    const { server, phone, inbox, id, serverId } = await startWithOne(version);
    await elsewhere(server).remove(id);
    for (const missing of [serverId, `${inbox}:12345`]) {
      const { responses } = await phone.sync(inbox, { commands: [read(missing, true)] });
      expect(statuses(responses)).toEqual([`Change ${missing} 8`]);
      expect((await phone.sync(inbox, { commands: [remove(missing)] })).responses).toBeUndefined();
    }
    const sent = [read('nonsense', true), fetch('4:1024'), fetch(serverId)];
    const { responses } = await phone.sync(inbox, { commands: sent });
    expect(statuses(responses)).toEqual(['Change nonsense 8', 'Fetch 4:1024 8', `Fetch ${serverId} 8`]);
  });

  test('Add of mail answers Status 6, below 16.0 in Drafts, too', async () => {
    const { phone, inbox } = await startWithOne(version);
    const add = el(
      AirSync.Add,
      el(AirSync.ClientId, 'a1'),
      el(AirSync.ApplicationData, el(Email.Subject, 'x')),
    );
    for (const folder of isAtLeast(version, '16.0') ? [inbox] : [inbox, phone.folder(3)]) {
      await phone.syncAll(folder);
      const { responses } = await phone.sync(folder, { commands: [add] });
      expect(statuses(responses)).toEqual(['Add a1 6']);
    }
  });

  test('Fetch gives the whole item, whatever the options cut', async () => {
    const { phone, inbox, serverId } = await startWithOne(version);
    const { responses } = await phone.sync(inbox, {
      body: { type: 1, truncationSize: 4 },
      commands: [fetch(serverId)],
    });
    expect(statuses(responses)).toEqual([`Fetch ${serverId} 1`]);
    const data = child(responses, AirSync.Fetch, AirSync.ApplicationData);
    const whole =
      version === '2.5' ? textOf(data, Email.Body) : textOf(data, AirSyncBase.Body, AirSyncBase.Data);
    expect(whole).toBe('Text of One\r\n');
    expect(textOf(data, Email.Subject)).toBe('One');
  });

  test('Delete moves to Deleted Items unless DeletesAsMoves is 0, and is for good there', async () => {
    const { server, phone, inbox, trash } = await startPhone(version);
    await phone.syncAll(trash);
    for (const [moves, kept] of [
      [undefined, 1],
      [el(AirSync.DeletesAsMoves, true), 1],
      [el(AirSync.DeletesAsMoves), 1],
      [el(AirSync.DeletesAsMoves, false), 0],
    ] as const) {
      const id = await server.deliver('One');
      await phone.syncAll(inbox);
      const sent = [remove(`${inbox}:${id}`)];
      const { tag, children } = phone.collectionElement(inbox, { commands: sent });
      const response = await syncRaw(phone, [el(tag, ...children, moves)]);
      expect(phone.applySync(inbox, response, sent)).toMatchObject({ status: 1, responses: undefined });
      expectNothing(phone, (await phone.sync(inbox)).response);
      const items = await phone.syncAll(trash);
      expect([...items.keys()]).toEqual(kept === 1 ? [`${trash}:${id}`] : []);
      await phone.sync(trash, { deletesAsMoves: true, commands: [...items.keys()].map(remove) });
      expect(await server.database.mail.mailbox(server.alice.mailbox).usage()).toMatchObject({ items: 0 });
    }
    expect(phone.collection(trash).anomalies).toEqual([]);
  });

  test.runIf(isAtLeast(version, '12.0'))(
    'Conflict 1: the server wins with Status 7, and its version follows',
    async () => {
      const { server, phone, inbox, id, serverId } = await startWithOne(version);
      for (const options of [undefined, [el(AirSync.Conflict, 1)]]) {
        await elsewhere(server).mark(id, { flag: { status: 2, type: 'theirs' } });
        const sent = [change(serverId, flag(el(Email.Status, 2), el(Email.FlagType, 'ours')))];
        const answer = await phone.sync(inbox, { commands: sent, ...(options && { options }) });
        expect(statuses(answer.responses)).toEqual([`Change ${serverId} 7`]);
        expect(told(answer.commands)).toEqual([['Change', serverId, 'Flag']]);
        const held = phone.collection(inbox).items.get(serverId);
        expect(textOf(held, Email.Flag, Email.FlagType)).toBe('theirs');
        await elsewhere(server).mark(id, { flag: null });
        await phone.sync(inbox);
      }
    },
  );

  test.runIf(isAtLeast(version, '12.0'))(
    'Conflict 1: a Change whose answer was lost, and that is a conflict when it is repeated, has told the phone all that it did',
    async () => {
      const { server, phone, inbox, id, serverId } = await startWithOne(version);
      const other = await server.deliver('Other');
      await phone.syncAll(inbox);
      const ours = flag(el(Email.Status, 2), el(Email.FlagType, 'ours'));
      const sent = { commands: [change(serverId, el(Email.Read, true), ours)], windowSize: 1 };
      await elsewhere(server).mark(other, { read: true });
      await syncRaw(phone, [phone.collectionElement(inbox, sent)]);
      await elsewhere(server).mark(id, { flag: null });
      const answer = await phone.sync(inbox, sent);
      expect(statuses(answer.responses)).toEqual([`Change ${serverId} 7`]);
      expect(told(answer.commands)).toEqual([['Change', `${inbox}:${other}`, 'Read']]);
      const { commands: rest } = await phone.sync(inbox, { windowSize: 1 });
      expect(told(rest)).toEqual([['Change', serverId, 'Read', 'Flag']]);
      expectNothing(phone, (await phone.sync(inbox)).response);
    },
  );

  test.runIf(isAtLeast(version, '12.0'))(
    'Conflict 1: a message that was changed while it was in another folder keeps that, with Status 7, when it is back; a move alone is no conflict',
    async () => {
      const { server, phone, inbox, id, serverId } = await startWithOne(version);
      const [trash, one] = [phone.folder(4), elsewhere(server)];
      await one.move(id, Number(trash));
      await one.mark(id, { read: true, flag: { status: 2, type: 'theirs' } }, Number(trash));
      await one.move(id, Number(inbox), Number(trash));
      const sent = [change(serverId, flag(el(Email.Status, 2), el(Email.FlagType, 'ours')))];
      const answer = await phone.sync(inbox, { commands: sent });
      expect(statuses(answer.responses)).toEqual([`Change ${serverId} 7`]);
      const held = (await phone.syncAll(inbox)).get(serverId);
      expect(textOf(held, Email.Flag, Email.FlagType)).toBe('theirs');
      expect(textOf(held, Email.Read)).toBe('1');
      await one.move(id, Number(trash));
      await one.move(id, Number(inbox), Number(trash));
      expect((await phone.sync(inbox, { commands: sent })).responses).toBeUndefined();
    },
  );

  test.runIf(isAtLeast(version, '12.0'))('Conflict 0: the client wins', async () => {
    const { server, phone, inbox, id, serverId } = await startWithOne(version);
    await phone.sync(inbox, { options: [el(AirSync.Conflict, 0)] });
    await elsewhere(server).mark(id, { flag: { status: 2, type: 'theirs' } });
    const sent = [change(serverId, flag(el(Email.Status, 2), el(Email.FlagType, 'ours')))];
    expect((await phone.sync(inbox, { commands: sent })).responses).toBeUndefined();
    phone.collection(inbox).reset();
    const held = (await phone.syncAll(inbox)).get(serverId);
    expect(textOf(held, Email.Flag, Email.FlagType)).toBe('ours');
  });

  test.runIf(isAtLeast(version, '12.0'))(
    'changes that do not touch each other are no conflict, nor is a Delete',
    async () => {
      const { server, phone, inbox, id, serverId } = await startWithOne(version);
      await elsewhere(server).mark(id, { flag: { status: 2, type: 'theirs' } });
      const first = await phone.sync(inbox, { commands: [read(serverId, true)] });
      expect(first.responses).toBeUndefined();
      expect(told(first.commands)).toEqual([['Change', serverId, 'Flag']]);
      await elsewhere(server).mark(id, { read: false });
      const second = await phone.sync(inbox, { commands: [remove(serverId)] });
      expect(second).toMatchObject({ status: 1, responses: undefined, commands: undefined });
      expectNothing(phone, (await phone.sync(inbox)).response);
    },
  );

  test('commands on one item are done in their order', async () => {
    const { server, phone, inbox, serverId } = await startWithOne(version);
    const sent = [
      read(serverId, true),
      read(serverId, false),
      fetch(serverId),
      remove(serverId),
      read(serverId, true),
    ];
    const { responses } = await phone.sync(inbox, { commands: sent });
    expect(statuses(responses)).toEqual([`Change ${serverId} 8`, `Fetch ${serverId} 1`]);
    expect(textOf(child(responses, AirSync.Fetch, AirSync.ApplicationData), Email.Read)).toBe('0');
    expectNothing(phone, (await phone.sync(inbox)).response);
    expect(server.endpoint.waiting).toBe(0);
  });
});

test('a phone that wants ReplyTo, To and both forms of DeletesAsMoves gets them', async () => {
  const { server, phone, inbox } = await startPhone('12.1');
  await server.deliver('One');
  const [held] = (await phone.syncAll(inbox)).values();
  expect(textOf(held, Email.ReplyTo)).toBe('"A" <a@example.org>');
  expect(textOf(held, Email.To)).toBe('');
});

describe.each(forms)('%s', (version) => {
  test('elements in another order, elements of other pages and an empty Commands do no harm', async () => {
    const { phone, inbox, serverId } = await startWithOne(version);
    const disordered = el(
      AirSync.Collection,
      el(
        AirSync.Commands,
        el(AirSync.Change, el(AirSync.ApplicationData, el(Email.Read, true)), el(AirSync.ServerId, serverId)),
      ),
      el(AirSync.WindowSize, 5),
      el(Email.Subject, 'what?'),
      el(AirSync.Options, el(Email.Read, true), el(AirSync.Truncation, 4), el(AirSync.FilterType, 0)),
      el(AirSync.Supported),
      el(AirSync.GetChanges),
      el(AirSync.CollectionId, inbox),
      el(AirSync.SyncKey, phone.collection(inbox).syncKey),
      el(AirSync.Class, 'Email'),
    );
    const response = await syncRaw(phone, [disordered], el(Email.Flag));
    expect(answered(response)).toMatchObject([{ status: 1 }]);
    phone.applySync(inbox, response);
    const empty = phone.collectionElement(inbox);
    expectNothing(phone, await syncRaw(phone, [el(empty.tag, ...empty.children, el(AirSync.Commands))]));
    phone.collection(inbox).reset();
    expect(textOf((await phone.syncAll(inbox)).get(serverId), Email.Read)).toBe('1');
  });

  test('Commands, or Collections, that are there twice are all done: silence would tell the phone so', async () => {
    const { server, phone, inbox, serverId } = await startWithOne(version);
    const other = `${inbox}:${await server.deliver('Other', 1)}`;
    await phone.syncAll(inbox);
    const block = (id: string) => el(AirSync.Commands, commands.read(id, true));
    const { tag, children } = phone.collectionElement(inbox);
    const twice = el(tag, ...children, block(serverId), block(other));
    const trash = el(AirSync.Collections, phone.collectionElement(phone.folder(4)));
    const response = await syncRaw(phone, [twice], trash);
    expect(answered(response).map(({ id, status }) => [id, status])).toEqual([
      [inbox, 1],
      [phone.folder(4), 1],
    ]);
    phone.collection(inbox).reset();
    const items = await phone.syncAll(inbox);
    expect([...items.values()].map((item) => textOf(item, Email.Read))).toEqual(['1', '1']);
  });
});
