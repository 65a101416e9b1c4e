/** A meeting message: what the calendar in it says (RFC 5546, iTIP). */
import {
  type Component,
  componentsOf,
  durationSeconds,
  type LocalTime,
  localTimeOf,
  parameterOf,
  parseCalendar,
  propertiesOf,
  propertyOf,
  textOf,
} from './jcal.ts';
import { type RecurrenceRule, recurrenceRuleOf } from './recurrence-rule.ts';
import { instantOf, namedZone, utcZone, type Zone, zoneOf } from './zone.ts';

/** Who answers, or asks for another time. */
export interface Meeting {
  readonly method: 'REQUEST' | 'CANCEL' | 'REPLY' | 'COUNTER';
  readonly uid: string;
  /** Milliseconds since 1970, as every time here. */
  readonly stampMs?: number | undefined;
  readonly isAllDay: boolean;
  readonly startMs: number;
  readonly endMs: number;
  /** The digits of its start, read as if they were UTC. */
  readonly startDigitsMs: number;
  readonly zone: Zone;
  /** It is about one instance of a series, which began then. */
  readonly recurrenceIdMs?: number | undefined;
  readonly rule?: RecurrenceRule | undefined;
  /** The start of the last instance, where the rule has one. */
  readonly untilMs?: number | undefined;
  /** COUNTER: the times asked for; its own are those that there were, as far as they are known. */
  readonly proposed?: { readonly startMs: number; readonly endMs: number } | undefined;
  readonly sequence: number;
  readonly organizer?: { readonly name: string; readonly address: string } | undefined;
  readonly location?: string | undefined;
  readonly position?: { readonly latitude: number; readonly longitude: number } | undefined;
  /** How long before it begins. */
  readonly reminderSeconds?: number | undefined;
  readonly isResponseRequested: boolean;
  readonly isCounterDisallowed: boolean;
  readonly visibility: 'PUBLIC' | 'PERSONAL' | 'PRIVATE' | 'CONFIDENTIAL';
  readonly busy: 'FREE' | 'TENTATIVE' | 'BUSY' | 'OOF' | 'WORKINGELSEWHERE';
}

/** Characters of a calendar, and of what is kept of a text in it. */
const maxCalendar = 256 * 1024;
const maxUid = 300;
const maxText = 1_024;
const dayMs = 24 * 3_600_000;
const methods = ['REQUEST', 'CANCEL', 'REPLY', 'COUNTER'] as const;
const busyWords = ['FREE', 'TENTATIVE', 'BUSY', 'OOF', 'WORKINGELSEWHERE'] as const;

/**
 * Reads the calendar of a meeting message: of a series its master, else the first of its events. Undefined for what is no
 * meeting, is over 256 Ki characters long, or lacks what makes a meeting: UID and DTSTART.
 */
export function readMeeting(text: string): Meeting | undefined {
  const calendar = text.length > maxCalendar ? undefined : parseCalendar(text.replace(/^\ufeff/, ''));
  const method = methods.find((one) => one === (calendar && textOf(calendar, 'method'))?.toUpperCase());
  if (calendar === undefined || method === undefined) return undefined;
  const events = componentsOf(calendar, 'vevent');
  const event = events.find((one) => propertyOf(one, 'recurrence-id') === undefined) ?? events[0];
  return event && meetingOf(event, calendar, method);
}

function meetingOf(event: Component, calendar: Component, method: Meeting['method']): Meeting | undefined {
  const uid = textOf(event, 'uid')?.trim();
  const times = timesOf(event, calendar);
  if (uid === undefined || uid === '' || uid.length > maxUid || times === undefined) return undefined;
  const { start, zone, startMs, endMs } = times;
  const rule = recurrenceRuleOf(propertyOf(event, 'rrule')?.[3]);
  const original = method === 'COUNTER' ? originalTimes(event, calendar) : undefined;
  return {
    method,
    uid,
    stampMs: timeOf(event, 'dtstamp', calendar),
    isAllDay: isAllDay(event, start),
    startMs: original?.startMs ?? startMs,
    endMs: original?.endMs ?? endMs,
    startDigitsMs: start.digitsMs,
    zone,
    recurrenceIdMs: timeOf(event, 'recurrence-id', calendar),
    rule,
    untilMs: rule?.until && untilOf(rule.until, start, zone),
    proposed: method === 'COUNTER' ? { startMs, endMs } : undefined,
    sequence: numberOf(event, 'sequence') ?? 0,
    organizer: organizerOf(event),
    location: textOf(event, 'location')?.slice(0, maxText),
    position: positionOf(event),
    reminderSeconds: reminderOf(event),
    isResponseRequested: propertiesOf(event, 'attendee').some(
      (attendee) => parameterOf(attendee, 'rsvp')?.toUpperCase() === 'TRUE',
    ),
    isCounterDisallowed: wordOf(event, 'x-microsoft-disallow-counter') === 'TRUE',
    visibility: visibilityOf(event),
    busy: busyOf(event),
  };
}

interface Times {
  readonly start: LocalTime;
  readonly zone: Zone;
  readonly startMs: number;
  readonly endMs: number;
}

