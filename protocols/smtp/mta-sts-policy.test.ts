import { expect, test } from 'vitest';
import { parsePolicy } from './mta-sts-policy.ts';

const policy = (line: string) =>
  `version: STSv1\n${line}\nmode:\tenforce \t\r\nmx : MX.one.example.  \nmax_age: 86400`;

test('blanks around keys and values are none of them', () => {
  expect(parsePolicy(policy('mode: none'))).toMatchObject({ mode: 'none' });
  expect(parsePolicy(policy('other: a  b '))).toEqual({
    mode: 'enforce',
    mx: ['mx.one.example'],
    maxAgeSeconds: 86_400,
  });
});

test('blanks in a value cost no more than their number', () => {
  expect(parsePolicy(policy(`other: a${' '.repeat(1_000_000)}b`)).mode).toBe('enforce');
});
