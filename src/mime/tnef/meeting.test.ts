import { describe, expect, test } from 'vitest';
import {
  berlinZone,
  meetingProperty,
  property,
  recurrencePattern,
  type WrittenProperty,
  writeTnef,
} from '#test/support/tnef-writer';
import { readTnefMeeting } from './meeting.ts';

const { text, bytes, number, flag, time } = property;
const { appointment, common, meeting } = meetingProperty;

const outlookId = Buffer.from(
  `040000008200e00074c5b7101a82e00800000000${'12'.repeat(8)}${'00'.repeat(8)}10000000${'55'.repeat(16)}`,
  'hex',
);
/** Ten o'clock in Berlin. */
const startMs = Date.UTC(2026, 10, 20, 9);
const plain = [
  meeting(bytes(0x03, outlookId)),
  appointment(time(0x820d, startMs)),
  appointment(time(0x820e, startMs + 1_800_000)),
  appointment(bytes(0x8233, berlinZone())),
  appointment(text(0x8234, 'Berlin')),
];

async function readStream(stream: Uint8Array) {
  const part = { encoding: 'binary', start: 0, end: stream.length };
  return await readTnefMeeting(part, async function* (from, to) {
    yield stream.subarray(from, to);
  });
}

const read = (more: readonly WrittenProperty[] = [], name = 'Schedule.MtgReq', rest = plain) =>
  readStream(writeTnef({ messageClass: `IPM.Microsoft ${name}`, properties: [...rest, ...more] }));

