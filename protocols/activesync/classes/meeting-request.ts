/** MS-ASEMAIL, MeetingRequest: what a meeting message says of its meeting, from the calendar part that it came with. */
import { defaultFolder, FolderType } from '#domain/folder';
import type { Item, ItemDetail, MessagePart } from '#domain/item';
import type { Mailbox } from '#domain/mailbox';
import type { Message } from '#domain/sync';
import { formatAddressList } from '#mime/address';
import { type Meeting, readMeeting } from '#mime/calendar/meeting';
import { decodeText } from '#mime/decode-part';
import { readTnefMeeting } from '#mime/tnef/meeting';
import { isAtLeast, type ProtocolVersion } from '../protocol-version.ts';
import { AirSyncBase } from '../wbxml/code-pages/air-sync-base.ts';
import { Calendar } from '../wbxml/code-pages/calendar.ts';
import { Email } from '../wbxml/code-pages/email.ts';
import { Email2 } from '../wbxml/code-pages/email2.ts';
import { MeetingResponse } from '../wbxml/code-pages/meeting-response.ts';
import { type Element, el } from '../wbxml/element.ts';
import { readRange } from './body.ts';
import { compactDateTime, dateTime } from './date-time.ts';
import { globalObjectId } from './global-object-id.ts';
import { patternOf } from './recurrence.ts';
import { timeZoneBlob } from './time-zone.ts';

/** Of a calendar, decoded and as it is encoded. */
const maxCalendarBytes = 256 * 1024;
const maxEncodedBytes = 4 * maxCalendarBytes;
/** The schema's unsignedShort. */
const maxReminderSeconds = 0xffff;
const maxOccurrences = 999;

/** MS-ASEMAIL, Sensitivity, BusyStatus. */
const sensitivities = { PUBLIC: 0, PERSONAL: 1, PRIVATE: 2, CONFIDENTIAL: 3 } as const;
const busyStatuses = { FREE: 0, TENTATIVE: 1, BUSY: 2, OOF: 3, WORKINGELSEWHERE: 4 } as const;
/** MS-ASEMAIL, MeetingMessageType. */
const MeetingMessageType = { Unspecified: 0, Initial: 1, FullUpdate: 2 } as const;
/** MS-ASEMAIL, InstanceType. */
const InstanceType = { Single: 0, Master: 1, Exception: 3 } as const;

/** What the user wrote: nobody asks him to come. */
const ownFolders = [FolderType.SentItems, FolderType.Drafts, FolderType.Outbox].map(defaultFolder);

/**
 * The meeting of a meeting message. Undefined for ordinary mail, which costs nothing, and for one whose calendar cannot be
 * read or is too large: it is shown as the mail it is as well. Throws when the message cannot be read.
 */
export async function meetingOf(mailbox: Mailbox, message: Message): Promise<Meeting | undefined> {
  const { item, detail } = message;
  if (!isOfMeeting(item)) return undefined;
  const [part] = ownParts(detail, (type) => type === 'text/calendar');
  if (part === undefined) return await tnefMeetingOf(mailbox, message);
  if (part.size > maxCalendarBytes || part.end - part.start > maxEncodedBytes) {
    return undefined;
  }
  return readMeeting(decodeText(part, await readRange(mailbox, message, part.start, part.end)));
}

function isOfMeeting({ messageClass }: Item): boolean {
  return messageClass.startsWith('IPM.Schedule.Meeting.');
}

/** What a TNEF stream may be called. */
const tnefTypes = new Set(['application/ms-tnef', 'application/vnd.ms-tnef', 'application/octet-stream']);
/** So many parts are looked into: the first bytes of one tell that it is none. */
const maxStreams = 4;

/** Outlook's own form of a message may be the only one that tells of the meeting. Its sender organizes it. */
async function tnefMeetingOf(mailbox: Mailbox, { item, detail }: Message): Promise<Meeting | undefined> {
  const [organizer] = item.envelope.from;
  for (const part of ownParts(detail, (type) => tnefTypes.has(type)).slice(0, maxStreams)) {
    const meeting = await readTnefMeeting(part, (start, end) => mailbox.openBody(item, [start, end]));
    if (meeting !== undefined) return { ...meeting, organizer };
  }
  return undefined;
}

/** The parts of the message itself, not those of a message inside it. */
function ownParts({ parts }: ItemDetail, isWanted: (type: string) => boolean): readonly MessagePart[] {
  const own = parts.filter(({ inside }) => inside === undefined);
  const messages = own.filter(({ type, path }) => type.startsWith('message/') && path !== '');
  return own.filter(
    ({ type, start, end }) =>
      isWanted(type) && !messages.some((outer) => outer.start <= start && end <= outer.end),
  );
}

