import { describe, expect, test, vi } from 'vitest';
import {
  dayMs,
  inbox,
  ModelDevice,
  mailboxForTest,
  serverView,
  startMs,
  trash,
} from '#test/support/model-device';
import { newItem } from '#test/support/new-item';
import { DomainError } from './errors.ts';
import type { ItemId } from './ids.ts';
import { changeMarks } from './mailbox.ts';
import type { ClientCommand } from './sync.ts';

describe('synchronising a folder', () => {
  test('an initial sync comes newest first, in windows, and then there is nothing to say', async () => {
    const setup = await mailboxForTest();
    for (let n = 0; n < 25; n++) {
      await setup.deliver(`m${n}`, startMs + n);
    }
    const device = new ModelDevice(setup, 'one');
    await device.prime();
    device.windowSize = 10;
    const first = await device.sync();
    expect(first.changes.map((c) => ('item' in c ? c.item.envelope.subject : ''))).toEqual(
      Array.from({ length: 10 }, (_, n) => `m${24 - n}`),
    );
    expect(first.moreAvailable).toBe(true);
    await device.syncAll();
    expect(device.held).toEqual(await serverView(setup));
    const { key } = device;
    expect((await device.sync()).changes).toEqual([]);
    expect(device.key).toBe(key);
    expect(device.complaints).toEqual([]);
  });

  test('mail that comes during the initial sync is told once', async () => {
    const setup = await mailboxForTest();
    for (let n = 0; n < 20; n++) {
      await setup.deliver(`m${n}`, startMs + n * 10);
    }
    const device = new ModelDevice(setup, 'one');
    await device.prime();
    device.windowSize = 5;
    await device.sync();
    await setup.deliver('new', startMs + 1000);
    await setup.deliver('old', startMs + 5);
    await device.syncAll();
    expect(device.held).toEqual(await serverView(setup));
    expect(device.complaints).toEqual([]);
  });

  test('a repeated key gives the same again, an unknown one is refused', async () => {
    const setup = await mailboxForTest();
    await setup.deliver('a');
    const device = new ModelDevice(setup, 'one');
    await device.prime();
    const lost = await device.sync([], true);
    const again = await device.sync();
    expect(again.changes.map(({ id }) => id)).toEqual(lost.changes.map(({ id }) => id));
    expect(device.complaints).toEqual([]);
    await device.sync([{ kind: 'fetch', item: 1 as ItemId }]);
    await device.sync([{ kind: 'fetch', item: 1 as ItemId }]);
    device.key = `${device.key.split('.')[0]}.1`;
    await expect(device.sync()).rejects.toMatchObject({ code: 'sync/invalid-key' });
    device.key = 'nonsense';
    await expect(device.sync()).rejects.toBeInstanceOf(DomainError);
  });

  test('a state is written when its key was not named and is, and by no request that has nothing to say', async () => {
    const setup = await mailboxForTest();
    const device = new ModelDevice(setup, 'one');
    await device.prime();
    await device.sync();
    let written = 0;
    const transact = setup.mailbox.transact.bind(setup.mailbox);
    vi.spyOn(setup.mailbox, 'transact').mockImplementation((act, bodies) =>
      transact((tx) => {
        const put = tx.putSyncState.bind(tx);
        tx.putSyncState = (...state) => {
          written++;
          put(...state);
        };
        return act(tx);
      }, bodies),
    );
    const isUnconfirmed = async () =>
      (await setup.mailbox.reader.syncStates(device.id, inbox))[0]?.isUnconfirmed === true;
    for (const keyless of [true, undefined] as const) {
      for (let n = 0; n < 3; n++) await device.ask({ isKeyAssumed: keyless });
      expect(written).toBe(0);
    }
    await setup.deliver('a');
    device.take([], await device.ask({ isKeyAssumed: true }));
    expect([written, await isUnconfirmed()]).toEqual([1, true]);
    for (let n = 0; n < 3; n++) await device.sync();
    expect([written, await isUnconfirmed()]).toEqual([2, false]);
  });

  test('what a device changed itself is not told to it, but to the others', async () => {
    const setup = await mailboxForTest();
    const { id } = await setup.deliver('a');
    const [one, two] = [new ModelDevice(setup, 'one'), new ModelDevice(setup, 'two')];
    for (const device of [one, two]) {
      await device.prime();
      await device.syncAll();
    }
    const answer = await one.sync([{ kind: 'change', item: id, marks: { read: true } }]);
    expect(answer.changes).toEqual([]);
    expect((await one.sync()).changes).toEqual([]);
    await two.syncAll();
    expect(two.held.get(id)?.read).toBe(true);
  });

  test('when both sides changed the same, the server wins with outcome conflict and its own version', async () => {
    const setup = await mailboxForTest();
    const { id } = await setup.deliver('a');
    const device = new ModelDevice(setup, 'one');
    await device.prime();
    await device.syncAll();
    await setup.mailbox.transact(async (tx) => {
      const item = await tx.item(inbox, id);
      return item && changeMarks(tx, item, { categories: ['red'] });
    });
    const answer = await device.sync([
      { kind: 'change', item: id, marks: { categories: ['blue'] } },
      { kind: 'change', item: id, marks: { read: true } },
    ]);
    expect(answer.results.map(({ outcome }) => outcome)).toEqual(['conflict', 'done']);
    expect(answer.changes).toMatchObject([{ kind: 'change', item: { marks: { categories: ['red'] } } }]);
  });

  test('a filter lets old mail leave by SoftDelete as days pass, and come back when it is widened', async () => {
    const setup = await mailboxForTest();
    for (let n = 0; n < 10; n++) {
      await setup.deliver(`day ${n}`, startMs - n * dayMs);
    }
    const device = new ModelDevice(setup, 'one');
    device.filterDays = 7;
    await device.prime();
    await device.syncAll();
    expect(device.held.size).toBe(8);
    setup.clock.move(3 * dayMs);
    device.windowSize = 2;
    const left: string[] = [];
    for (let more = true; more; ) {
      const answer = await device.sync();
      left.push(...answer.changes.map(({ kind }) => kind));
      more = answer.moreAvailable;
    }
    expect(left).toEqual(['softDelete', 'softDelete', 'softDelete']);
    device.filterDays = 0;
    await device.syncAll();
    expect(device.held).toEqual(await serverView(setup));
    expect(device.complaints).toEqual([]);
  });

  test('an item out and in again between two syncs is told as a change', async () => {
    const setup = await mailboxForTest();
    const { id } = await setup.deliver('a');
    const device = new ModelDevice(setup, 'one');
    await device.prime();
    await device.syncAll();
    await setup.mailbox.moveItems([id], inbox, trash);
    await setup.mailbox.moveItems([id], trash, inbox);
    expect((await device.sync()).changes).toMatchObject([{ kind: 'change', id }]);
    expect(device.complaints).toEqual([]);
  });

  test('a device that never gets past an item is given it alone, and then what is behind it', async () => {
    const setup = await mailboxForTest();
    for (let n = 0; n < 5; n++) {
      await setup.deliver(`m${n}`, startMs + n);
    }
    const device = new ModelDevice(setup, 'one');
    await device.prime();
    const poison = 'm2';
    const subjectsOf = ({ changes }: Awaited<ReturnType<ModelDevice['ask']>>) =>
      changes.flatMap((one) => ('item' in one ? [one.item.envelope.subject] : []));
    const skipped: number[] = [];
    const seen: string[] = [];
    for (let request = 0; request < 60; request++) {
      const answer = await device.ask();
      skipped.push(...answer.skipped);
      seen.push(subjectsOf(answer).join());
      if (!subjectsOf(answer).includes(poison)) {
        device.take([], answer);
      }
    }
    expect(seen.slice(0, 12)).toEqual([
      ...Array.from({ length: 3 }, () => 'm4,m3,m2,m1,m0'),
      'm4',
      'm3',
      ...Array.from({ length: 6 }, () => 'm2'),
      'm1',
    ]);
    expect([...device.held.values()].map(({ subject }) => subject)).toEqual(['m4', 'm3', 'm1', 'm0']);
    const [id] = skipped;
    expect(skipped).toHaveLength(1);
    await setup.mailbox.transact(async (tx) => {
      const item = await tx.item(inbox, id as ItemId);
      return item && changeMarks(tx, item, { read: true });
    });
    expect((await device.ask()).changes).toMatchObject([{ kind: 'add', id }]);
    expect(device.complaints).toEqual([]);
  });
});

