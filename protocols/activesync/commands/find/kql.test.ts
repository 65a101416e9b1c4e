import { describe, expect, test } from 'vitest';
import { allFields, anyMail, type MailCondition, noMail, SearchField } from '#domain/search/query';
import { isDayFirst } from './day-first.ts';
import { readKql } from './kql.ts';

const nowMs = Date.UTC(2026, 10, 22, 15, 30);
const read = (query: string, isDayFirst = false) => readKql(query, { nowMs, isDayFirst });
const words = (pattern: string, fields: number = allFields): MailCondition => ({
  kind: 'text',
  pattern: ` ${pattern}`,
  fields,
});
const and = (...of: MailCondition[]): MailCondition => ({ kind: 'and', of });
const or = (...of: MailCondition[]): MailCondition => ({ kind: 'or', of });
const not = (of: MailCondition): MailCondition => ({ kind: 'not', of });
const received = (from: string, until: string): MailCondition => ({
  kind: 'received',
  fromMs: from === '' ? 0 : Date.parse(from),
  untilMs: until === '' ? Number.MAX_SAFE_INTEGER : Date.parse(until),
});

describe('words, phrases and operators', () => {
  test.each<[string, MailCondition]>([
    ['Grüße', words('grusse')],
    ['big red', and(words('big'), words('red'))],
    ['"big red" fox', and(words('big red'), words('fox'))],
    ['"big red', words('big red')],
    ['big AND red', and(words('big'), words('red'))],
    ['big OR red', or(words('big'), words('red'))],
    ['a b OR c d', or(and(words('a'), words('b')), and(words('c'), words('d')))],
    ['a (b OR c)', and(words('a'), or(words('b'), words('c')))],
    ['NOT a', not(words('a'))],
    ['a -b +c', and(words('a'), not(words('b')), words('c'))],
    ['a -"b c"', and(words('a'), not(words('b c')))],
    ['a NOT (b OR c)', and(words('a'), not(or(words('b'), words('c'))))],
    ['a and or not b', and(words('a'), words('and'), words('or'), words('not'), words('b'))],
    ['well-known', words('well known')],
    ['wor*', words('wor')],
    ['big NEAR red', and(words('big'), words('red'))],
    ['big NEAR(5) red ONEAR(n = 3) fox', and(words('big'), words('red'), words('fox'))],
    ['big near red', and(words('big'), words('near'), words('red'))],
    ['WORDS(big, "red fox")', or(words('big'), words('red fox'))],
    ['ANY(big red) fox', and(or(words('big'), words('red')), words('fox'))],
    ['ALL(big red) OR fox', or(and(words('big'), words('red')), words('fox'))],
    ['fox NONE(big red)', and(words('fox'), not(or(words('big'), words('red'))))],
    ['any(big)', and(words('any'), words('big'))],
    ['“big red” fox', and(words('big red'), words('fox'))],
    ['„big red“ «fox dog»', and(words('big red'), words('fox dog'))],
    ['\u200fשלום\u200f עולם', and(words('שלום'), words('עולם'))],
    [
      '会議　東京',
      and(
        { kind: 'text', pattern: '会議', fields: allFields },
        { kind: 'text', pattern: '東京', fields: allFields },
      ),
    ],
    [
      '(a OR b) AND NOT (c OR (d AND -e))',
      and(or(words('a'), words('b')), not(or(words('c'), and(words('d'), not(words('e')))))),
    ],
  ])('%s', (query, condition) => expect(read(query)).toEqual(condition));
});