function timesOf(event: Component, calendar: Component): Times | undefined {
  const start = localTimeOf(propertyOf(event, 'dtstart')?.[3]);
  const startMs = timeOf(event, 'dtstart', calendar);
  if (start === undefined || startMs === undefined) return undefined;
  // A day begins at midnight, wherever somebody is.
  const zone = start.isDate || start.isUtc ? utcZone : zoneFor(event, 'dtstart', calendar, start.digitsMs);
  const seconds = durationSeconds(propertyOf(event, 'duration')?.[3]);
  const endMs =
    timeOf(event, 'dtend', calendar) ??
    (seconds === undefined ? startMs + (start.isDate ? dayMs : 0) : startMs + seconds * 1000);
  return { start, zone, startMs, endMs: Math.max(startMs, endMs) };
}

/** What a COUNTER of Exchange says of the times that there were. */
function originalTimes(
  event: Component,
  calendar: Component,
): { startMs: number; endMs: number } | undefined {
  const startMs = timeOf(event, 'x-ms-olk-originalstart', calendar);
  const endMs = timeOf(event, 'x-ms-olk-originalend', calendar);
  return startMs === undefined || endMs === undefined ? undefined : { startMs, endMs };
}

/** The time of a property; one without a zone is taken for one of the calendar's zone. */
function timeOf(event: Component, name: string, calendar: Component): number | undefined {
  const value = propertyOf(event, name)?.[3];
  const time = localTimeOf(typeof value === 'string' ? punctuated(value) : value);
  if (time === undefined) return undefined;
  if (time.isUtc || time.isDate) return time.digitsMs;
  return instantOf(zoneFor(event, name, calendar, time.digitsMs), time.digitsMs);
}

/** Properties that the standard does not know come as they were written. */
function punctuated(text: string): string {
  return text.replace(
    /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?$/,
    (_all, year, month, day, hour, minute, second, z) =>
      `${year}-${month}-${day}${hour === undefined ? '' : `T${hour}:${minute}:${second}${z}`}`,
  );
}

function zoneFor(event: Component, name: string, calendar: Component, digitsMs: number): Zone {
  const property = propertyOf(event, name);
  const id = property && parameterOf(property, 'tzid');
  const year = new Date(digitsMs).getUTCFullYear();
  const zones = componentsOf(calendar, 'vtimezone');
  const described = zones.find((one) => id !== undefined && textOf(one, 'tzid') === id);
  const only = id === undefined && zones.length === 1 ? zones[0] : undefined;
  const timezone = described ?? only;
  return (
    (timezone && zoneOf(timezone, year)) ?? (id === undefined ? utcZone : (namedZone(id, year) ?? utcZone))
  );
}

function isAllDay(event: Component, start: LocalTime): boolean {
  return start.isDate || wordOf(event, 'x-microsoft-cdo-alldayevent') === 'TRUE';
}

/** RFC 5545 §3.3.10, UNTIL: a date is the day of the last instance. */
function untilOf(until: LocalTime, start: LocalTime, zone: Zone): number {
  if (until.isUtc) return until.digitsMs;
  const digitsMs = until.isDate
    ? until.digitsMs + (((start.digitsMs % dayMs) + dayMs) % dayMs)
    : until.digitsMs;
  return instantOf(zone, digitsMs);
}

function organizerOf(event: Component): Meeting['organizer'] {
  const property = propertyOf(event, 'organizer');
  const value = property?.[3];
  if (property === undefined || typeof value !== 'string') return undefined;
  const address = value.replace(/^mailto:/i, '').slice(0, 320);
  return { name: (parameterOf(property, 'cn') ?? '').slice(0, maxText), address };
}

function positionOf(event: Component): Meeting['position'] {
  const value = propertyOf(event, 'geo')?.[3];
  const [latitude, longitude]: unknown[] = Array.isArray(value) ? value : [];
  if (typeof latitude !== 'number' || typeof longitude !== 'number') return undefined;
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : undefined;
}

/** Of alarms before the start, the first. */
function reminderOf(event: Component): number | undefined {
  const triggers = componentsOf(event, 'valarm').flatMap((alarm) => {
    const trigger = propertyOf(alarm, 'trigger');
    const isOfEnd = trigger !== undefined && parameterOf(trigger, 'related')?.toUpperCase() === 'END';
    const seconds = isOfEnd ? undefined : durationSeconds(trigger?.[3]);
    return seconds === undefined || seconds > 0 ? [] : [-seconds];
  });
  return triggers[0];
}

function visibilityOf(event: Component): Meeting['visibility'] {
  switch (wordOf(event, 'class')) {
    case 'PRIVATE':
      return 'PRIVATE';
    case 'CONFIDENTIAL':
      return 'CONFIDENTIAL';
    case 'PERSONAL':
    case 'X-PERSONAL':
      return 'PERSONAL';
    default:
      return 'PUBLIC';
  }
}

/** What the organizer means the time to be; BUSYSTATUS of an invitation is that of its own moment. */
function busyOf(event: Component): Meeting['busy'] {
  const word = wordOf(event, 'x-microsoft-cdo-intendedstatus');
  const intended = busyWords.find((one) => one === word);
  return intended ?? (wordOf(event, 'transp') === 'TRANSPARENT' ? 'FREE' : 'BUSY');
}

function numberOf(event: Component, name: string): number | undefined {
  const value = propertyOf(event, name)?.[3];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function wordOf(event: Component, name: string): string | undefined {
  return textOf(event, name)?.trim().toUpperCase();
}
