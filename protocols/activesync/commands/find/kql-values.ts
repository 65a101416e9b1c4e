import type { KqlOperator } from './kql-tokens.ts';

/** From, included, until, not included. */
export interface KqlSpan {
  readonly from: number;
  readonly until: number;
}

/** How dates are read. */
export interface KqlDates {
  readonly nowMs: number;
  /** Whether the day comes before the month where slashes stand between. */
  readonly isDayFirst: boolean;
}

const END = Number.MAX_SAFE_INTEGER;
const dayMs = 24 * 3_600_000;

/**
 * Reads a restriction of a date: a day, month or year (2026-11-22, 11/22/2026, 22.11.2026, 2026-11, 2026), a time of ISO 8601, a word (today, last
 * month ...), or two of them with `..` between; all in UTC. Undefined for anything else.
 */
export function dateSpan(operator: KqlOperator, value: string, dates: KqlDates): KqlSpan | undefined {
  return span(operator, value, (text) => oneDate(text, dates));
}

/** Reads a restriction of a size in bytes: a number, also with KB, MB or GB, or two of them. Undefined for anything else. */
export function sizeSpan(operator: KqlOperator, value: string): KqlSpan | undefined {
  return span(operator, value, (text) => {
    const match = /^(\d{1,12})(b|kb|mb|gb)?$/i.exec(text);
    if (match === null) return undefined;
    const from = Number(match[1]) * 1024 ** ['b', 'kb', 'mb', 'gb'].indexOf((match[2] ?? 'b').toLowerCase());
    return { from, until: from + 1 };
  });
}

/** Reads a yes or no. */
export function truth(value: string): boolean | undefined {
  if (/^(?:true|yes|1)$/i.test(value)) return true;
  return /^(?:false|no|0)$/i.test(value) ? false : undefined;
}

/** `a..b`, also with one side open, or one value with an operator before the property's colon or behind it. */
function span(
  operator: KqlOperator,
  value: string,
  one: (text: string) => KqlSpan | undefined,
): KqlSpan | undefined {
  const [first, second, ...others] = value.split('..').map((text) => text.trim());
  if (second !== undefined) {
    const from = first === '' ? { from: 0, until: 0 } : one(first ?? '');
    const until = second === '' ? { from: END, until: END } : one(second);
    if (from === undefined || until === undefined || others.length > 0) return undefined;
    return first === '' && second === '' ? undefined : { from: from.from, until: until.until };
  }
  const [, sign, text = ''] = /^(>=|<=|>|<)?(.*)$/s.exec(value.trim()) ?? [];
  const read = one(text.trim());
  return read && compared((sign as KqlOperator | undefined) ?? operator, read);
}

function compared(operator: KqlOperator, { from, until }: KqlSpan): KqlSpan {
  switch (operator) {
    case '>':
      return { from: until, until: END };
    case '>=':
      return { from, until: END };
    case '<':
      return { from: 0, until: from };
    case '<=':
      return { from: 0, until };
    case ':':
    case '=':
    case '<>':
      return { from, until };
  }
}

function oneDate(text: string, { nowMs, isDayFirst }: KqlDates): KqlSpan | undefined {
  const name = text.toLowerCase().replaceAll(/\s+/g, '');
  return namedDate(name, nowMs) ?? calendarDate(text, isDayFirst) ?? timeOf(text);
}

function namedDate(name: string, nowMs: number): KqlSpan | undefined {
  const now = new Date(nowMs);
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  const today = Math.floor(nowMs / dayMs) * dayMs;
  // The first day of 1970 was a Thursday; a week begins with Monday (ISO 8601).
  const monday = today - ((Math.floor(today / dayMs) + 3) % 7) * dayMs;
  switch (name) {
    case 'today':
      return { from: today, until: today + dayMs };
    case 'yesterday':
      return { from: today - dayMs, until: today };
    case 'thisweek':
      return { from: monday, until: monday + 7 * dayMs };
    case 'lastweek':
      return { from: monday - 7 * dayMs, until: monday };
    case 'thismonth':
      return months(year, month, 1);
    case 'lastmonth':
      return months(year, month - 1, 1);
    case 'thisyear':
      return months(year, 0, 12);
    case 'lastyear':
      return months(year - 1, 0, 12);
    default:
      return undefined;
  }
}

function calendarDate(text: string, isDayFirst: boolean): KqlSpan | undefined {
  const [year, month, day] = dateNumbers(text, isDayFirst);
  if (year === undefined) return undefined;
  if (month === undefined) return months(year, 0, 12);
  if (month < 1 || month > 12) return undefined;
  if (day === undefined) return months(year, month - 1, 1);
  const from = Date.UTC(year, month - 1, day);
  // Date.UTC turns 31 April into 1 May.
  return new Date(from).getUTCDate() === day ? { from, until: from + dayMs } : undefined;
}

/** Year, month and day, as many as there are. What comes first between slashes is not taken for what it cannot be. */
function dateNumbers(text: string, isDayFirst: boolean): readonly (number | undefined)[] {
  const yearFirst = /^(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?$/.exec(text);
  if (yearFirst !== null) {
    return yearFirst.slice(1).map((part: string | undefined) => (part === undefined ? part : Number(part)));
  }
  const yearLast = /^(\d{1,2})([/.])(\d{1,2})\2(\d{4})$/.exec(text);
  if (yearLast === null) return [];
  const [first, second, year] = [Number(yearLast[1]), Number(yearLast[3]), Number(yearLast[4])];
  const isMonthFirst = yearLast[2] === '/' && (isDayFirst ? second > 12 : first <= 12);
  return isMonthFirst ? [year, first, second] : [year, second, first];
}

function months(year: number, month: number, count: number): KqlSpan {
  return { from: Date.UTC(year, month), until: Date.UTC(year, month + count) };
}

/** A minute or a second, in UTC whether it says so or not. */
function timeOf(text: string): KqlSpan | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,7})?)?Z?$/i.exec(text);
  if (match === null) return undefined;
  const from = Date.parse(`${match[1]}T${match[2]}${match[3]?.slice(0, 3) ?? ':00'}Z`);
  return Number.isNaN(from) ? undefined : { from, until: from + (match[3] === undefined ? 60_000 : 1000) };
}
