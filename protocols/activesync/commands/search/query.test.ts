import { describe, expect, test } from 'vitest';
import { allFields, anyMail, type MailCondition, noMail } from '#domain/search/query';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { Email } from '../../wbxml/code-pages/email.ts';
import { Search } from '../../wbxml/code-pages/search.ts';
import { type Element, el } from '../../wbxml/element.ts';
import { readQuery } from './query.ts';

const read = (...and: Element[]) => readQuery(el(Search.Query, el(Search.And, ...and)), '14.1');
const freeText = (text: string) => el(Search.FreeText, text);
const words = (pattern: string): MailCondition => ({ kind: 'text', pattern, fields: allFields });
const compared = (tag: typeof Search.LessThan, value: string) =>
  el(tag, el(Email.DateReceived), el(Search.Value, value));

describe('FreeText', () => {
  test.each<[string, MailCondition]>([
    ['Grüße aus Köln', { kind: 'and', of: [words(' grusse'), words(' aus'), words(' koln')] }],
    ['"Grüße aus" Köln', { kind: 'and', of: [words(' grusse aus'), words(' koln')] }],
    ['“Grüße aus” Köln', { kind: 'and', of: [words(' grusse aus'), words(' koln')] }],
    ['"Grüße aus', { kind: 'and', of: [words(' grusse aus')] }],
    ['a"b c"d', { kind: 'and', of: [words(' a'), words(' b c'), words(' d')] }],
    ['bob@example.org', { kind: 'and', of: [words(' bob example org')] }],
    ['x ???', { kind: 'and', of: [words(' x')] }],
    ['会議 メモ', { kind: 'and', of: [words('会議'), words('メモ')] }],
    ['???', { kind: 'and', of: [noMail] }],
    ['""', { kind: 'and', of: [noMail] }],
  ])('%s', (text, condition) => expect(read(freeText(text)).condition).toEqual(condition));
});

test('conditions of all kinds stand beside each other', () => {
  const query = read(
    el(AirSync.Class, 'Email'),
    el(AirSync.CollectionId, '5'),
    el(AirSync.CollectionId, ' 7 '),
    el(AirSync.CollectionId, '5'),
    el(Search.ConversationId, Buffer.from('00ff', 'hex')),
    compared(Search.GreaterThan, '2026-11-22T11:30:00.000Z'),
    compared(Search.LessThan, '20261123T113000Z'),
    freeText('a'),
    el(Search.Or, freeText('b'), compared(Search.LessThan, '2026-11-01T00:00:00Z')),
  );
  const untilMs = Number.MAX_SAFE_INTEGER;
  expect(query).toEqual({
    collectionIds: ['5', '7'],
    wantsMail: true,
    ofConversation: true,
    condition: {
      kind: 'and',
      of: [
        { kind: 'conversation', id: '00ff' },
        { kind: 'received', fromMs: Date.UTC(2026, 10, 22, 11, 30) + 1, untilMs },
        { kind: 'received', fromMs: 0, untilMs: Date.UTC(2026, 10, 23, 11, 30) },
        words(' a'),
        {
          kind: 'or',
          of: [
            { kind: 'and', of: [words(' b')] },
            { kind: 'received', fromMs: 0, untilMs: Date.UTC(2026, 10, 1) },
          ],
        },
      ],
    },
  });
});

test('without a condition all mail is asked for', () => {
  expect(read(el(AirSync.Class, 'Email')).condition).toEqual(anyMail);
});

test.each([
  [['Email'], true],
  [['Calendar', 'Email'], true],
  [['Calendar', 'Tasks'], false],
  [[], true],
])('of the classes %o mail is wanted: %s', (names, wantsMail) => {
  const classes = names.map((name) => el(AirSync.Class, name));
  expect(read(...classes, freeText('a')).wantsMail).toBe(wantsMail);
});

test('a text of 1,024 characters and 64 words is read, a longer one is too complex', () => {
  const long = 'a'.repeat(1024);
  expect(read(freeText(long)).condition).toEqual({ kind: 'and', of: [words(` ${long}`)] });
  for (const text of [`${long}a`, 'a '.repeat(65)]) {
    expect(() => read(freeText(text))).toThrow(expect.objectContaining({ status: 8 }));
  }
});