test('an estimate counts deletions, too', async () => {
  const setup = await mailboxForTest();
  const device = new ModelDevice(setup, 'one');
  const items = [await setup.deliver('one'), await setup.deliver('two')];
  await device.prime();
  await device.syncAll();
  for (const { id } of items) await setup.mailbox.moveItems([id], inbox, trash);
  const rules = () => ({ filterDays: 0, serverWins: true, cost: () => 1 });
  const asked = { device: device.id, folder: inbox, key: device.key, options: undefined, rules };
  expect(await setup.sync.estimate(asked, 100)).toBe(2);
});

test('what a narrower filter kept back comes when it widens again before the rest has left', async () => {
  const setup = await mailboxForTest();
  const device = new ModelDevice(setup, 'one');
  device.filterDays = 5;
  for (let n = 0; n < 3; n++) await setup.deliver(`old${n}`, setup.clock.now() - 3 * dayMs - n);
  await device.prime();
  await device.syncAll();
  const late = await setup.deliver('late', setup.clock.now() - 2 * dayMs);
  device.filterDays = 1;
  device.windowSize = 1;
  await device.sync();
  device.filterDays = 5;
  await device.syncAll();
  expect(device.held.has(late.id)).toBe(true);
  expect(device.held).toEqual(await serverView(setup));
  expect(device.complaints).toEqual([]);
});

