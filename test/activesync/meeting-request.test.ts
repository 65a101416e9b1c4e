import { describe, expect, test } from 'vitest';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Calendar } from '#protocols/activesync/wbxml/code-pages/calendar';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { MeetingResponse } from '#protocols/activesync/wbxml/code-pages/meeting-response';
import { child, childrenOf, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { startEndpoint } from './server.ts';
import { preference } from './sync-phone.ts';

const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;

const berlin = [
  'BEGIN:VTIMEZONE',
  'TZID:Berlin',
  'BEGIN:STANDARD',
  'DTSTART:16010101T030000',
  'TZOFFSETFROM:+0200',
  'TZOFFSETTO:+0100',
  'TZNAME:CET',
  'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10',
  'END:STANDARD',
  'BEGIN:DAYLIGHT',
  'DTSTART:16010101T020000',
  'TZOFFSETFROM:+0100',
  'TZOFFSETTO:+0200',
  'TZNAME:CEST',
  'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3',
  'END:DAYLIGHT',
  'END:VTIMEZONE',
];
const plainEvent = ['UID:event-1@example.org', 'DTSTAMP:20261116T080000Z', 'DTSTART:20261120T100000Z'];

/** A calendar of one event. */
function calendar(method: string, event: readonly string[], zone: readonly string[] = []): string[] {
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    `METHOD:${method}`,
    ...zone,
    'BEGIN:VEVENT',
    ...event,
    'END:VEVENT',
    'END:VCALENDAR',
  ];
}

/** A message of plain text and a calendar, as programs send invitations. */
function invitation(method: string, lines: readonly string[]): string {
  return [
    'From: "Anna Schmidt" <anna@example.org>',
    'To: alice@example.test',
    'Subject: Planning',
    'Message-ID: <planning@example.org>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/alternative; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'You are invited.',
    '--b',
    `Content-Type: text/calendar; charset=utf-8; method=${method}`,
    '',
    ...lines,
    '--b--',
    '',
  ].join('\r\n');
}

/** What a phone of a version is told of a message. */
async function told(
  raw: string,
  version: ProtocolVersion = '14.1',
  { folder = 1, bodyType = 1 } = {},
): Promise<Element> {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  await phone.folderSync();
  await server.receive(raw, { folder });
  const options = version === '2.5' ? [] : [preference(bodyType)];
  const [properties] = (await phone.syncAll(String(folder), { options })).values();
  if (properties === undefined) throw new Error('nothing came');
  return properties;
}

const request = async (event: readonly string[], version?: ProtocolVersion, zone: readonly string[] = []) =>
  child(await told(invitation('REQUEST', calendar('REQUEST', event, zone)), version), Email.MeetingRequest);
const saysOf = (meeting: Element | undefined) =>
  Object.fromEntries((meeting?.children ?? []).map((one) => [one.tag.name, one.text]));

