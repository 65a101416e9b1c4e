import { expect, test } from 'vitest';
import { listsServer } from './transport-policy.ts';

test.each([
  ['mx.example', 'MX.example.', true],
  ['mx.example', 'a.mx.example', false],
  ['*.example', 'mx.example', true],
  ['*.example', 'a.mx.example', false],
  ['*.example', 'example', false],
  ['*.example', '.example', false],
])('%s and %s: %s', (pattern, host, isListed) => {
  expect(listsServer({ mx: [pattern] }, host)).toBe(isListed);
});
