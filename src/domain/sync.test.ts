import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { newItem } from '#test/support/new-item';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { DomainError } from './errors.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { DeviceId, FolderId, ItemId } from './ids.ts';
import { changeMarks, Mailbox, removeItem } from './mailbox.ts';
import { type ClientCommand, FolderSync, type SyncAnswer } from './sync.ts';

const inbox = defaultFolder(FolderType.Inbox);
const trash = defaultFolder(FolderType.DeletedItems);
const dayMs = 24 * 3_600_000;
/** CONVERGENCE_SEEDS asks for more. */
const seeds = Number(process.env['CONVERGENCE_SEEDS'] ?? 4);
const startMs = Date.UTC(2026, 10, 22, 12);

async function mailboxForTest() {
  const clock = fixedClock(startMs);
  const database = await tempDatabase({ clock });
  const mailbox = new Mailbox(database.mail, await tempMailbox(database, tempOrganization(database)));
  const sync = new FolderSync(mailbox, clock, { bytes: (n) => randomBytes(n) });
  const deliver = (subject: string, receivedMs = clock.now()) =>
    mailbox.transact((tx) => tx.addItem(inbox, newItem(subject, receivedMs)));
  return { clock, mailbox, sync, deliver };
}

type Setup = Awaited<ReturnType<typeof mailboxForTest>>;

/** A device that does as it is told, and complains of what a server must never tell it. */
class ModelDevice {
  readonly id: DeviceId;
  readonly folder: FolderId;
  readonly held = new Map<ItemId, { read: boolean; subject: string }>();
  /** What it moved to another folder: what happened to it before may come all the same, and is passed over. */
  readonly movedAway = new Set<ItemId>();
  readonly complaints: string[] = [];
  windowSize = 100;
  filterDays = 0;
  serverWins = true;
  key = '0';
  readonly #setup: Setup;

  constructor(setup: Setup, id: string, folder = inbox) {
    this.#setup = setup;
    this.id = id as DeviceId;
    this.folder = folder;
  }

  async prime(): Promise<void> {
    this.held.clear();
    this.movedAway.clear();
    this.key = await this.#setup.sync.prime(this.id, this.folder, '');
  }

  /** One exchange; with `lose` the answer never arrives. */
  async sync(commands: readonly ClientCommand[] = [], lose = false): Promise<SyncAnswer> {
    const answer = await this.ask({ commands });
    if (!lose) {
      this.take(commands, answer);
    }
    return answer;
  }

  /** A request whose answer nobody takes. */
  ask(request: Partial<Parameters<FolderSync['sync']>[0]> = {}): Promise<SyncAnswer> {
    return this.#setup.sync.sync({
      device: this.id,
      folder: this.folder,
      key: this.key,
      options: undefined,
      rules: () => ({ filterDays: this.filterDays, serverWins: this.serverWins, cost: () => 1 }),
      windowSize: this.windowSize,
      answerBytes: 1_000_000,
      getChanges: true,
      commands: [],
      ...request,
    });
  }

  take(commands: readonly ClientCommand[], answer: SyncAnswer): void {
    this.key = answer.key;
    this.#apply(commands, answer);
  }

  async syncAll(): Promise<void> {
    while ((await this.sync()).moreAvailable) {}
  }

  #apply(commands: readonly ClientCommand[], answer: SyncAnswer): void {
    for (const command of commands) {
      if (command.kind === 'delete') {
        this.held.delete(command.item);
      } else if (command.kind === 'change' && command.marks.read !== undefined) {
        const one = this.held.get(command.item);
        if (one) {
          one.read = command.marks.read;
        }
      }
    }
    for (const change of answer.changes) {
      const has = this.held.has(change.id);
      if (!has && change.kind !== 'add' && this.movedAway.has(change.id)) {
        continue;
      }
      if (change.kind === 'add' || change.kind === 'change') {
        if (has !== (change.kind === 'change')) {
          this.complaints.push(`${change.kind} of ${change.id}, held: ${has}`);
        }
        if (change.message === undefined) {
          this.complaints.push(`${change.kind} of ${change.id} without its message`);
        }
        this.movedAway.delete(change.id);
        const { marks, envelope } = change.item;
        this.held.set(change.id, { read: marks.read, subject: envelope.subject });
      } else {
        if (!has) {
          this.complaints.push(`${change.kind} of ${change.id}, not held`);
        }
        this.held.delete(change.id);
      }
    }
  }
}