describe('a meeting in TNEF', () => {
  test('has its id, its times and its zone, and what is not said is as usual', async () => {
    expect(await read()).toEqual({
      method: 'REQUEST',
      uid: outlookId.toString('hex').toUpperCase(),
      isAllDay: false,
      startMs,
      endMs: startMs + 1_800_000,
      startDigitsMs: startMs + 3_600_000,
      zone: {
        name: 'Berlin',
        offsetMinutes: 60,
        daylight: {
          name: 'Berlin',
          offsetMinutes: 120,
          begins: { month: 3, weekday: 0, week: 5, hour: 2, minute: 0, second: 0 },
          ends: { month: 10, weekday: 0, week: 5, hour: 3, minute: 0, second: 0 },
        },
      },
      sequence: 0,
      isResponseRequested: false,
      isCounterDisallowed: false,
      visibility: 'PUBLIC',
      busy: 'BUSY',
    });
  });

  test('has what is said', async () => {
    const more = [
      meeting(time(0x1a, startMs - 1_000)),
      number(0x0036, 2),
      flag(0x0063, true),
      appointment(number(0x8201, 3)),
      appointment(number(0x8205, 1)),
      appointment(number(0x8224, 3)),
      appointment(text(0x8208, 'Room 1')),
      appointment(flag(0x8215, true)),
      appointment(flag(0x825a, true)),
      common(number(0x8501, 15)),
      common(flag(0x8503, true)),
    ];
    expect(await read(more)).toMatchObject({
      stampMs: startMs - 1_000,
      isAllDay: true,
      sequence: 3,
      location: 'Room 1',
      reminderSeconds: 900,
      isResponseRequested: true,
      isCounterDisallowed: true,
      visibility: 'PRIVATE',
      busy: 'OOF',
    });
  });

  test.each([
    ['Schedule.MtgCncl', 'CANCEL'],
    ['Schedule.MtgRespP', 'REPLY'],
    ['Schedule.MtgRespN', 'REPLY'],
    ['Schedule.MtgRespA', 'REPLY'],
    ['Mail.Note', undefined],
  ])('of class %s is %s', async (name, method) => {
    expect((await read([], name))?.method).toBe(method);
  });

  test('is known by PidTagMessageClass, too', async () => {
    expect((await read([text(0x001a, 'IPM.Schedule.Meeting.Canceled')], 'Mail.Note'))?.method).toBe('CANCEL');
  });

  test('with a proposal of another time is one', async () => {
    const [from, to] = [startMs + 3_600_000, startMs + 7_200_000];
    const proposal = [
      appointment(flag(0x8257, true)),
      appointment(time(0x8250, from)),
      appointment(time(0x8251, to)),
    ];
    const answer = await read(proposal, 'Schedule.MtgRespA');
    expect(answer).toMatchObject({ method: 'COUNTER', startMs, proposed: { startMs: from, endMs: to } });
    expect((await read(proposal))?.proposed).toBeUndefined();
  });

  test('of another program has that one’s UID', async () => {
    const uid = Buffer.from('event-1@example.org');
    const head = Buffer.from(outlookId.subarray(0, 40));
    head.writeUInt32LE(12 + uid.length + 1, 36);
    const id = Buffer.concat([head, Buffer.from('vCal-Uid'), Buffer.of(1, 0, 0, 0), uid, Buffer.of(0)]);
    const [, ...rest] = plain;
    expect((await read([meeting(bytes(0x03, id))], undefined, rest))?.uid).toBe('event-1@example.org');
  });

  test('about one instance of a series has its original start, and the UID of the series', async () => {
    const id = Buffer.from(outlookId);
    id.set([0x07, 0xea, 11, 19], 16);
    const [, ...rest] = plain;
    const dated = meeting(bytes(0x03, id));
    const known = { uid: outlookId.toString('hex').toUpperCase(), rule: undefined };
    expect(await read([dated], undefined, rest)).toMatchObject({
      ...known,
      recurrenceIdMs: Date.UTC(2026, 10, 19, 9),
    });
    const replaced = appointment(time(0x8228, Date.UTC(2026, 10, 19, 13)));
    expect(await read([dated, replaced], undefined, rest)).toMatchObject({
      ...known,
      recurrenceIdMs: Date.UTC(2026, 10, 19, 13),
    });
  });

  const never = { end: 0x2023 };
  test.each([
    [
      'every third day',
      { frequency: 0x200a, type: 0, period: 4320, ...never },
      { frequency: 'DAILY', interval: 3 },
    ],
    [
      'every second week on Monday and Friday',
      { frequency: 0x200b, type: 1, period: 2, specific: [0b100010], end: 0x2022, count: 7 },
      {
        frequency: 'WEEKLY',
        interval: 2,
        count: 7,
        byDay: [
          { weekday: 1, nth: 0 },
          { weekday: 5, nth: 0 },
        ],
      },
    ],
    [
      'the 20th of every month',
      { frequency: 0x200c, type: 2, period: 1, specific: [20], ...never },
      { frequency: 'MONTHLY', interval: 1, byMonthDay: [20] },
    ],
    [
      'the last day of every month',
      { frequency: 0x200c, type: 4, period: 1, specific: [31], ...never },
      { frequency: 'MONTHLY', byMonthDay: [-1] },
    ],
    [
      'the last Friday of every year’s month',
      { frequency: 0x200d, type: 3, period: 24, specific: [0b100000, 5], ...never },
      { frequency: 'YEARLY', interval: 2, byDay: [{ weekday: 5, nth: 0 }], bySetPosition: [-1] },
    ],
  ] as const)('recurs %s', async (_what, pattern, rule) => {
    const found = await read([appointment(bytes(0x8216, recurrencePattern(pattern)))]);
    expect(found?.rule).toMatchObject({ weekStart: 1, ...rule });
    expect(found?.untilMs).toBeUndefined();
  });

  test('that ends on a day has its last start, by the clock of its zone', async () => {
    const lastDayMs = Date.UTC(2027, 5, 18);
    const pattern = { frequency: 0x200b, type: 1, period: 1, specific: [32], end: 0x2021, lastDayMs };
    const deleted = [1, 2, 3];
    for (const written of [pattern, { ...pattern, deleted }]) {
      const found = await read([appointment(bytes(0x8216, recurrencePattern(written)))]);
      expect(found?.untilMs).toBe(Date.UTC(2027, 5, 18, 8));
    }
  });

  test('without an id or a start is none', async () => {
    expect(await read([], undefined, plain.slice(1))).toBeUndefined();
    expect(await read([], undefined, [...plain.slice(0, 1), ...plain.slice(2)])).toBeUndefined();
  });

  test('that is cut short, or written over, is another or none, and no fault', async () => {
    const series = recurrencePattern({ frequency: 0x200d, type: 3, period: 24, specific: [32, 5], ...never });
    const properties = [...plain, appointment(bytes(0x8216, series))];
    const whole = writeTnef({ messageClass: 'IPM.Microsoft Schedule.MtgReq', properties });
    for (let length = 0; length < whole.length - 2; length++) {
      expect(await readStream(whole.subarray(0, length))).toBeUndefined();
    }
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 0xff]) {
        const other = Buffer.from(whole);
        other[at] = value;
        await readStream(other);
      }
    }
  });
});