describe('properties', () => {
  const high: MailCondition = { kind: 'importance', importance: 2 };
  test.each<[string, MailCondition]>([
    ['from:bob', words('bob', SearchField.From)],
    ['FROM:Bob@example.org', words('bob example org', SearchField.From)],
    ['from:"Bob B"', words('bob b', SearchField.From)],
    ['to:a cc:b', and(words('a', SearchField.To), words('b', SearchField.Cc))],
    ['bcc:a', words('a', SearchField.Bcc)],
    ['subject:(big red)', and(words('big', SearchField.Subject), words('red', SearchField.Subject))],
    ['from:(a OR b) c', and(or(words('a', SearchField.From), words('b', SearchField.From)), words('c'))],
    ['-from:bob', not(words('bob', SearchField.From))],
    ['-from:"bob b"', not(words('bob b', SearchField.From))],
    ['subject<>spam', not(words('spam', SearchField.Subject))],
    ['subject=spam', words('spam', SearchField.Subject)],
    ['body:text', words('text', SearchField.Body)],
    ['attachment:report.pdf', words('report pdf', SearchField.Attachment)],
    ['recipients:a', words('a', SearchField.To | SearchField.Cc | SearchField.Bcc)],
    ['hasattachment:true', { kind: 'has-attachments' }],
    ['hasAttachment:no', not({ kind: 'has-attachments' })],
    ['isread:false', not({ kind: 'read' })],
    ['isflagged:1', { kind: 'flagged' }],
    ['importance:high', high],
    ['importance:2', high],
    ['kind:email', anyMail],
    ['kind:contacts', noMail],
    ['kind:meetings', { kind: 'message-class', prefix: 'ipm.schedule' }],
    ['from:a from:b', or(words('a', SearchField.From), words('b', SearchField.From))],
    [
      'from:a big from:"b c" from=d',
      and(
        or(words('a', SearchField.From), words('b c', SearchField.From), words('d', SearchField.From)),
        words('big'),
      ),
    ],
    ['from:a AND from:b', and(words('a', SearchField.From), words('b', SearchField.From))],
    ['-from:a -from:b', and(not(words('a', SearchField.From)), not(words('b', SearchField.From)))],
    [
      'from:(a b) from:c',
      or(and(words('a', SearchField.From), words('b', SearchField.From)), words('c', SearchField.From)),
    ],
    ['subject:“big red”', words('big red', SearchField.Subject)],
    ['subject：big', words('big', SearchField.Subject)],
    ['\u200efrom:bob\u200e', words('bob', SearchField.From)],
    ['from:משה', words('משה', SearchField.From)],
    ['from:<bob@example.org>', words('bob example org', SearchField.From)],
    ['has:attachment', { kind: 'has-attachments' }],
    ['is:unread -is:flagged', and(not({ kind: 'read' }), not({ kind: 'flagged' }))],
    ['is:read', { kind: 'read' }],
    ['has:flag', { kind: 'flagged' }],
    [
      'size>1 size<5',
      and({ kind: 'size', least: 2, most: Number.MAX_SAFE_INTEGER - 1 }, { kind: 'size', least: 0, most: 4 }),
    ],
    ['category:"Red Category"', { kind: 'category', pattern: ' red category' }],
    ['size>=1KB', { kind: 'size', least: 1024, most: Number.MAX_SAFE_INTEGER - 1 }],
    ['size:10..20', { kind: 'size', least: 10, most: 20 }],
    ['size:>2', { kind: 'size', least: 3, most: Number.MAX_SAFE_INTEGER - 1 }],
  ])('%s', (query, condition) => expect(read(query)).toEqual(condition));
});

describe('dates', () => {
  test.each<[string, MailCondition]>([
    ['received:2026-11-20', received('2026-11-20', '2026-11-21')],
    ['received=11/20/2026', received('2026-11-20', '2026-11-21')],
    ['received:2026-11', received('2026-11-01', '2026-12-01')],
    ['received:2025', received('2025-01-01', '2026-01-01')],
    ['received>2026-11-20', received('2026-11-21', '')],
    ['received>=2026-11-20', received('2026-11-20', '')],
    ['received<2026-11-20', received('', '2026-11-20')],
    ['received<=2026-11-20', received('', '2026-11-21')],
    ['received<>2026-11-20', not(received('2026-11-20', '2026-11-21'))],
    ['received:>=2026-11-20', received('2026-11-20', '')],
    ['received:2026-11-01..2026-11-05', received('2026-11-01', '2026-11-06')],
    ['received:..2026-11-05', received('', '2026-11-06')],
    ['received:2026-11-01..', received('2026-11-01', '')],
    ['received:2026-11-20T10:30', received('2026-11-20T10:30Z', '2026-11-20T10:31Z')],
    ['received>=2026-11-20T10:30:05.123Z', received('2026-11-20T10:30:05Z', '')],
    ['received:today', received('2026-11-22', '2026-11-23')],
    ['received:Yesterday', received('2026-11-21', '2026-11-22')],
    ['received:"this week"', received('2026-11-16', '2026-11-23')],
    ['received:"last week"', received('2026-11-09', '2026-11-16')],
    ['received:"this month"', received('2026-11-01', '2026-12-01')],
    ['received:"last month"', received('2026-10-01', '2026-11-01')],
    ['received:"this year"', received('2026-01-01', '2027-01-01')],
    ['received:"last year"', received('2025-01-01', '2026-01-01')],
    ['received:last week', received('2026-11-09', '2026-11-16')],
    ['received:lastweek', received('2026-11-09', '2026-11-16')],
    ['received>=last  month', received('2026-10-01', '')],
    ['received:22/11/2026', received('2026-11-22', '2026-11-23')],
    ['received:3.11.2026', received('2026-11-03', '2026-11-04')],
    ['received:3.11.2026..5.11.2026', received('2026-11-03', '2026-11-06')],
    [
      'received:2026-11-01 received:2026-11-05',
      or(received('2026-11-01', '2026-11-02'), received('2026-11-05', '2026-11-06')),
    ],
    ['received>=2026-11-01 received<2026-11-05', and(received('2026-11-01', ''), received('', '2026-11-05'))],
    [
      'received:>=2026-11-01 received:<2026-11-05',
      and(received('2026-11-01', ''), received('', '2026-11-05')),
    ],
    ['sent:today', received('2026-11-22', '2026-11-23')],
  ])('%s', (query, condition) => expect(read(query)).toEqual(condition));
});