async function serverView(setup: Setup, folder = inbox, fromMs = 0) {
  const { reader } = setup.mailbox;
  const list = await reader.list(folder, {
    from: { receivedMs: Number.MAX_SAFE_INTEGER, item: 0 },
    to: { receivedMs: -1, item: 0 },
    limit: 100_000,
  });
  const items = await reader.items(
    folder,
    list.map(({ item }) => item as ItemId),
  );
  return new Map(
    items.flatMap((item) =>
      item && item.receivedMs >= fromMs
        ? [[item.id, { read: item.marks.read, subject: item.envelope.subject }] as const]
        : [],
    ),
  );
}

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
    await setup.mailbox.moveItem(id, inbox, trash);
    await setup.mailbox.moveItem(id, trash, inbox);
    expect((await device.sync()).changes).toMatchObject([{ kind: 'change', id }]);
    expect(device.complaints).toEqual([]);
  });

  test('devices converge under random changes, lost answers and moving filters', {
    timeout: 240_000,
  }, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      await converge(seed);
    }
  });
});

/** mulberry32: the same numbers for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let a = seed;
  return (below) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

async function converge(seed: number): Promise<void> {
  const setup = await mailboxForTest();
  const random = randomNumbers(seed);
  const devices = [
    new ModelDevice(setup, 'one'),
    new ModelDevice(setup, 'two'),
    new ModelDevice(setup, 'three'),
    new ModelDevice(setup, 'trash', trash),
    new ModelDevice(setup, 'one', trash),
  ];
  for (const [n, device] of devices.entries()) {
    device.windowSize = 1 + random(7);
    device.filterDays = n === 1 ? 3 : 0;
    device.serverWins = n !== 2;
    await device.prime();
  }
  for (let step = 0; step < 150; step++) {
    await act(setup, devices, random);
  }
  for (const device of devices) {
    await device.syncAll();
    const today = Math.floor(setup.clock.now() / dayMs) * dayMs;
    const fromMs = device.filterDays === 0 ? 0 : today - device.filterDays * dayMs;
    expect(device.complaints, `seed ${seed}, device ${device.id}`).toEqual([]);
    expect(device.held, `seed ${seed}, device ${device.id}`).toEqual(
      await serverView(setup, device.folder, fromMs),
    );
  }
}

async function act(
  setup: Setup,
  devices: readonly ModelDevice[],
  random: (below: number) => number,
): Promise<void> {
  const device = devices[random(devices.length)];
  const known = [...(await serverView(setup)).keys()];
  const item = known[random(Math.max(1, known.length))];
  switch (random(14)) {
    case 0:
    case 1:
    case 2:
      await setup.deliver(`n${random(1e6)}`, setup.clock.now() - random(6) * dayMs);
      break;
    case 3:
      if (item !== undefined) {
        await setup.mailbox.moveItem(item, inbox, trash);
      }
      break;
    case 4: {
      const [thrown] = (await serverView(setup, trash)).keys();
      if (thrown !== undefined) {
        await setup.mailbox.moveItem(thrown, trash, inbox);
      }
      break;
    }
    case 5:
      await setup.mailbox.transact(async (tx) => {
        const found = item === undefined ? undefined : await tx.item(inbox, item);
        if (found !== undefined) {
          await (random(3) === 0
            ? removeItem(tx, found, true)
            : changeMarks(tx, found, { read: random(2) === 0 }));
        }
      });
      break;
    case 6: {
      const [held] = [...(device?.held.keys() ?? [])].slice(random(3));
      if (device !== undefined && held !== undefined) {
        const command: ClientCommand =
          random(2) === 0
            ? { kind: 'delete', item: held, permanently: random(2) === 0 }
            : { kind: 'change', item: held, marks: { read: random(2) === 0 } };
        if (random(3) === 0) {
          await device.sync([command], true);
        }
        await device.sync([command]);
      }
      break;
    }
    case 7:
      setup.clock.move(random(2) * dayMs);
      break;
    case 8:
      if (device !== undefined) {
        await oddRequest(device, random);
      }
      break;
    case 9: {
      const [held] = [...(device?.held.keys() ?? [])].slice(random(3));
      const to = device?.folder === inbox ? trash : inbox;
      const isThere =
        device !== undefined && held !== undefined && (await setup.mailbox.reader.item(device.folder, held));
      if (isThere) {
        await setup.mailbox.moveItem(held, device.folder, to, device.id);
        device.held.delete(held);
        device.movedAway.add(held);
      }
      break;
    }
    default:
      await device?.sync([], random(4) === 0);
  }
}

/** What devices on bad lines and with settings do. */
async function oddRequest(device: ModelDevice, random: (below: number) => number): Promise<void> {
  switch (random(5)) {
    case 0: {
      // The request is done twice, and the first answer is the one that arrives: the device has to start over, or goes on.
      const first = await device.ask();
      await device.ask();
      device.take([], first);
      try {
        await device.sync();
      } catch {
        await device.prime();
      }
      break;
    }
    case 1: {
      // A request that waited, and was left behind.
      const { key } = device;
      await device.sync();
      await device.ask({ key, hasWaited: true }).catch(() => undefined);
      break;
    }
    case 2:
      device.take([], await device.ask({ getChanges: false, speaks: random(2) === 0 }));
      break;
    case 3:
      if (device.id === 'two') {
        device.filterDays = random(5);
      }
      break;
    default:
      if (random(4) === 0) {
        await device.prime();
      }
  }
}
