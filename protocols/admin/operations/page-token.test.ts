import { expect, test } from 'vitest';
import { nextToken, pageAsked, pageOfIdsAsked } from './page-token.ts';

const refused = { type: 'InvalidParameterException', message: 'The NextToken is not valid.' };
const asked = (after: string) => ({ NextToken: nextToken(after, 'users', 'm-1'), MaxResults: 7 });

test.each([
  `m-${'0'.repeat(32)}`,
  `r-${'f'.repeat(32)}`,
  '0123456789abcdef0123456789abcdef',
  '00000000-0000-4000-8000-000000000000',
])('a NextToken goes on behind the id %s, in its own list', (after) => {
  expect(pageOfIdsAsked(asked(after), 'users', 'm-1')).toEqual({ limit: 7, after });
  expect(() => pageOfIdsAsked(asked(after), 'users', 'm-2')).toThrow(expect.objectContaining(refused));
});

test.each([
  '',
  'x',
  '0',
  '00',
  `m-${'0'.repeat(31)}`,
  `m-${'0'.repeat(33)}`,
  `${'0'.repeat(31)}G`,
  '\0',
  '😀',
])('a NextToken that somebody made of "%s" is refused where ids are asked for', (after) => {
  expect(pageAsked(asked(after), 'users', 'm-1')).toEqual({ limit: 7, after });
  expect(() => pageOfIdsAsked(asked(after), 'users', 'm-1')).toThrow(expect.objectContaining(refused));
});
