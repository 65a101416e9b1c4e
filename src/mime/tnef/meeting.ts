import { Buffer } from 'node:buffer';
import type { Meeting } from '../calendar/meeting.ts';
import { instantOf, utcZone, type Zone } from '../calendar/zone.ts';
import type { MessagePart } from '../message-index.ts';
import type { ReadRange } from '../open-part.ts';
import { decodeTransfer } from '../transfer.ts';
import { TnefError } from './cursor.ts';
import { meetingId } from './meeting-ids.ts';
import { numberOf, type Properties, textOf, timeOf } from './properties.ts';
import { tnefRecurrence } from './recurrence.ts';
import { messageId, scanTnefHead, type TnefContent } from './scan.ts';

/** What of a stream tells of its meeting. */
type MeetingContent = Pick<TnefContent, 'codePage' | 'properties' | 'messageClass'>;

/** MS-OXTNEF, attMessageClass: what Outlook calls them in a stream. */
const classes: ReadonlyMap<string, string> = new Map([
  ['ipm.microsoft schedule.mtgreq', 'IPM.Schedule.Meeting.Request'],
  ['ipm.microsoft schedule.mtgcncl', 'IPM.Schedule.Meeting.Canceled'],
  ['ipm.microsoft schedule.mtgrespp', 'IPM.Schedule.Meeting.Resp.Pos'],
  ['ipm.microsoft schedule.mtgresp', 'IPM.Schedule.Meeting.Resp.Pos'],
  ['ipm.microsoft schedule.mtgrespn', 'IPM.Schedule.Meeting.Resp.Neg'],
  ['ipm.microsoft schedule.mtgrespa', 'IPM.Schedule.Meeting.Resp.Tent'],
]);
const ownClasses = new Map([...classes.values()].map((name) => [name.toLowerCase(), name]));

const visibilities = ['PUBLIC', 'PERSONAL', 'PRIVATE', 'CONFIDENTIAL'] as const;
const busyWords = ['FREE', 'TENTATIVE', 'BUSY', 'OOF', 'WORKINGELSEWHERE'] as const;
const maxText = 1_024;
const maxUid = 300;
const dayMs = 24 * 3_600_000;
const minuteMs = 60_000;

/** The MessageClass (MS-ASEMAIL) of a stream about a meeting; undefined for every other. */
export function meetingClassOf({ messageClass, properties, codePage }: MeetingContent): string | undefined {
  const said = [messageClass, textOf(properties.get(meetingId.MessageClass), codePage)];
  return said
    .map((name) => name?.toLowerCase())
    .map((name) => name && (classes.get(name) ?? ownClasses.get(name)))
    .find((name) => name !== undefined && name !== '');
}

/** The properties of a message stand behind its text, and are looked for so far. */
const maxHeadBytes = 8 * 1024 * 1024;

/**
 * The meeting that a part (TNEF) is about; undefined for what is about none, or cannot be read. `read` gives bytes of the raw
 * message; rejects when it does.
 */
export async function readTnefMeeting(
  { encoding, start, end }: Pick<MessagePart, 'encoding' | 'start' | 'end'>,
  read: ReadRange,
): Promise<Meeting | undefined> {
  try {
    const bytes = read(start, Math.min(end, start + maxHeadBytes));
    return meetingIn(await scanTnefHead(decodeTransfer(encoding, bytes)));
  } catch (error) {
    if (error instanceof TnefError) return undefined;
    throw error;
  }
}

/** The meeting of a stream (MS-OXOCAL); undefined for what is about none, or lacks its id or its times. Who organizes it is not said. */
export function meetingIn(content: MeetingContent): Meeting | undefined {
  const { properties, codePage } = content;
  const messageClass = meetingClassOf(content);
  const id = (properties.get(meetingId.GlobalObjectId) ?? properties.get(meetingId.CleanGlobalObjectId))
    ?.head;
  const uid = id && uidOf(id);
  const startMs = firstTime(properties, meetingId.AppointmentStartWhole, meetingId.StartDate);
  if (messageClass === undefined || id === undefined || uid === undefined || startMs === undefined)
    return undefined;
  const endMs = firstTime(properties, meetingId.AppointmentEndWhole, meetingId.EndDate) ?? startMs;
  const zone = zoneIn(properties, codePage);
  const startDigitsMs = digitsOf(zone, startMs);
  const recurrenceIdMs = recurrenceIdOf(properties, id, { zone, startDigitsMs });
  const blob = recurrenceIdMs === undefined ? properties.get(meetingId.AppointmentRecur)?.head : undefined;
  const series = blob && tnefRecurrence(blob);
  const number = (name: keyof typeof meetingId) => numberOf(properties.get(meetingId[name]));
  const isSet = (name: keyof typeof meetingId) => ((number(name) ?? 0) & 0xffff) !== 0;
  const reminder = isSet('ReminderSet') ? number('ReminderDelta') : undefined;
  const proposed = proposalIn(properties, messageClass, isSet('AppointmentCounterProposal'));
  return {
    method: methodOf(messageClass, proposed !== undefined),
    uid,
    stampMs: firstTime(properties, meetingId.OwnerCriticalChange, messageId.ClientSubmitTime),
    isAllDay: isSet('AppointmentSubType'),
    startMs,
    endMs: Math.max(startMs, endMs),
    startDigitsMs,
    zone,
    recurrenceIdMs,
    rule: series?.rule,
    untilMs:
      series?.lastDayMs === undefined
        ? undefined
        : instantOf(zone, series.lastDayMs + timeOfDay(startDigitsMs)),
    proposed,
    sequence: number('AppointmentSequence') ?? 0,
    location: textOf(properties.get(meetingId.Location), codePage)?.slice(0, maxText),
    reminderSeconds: reminder === undefined ? undefined : reminder * 60,
    isResponseRequested: isSet('ResponseRequested'),
    isCounterDisallowed: isSet('AppointmentNotAllowPropose'),
    visibility: visibilities[number('Sensitivity') ?? 0] ?? 'PUBLIC',
    busy: busyWords[number('IntendedBusyStatus') ?? number('BusyStatus') ?? 2] ?? 'BUSY',
  };
}