describe.each(versions)('%s', (version) => {
  test('Sync: MeetingRequest holds what its version asks for, and the text stays readable', async () => {
    const event = [...plainEvent, 'DTEND:20261120T110000Z', 'ORGANIZER;CN=Anna:mailto:anna@example.org'];
    const more = ['LOCATION:Room 1\\, upstairs', 'ATTENDEE;RSVP=TRUE:mailto:alice@example.test'];
    const raw = invitation('REQUEST', calendar('REQUEST', [...event, ...more]));
    const properties = await told(raw, version);
    const meeting = child(properties, Email.MeetingRequest);
    const number = Number(version);
    expect(meeting?.children.map(({ tag }) => tag.name)).toEqual([
      'AllDayEvent',
      'StartTime',
      'DtStamp',
      'EndTime',
      'InstanceType',
      'Location',
      'Organizer',
      'ResponseRequested',
      'Sensitivity',
      'BusyStatus',
      'TimeZone',
      ...(number < 16 ? ['GlobalObjId'] : []),
      ...(number >= 14 ? ['DisallowNewTimeProposal'] : []),
      ...(number >= 14.1 ? ['MeetingMessageType'] : []),
      ...(number >= 16 ? ['UID'] : []),
    ]);
    expect(saysOf(meeting)).toMatchObject({
      AllDayEvent: '0',
      StartTime: '2026-11-20T10:00:00.000Z',
      EndTime: '2026-11-20T11:00:00.000Z',
      DtStamp: '2026-11-16T08:00:00.000Z',
      InstanceType: '0',
      Organizer: '"Anna" <anna@example.org>',
      ResponseRequested: '1',
      Sensitivity: '0',
      BusyStatus: '2',
      TimeZone: Buffer.concat([Buffer.alloc(4), Buffer.from('UTC', 'utf16le'), Buffer.alloc(162)]).toString(
        'base64',
      ),
    });
    const place = number >= 16 ? [AirSyncBase.Location, AirSyncBase.DisplayName] : [Email.Location];
    expect(textOf(meeting, ...place)).toBe('Room 1, upstairs');
    expect(textOf(properties, Email.MessageClass)).toBe('IPM.Schedule.Meeting.Request');
    const contentClass = number >= 12 ? 'urn:content-classes:calendarmessage' : undefined;
    expect(textOf(properties, Email.ContentClass)).toBe(contentClass);
    const body = version === '2.5' ? [Email.Body] : [AirSyncBase.Body, AirSyncBase.Data];
    expect(textOf(properties, ...body)).toContain('You are invited.');
  });

  test('Sync: MeetingRequest, Recurrence holds Type and Interval, CalendarType since 14.0, FirstDayOfWeek since 14.1', async () => {
    const number = Number(version);
    const patternOf = async (rule: string) =>
      saysOf(child(await request([...plainEvent, rule], version), Email.Recurrences, Email.Recurrence));
    const leap = number >= 14 ? { IsLeapMonth: '0' } : {};
    const calendarType = number >= 14 ? { CalendarType: '0' } : {};
    expect(
      await patternOf('RRULE:FREQ=WEEKLY;BYDAY=MO,WE;INTERVAL=2;UNTIL=20270101T000000Z;WKST=SU'),
    ).toEqual({
      Type: '1',
      Interval: '2',
      Until: '20270101T000000Z',
      DayOfWeek: '10',
      ...leap,
      ...(number >= 14.1 ? { FirstDayOfWeek: '0' } : {}),
    });
    expect(await patternOf('RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=5')).toEqual({
      Type: '3',
      Interval: '1',
      Occurrences: '5',
      WeekOfMonth: '5',
      DayOfWeek: '32',
      ...calendarType,
      ...leap,
    });
    expect(await patternOf('RRULE:FREQ=YEARLY')).toEqual({
      Type: '5',
      Interval: '1',
      DayOfMonth: '20',
      MonthOfYear: '11',
      ...calendarType,
      ...leap,
    });
  });

  test('Sync: MeetingRequest of one instance has its RecurrenceId, and the Reminder in seconds', async () => {
    const reminder = ['BEGIN:VALARM', 'ACTION:DISPLAY', 'TRIGGER:-PT15M', 'END:VALARM'];
    const event = [...plainEvent, 'RECURRENCE-ID:20261119T100000Z', ...reminder];
    expect(saysOf(await request(event, version))).toMatchObject({
      InstanceType: '3',
      RecurrenceId: '2026-11-19T10:00:00.000Z',
      Reminder: '900',
    });
  });
});

