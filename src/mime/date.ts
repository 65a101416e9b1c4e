const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** RFC 5322 §4.3: the zones that names stand for, in minutes; every other name is UTC. */
const zones: Readonly<Record<string, number>> = {
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
};

const dateTime =
  /(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?[\s-]+(\d{2,4})[\s,]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.\d+)?\s*([+-]\d{3,4}|[a-z]{1,5})?/i;

/** Milliseconds since 1970 of a Date header (RFC 5322 §3.3, §4.3), undefined when it is none. */
export function parseDate(text: string): number | undefined {
  const match = dateTime.exec(text.slice(0, 128));
  if (match === null) return undefined;
  const month = months.indexOf((match[2] ?? '').toLowerCase());
  const day = Number(match[1]);
  if (month < 0 || day < 1 || day > 31) return undefined;
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6] ?? 0)];
  if (hour > 24 || minute > 59 || second > 60) return undefined;
  const utc = Date.UTC(fullYear(match[3] ?? ''), month, day, hour, minute, second);
  return utc - zoneMinutes(match[7]) * 60_000;
}

/** RFC 5322 §4.3: two digits below 50 are 20xx, three digits and the rest count from 1900. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length >= 4) return year;
  return digits.length === 2 && year < 50 ? year + 2000 : year + 1900;
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined) return 0;
  const sign = zone[0] === '-' ? -1 : 1;
  if (zone[0] === '+' || zone[0] === '-') {
    const digits = zone.slice(1).padStart(4, '0');
    return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2)));
  }
  return zones[zone.toUpperCase()] ?? 0;
}
