import { expect, test } from 'vitest';
import { descriptionOf } from './description.ts';

const calendar = (...event: readonly string[]) =>
  ['BEGIN:VCALENDAR', 'METHOD:REQUEST', 'BEGIN:VEVENT', ...event, 'END:VEVENT', 'END:VCALENDAR', ''].join(
    '\r\n',
  );

const alarm = ['BEGIN:VALARM', 'DESCRIPTION:Reminder', 'END:VALARM'];

test.each([
  ['escaped', ['UID:1', 'DESCRIPTION:One\\, two\\;\\nthree \\\\ four\\N'], 'One, two;\nthree \\ four\n'],
  ['folded', ['DESCRIPTION:Gr', ' üße', '\t aus Köln'], 'Grüße aus Köln'],
  ['with parameters', ['DESCRIPTION;ALTREP="http://a:1/";LANGUAGE=de:Text: mehr'], 'Text: mehr'],
  ['before an alarm', ['DESCRIPTION:Own', ...alarm], 'Own'],
  ['behind an alarm', [...alarm, 'DESCRIPTION:Own'], 'Own'],
  ['of an alarm alone', alarm, ''],
  ['none', ['SUMMARY:S'], ''],
  ['without an end', ['DESCRIPTION'], ''],
])('a description %s', (_what, event, text) => {
  expect(descriptionOf(calendar(...event))).toBe(text);
});

test('a calendar that is cut off, one without events, and what is none', () => {
  const whole = calendar('DESCRIPTION:One two three', ...alarm);
  expect(descriptionOf(whole.slice(0, whole.indexOf(' three')))).toBe('One two');
  expect(descriptionOf('BEGIN:VCALENDAR\nDESCRIPTION:x\nEND:VCALENDAR')).toBe('');
  expect(descriptionOf('DESCRIPTION:x')).toBe('');
});

test('a calendar of a megabyte costs no more than its length', () => {
  expect(descriptionOf(`${calendar('X:1')}${'BEGIN:VEVENT\r\n'.repeat(80_000)}`)).toBe('');
  expect(descriptionOf(calendar(`DESCRIPTION:${'a\\'.repeat(500_000)}`))).toHaveLength(1_000_000);
});