describe('MeetingRequest', () => {
  const fieldsOf = async (...event: string[]) => saysOf(await request([...plainEvent, ...event]));

  test.each([
    ['FREQ=DAILY', { Type: '0', Interval: '1' }],
    ['FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR', { Type: '1', DayOfWeek: '62' }],
    ['FREQ=WEEKLY', { Type: '1', DayOfWeek: '32', FirstDayOfWeek: '1' }],
    ['FREQ=MONTHLY', { Type: '2', DayOfMonth: '20' }],
    ['FREQ=MONTHLY;BYMONTHDAY=-1', { Type: '3', DayOfWeek: '127', WeekOfMonth: '5' }],
    ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2', { Type: '3', DayOfWeek: '62', WeekOfMonth: '2' }],
    ['FREQ=YEARLY', { Type: '5', DayOfMonth: '20', MonthOfYear: '11' }],
    ['FREQ=YEARLY;BYDAY=3TH;BYMONTH=4', { Type: '6', DayOfWeek: '16', WeekOfMonth: '3', MonthOfYear: '4' }],
    ['FREQ=DAILY;UNTIL=20261130', { Until: '20261130T100000Z' }],
    ['FREQ=DAILY;COUNT=5000', { Occurrences: '999' }],
  ])('Recurrence of %s', async (rule, says) => {
    const meeting = await request([...plainEvent, `RRULE:${rule}`]);
    expect(textOf(meeting, Email.InstanceType)).toBe('1');
    expect(saysOf(child(meeting, Email.Recurrences, Email.Recurrence))).toMatchObject(says);
  });

  test.each(['FREQ=HOURLY', 'FREQ=DAILY;UNTIL=99991231T235959Z'])(
    '%s has no end that a phone is told',
    async (rule) => {
      const meeting = await request([...plainEvent, `RRULE:${rule}`]);
      const pattern = child(meeting, Email.Recurrences, Email.Recurrence);
      expect([textOf(pattern, Email.Until), textOf(pattern, Email.Occurrences)]).toEqual([
        undefined,
        undefined,
      ]);
    },
  );

  test('TimeZone: 172 bytes, bias and both changes of the clock; times follow it', async () => {
    const event = ['UID:1', 'DTSTART;TZID=Berlin:20260720T090000', 'DTEND;TZID=Berlin:20260720T093000'];
    const meeting = await request(event, '14.1', berlin);
    const blob = Buffer.from(textOf(meeting, Email.TimeZone) ?? '', 'base64');
    expect(blob).toHaveLength(172);
    expect([blob.readInt32LE(0), blob.readInt32LE(84), blob.readInt32LE(168)]).toEqual([-60, 0, -60]);
    const date = (at: number) => Array.from({ length: 8 }, (_, n) => blob.readUInt16LE(at + 2 * n));
    expect(date(68)).toEqual([0, 10, 0, 5, 3, 0, 0, 0]);
    expect(date(152)).toEqual([0, 3, 0, 5, 2, 0, 0, 0]);
    expect(blob.toString('utf16le', 4, 10)).toBe('CET');
    expect(saysOf(meeting)).toMatchObject({
      StartTime: '2026-07-20T07:00:00.000Z',
      EndTime: '2026-07-20T07:30:00.000Z',
    });
  });

  test('TimeZone: a zone that the calendar only names is known by its name, an unknown one is UTC', async () => {
    const start = async (tzid: string) =>
      textOf(await request(['UID:1', `DTSTART;TZID=${tzid}:20260720T090000`]), Email.StartTime);
    expect(await start('America/New_York')).toBe('2026-07-20T13:00:00.000Z');
    expect(await start('/mozilla.org/20050126_1/Europe/Berlin')).toBe('2026-07-20T07:00:00.000Z');
    expect(await start('Somewhere')).toBe('2026-07-20T09:00:00.000Z');
  });

  test('AllDayEvent: a date is a day from midnight to midnight', async () => {
    expect(saysOf(await request(['UID:1', 'DTSTART;VALUE=DATE:20261120']))).toMatchObject({
      AllDayEvent: '1',
      StartTime: '2026-11-20T00:00:00.000Z',
      EndTime: '2026-11-21T00:00:00.000Z',
    });
  });

  test('EndTime follows from DURATION, and is the start if there is nothing; DtStamp is always there', async () => {
    expect(await fieldsOf('DURATION:PT1H30M')).toMatchObject({ EndTime: '2026-11-20T11:30:00.000Z' });
    expect(await fieldsOf()).toMatchObject({ EndTime: '2026-11-20T10:00:00.000Z' });
    expect(saysOf(await request(['UID:1', 'DTSTART:20261120T100000Z']))['DtStamp']).toMatch(/^20.*Z$/);
  });

  test.each([
    ['CLASS:PRIVATE', { Sensitivity: '2' }],
    ['CLASS:CONFIDENTIAL', { Sensitivity: '3' }],
    ['CLASS:X-PERSONAL', { Sensitivity: '1' }],
    ['TRANSP:TRANSPARENT', { BusyStatus: '0' }],
    ['X-MICROSOFT-CDO-INTENDEDSTATUS:OOF', { BusyStatus: '3' }],
    ['X-MICROSOFT-CDO-INTENDEDSTATUS:WORKINGELSEWHERE', { BusyStatus: '0' }],
    ['X-MICROSOFT-DISALLOW-COUNTER:TRUE', { DisallowNewTimeProposal: '1' }],
    ['SEQUENCE:2', { MeetingMessageType: '2' }],
    ['SEQUENCE:0', { MeetingMessageType: '1', ResponseRequested: '0' }],
    ['BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM', { Reminder: '900' }],
    ['BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-P7D\r\nEND:VALARM', { Reminder: '65535' }],
  ])('%s', async (line, says) => {
    expect(await fieldsOf(line)).toMatchObject(says);
  });

  test('BusyStatus 4 and Latitude and Longitude of Location since 16.0', async () => {
    const event = [...plainEvent, 'X-MICROSOFT-CDO-INTENDEDSTATUS:WORKINGELSEWHERE', 'GEO:48.1;-11.5'];
    const { Location, Latitude, Longitude } = AirSyncBase;
    for (const version of ['16.0', '16.1'] as const) {
      const meeting = await request(event, version);
      expect(textOf(meeting, Email.BusyStatus)).toBe('4');
      expect([Latitude, Longitude].map((tag) => textOf(meeting, Location, tag))).toEqual(['48.1', '-11.5']);
    }
    const before = await request(event, '14.1');
    expect(textOf(before, Email.BusyStatus)).not.toBe('4');
    expect([child(before, Email.Location), child(before, Location)]).toEqual([undefined, undefined]);
  });

  test('RecurrenceId is the original start of an exception, and of nothing else', async () => {
    const exception = ['RECURRENCE-ID:20261119T100000Z'];
    expect(await fieldsOf(...exception)).toMatchObject({
      InstanceType: '3',
      RecurrenceId: '2026-11-19T10:00:00.000Z',
    });
    expect(await fieldsOf('RRULE:FREQ=DAILY')).not.toHaveProperty('RecurrenceId');
  });

  test('GlobalObjId wraps a foreign UID, keeps one of Outlook, and dates an exception', async () => {
    const idOf = async (...event: string[]) =>
      Buffer.from(
        textOf(await request(['DTSTART:20261120T100000Z', ...event]), Email.GlobalObjId) ?? '',
        'base64',
      );
    const header = '040000008200e00074c5b7101a82e008';
    const zeros = '0'.repeat(32);
    expect((await idOf('UID:abc')).toString('hex')).toBe(
      `${header}00000000${zeros}100000007643616c2d5569640100000061626300`,
    );
    const outlook = `${header}00000000${'12'.repeat(8)}${'00'.repeat(8)}1000000044${'55'.repeat(15)}`;
    expect((await idOf(`UID:${outlook.toUpperCase()}`)).toString('hex')).toBe(outlook);
    const dated = (await idOf('UID:abc', 'RECURRENCE-ID:20261119T100000Z')).toString('hex');
    expect(dated.slice(32, 40)).toBe('07ea0b13');
  });

  test('UID since 16.0 is that of the calendar', async () => {
    for (const version of ['16.0', '16.1'] as const) {
      expect(textOf(await request(plainEvent, version), Calendar.UID)).toBe('event-1@example.org');
    }
    expect(child(await request(plainEvent, '14.1'), Calendar.UID)).toBeUndefined();
  });

  test('a series with exceptions is shown by its master', async () => {
    const exception = [...plainEvent, 'RECURRENCE-ID:20261121T100000Z', 'LOCATION:other'];
    const master = [...plainEvent, 'LOCATION:usual', 'RRULE:FREQ=DAILY'];
    const both = [...exception, 'END:VEVENT', 'BEGIN:VEVENT', ...master];
    expect(saysOf(await request(both))).toMatchObject({ Location: 'usual', InstanceType: '1' });
  });
});

