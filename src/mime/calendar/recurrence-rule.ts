/** RRULE, as far as it is a pattern that a calendar shows. RFC 5545 §3.3.10. */
import { type LocalTime, localTimeOf } from './jcal.ts';

export interface WeekdayRule {
  /** 0 is Sunday. */
  readonly weekday: number;
  /** The n-th of the month or year, from its end if negative; 0: each. */
  readonly nth: number;
}

export interface RecurrenceRule {
  readonly frequency: 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';
  readonly interval: number;
  readonly until?: LocalTime | undefined;
  readonly count?: number | undefined;
  readonly byDay: readonly WeekdayRule[];
  readonly byMonthDay: readonly number[];
  readonly byMonth: readonly number[];
  readonly bySetPosition: readonly number[];
  /** 0 is Sunday. */
  readonly weekStart: number;
}

const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
const frequencies = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'] as const;
/** More of a list says nothing that a pattern could. */
const maxList = 400;

/** Reads the recur of RFC 7265; undefined for what is none, or repeats more than daily. */
export function recurrenceRuleOf(value: unknown): RecurrenceRule | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map(Object.entries(value));
  const frequency = frequencies.find((one) => one === fields.get('freq'));
  if (frequency === undefined) return undefined;
  const [interval = 1] = integers(fields.get('interval'));
  const [count] = integers(fields.get('count'));
  const [weekStart = 2] = integers(fields.get('wkst'));
  return {
    frequency,
    interval: Math.min(999, Math.max(1, interval)),
    until: localTimeOf(fields.get('until')),
    count,
    byDay: listOf(fields.get('byday')).flatMap(weekdayOf),
    byMonthDay: integers(fields.get('bymonthday')),
    byMonth: integers(fields.get('bymonth')).filter((month) => month >= 1 && month <= 12),
    bySetPosition: integers(fields.get('bysetpos')),
    // ical.js counts from Sunday, 1.
    weekStart: weekStart >= 1 && weekStart <= 7 ? weekStart - 1 : 1,
  };
}

function weekdayOf(value: unknown): WeekdayRule[] {
  const match = typeof value === 'string' ? /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(value) : null;
  const weekday = weekdays.indexOf(match?.[2] ?? '');
  return weekday < 0 ? [] : [{ weekday, nth: Number(match?.[1] ?? 0) }];
}

function integers(value: unknown): readonly number[] {
  return listOf(value).map(Number).filter(Number.isInteger);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.slice(0, maxList) : [value];
}
