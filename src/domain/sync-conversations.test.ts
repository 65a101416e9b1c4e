import { expect, test } from 'vitest';
import { Choices } from '#test/support/choices';
import { dayMs, inbox, ModelDevice, mailboxForTest, type Setup, trash } from '#test/support/model-device';
import { newItem } from '#test/support/new-item';
import { listEnd, listStart } from './change.ts';
import type { ItemId } from './ids.ts';
import { changeMarks, removeItem } from './mailbox.ts';
import type { ClientCommand } from './sync.ts';

/** CONVERGENCE_SEEDS asks for more. */
const seeds = Number(process.env['CONVERGENCE_SEEDS'] ?? 6);

const conversation = (n: number) => Buffer.alloc(16, n + 1);

function deliver(setup: Setup, subject: string, receivedMs: number, n: number, folder = inbox) {
  const item = { ...newItem(subject, receivedMs), conversationId: conversation(n) };
  return setup.mailbox.transact((tx) => tx.addItem(folder, item));
}

/** What a device with this filter is to have: what is inside, and with `isOn` the conversations of that. */
async function wanted(setup: Setup, filterDays: number, isOn: boolean) {
  const { reader } = setup.mailbox;
  const list = await reader.list(inbox, { from: listStart, to: listEnd, limit: 10_000 });
  const items = await reader.items(
    inbox,
    list.map(({ item }) => item as ItemId),
  );
  const today = Math.floor(setup.clock.now() / dayMs) * dayMs;
  const fromMs = filterDays === 0 ? 0 : today - filterDays * dayMs;
  const found = items.filter((item) => item !== undefined);
  const inside = found.filter(({ receivedMs }) => receivedMs >= fromMs);
  const names = new Set(inside.map(({ conversationId }) => Buffer.from(conversationId).toString('hex')));
  const isWanted = (id: Uint8Array) => isOn && names.has(Buffer.from(id).toString('hex'));
  return new Map(
    found
      .filter((item) => item.receivedMs >= fromMs || isWanted(item.conversationId))
      .map(({ id, marks, envelope }) => [id, { read: marks.read, subject: envelope.subject }]),
  );
}

/** A device that asks for conversations, or does not. */
class Reader extends ModelDevice {
  isOn = true;
  #lost = 0;

