/** English without a country, of the United States, or no language: as an Accept-Language begins, or as an LCID (MS-LCID). */
const monthFirst = /^(?:(?:en|en[-_]us|\*)?\s*(?:[,;].*)?|0x0000|0x0009|0x0409)$/i;

/**
 * Whether somebody writes the day before the month where slashes stand between, by the locale of his request: everybody but
 * those who ask in the English of the United States, or do not say.
 */
export function isDayFirst(locale: string | undefined): boolean {
  return locale !== undefined && !monthFirst.test(locale.trim());
}