describe('MessageClass', () => {
  const reply = (status: string) =>
    invitation('REPLY', calendar('REPLY', [...plainEvent, `ATTENDEE;PARTSTAT=${status}:mailto:a@b.c`]));

  test.each([
    ['IPM.Schedule.Meeting.Canceled', invitation('CANCEL', calendar('CANCEL', plainEvent)), true],
    ['IPM.Schedule.Meeting.Resp.Pos', reply('ACCEPTED'), false],
    ['IPM.Schedule.Meeting.Resp.Tent', reply('TENTATIVE'), false],
    ['IPM.Schedule.Meeting.Resp.Neg', reply('DECLINED'), false],
  ])('%s; MeetingRequest only for who was asked', async (messageClass, raw, isAsked) => {
    const properties = await told(raw);
    expect(textOf(properties, Email.MessageClass)).toBe(messageClass);
    expect(textOf(properties, Email.ContentClass)).toBe('urn:content-classes:calendarmessage');
    expect(child(properties, Email.MeetingRequest) !== undefined).toBe(isAsked);
  });

  test('MeetingMessageType of a cancellation is 0, and its time is free', async () => {
    const properties = await told(invitation('CANCEL', calendar('CANCEL', plainEvent)));
    const meeting = saysOf(child(properties, Email.MeetingRequest));
    expect(meeting).toMatchObject({ MeetingMessageType: '0', BusyStatus: '0', ResponseRequested: '0' });
  });

  test('ProposedStartTime and ProposedEndTime of a proposal since 16.1', async () => {
    const original = ['X-MS-OLK-ORIGINALSTART:20261119T100000Z', 'X-MS-OLK-ORIGINALEND:20261119T110000Z'];
    const raw = invitation('COUNTER', calendar('COUNTER', [...plainEvent, 'DURATION:PT1H', ...original]));
    const properties = await told(raw, '16.1');
    expect(textOf(properties, Email.MessageClass)).toBe('IPM.Schedule.Meeting.Resp.Tent');
    const meeting = child(properties, Email.MeetingRequest);
    expect([
      textOf(meeting, Email.StartTime),
      textOf(meeting, MeetingResponse.ProposedStartTime),
      textOf(meeting, MeetingResponse.ProposedEndTime),
    ]).toEqual(['2026-11-19T10:00:00.000Z', '20261120T100000Z', '20261120T110000Z']);
    expect(child(await told(raw, '16.0'), Email.MeetingRequest)).toBeUndefined();
  });

  test('a copy in Sent Items has its class, and no MeetingRequest', async () => {
    const properties = await told(invitation('REQUEST', calendar('REQUEST', plainEvent)), '14.1', {
      folder: 4,
    });
    expect(textOf(properties, Email.MessageClass)).toBe('IPM.Schedule.Meeting.Request');
    expect(child(properties, Email.MeetingRequest)).toBeUndefined();
  });

  const filler = (characters: number) => `DESCRIPTION:${'x'.repeat(characters)}`;
  test.each([
    ['without an event', ['BEGIN:VCALENDAR', 'METHOD:REQUEST', 'END:VCALENDAR']],
    ['without an end', calendar('REQUEST', plainEvent).slice(0, -2)],
    ['without a UID', calendar('REQUEST', ['DTSTART:20261120T100000Z'])],
    ['without a start', calendar('REQUEST', ['UID:1'])],
    ['of a day that there is not', calendar('REQUEST', ['UID:1', 'DTSTART:20260231T100000Z'])],
    [
      'with a UID of 301 characters',
      calendar('REQUEST', [`UID:${'1'.repeat(301)}`, 'DTSTART:20261120T100000Z']),
    ],
    ['that only publishes', calendar('PUBLISH', plainEvent)],
    ['that repeats in no way there is', calendar('REQUEST', [...plainEvent, 'RRULE:FREQ=NEVER'])],
    ['of 257 KiB', calendar('REQUEST', [...plainEvent, filler(257 * 1024)])],
    [
      'of a thousand levels',
      [...calendar('REQUEST', plainEvent).slice(0, 3), ...Array(1000).fill('BEGIN:VEVENT')],
    ],
  ])('a calendar %s is plain mail, with its text', async (_what, lines) => {
    const properties = await told(invitation('REQUEST', lines));
    expect(textOf(properties, Email.MessageClass)).toBe('IPM.Note');
    expect(textOf(properties, Email.ContentClass)).toBe('urn:content-classes:message');
    expect(child(properties, Email.MeetingRequest)).toBeUndefined();
    expect(textOf(properties, AirSyncBase.Body, AirSyncBase.Data)).toContain('You are invited.');
  });

  test('a calendar of 250 KiB is still a meeting', async () => {
    const meeting = await request([...plainEvent, filler(250 * 1024)]);
    expect(textOf(meeting, Email.StartTime)).toBe('2026-11-20T10:00:00.000Z');
  });

  test('an invitation inside another message makes no meeting of that', async () => {
    const inner = invitation('REQUEST', calendar('REQUEST', plainEvent));
    const head = [
      'Subject: Fwd',
      'Content-Type: multipart/mixed; boundary=o',
      '',
      '--o',
      '',
      'See below',
      '--o',
    ];
    const raw = [...head, 'Content-Type: message/rfc822', '', inner, '--o--', ''].join('\r\n');
    const properties = await told(raw);
    expect(textOf(properties, Email.MessageClass)).toBe('IPM.Note');
    expect(child(properties, Email.MeetingRequest)).toBeUndefined();
  });
});

