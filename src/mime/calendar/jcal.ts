/** iCalendar as RFC 7265 has it: names in lower case, values by type. */
import ICAL from 'ical.js';

/** A property: name, parameters, type, values. */
type Property = readonly [string, Readonly<Record<string, unknown>>, string, ...unknown[]];

/** A component: its properties, and what stands inside it. */
export interface Component {
  readonly name: string;
  readonly properties: readonly Property[];
  readonly components: readonly Component[];
}

/** Components inside components go no deeper; a VALARM stands in the third level. */
const maxDepth = 4;

/** Reads a VCALENDAR (RFC 5545); undefined for what is none, or cannot be read. */
export function parseCalendar(text: string): Component | undefined {
  try {
    const parsed: unknown = ICAL.parse(text);
    // Several calendars after each other come as a list of them.
    const first: unknown = Array.isArray(parsed) && Array.isArray(parsed[0]) ? parsed[0] : parsed;
    const calendar = componentOf(first, 0);
    return calendar?.name === 'vcalendar' ? calendar : undefined;
  } catch {
    return undefined;
  }
}

function componentOf(value: unknown, depth: number): Component | undefined {
  if (!Array.isArray(value) || depth > maxDepth) return undefined;
  const [name, properties, components]: unknown[] = value;
  if (typeof name !== 'string' || !Array.isArray(properties) || !Array.isArray(components)) return undefined;
  return {
    name,
    properties: properties.filter(isProperty),
    components: components
      .map((one: unknown) => componentOf(one, depth + 1))
      .filter((one) => one !== undefined),
  };
}

function isProperty(value: unknown): value is Property {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[2] === 'string';
}

/** The components of a name inside another. */
export function componentsOf({ components }: Component, name: string): readonly Component[] {
  return components.filter((one) => one.name === name);
}

/** The properties of a name. */
export function propertiesOf({ properties }: Component, name: string): readonly Property[] {
  return properties.filter(([own]) => own === name);
}

/** The first property of a name. */
export function propertyOf({ properties }: Component, name: string): Property | undefined {
  return properties.find(([own]) => own === name);
}

/** The first value of a property, as text; undefined if it is none, or empty. */
export function textOf(component: Component, name: string): string | undefined {
  const value = propertyOf(component, name)?.[3];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A parameter of a property; the first of several values. */
export function parameterOf(property: Property, name: string): string | undefined {
  const value: unknown = property[1][name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : undefined;
}

/** A date or a time as it stands there: its digits, read as if they were UTC. */
export interface LocalTime {
  /** Milliseconds since 1970 of the digits. */
  readonly digitsMs: number;
  readonly isDate: boolean;
  readonly isUtc: boolean;
}

const spelling = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(Z?))?$/;

/** Reads a date or a date-time of RFC 7265; undefined for what is none, or is not in the calendar. */
export function localTimeOf(value: unknown): LocalTime | undefined {
  const match = typeof value === 'string' ? spelling.exec(value) : null;
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((digits) => Number(digits ?? 0));
  const digitsMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const made = new Date(digitsMs);
  // The last years of four digits are a way to say for ever, and by another clock they have five.
  const isReal = year >= 1601 && year < 9999 && made.getUTCMonth() === month - 1 && hour < 24 && minute < 60;
  return isReal ? { digitsMs, isDate: match[4] === undefined, isUtc: match[7] === 'Z' } : undefined;
}

const duration =
  /^([+-]?)P(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$/;

/** Ten years. */
const longestSeconds = 10 * 366 * 24 * 3600;

/** Seconds of a duration (RFC 5545 §3.3.6); undefined for what is none. */
export function durationSeconds(value: unknown): number | undefined {
  const match = typeof value === 'string' ? duration.exec(value) : null;
  if (match === null) return undefined;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(2)
    .map((digits) => Number(digits ?? 0));
  const total = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds;
  if (total > longestSeconds) return undefined;
  return match[1] === '-' ? -total : total;
}
