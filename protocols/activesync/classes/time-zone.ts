/** MS-ASDTYPE, TimeZone: 172 bytes in base64. */
import type { ClockChange, Zone } from '#mime/calendar/zone';

const length = 172;
/** Where its two halves begin: each has a name, a date and a bias. */
const standardAt = 4;
const daylightAt = 88;
const nameBytes = 64;
const dateBytes = 16;

/** A zone as devices take it; without dates, the clock never changes. */
export function timeZoneBlob({ name, offsetMinutes, daylight }: Zone): string {
  const blob = Buffer.alloc(length);
  blob.writeInt32LE(-offsetMinutes, 0);
  writeHalf(blob, standardAt, { name, change: daylight?.ends, bias: 0 });
  if (daylight !== undefined) {
    const bias = offsetMinutes - daylight.offsetMinutes;
    writeHalf(blob, daylightAt, { name: daylight.name, change: daylight.begins, bias });
  }
  return blob.toString('base64');
}

function writeHalf(
  blob: Buffer,
  at: number,
  {
    name,
    change,
    bias,
  }: { readonly name: string; readonly change: ClockChange | undefined; readonly bias: number },
): void {
  // The last character of the name is a zero.
  blob.write(name.slice(0, nameBytes / 2 - 1), at, nameBytes - 2, 'utf16le');
  const { month = 0, weekday = 0, week = 0, hour = 0, minute = 0, second = 0 } = change ?? {};
  // SYSTEMTIME; the year 0 makes it a rule for each year.
  for (const [n, value] of [0, month, weekday, week, hour, minute, second, 0].entries()) {
    blob.writeUInt16LE(value, at + nameBytes + 2 * n);
  }
  blob.writeInt32LE(bias, at + nameBytes + dateBytes);
}