/** The MeetingRequest of a message; undefined where its reader is none of those who were asked. */
export function meetingRequestElement(
  item: Item,
  meeting: Meeting,
  version: ProtocolVersion,
): Element | undefined {
  if (!isForAttendee(item, meeting, version)) return undefined;
  const since14 = isAtLeast(version, '14.0');
  const since16 = isAtLeast(version, '16.0');
  const { proposed } = isAtLeast(version, '16.1') ? meeting : {};
  return el(
    Email.MeetingRequest,
    el(Email.AllDayEvent, meeting.isAllDay),
    el(Email.StartTime, dateTime(meeting.startMs)),
    el(Email.DtStamp, dateTime(meeting.stampMs ?? item.receivedMs)),
    el(Email.EndTime, dateTime(meeting.endMs)),
    el(Email.InstanceType, instanceType(meeting)),
    locationElement(meeting, since16),
    meeting.organizer && el(Email.Organizer, formatAddressList([meeting.organizer], ', ')),
    meeting.recurrenceIdMs === undefined
      ? undefined
      : el(Email.RecurrenceId, dateTime(meeting.recurrenceIdMs)),
    meeting.reminderSeconds === undefined
      ? undefined
      : el(Email.Reminder, Math.min(maxReminderSeconds, meeting.reminderSeconds)),
    el(Email.ResponseRequested, meeting.method === 'REQUEST' && meeting.isResponseRequested),
    recurrencesElement(meeting, version),
    el(Email.Sensitivity, sensitivities[meeting.visibility]),
    el(Email.BusyStatus, busyStatus(meeting, since16)),
    el(Email.TimeZone, timeZoneBlob(meeting.zone)),
    since16 ? undefined : el(Email.GlobalObjId, globalObjectId(meeting.uid, meeting.recurrenceIdMs)),
    since14 ? el(Email.DisallowNewTimeProposal, meeting.isCounterDisallowed) : undefined,
    isAtLeast(version, '14.1') ? el(Email2.MeetingMessageType, messageType(meeting)) : undefined,
    since16 ? el(Calendar.UID, meeting.uid) : undefined,
    proposed && el(MeetingResponse.ProposedStartTime, compactDateTime(proposed.startMs)),
    proposed && el(MeetingResponse.ProposedEndTime, compactDateTime(proposed.endMs)),
  );
}

/** MS-ASEMAIL, MeetingRequest: for attendees; a proposal of another time is for the organizer, since 16.1. */
function isForAttendee({ folder }: Item, { method }: Meeting, version: ProtocolVersion): boolean {
  if (ownFolders.includes(folder) || method === 'REPLY') return false;
  return method !== 'COUNTER' || isAtLeast(version, '16.1');
}

function instanceType({ recurrenceIdMs, rule }: Meeting): number {
  if (recurrenceIdMs !== undefined) return InstanceType.Exception;
  return rule === undefined ? InstanceType.Single : InstanceType.Master;
}

function locationElement({ location, position }: Meeting, since16: boolean): Element | undefined {
  if (!since16) return location === undefined ? undefined : el(Email.Location, location);
  if (location === undefined && position === undefined) return undefined;
  return el(
    AirSyncBase.Location,
    location === undefined ? undefined : el(AirSyncBase.DisplayName, location),
    position && el(AirSyncBase.Latitude, String(position.latitude)),
    position && el(AirSyncBase.Longitude, String(position.longitude)),
  );
}

/** Somewhere else at work is a word of 16.0; before, one who is there is free. */
function busyStatus({ busy, method }: Meeting, since16: boolean): number {
  if (method === 'CANCEL' || (busy === 'WORKINGELSEWHERE' && !since16)) return busyStatuses.FREE;
  return busyStatuses[busy];
}

function messageType({ method, sequence }: Meeting): number {
  if (method !== 'REQUEST') return MeetingMessageType.Unspecified;
  return sequence > 0 ? MeetingMessageType.FullUpdate : MeetingMessageType.Initial;
}

function recurrencesElement(meeting: Meeting, version: ProtocolVersion): Element | undefined {
  const { rule, recurrenceIdMs, untilMs, startDigitsMs } = meeting;
  if (rule === undefined || recurrenceIdMs !== undefined) return undefined;
  const pattern = patternOf(rule, startDigitsMs);
  const { type, interval, dayOfWeek, dayOfMonth, weekOfMonth, monthOfYear } = pattern;
  const occurrences =
    rule.count === undefined ? undefined : Math.min(maxOccurrences, Math.max(1, rule.count));
  const since14 = isAtLeast(version, '14.0');
  return el(
    Email.Recurrences,
    el(
      Email.Recurrence,
      el(Email.Type, type),
      el(Email.Interval, interval),
      untilMs === undefined ? undefined : el(Email.Until, compactDateTime(untilMs)),
      // RFC 5545 §3.3.10: one of the two.
      occurrences === undefined || untilMs !== undefined ? undefined : el(Email.Occurrences, occurrences),
      weekOfMonth === undefined ? undefined : el(Email.WeekOfMonth, weekOfMonth),
      dayOfMonth === undefined ? undefined : el(Email.DayOfMonth, dayOfMonth),
      dayOfWeek === undefined ? undefined : el(Email.DayOfWeek, dayOfWeek),
      monthOfYear === undefined ? undefined : el(Email.MonthOfYear, monthOfYear),
      since14 && type >= 2 ? el(Email2.CalendarType, 0) : undefined,
      since14 ? el(Email2.IsLeapMonth, 0) : undefined,
      isAtLeast(version, '14.1') && type === 1 ? el(Email2.FirstDayOfWeek, rule.weekStart) : undefined,
    ),
  );
}