test.each(['2.5', '12.1', '14.1', '16.1'] as const)(
  '%s: Sync: a message that is a calendar alone has its DESCRIPTION as text',
  async (version) => {
    const lines = calendar('REQUEST', [...plainEvent, 'DESCRIPTION:Bring\\, if you can\\nthe plans']);
    const head = [
      'From: anna@example.org',
      'Subject: Plans',
      'Content-Type: text/calendar; method=REQUEST',
      '',
    ];
    const properties = await told([...head, ...lines, ''].join('\r\n'), version);
    const body = version === '2.5' ? [Email.Body] : [AirSyncBase.Body, AirSyncBase.Data];
    expect(textOf(properties, ...body)).toBe('Bring, if you can\r\nthe plans');
    expect(textOf(properties, Email.MessageClass)).toBe('IPM.Schedule.Meeting.Request');
    expect(child(properties, Email.MeetingRequest)).toBeDefined();
  },
);

test.each(['12.0', '14.1', '16.1'] as const)(
  '%s: Sync: a meeting request without a text has an empty plain one, also where HTML is asked for',
  async (version) => {
    const request = invitation('REQUEST', calendar('REQUEST', plainEvent));
    const bodyOf = async (raw: string) =>
      child(await told(raw, version, { bodyType: 2 }), AirSyncBase.Body)?.children.map(({ text }) => text);
    expect(await bodyOf(request)).toEqual(['2', expect.any(String), '0', expect.stringContaining('invited')]);
    const without = request.replace('\r\nYou are invited.', '');
    for (const raw of [without, without.replace('text/plain', 'text/html')]) {
      expect(await bodyOf(raw)).toEqual(['1', '0', '0', '']);
    }
  },
);