function methodOf(messageClass: string, isProposal: boolean): Meeting['method'] {
  if (isProposal) return 'COUNTER';
  if (messageClass.endsWith('.Request')) return 'REQUEST';
  return messageClass.endsWith('.Canceled') ? 'CANCEL' : 'REPLY';
}

function proposalIn(properties: Properties, messageClass: string, isProposal: boolean): Meeting['proposed'] {
  const startMs = timeOf(properties.get(meetingId.AppointmentProposedStartWhole));
  const endMs = timeOf(properties.get(meetingId.AppointmentProposedEndWhole));
  const isThere =
    isProposal && messageClass.includes('.Resp.') && startMs !== undefined && endMs !== undefined;
  return isThere ? { startMs, endMs } : undefined;
}

function firstTime(properties: Properties, ...ids: readonly number[]): number | undefined {
  return ids.map((id) => timeOf(properties.get(id))).find((ms) => ms !== undefined);
}

const instanceAt = 16;
const sizeAt = 36;
const dataAt = 40;
const uidAt = 52;

/** MS-OXOCAL, PidLidGlobalObjectId: the UID that another program made stands in it; else it is the id itself, of the whole series. */
function uidOf(id: Buffer): string | undefined {
  if (id.length < dataAt) return undefined;
  const length = id.readUInt32LE(sizeAt) - (uidAt - dataAt) - 1;
  const isForeign = id.toString('latin1', dataAt, dataAt + 8) === 'vCal-Uid';
  if (isForeign && length > 0 && uidAt + length <= id.length) {
    const uid = id.toString('utf8', uidAt, uidAt + length);
    return uid.length > maxUid ? undefined : uid;
  }
  const whole = Buffer.from(id);
  whole.fill(0, instanceAt, instanceAt + 4);
  const hex = whole.toString('hex').toUpperCase();
  return hex.length > maxUid ? undefined : hex;
}

/** The original start of the one instance that a message is about. */
function recurrenceIdOf(
  properties: Properties,
  id: Buffer,
  { zone, startDigitsMs }: { readonly zone: Zone; readonly startDigitsMs: number },
): number | undefined {
  const [year, month, day] = [
    id.readUInt16BE(instanceAt),
    id.readUInt8(instanceAt + 2),
    id.readUInt8(instanceAt + 3),
  ];
  if (year < 1601 || year > 4500 || month === 0 || day === 0) return undefined;
  const replaced = timeOf(properties.get(meetingId.ExceptionReplaceTime));
  return replaced ?? instantOf(zone, Date.UTC(year, month - 1, day) + timeOfDay(startDigitsMs));
}

function timeOfDay(digitsMs: number): number {
  return ((digitsMs % dayMs) + dayMs) % dayMs;
}

/** The digits that a zone's clock shows, read as if they were UTC. */
function digitsOf(zone: Zone, atMs: number): number {
  const standard = atMs + zone.offsetMinutes * minuteMs;
  const { daylight } = zone;
  if (daylight === undefined || instantOf(zone, standard) === atMs) return standard;
  return atMs + daylight.offsetMinutes * minuteMs;
}

/** MS-OXOCAL, PidLidTimeZoneStruct: biases, and when the clock changes to each half of the year. */
function zoneIn(properties: Properties, codePage: number): Zone {
  const struct = properties.get(meetingId.TimeZoneStruct)?.head;
  if (struct === undefined || struct.length < 48) return utcZone;
  const bias = struct.readInt32LE(0);
  const name = textOf(properties.get(meetingId.TimeZoneDescription), codePage) ?? '';
  const offsetMinutes = -(bias + struct.readInt32LE(4));
  const [ends, begins] = [changeAt(struct, 14), changeAt(struct, 32)];
  if (Math.abs(offsetMinutes) > 24 * 60) return utcZone;
  if (ends === undefined || begins === undefined) return { name, offsetMinutes };
  const summer = -(bias + struct.readInt32LE(8));
  return { name, offsetMinutes, daylight: { name, offsetMinutes: summer, begins, ends } };
}

/** A SYSTEMTIME as a rule of each year; undefined: the clock does not change. */
function changeAt(struct: Buffer, at: number): NonNullable<Zone['daylight']>['begins'] | undefined {
  const [month = 0, weekday = 0, week = 0, hour = 0, minute = 0, second = 0] = [1, 2, 3, 4, 5, 6].map((n) =>
    struct.readUInt16LE(at + 2 * n),
  );
  if (month < 1 || month > 12 || weekday > 6 || week < 1 || week > 5) return undefined;
  return { month, weekday, week, hour, minute, second };
}
