import { expect, test } from 'vitest';
import {
  dayMs,
  inbox,
  ModelDevice,
  mailboxForTest,
  type Setup,
  serverView,
  trash,
} from '#test/support/model-device';
import { changeMarks, removeItem } from './mailbox.ts';
import type { ClientCommand } from './sync.ts';

/** CONVERGENCE_SEEDS asks for more. */
const seeds = Number(process.env['CONVERGENCE_SEEDS'] ?? 4);

test('devices converge under random changes, lost answers and moving filters', {
  timeout: 240_000,
}, async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    await converge(seed);
  }
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