test('of an invitation in another message and its own, a message is about its own', async () => {
  const inner = invitation('REQUEST', calendar('REQUEST', ['UID:inner', 'DTSTART:20270101T100000Z']));
  const raw = [
    'Subject: Both',
    'Content-Type: multipart/mixed; boundary=o',
    '',
    '--o',
    'Content-Type: message/rfc822',
    '',
    inner,
    '--o',
    'Content-Type: text/calendar; method=REQUEST',
    '',
    ...calendar('REQUEST', plainEvent),
    '--o--',
    '',
  ].join('\r\n');
  const meeting = child(await told(raw, '16.0'), Email.MeetingRequest);
  expect(textOf(meeting, Calendar.UID)).toBe('event-1@example.org');
});

test('ItemOperations: a meeting is fetched with its MeetingRequest, alone if Schema asks for it', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await phone.provision();
  await phone.folderSync();
  const serverId = await server.receive(invitation('REQUEST', calendar('REQUEST', plainEvent)));
  const item = { collectionId: '1', serverId };
  const whole = await phone.fetch(item, [preference(1)]);
  expect(child(whole.properties, Email.MeetingRequest)).toBeDefined();
  const schema = [el(ItemOperations.Schema, el(Email.MeetingRequest))];
  const { properties } = await phone.fetch(item, schema);
  expect(properties?.children.map(({ tag }) => tag)).toEqual([Email.MeetingRequest]);
  expect(
    childrenOf(properties, Email.MeetingRequest).map((one) => textOf(one, Email2.MeetingMessageType)),
  ).toEqual(['1']);
});
