/** MS-ASDTYPE, dateTime: written with punctuation; read in either spelling, with or without milliseconds or Z. */

/** Milliseconds since the epoch as `2026-11-22T11:30:00.000Z`. */
export function dateTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** The same in its compact spelling: `20261122T113000Z`. */
export function compactDateTime(ms: number): string {
  return dateTime(ms).replace(/[-:]|\.\d+/g, '');
}

const spellings = /^(\d{4})-?(\d{2})-?(\d{2})T(\d{2}):?(\d{2}):?(\d{2})(?:\.(\d{1,7}))?Z?$/;

/** Milliseconds since the epoch; undefined for what is no date. */
export function parseDateTime(text: string): number | undefined {
  const match = spellings.exec(text.trim());
  if (match === null) {
    return undefined;
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  // Date.UTC takes year 1, which some clients write for none, for 1901.
  const made = new Date(0);
  made.setUTCFullYear(year, month - 1, day);
  const ms = made.setUTCHours(hour, minute, second);
  // 31 April is turned into 1 May: what does not come back as it went in is no date.
  return made.getUTCMonth() === month - 1 &&
    made.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 61
    ? ms + Number((match[7] ?? '0').padEnd(3, '0').slice(0, 3))
    : undefined;
}

/** Whether a text is a date as we write it, with punctuation and milliseconds, of a day that there is (MS-ASCMD, InstanceId). */
export function isPunctuatedDateTime(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString() === text;
}