describe('a filter that is narrowed while much old mail comes', () => {
  const narrowed = async (count: number) => {
    const setup = await mailboxForTest();
    await setup.deliver('new', startMs);
    const device = new ModelDevice(setup, 'one');
    await device.prime();
    await device.syncAll();
    await setup.mailbox.transact(async (tx) => {
      for (let n = 0; n < count; n++) await tx.addItem(inbox, newItem(`old ${n}`, startMs - 10 * dayMs - n));
    });
    device.filterDays = 1;
    return { setup, device };
  };

  test('it is told when the filter is widened', async () => {
    const { setup, device } = await narrowed(500);
    await device.sync();
    device.filterDays = 0;
    await device.syncAll();
    expect(device.held).toEqual(await serverView(setup));
    expect(device.complaints).toEqual([]);
  });

  test('with more than can be remembered the device starts over, and no wait for changes fails of it', async () => {
    const { setup, device } = await narrowed(500);
    for (let n = 0; n < 3; n++) {
      await setup.mailbox.transact(async (tx) => {
        for (let m = 0; m < 300; m++)
          await tx.addItem(inbox, newItem(`more ${n} ${m}`, startMs - 20 * dayMs - m));
      });
    }
    const rules = () => ({ filterDays: 1, serverWins: true, cost: () => 1 });
    expect(await setup.sync.hasChanges(device.id, inbox, rules)).toBe(true);
    await expect(device.sync()).rejects.toMatchObject({ code: 'sync/invalid-key' });
    await device.prime();
    await device.syncAll();
    device.filterDays = 0;
    await device.syncAll();
    expect(device.held).toEqual(await serverView(setup));
    expect(device.complaints).toEqual([]);
  });
});

describe('a device that never asks for changes', () => {
  const start = async () => {
    const setup = await mailboxForTest();
    const device = new ModelDevice(setup, 'one');
    await device.prime();
    const ask = async (commands: readonly ClientCommand[]) => {
      const answer = await device.ask({ commands, getChanges: false });
      device.key = answer.key;
    };
    const state = async () => (await setup.mailbox.reader.syncStates(device.id, inbox))[0];
    return { setup, device, ask, state };
  };
  const ids = (from: number) => Array.from({ length: 200 }, (_, n) => from + n);

  test('starts over when it has made more than is remembered, before anything more is done', async () => {
    const { setup, device, ask, state } = await start();
    const add = (n: number): ClientCommand => ({
      kind: 'add',
      clientId: `c${n}`,
      fingerprint: `f${n}`,
      marks: {},
      files: [],
      draft: {
        item: newItem(`draft ${n}`, startMs + n),
        stored: [],
        read: async function* () {},
        discard: async () => undefined,
      },
    });
    for (let n = 0; n < 2200; n += 200) await ask(ids(n).map(add));
    expect((await state())?.ahead).toHaveLength(2200);
    await expect(ask([add(2200)])).rejects.toMatchObject({ code: 'sync/invalid-key' });
    expect((await serverView(setup)).size).toBe(2200);
    await device.prime();
    await device.syncAll();
    expect(device.held).toEqual(await serverView(setup));
  });

  test('starts over when it has been refused more changes than are remembered', async () => {
    const { setup, device, ask, state } = await start();
    for (let n = 0; n < 2200; n += 200) {
      await setup.mailbox.transact(async (tx) => {
        for (const id of ids(n)) await tx.addItem(inbox, newItem(`m${id}`, startMs + id));
      });
    }
    device.windowSize = 2200;
    await device.syncAll();
    const held = [...device.held.keys()];
    for (let n = 0; n < 2200; n += 200) {
      await setup.mailbox.transact(async (tx) => {
        for (const item of await tx.items(inbox, held.slice(n, n + 200)))
          if (item) await changeMarks(tx, item, { categories: ['red'] });
      });
    }
    const change = (item: ItemId): ClientCommand => ({
      kind: 'change',
      item,
      marks: { categories: ['blue'] },
    });
    for (let n = 0; n < 2200; n += 200) await ask(held.slice(n, n + 200).map(change));
    expect((await state())?.refused).toHaveLength(2200);
    await expect(device.sync()).rejects.toMatchObject({ code: 'sync/invalid-key' });
  });

  test('has no more than a thousand of its deletions remembered', async () => {
    const { ask, state } = await start();
    const remove = (n: number): ClientCommand => ({ kind: 'delete', item: n as ItemId, permanently: true });
    for (let n = 1; n < 1401; n += 200) await ask(ids(n).map(remove));
    const past = (await state())?.past ?? [];
    expect(past).toHaveLength(1000);
    expect(past.at(-1)).toMatchObject({ item: 1400 });
  });
});
