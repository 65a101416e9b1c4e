/** A time zone as two yearly rules at the most: what clients of Exchange know of one. */
import { type Component, componentsOf, localTimeOf, propertiesOf, propertyOf, textOf } from './jcal.ts';
import { type RecurrenceRule, recurrenceRuleOf } from './recurrence-rule.ts';

/** When a clock changes: the n-th weekday of a month, each year. */
export interface ClockChange {
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 4; 5 is the last. */
  readonly week: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export interface Zone {
  readonly name: string;
  /** Minutes east of UTC. */
  readonly offsetMinutes: number;
  readonly daylight?: {
    readonly name: string;
    readonly offsetMinutes: number;
    /** By the clock before it changes. */
    readonly begins: ClockChange;
    readonly ends: ClockChange;
  };
}

export const utcZone: Zone = { name: 'UTC', offsetMinutes: 0 };

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** The time of digits by a zone's clock, in milliseconds since 1970. */
export function instantOf({ offsetMinutes, daylight }: Zone, digitsMs: number): number {
  const isDaylight = daylight !== undefined && isBetween(daylight, digitsMs);
  return digitsMs - (isDaylight ? daylight.offsetMinutes : offsetMinutes) * minuteMs;
}

function isBetween({ begins, ends }: NonNullable<Zone['daylight']>, digitsMs: number): boolean {
  const year = new Date(digitsMs).getUTCFullYear();
  const from = changeIn(begins, year);
  const to = changeIn(ends, year);
  return from < to ? digitsMs >= from && digitsMs < to : digitsMs >= from || digitsMs < to;
}

function changeIn({ month, week, weekday, hour, minute, second }: ClockChange, year: number): number {
  const first = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  let day = 1 + ((weekday - first + 7) % 7) + (week - 1) * 7;
  while (day > days) day -= 7;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** A VTIMEZONE (RFC 5545 §3.6.5) as it is in a year; undefined if it says nothing. */
export function zoneOf(timezone: Component, year: number): Zone | undefined {
  const standard = lastWith(componentsOf(timezone, 'standard'), year);
  const daylight = lastWith(componentsOf(timezone, 'daylight'), year);
  if (standard?.change !== undefined && daylight?.change !== undefined) {
    const { name, offsetMinutes, change: ends } = standard;
    const { change: begins, ...summer } = daylight;
    return { name, offsetMinutes, daylight: { ...summer, begins, ends } };
  }
  const only = standard ?? daylight;
  return only && { name: only.name, offsetMinutes: only.offsetMinutes };
}

interface Observance {
  readonly name: string;
  readonly offsetMinutes: number;
  /** Undefined if the clock does not change to it in that year. */
  readonly change: ClockChange | undefined;
}

/** Of observances of a kind: the one that the clock changes to in a year, else the last that began before. */
function lastWith(observances: readonly Component[], year: number): Observance | undefined {
  const all = observances.flatMap((observance) => {
    const beganMs = localTimeOf(propertyOf(observance, 'dtstart')?.[3])?.digitsMs;
    const offsetMinutes = offsetOf(textOf(observance, 'tzoffsetto'));
    if (beganMs === undefined || offsetMinutes === undefined) return [];
    const change = changeOf(observance, beganMs, year);
    return [{ name: textOf(observance, 'tzname') ?? '', offsetMinutes, change, beganMs }];
  });
  const changing = all.filter(({ change }) => change !== undefined);
  const past = all.filter(({ beganMs }) => new Date(beganMs).getUTCFullYear() <= year);
  const [last] = (changing.length > 0 ? changing : past).sort((a, b) => b.beganMs - a.beganMs);
  if (last === undefined) return undefined;
  const { beganMs: _, ...observance } = last;
  return observance;
}

function changeOf(observance: Component, beganMs: number, year: number): ClockChange | undefined {
  const rule = recurrenceRuleOf(propertyOf(observance, 'rrule')?.[3]);
  const beganYear = new Date(beganMs).getUTCFullYear();
  const untilMs = rule?.until?.digitsMs ?? Number.POSITIVE_INFINITY;
  if (rule?.frequency === 'YEARLY' && beganYear <= year && untilMs >= Date.UTC(year, 0, 1)) {
    return changeOfRule(rule, beganMs, year);
  }
  const dates = propertiesOf(observance, 'rdate').flatMap(([, , , ...values]) => values.map(localTimeOf));
  const all = [beganMs, ...dates.flatMap((date) => date?.digitsMs ?? [])];
  const inYear = all.find((ms) => new Date(ms).getUTCFullYear() === year);
  return inYear === undefined ? undefined : changeOn(inYear);
}

function changeOfRule(rule: RecurrenceRule, beganMs: number, year: number): ClockChange {
  const began = new Date(beganMs);
  const month = rule.byMonth[0] ?? began.getUTCMonth() + 1;
  const [day] = rule.byDay;
  if (day === undefined) {
    const date = rule.byMonthDay[0] ?? began.getUTCDate();
    const time = [began.getUTCHours(), began.getUTCMinutes(), began.getUTCSeconds()] as const;
    return changeOn(Date.UTC(year, month - 1, Math.max(1, date), ...time));
  }
  // A weekday among some days of the month, as in "the Sunday from the 8th to the 14th".
  const earliest = Math.min(...rule.byMonthDay);
  const nth = day.nth !== 0 ? day.nth : Number.isFinite(earliest) ? Math.ceil(earliest / 7) : 1;
  return {
    month,
    week: nth < 0 || nth > 4 ? 5 : nth,
    weekday: day.weekday,
    hour: began.getUTCHours(),
    minute: began.getUTCMinutes(),
    second: began.getUTCSeconds(),
  };
}

/** The rule that a date of a change suggests: clocks change on a weekday. */
function changeOn(ms: number): ClockChange {
  const date = new Date(ms);
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return {
    month: date.getUTCMonth() + 1,
    week: date.getUTCDate() + 7 > days ? 5 : Math.ceil(date.getUTCDate() / 7),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

function offsetOf(text: string | undefined): number | undefined {
  const match = /^([+-])(\d{2}):?(\d{2})/.exec(text ?? '');
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === '-' ? -minutes : minutes;
}

/** A zone that a calendar names without describing it, such as Europe/Berlin, as it is in a year; undefined if nobody knows it. */
export function namedZone(name: string, year: number): Zone | undefined {
  // RFC 5545 §3.2.19: names of a registry begin with a slash; programs put paths before them.
  const iana = /(?:[A-Za-z_]+\/)?[A-Za-z_]+\/[A-Za-z_+-]+\d*$|^[A-Za-z]+\d*$/.exec(name)?.[0];
  if (iana === undefined || name.length > 200) return undefined;
  for (const candidate of [iana, iana.split('/').slice(-2).join('/')]) {
    const clock = clockOf(candidate);
    if (clock !== undefined) return zoneOfClock(candidate, clock, year);
  }
  return undefined;
}

/** Tells the offset of a zone at an instant, in minutes; undefined if there is no such zone. */
function clockOf(timeZone: string): ((atMs: number) => number) | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    return (atMs) => offsetOf(/[+-]\d{2}:\d{2}/.exec(format.format(atMs))?.[0]) ?? 0;
  } catch {
    return undefined;
  }
}

function zoneOfClock(name: string, offsetAt: (atMs: number) => number, year: number): Zone {
  const changes: { readonly to: number; readonly change: ClockChange }[] = [];
  const start = Date.UTC(year, 0, 1);
  const end = Date.UTC(year + 1, 0, 1);
  for (let at = start; at < end; at += dayMs) {
    const before = offsetAt(at);
    const to = offsetAt(at + dayMs);
    if (before !== to)
      changes.push({ to, change: changeOn(changeBetween(offsetAt, at) + before * minuteMs) });
  }
  const [first, second] = changes;
  if (changes.length !== 2 || first === undefined || second === undefined)
    return { name, offsetMinutes: offsetAt(end - dayMs) };
  const [summer, winter] = first.to > second.to ? [first, second] : [second, first];
  const daylight = { name, offsetMinutes: summer.to, begins: summer.change, ends: winter.change };
  return { name, offsetMinutes: winter.to, daylight };
}

/** The minute in the day from `from` on at which the offset changes. */
function changeBetween(offsetAt: (atMs: number) => number, from: number): number {
  const before = offsetAt(from);
  let [low, high] = [from, from + dayMs];
  while (high - low > minuteMs) {
    const middle = low + Math.floor((high - low) / 2 / minuteMs) * minuteMs;
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}
