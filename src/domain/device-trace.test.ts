import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { StoredTraces } from '#storage/trace-store';
import { silentLogger } from '#telemetry/log';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { DeviceTraces, type TracedRequest } from './device-trace.ts';
import type { DeviceId } from './ids.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const phone = 'phone1' as DeviceId;

const request = (atMs: number, more: Partial<TracedRequest> = {}): TracedRequest => ({
  atMs,
  durationMs: 1,
  waitedMs: undefined,
  command: 'Sync',
  version: '14.1',
  httpStatus: 200,
  url: '/Microsoft-Server-ActiveSync?Cmd=Sync',
  requestHeaders: [['host', 'x']],
  request: '<Sync/>',
  answerHeaders: [],
  answer: '<Sync/>',
  error: undefined,
  ...more,
});

async function open() {
  const clock = fixedClock(1_000 * dayMs);
  const database = await tempDatabase({ clock });
  const ref = await tempMailbox(database, tempOrganization(database));
  const make = () => new DeviceTraces({ store: new StoredTraces(database), clock, log: silentLogger });
  await database.mail.transact([ref], async (of) =>
    of(ref).putDevice({
      id: phone,
      type: 'Test',
      information: {},
      userAgent: '',
      protocolVersion: '14.1',
      wipe: 'none',
      wipeAccountOnly: false,
      firstSyncMs: 0,
      lastSyncMs: 0,
    }),
  );
  const all = async (traces: DeviceTraces) => {
    const found: TracedRequest[] = [];
    let after: string | undefined;
    do {
      const page = await traces.read(ref, phone, after, 7);
      found.push(...page.rows);
      after = page.next;
    } while (after !== undefined);
    return found;
  };
  return { clock, database, ref, make, traces: make(), all };
}

test('a trace ends by itself when its time is over', async () => {
  const { clock, ref, traces, all } = await open();
  expect(traces.isOn(ref, phone)).toBe(false);
  await traces.start(ref, phone, { minutes: 10, by: 'root' });
  clock.move(9 * minuteMs);
  expect(traces.isOn(ref, phone)).toBe(true);
  traces.add(ref, phone, request(clock.now()));
  clock.move(minuteMs);
  expect(traces.isOn(ref, phone)).toBe(false);
  expect(await all(traces)).toHaveLength(1);
  // A Ping that began in its time, and was answered now.
  traces.add(ref, phone, request(clock.now() - 5 * minuteMs, { command: 'Ping' }));
  expect(await all(traces)).toHaveLength(1);
  expect(traces.settingOf(ref, phone)).toMatchObject({ by: 'root', untilMs: clock.now() });
});

test('switched on again it goes on; switched on after its end it begins anew', async () => {
  const { clock, ref, traces, all } = await open();
  const first = await traces.start(ref, phone, { minutes: 10, by: 'a' });
  traces.add(ref, phone, request(1));
  clock.move(minuteMs);
  const longer = await traces.start(ref, phone, { minutes: 20, by: 'b' });
  expect(longer).toMatchObject({ sinceMs: first.sinceMs, untilMs: clock.now() + 20 * minuteMs, by: 'b' });
  expect(await all(traces)).toHaveLength(1);
  await traces.end(ref, phone);
  await traces.end(ref, phone);
  traces.add(ref, phone, request(2));
  expect(traces.settingOf(ref, phone)?.untilMs).toBe(clock.now());
  expect(await all(traces)).toHaveLength(1);
  await traces.start(ref, phone, { minutes: 20, by: 'b' });
  expect(await all(traces)).toEqual([]);
});

test('requests are given in the order of their beginning, each whole, however large', async () => {
  const { ref, traces, all } = await open();
  await traces.start(ref, phone, { minutes: 10, by: undefined });
  const large = 'é'.repeat(200_000);
  const sent = [request(30), request(10, { answer: large }), request(20), request(20, { command: 'Ping' })];
  for (const one of sent) traces.add(ref, phone, one);
  const found = await all(traces);
  expect(found.map(({ atMs, command }) => `${atMs} ${command}`)).toEqual([
    '10 Sync',
    '20 Sync',
    '20 Ping',
    '30 Sync',
  ]);
  expect(found[0]).toEqual(sent[1]);
});

test('at most about 5 MB of a device are kept: the oldest requests go, whole', async () => {
  const { ref, traces, all, make } = await open();
  await traces.start(ref, phone, { minutes: 10, by: undefined });
  const answer = randomBytes(75_000).toString('hex');
  for (let n = 1; n <= 60; n++) {
    traces.add(ref, phone, request(n, { answer }));
    await traces.stop();
  }
  const kept = await all(traces);
  expect(kept.at(-1)?.atMs).toBe(60);
  expect(kept.length * answer.length).toBeGreaterThan(4 * 1024 * 1024);
  expect(kept.length * answer.length).toBeLessThanOrEqual(5 * 1024 * 1024);
  expect(kept.every((one) => one.answer === answer)).toBe(true);
  // Also when the server was started anew in between.
  const again = make();
  await again.load();
  again.add(ref, phone, request(61, { answer }));
  await again.stop();
  const then = await all(again);
  expect([then.at(-1)?.atMs, then.length]).toEqual([61, kept.length]);
});

test('what comes faster than it can be kept is counted', async () => {
  const { ref, traces, all } = await open();
  await traces.start(ref, phone, { minutes: 10, by: undefined });
  for (let n = 1; n <= 60; n++) traces.add(ref, phone, request(n));
  await traces.stop();
  traces.add(ref, phone, request(61));
  const kept = await all(traces);
  expect(kept).toHaveLength(51);
  expect(kept.at(-1)).toMatchObject({ atMs: 61, missed: 10 });
});

test('a week after its end a trace is gone, at the next start of the server or of a trace', async () => {
  const { clock, ref, traces, all, make } = await open();
  await traces.start(ref, phone, { minutes: 10, by: undefined });
  traces.add(ref, phone, request(1));
  await traces.stop();
  clock.move(6 * dayMs);
  const early = make();
  await early.load();
  expect(await all(early)).toHaveLength(1);
  clock.move(2 * dayMs);
  const late = make();
  await late.load();
  expect([await all(late), late.settingOf(ref, phone)]).toEqual([[], undefined]);
  const later = make();
  await later.load();
  expect(later.settingOf(ref, phone)).toBeUndefined();
});

test('the trace of an organisation whose keys are gone does not keep the server from starting', async () => {
  const { clock, database, ref, traces, make } = await open();
  await traces.start(ref, phone, { minutes: 10, by: undefined });
  clock.move(9 * dayMs);
  const { keys, store, sealer } = database;
  const gone = {
    add: () => undefined,
    nameKey: (organization: unknown, name: string) => {
      if (organization !== undefined) throw new Error('unknown key');
      return keys.nameKey(undefined, name);
    },
  };
  const settled = new DeviceTraces({
    store: new StoredTraces({ store, sealer, keys: gone as unknown as typeof keys }),
    clock,
    log: silentLogger,
  });
  await settled.load();
  const again = make();
  await again.load();
  expect(again.settingOf(ref, phone)).toBeUndefined();
});