describe('what is no restriction is words', () => {
  test.each<[string, MailCondition]>([
    ['colour:red', words('colour red')],
    ['https://example.org/x', words('https example org x')],
    ['12:30', words('12 30')],
    ['received:soon', words('received soon')],
    ['received:2026-13-01', words('received 2026 13 01')],
    ['received:2026-02-31', words('received 2026 02 31')],
    ['hasattachment:maybe', words('hasattachment maybe')],
    ['importance:9', words('importance 9')],
    ['kind:of', words('kind of')],
    ['has:been', words('has been')],
    ['subject:last week', and(words('last', SearchField.Subject), words('week'))],
    ['received:13/13/2026', words('received 13 13 2026')],
    ['received:1/2.2026', words('received 1 2 2026')],
    ['constructor:x', words('constructor x')],
    ['__proto__:x', words('proto x')],
  ])('%s', (query, condition) => expect(read(query)).toEqual(condition));
});

test.each<[string, MailCondition, MailCondition]>([
  ['received:05/04/2026', received('2026-05-04', '2026-05-05'), received('2026-04-05', '2026-04-06')],
  ['received:5/4/2026..6/4/2026', received('2026-05-04', '2026-06-05'), received('2026-04-05', '2026-04-07')],
  ['received:11/20/2026', received('2026-11-20', '2026-11-21'), received('2026-11-20', '2026-11-21')],
  ['received:20/11/2026', received('2026-11-20', '2026-11-21'), received('2026-11-20', '2026-11-21')],
  ['received:5.4.2026', received('2026-04-05', '2026-04-06'), received('2026-04-05', '2026-04-06')],
  ['received:2026-04-05', received('2026-04-05', '2026-04-06'), received('2026-04-05', '2026-04-06')],
  ['received:2026/04/05', received('2026-04-05', '2026-04-06'), received('2026-04-05', '2026-04-06')],
  ['received:13/13/2026', words('received 13 13 2026'), words('received 13 13 2026')],
])('%s: the month first, or the day', (query, monthFirst, dayFirst) => {
  expect([read(query), read(query, true)]).toEqual([monthFirst, dayFirst]);
});

test.each([
  [undefined, false],
  ['', false],
  ['*', false],
  ['en', false],
  ['en-US', false],
  ['EN-us, de;q=0.5', false],
  ['en_US', false],
  ['en;q=0.9', false],
  ['0x0409', false],
  ['0x0000', false],
  ['en-GB', true],
  ['en-GB,en-US;q=0.8', true],
  ['de', true],
  ['fr-CA', true],
  ['0x0809', true],
  ['0x0407', true],
])('in the locale %s the day is first: %s', (locale, expected) => {
  expect(isDayFirst(locale)).toBe(expected);
});

describe('careless queries', () => {
  test.each<[string, MailCondition]>([
    ['(a', words('a')],
    ['a)', words('a')],
    ['a) b', and(words('a'), words('b'))],
    ['()', noMail],
    ['OR', noMail],
    ['a OR', words('a')],
    ['AND AND a', words('a')],
    ['NOT', noMail],
    ['from:', noMail],
    ['from:()', noMail],
    ['*', noMail],
    ['.* [a', words('a')],
    ['-', noMail],
    ['""', noMail],
    ['WORDS(', noMail],
    ['NONE()', noMail],
    ['ALL(a', words('a')],
    ['NEAR(5)', noMail],
  ])('%s', (query, condition) => expect(read(query)).toEqual(condition));
});

test.each([
  'a'.repeat(2049),
  'a '.repeat(300),
  '('.repeat(257),
  `${'('.repeat(33)}a`,
  'from:('.repeat(40),
  'NOT '.repeat(300),
  'ANY('.repeat(129),
])('beyond the bounds a query is refused: %.20s...', (query) => {
  expect(() => read(query)).toThrow(expect.objectContaining({ status: 2 }));
});

test('what is within the bounds is read, however it is nested', () => {
  for (const piece of ['(', 'NOT ', '-', 'from:(', '"', 'a:b:', ')(', 'a>=', '-(', 'ANY(', 'NEAR(1) ']) {
    const query = piece.repeat(31).slice(0, 2000);
    expect(read(`${query} a`)).toBeDefined();
  }
});
