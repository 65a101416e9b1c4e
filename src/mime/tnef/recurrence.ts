import type { Buffer } from 'node:buffer';
import type { RecurrenceRule } from '../calendar/recurrence-rule.ts';

/** A series as TNEF has it. */
export interface TnefRecurrence {
  readonly rule: RecurrenceRule;
  /** The day of its last instance, at midnight, in digits read as if they were UTC (ms since 1970). */
  readonly lastDayMs?: number | undefined;
}

/** MS-OXOCAL, PatternType, RecurFrequency, EndType. */
const PatternType = { Day: 0, Week: 1, Month: 2, MonthNth: 3, MonthEnd: 4 } as const;
const yearly = 0x200d;
const EndType = { Date: 0x2021, Count: 0x2022 } as const;
const minutesOfDay = 24 * 60;
/** MS-OXOCAL, EndDate: of a series without an end. */
const noEnd = 0x5ae980df;
/** From 1601 to 1970, in minutes. */
const minutesBefore1970 = 194_074_560;
/** More instances that are deleted or changed than fit into what is read of a property are not counted. */
const fixedBytes = 22;

/** Reads PidLidAppointmentRecur (MS-OXOCAL, RecurrencePattern); undefined for what is none, or is of another calendar than ours. */
export function tnefRecurrence(blob: Buffer): TnefRecurrence | undefined {
  if (blob.length < fixedBytes) return undefined;
  const type = blob.readUInt16LE(6);
  const specific = type === PatternType.Day ? 0 : type === PatternType.MonthNth ? 8 : 4;
  const behind = fixedBytes + specific;
  if (blob.length < behind + 12) return undefined;
  const pattern = patternOf(blob, type);
  if (pattern === undefined) return undefined;
  const end = blob.readUInt32LE(behind);
  const count = end === EndType.Count ? blob.readUInt32LE(behind + 4) : undefined;
  const weekStart = blob.readUInt32LE(behind + 8) % 7;
  const lastDayMs = end === EndType.Date ? lastDayOf(blob, behind + 12) : undefined;
  return { rule: { ...pattern, count, weekStart }, lastDayMs };
}

function patternOf(blob: Buffer, type: number): Omit<RecurrenceRule, 'count' | 'weekStart'> | undefined {
  const period = Math.max(1, blob.readUInt32LE(14));
  const isYearly = blob.readUInt16LE(4) === yearly;
  const inMonths = {
    frequency: isYearly ? 'YEARLY' : 'MONTHLY',
    interval: bounded(isYearly ? period / 12 : period),
  } as const;
  const none = { byDay: [], byMonthDay: [], byMonth: [], bySetPosition: [] };
  const days = () => ({ byDay: weekdaysIn(blob.readUInt32LE(fixedBytes)) });
  switch (type) {
    case PatternType.Day:
      return { ...none, frequency: 'DAILY', interval: bounded(period / minutesOfDay) };
    case PatternType.Week:
      return { ...none, ...days(), frequency: 'WEEKLY', interval: bounded(period) };
    case PatternType.Month:
      return { ...none, ...inMonths, byMonthDay: [blob.readUInt32LE(fixedBytes)] };
    case PatternType.MonthEnd:
      return { ...none, ...inMonths, byMonthDay: [-1] };
    case PatternType.MonthNth: {
      const nth = blob.readUInt32LE(fixedBytes + 4);
      return { ...none, ...inMonths, ...days(), bySetPosition: [nth >= 5 ? -1 : nth] };
    }
    default:
      return undefined;
  }
}

function bounded(interval: number): number {
  return Math.min(999, Math.max(1, Math.floor(interval)));
}

function weekdaysIn(mask: number): RecurrenceRule['byDay'] {
  return [0, 1, 2, 3, 4, 5, 6]
    .filter((day) => (mask & (1 << day)) !== 0)
    .map((weekday) => ({ weekday, nth: 0 }));
}

/** It stands behind the days of instances that are deleted, and of those that are changed. */
function lastDayOf(blob: Buffer, from: number): number | undefined {
  let at = from;
  for (let list = 0; list < 2; list++) {
    if (blob.length < at + 4) return undefined;
    at += 4 + 4 * blob.readUInt32LE(at);
  }
  if (blob.length < at + 8) return undefined;
  const lastDay = blob.readUInt32LE(at + 4);
  return lastDay === noEnd ? undefined : (lastDay - minutesBefore1970) * 60_000;
}
