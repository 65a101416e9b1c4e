/** MS-ASEMAIL, Flag: a follow-up flag, both ways. */
import type { Flag } from '#domain/item';
import type { Tag } from '../wbxml/code-page.ts';
import { Email } from '../wbxml/code-pages/email.ts';
import { Tasks } from '../wbxml/code-pages/tasks.ts';
import { type Element, el, flagOf, integerOf, textOf } from '../wbxml/element.ts';
import { dateTime, parseDateTime } from './date-time.ts';

/** A value the client may not send: the item answers Status 6. */
export class InvalidPropertyError extends Error {
  override readonly name = 'InvalidPropertyError';
}

/** The boolean in a child of what a client sent; undefined if there is none, true if it is empty. Throws InvalidPropertyError. */
export function readBoolean(parent: Element | undefined, tag: Tag): boolean | undefined {
  const value = textOf(parent, tag)?.trim().toLowerCase();
  if (value !== undefined && !['', '0', '1', 'true', 'false'].includes(value)) {
    throw new InvalidPropertyError(`${tag.name} is no boolean`);
  }
  return flagOf(parent, tag);
}

/** Characters of a text of a flag at the most, as of a subject. */
const longestText = 2000;

/** The Flag element; empty when there is no flag. Its Subject is the mail's own unless the client gave another. */
export function flagElement(flag: Flag | undefined, mailSubject: string): Element {
  if (flag === undefined) {
    return el(Email.Flag);
  }
  const time = (tag: Parameters<typeof el>[0], ms: number | undefined) =>
    ms === undefined ? undefined : el(tag, dateTime(ms));
  return el(
    Email.Flag,
    el(Tasks.Subject, flag.subject ?? mailSubject),
    el(Email.Status, flag.status),
    el(Email.FlagType, flag.type),
    time(Tasks.DateCompleted, flag.dateCompletedMs),
    time(Email.CompleteTime, flag.completedMs),
    time(Tasks.StartDate, flag.startMs),
    time(Tasks.DueDate, flag.dueMs),
    time(Tasks.UtcStartDate, flag.utcStartMs),
    time(Tasks.UtcDueDate, flag.utcDueMs),
    flag.reminderSet === undefined ? undefined : el(Tasks.ReminderSet, flag.reminderSet),
    time(Tasks.ReminderTime, flag.reminderMs),
    time(Tasks.OrdinalDate, flag.ordinalMs),
    flag.subOrdinal === undefined ? undefined : el(Tasks.SubOrdinalDate, flag.subOrdinal),
  );
}

/** Reads a client's Flag; null takes the flag away. Throws InvalidPropertyError. */
export function readFlag(element: Element): Flag | null {
  const status = integerOf(element, Email.Status) ?? 0;
  if (status === 0 || element.children.length === 0) {
    return null;
  }
  if (status !== 1 && status !== 2) {
    throw new InvalidPropertyError('the Status of a Flag is 0, 1 or 2');
  }
  const time = (tag: Parameters<typeof el>[0]): number | undefined => {
    const text = textOf(element, tag)?.trim();
    if (text === undefined || text === '') {
      return undefined;
    }
    const ms = parseDateTime(text);
    if (ms === undefined) {
      throw new InvalidPropertyError('a date of a Flag cannot be read');
    }
    return ms;
  };
  const words = (tag: Parameters<typeof el>[0]): string | undefined => {
    const text = textOf(element, tag);
    if ((text?.length ?? 0) > longestText) {
      throw new InvalidPropertyError('a text of a Flag is too long');
    }
    return text;
  };
  const flag: Flag = {
    status,
    type: words(Email.FlagType) || 'Flag for follow up',
    subject: words(Tasks.Subject),
    startMs: time(Tasks.StartDate),
    utcStartMs: time(Tasks.UtcStartDate),
    dueMs: time(Tasks.DueDate),
    utcDueMs: time(Tasks.UtcDueDate),
    reminderSet: readBoolean(element, Tasks.ReminderSet),
    reminderMs: time(Tasks.ReminderTime),
    completedMs: time(Email.CompleteTime),
    dateCompletedMs: time(Tasks.DateCompleted),
    ordinalMs: time(Tasks.OrdinalDate),
    subOrdinal: words(Tasks.SubOrdinalDate),
  };
  checkFlag(flag);
  return flag;
}

/** MS-ASEMAIL, Flag and its children: which dates go together. */
function checkFlag(flag: Flag): void {
  const dates = [flag.startMs, flag.dueMs, flag.utcStartMs, flag.utcDueMs];
  const given = dates.filter((date) => date !== undefined).length;
  if (given !== 0 && given !== dates.length) {
    throw new InvalidPropertyError('StartDate, DueDate, UtcStartDate and UtcDueDate come together');
  }
  if (
    (flag.startMs ?? 0) > (flag.dueMs ?? Infinity) ||
    (flag.utcStartMs ?? 0) > (flag.utcDueMs ?? Infinity)
  ) {
    throw new InvalidPropertyError('a Flag is due before it starts');
  }
  if (flag.reminderSet === true && flag.reminderMs === undefined) {
    throw new InvalidPropertyError('ReminderSet needs a ReminderTime');
  }
  if (flag.status === 1 && (flag.completedMs === undefined || flag.dateCompletedMs === undefined)) {
    throw new InvalidPropertyError('a completed Flag needs CompleteTime and DateCompleted');
  }
}