  async exchange(commands: readonly ClientCommand[] = [], lose = false) {
    const answer = await this.ask({ commands, byConversation: this.isOn });
    expect(answer.changes.length).toBeLessThanOrEqual(this.windowSize);
    this.#lost = lose && this.#lost < 3 ? this.#lost + 1 : 0;
    if (this.#lost === 0) this.take(commands, answer);
    return answer;
  }

  async exchangeAll(): Promise<void> {
    for (let n = 0; n < 1000; n++) {
      const { moreAvailable, changes } = await this.exchange();
      if (!moreAvailable) return;
      expect(changes.length).toBeGreaterThan(0);
    }
    throw new Error('it never ends');
  }
}

async function start() {
  const setup = await mailboxForTest();
  const device = new Reader(setup, 'one');
  device.filterDays = 3;
  await device.prime();
  return { setup, device };
}

const daysAgo = (setup: Setup, days: number) => setup.clock.now() - days * dayMs;

test('ConversationMode: older mails come with the new one, and are marked as such', async () => {
  const { setup, device } = await start();
  const old = [
    await deliver(setup, 'a1', daysAgo(setup, 40), 1),
    await deliver(setup, 'a2', daysAgo(setup, 20), 1),
  ];
  await deliver(setup, 'b1', daysAgo(setup, 30), 2);
  await device.exchangeAll();
  expect(device.held.size).toBe(0);
  const fresh = await deliver(setup, 'a3', setup.clock.now(), 1);
  const { changes } = await device.exchange();
  expect(changes.map((one) => [one.kind, one.id, 'isOlder' in one])).toEqual([
    ['add', fresh.id, false],
    ['add', old[1]?.id, true],
    ['add', old[0]?.id, true],
  ]);
});

test('ConversationMode: the conversation leaves by SoftDelete once its newest mail leaves the window', async () => {
  const { setup, device } = await start();
  const old = await deliver(setup, 'a1', daysAgo(setup, 40), 1);
  const fresh = await deliver(setup, 'a2', setup.clock.now(), 1);
  await device.exchangeAll();
  expect(device.held.size).toBe(2);
  setup.clock.move(3 * dayMs);
  expect((await device.exchange()).changes).toEqual([]);
  setup.clock.move(dayMs);
  const { changes } = await device.exchange();
  expect(changes).toEqual(expect.arrayContaining([old, fresh].map(({ id }) => ({ kind: 'softDelete', id }))));
  expect(device.held.size).toBe(0);
});

test('ConversationMode: with a small window an exchange never holds more, and makes progress', async () => {
  const { setup, device } = await start();
  for (let n = 0; n < 60; n++) await deliver(setup, `a${n}`, daysAgo(setup, 10 + n), 1);
  for (let n = 0; n < 5; n++) await deliver(setup, `now${n}`, setup.clock.now(), 1);
  device.windowSize = 4;
  await device.exchangeAll();
  expect(device.held).toEqual(await wanted(setup, 3, true));
  expect(device.held.size).toBe(65);
});

test('ConversationMode: a mail that the filter kept back brings its conversation when the filter widens', async () => {
  const { setup, device } = await start();
  device.filterDays = 5;
  await deliver(setup, 'a1', daysAgo(setup, 40), 1);
  for (let n = 0; n < 3; n++) await deliver(setup, `b${n}`, daysAgo(setup, 3) - n, 2);
  await device.exchangeAll();
  await deliver(setup, 'a2', daysAgo(setup, 2), 1);
  device.filterDays = 1;
  device.windowSize = 1;
  await device.exchange();
  device.filterDays = 5;
  await device.exchangeAll();
  expect(device.held).toEqual(await wanted(setup, 5, true));
  expect(device.held.size).toBe(5);
  expect(device.complaints).toEqual([]);
});

test('ConversationMode: at most 1,500 older mails come; the rest stays away', async () => {
  const { setup, device } = await start();
  await setup.mailbox.transact(async (tx) => {
    for (let n = 0; n < 130; n++) {
      const item = { ...newItem(`a${n}`, daysAgo(setup, 10) - n), conversationId: conversation(1) };
      await tx.addItem(inbox, item);
    }
  });
  for (let more = 0; more < 12; more++) {
    await setup.mailbox.transact(async (tx) => {
      for (let n = 0; n < 130; n++) {
        const item = { ...newItem(`m${n}`, daysAgo(setup, 11 + more) - n), conversationId: conversation(1) };
        await tx.addItem(inbox, item);
      }
    });
  }
  await deliver(setup, 'now', setup.clock.now(), 1);
  await device.exchangeAll();
  expect(device.held.size).toBe(1501);
  expect(device.complaints).toEqual([]);
});

test('ConversationMode: a large window is looked at in several transactions, each of no more than 2,000 mails and an answer', async () => {
  const { setup, device } = await start();
  const old = await deliver(setup, 'old', daysAgo(setup, 10), 0);
  await deliver(setup, 'its answer', daysAgo(setup, 2), 0);
  for (let n = 0; n < 2600; n += 200) {
    await setup.mailbox.transact(async (tx) => {
      for (let m = n; m < n + 200; m++) {
        const conversationId = Buffer.alloc(16);
        conversationId.writeUInt32BE(m, 4);
        await tx.addItem(inbox, { ...newItem(`mail ${m}`, daysAgo(setup, 1)), conversationId });
      }
    });
  }
  device.windowSize = 512;
  device.isOn = false;
  await device.exchangeAll();
  const lookups: number[] = [];
  const transact = setup.mailbox.transact.bind(setup.mailbox);
  setup.mailbox.transact = (decide, bodies) =>
    transact((tx) => {
      lookups.push(0);
      const conversation = tx.conversation.bind(tx);
      tx.conversation = (id, range) => {
        lookups.push((lookups.pop() ?? 0) + 1);
        return conversation(id, range);
      };
      return decide(tx);
    }, bodies);
  device.isOn = true;
  const { changes, moreAvailable } = await device.exchange();
  expect(changes.map(({ id }) => id)).toEqual([old.id]);
  expect(moreAvailable).toBe(false);
  expect(lookups.reduce((sum, count) => sum + count)).toBeGreaterThan(2600);
  expect(Math.max(...lookups)).toBeLessThanOrEqual(2000);
});

test('ConversationMode: devices converge under random changes, lost answers and moving filters', {
  timeout: 240_000,
}, async () => {
  for (let seed = 1; seed <= seeds; seed++) await converge(seed);
});

async function converge(seed: number): Promise<void> {
  const { setup, device } = await start();
  const choices = new Choices(seed);
  device.windowSize = 1 + choices.below(6);
  for (let step = 0; step < 250; step++) {
    await act(setup, device, choices);
    if (choices.below(25) > 0) continue;
    await expectEstimate(setup, device, `seed ${seed}, step ${step}`);
    await device.exchangeAll();
    expect(device.complaints, `seed ${seed}, step ${step}`).toEqual([]);
    const { filterDays, isOn } = device;
    expect((await device.exchange()).changes).toEqual([]);
    expect(device.held, `seed ${seed}, step ${step}`).toEqual(await wanted(setup, filterDays, isOn));
  }
}

/** GetItemEstimate says what the next Sync has room for. */
async function expectEstimate(setup: Setup, device: Reader, told: string): Promise<void> {
  const { id, folder, key, filterDays, isOn } = device;
  const rules = () => ({ filterDays, serverWins: true, cost: () => 1 });
  const asked = { device: id, folder, key, options: undefined, byConversation: isOn, rules };
  const estimate = await setup.sync.estimate(asked, 5000);
  const { windowSize } = device;
  device.windowSize = 512;
  const { changes, moreAvailable } = await device.exchange();
  // A device whose answers were lost too often is told one item at a time.
  if (moreAvailable) expect(estimate, told).toBeGreaterThan(changes.length);
  else expect(estimate, told).toBe(changes.length);
  device.windowSize = windowSize;
}

async function act(setup: Setup, device: Reader, choices: Choices): Promise<void> {
  const all = [...(await wanted(setup, 0, false)).keys()];
  const item = all[choices.below(Math.max(1, all.length))];
  const held = [...device.held.keys()][choices.below(Math.max(1, device.held.size))];
  switch (choices.below(13)) {
    case 0:
    case 1:
    case 2:
      await deliver(setup, `n${choices.below(1e6)}`, daysAgo(setup, choices.below(9)), choices.below(5));
      break;
    case 3:
      if (item !== undefined) await setup.mailbox.moveItems([item], inbox, trash);
      break;
    case 4: {
      const [place] = await setup.mailbox.reader.list(trash, { from: listStart, to: listEnd, limit: 1 });
      if (place !== undefined) await setup.mailbox.moveItems([place.item as ItemId], trash, inbox);
      break;
    }
    case 5:
      await setup.mailbox.transact(async (tx) => {
        const found = item === undefined ? undefined : await tx.item(inbox, item);
        if (found === undefined) return;
        await (choices.below(2) === 0
          ? removeItem(tx, found, true)
          : changeMarks(tx, found, { read: choices.below(2) === 0 }));
      });
      break;
    case 6:
      if (held !== undefined) {
        const command: ClientCommand =
          choices.below(2) === 0
            ? { kind: 'delete', item: held, permanently: choices.below(2) === 0 }
            : { kind: 'change', item: held, marks: { read: choices.below(2) === 0 } };
        if (choices.below(3) === 0) await device.exchange([command], true);
        await device.exchange([command]);
      }
      break;
    case 7:
      if (held !== undefined && (await setup.mailbox.reader.item(inbox, held)) !== undefined) {
        await setup.mailbox.moveItems([held], inbox, trash, device.id);
        device.held.delete(held);
        device.movedAway.add(held);
      }
      break;
    case 8:
      setup.clock.move(choices.below(2) * dayMs);
      break;
    case 9:
      if (choices.below(3) === 0) device.filterDays = choices.below(6);
      if (choices.below(5) === 0) device.isOn = !device.isOn;
      if (choices.below(12) === 0) await device.prime();
      break;
    default:
      await device.exchange([], choices.below(4) === 0);
  }
}
