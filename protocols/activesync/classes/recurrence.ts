/** A recurrence rule as MS-ASCAL and MS-ASEMAIL know patterns. */
import type { RecurrenceRule } from '#mime/calendar/recurrence-rule';

/** MS-ASEMAIL, Type (Recurrence): which of the others are there follows from it. */
export interface RecurrencePattern {
  readonly type: 0 | 1 | 2 | 3 | 5 | 6;
  readonly interval: number;
  /** Sum of 1 for Sunday, 2 for Monday ... 64 for Saturday. */
  readonly dayOfWeek?: number;
  readonly dayOfMonth?: number;
  /** 5 is the last. */
  readonly weekOfMonth?: number;
  readonly monthOfYear?: number;
}

const everyDay = 127;

/**
 * The pattern of a rule, or the nearest one where a pattern cannot say as much: several days of a month, say. The start is
 * given by its digits, read as if they were UTC: it says what the rule leaves out.
 */
export function patternOf(rule: RecurrenceRule, startDigitsMs: number): RecurrencePattern {
  const { interval } = rule;
  const start = new Date(startDigitsMs);
  const mask = rule.byDay.reduce((sum, { weekday }) => sum | (1 << weekday), 0);
  const monthOfYear = rule.byMonth[0] ?? start.getUTCMonth() + 1;
  switch (rule.frequency) {
    case 'DAILY':
      // MS-ASEMAIL, DayOfWeek: a daily pattern of some days is a weekly one.
      return mask === 0 || interval > 1 ? { type: 0, interval } : { type: 1, interval, dayOfWeek: mask };
    case 'WEEKLY':
      return { type: 1, interval, dayOfWeek: mask || 1 << start.getUTCDay() };
    case 'MONTHLY': {
      const inMonth = placeInMonth(rule, start, mask);
      return { type: 'weekOfMonth' in inMonth ? 3 : 2, interval, ...inMonth };
    }
    case 'YEARLY': {
      const inMonth = placeInMonth(rule, start, mask);
      return { type: 'weekOfMonth' in inMonth ? 6 : 5, interval, ...inMonth, monthOfYear };
    }
  }
}

function placeInMonth(
  { byDay, byMonthDay, bySetPosition }: RecurrenceRule,
  start: Date,
  dayOfWeek: number,
): { readonly dayOfMonth: number } | { readonly dayOfWeek: number; readonly weekOfMonth: number } {
  if (dayOfWeek !== 0) {
    const nth = byDay.find((day) => day.nth !== 0)?.nth ?? bySetPosition[0];
    return { dayOfWeek, weekOfMonth: weekOf(nth ?? Math.ceil(start.getUTCDate() / 7)) };
  }
  const [day = start.getUTCDate()] = byMonthDay;
  // The last day of a month is the last of all its days.
  if (day === -1) return { dayOfWeek: everyDay, weekOfMonth: 5 };
  return { dayOfMonth: day >= 1 && day <= 31 ? day : start.getUTCDate() };
}

function weekOf(nth: number): number {
  return nth >= 1 && nth <= 4 ? nth : 5;
}
