import { expect, test } from 'vitest';
import { parseBasicAuth, unauthorized } from './basic-auth.ts';

const basic = (bytes: Buffer | string) => `Basic ${Buffer.from(bytes as string).toString('base64')}`;

test('user and password are split at the first colon (RFC 7617 §2)', () => {
  expect(parseBasicAuth(basic('alice@example.com:a:b'))).toEqual({
    user: 'alice@example.com',
    passwords: ['a:b'],
  });
  expect(parseBasicAuth(basic('EXAMPLE\\alice:pw'))).toEqual({ user: 'EXAMPLE\\alice', passwords: ['pw'] });
  expect(parseBasicAuth(basic('alice:'))).toEqual({ user: 'alice', passwords: [''] });
});

test('the scheme is case-insensitive', () => {
  expect(parseBasicAuth(basic('a:b').replace('Basic', 'basic'))).toBeDefined();
});

test('UTF-8 is read as UTF-8 first and as Latin-1 second', () => {
  expect(parseBasicAuth(basic('alice:pässword'))).toEqual({
    user: 'alice',
    passwords: ['pässword', 'pÃ¤ssword'],
  });
});

test('bytes that are no UTF-8 are read as Latin-1, as Outlook sends them', () => {
  const header = basic(Buffer.from('jürgen:pässword', 'latin1'));
  expect(parseBasicAuth(header)).toEqual({ user: 'jürgen', passwords: ['pässword'] });
});

test.each([
  ['nothing', undefined],
  ['another scheme', 'Bearer abc'],
  ['no base64', 'Basic §§§'],
  ['nothing behind the scheme', 'Basic '],
  ['no colon', basic('alice')],
  ['no user', basic(':password')],
  ['a control character', basic('ali\r\nce:password')],
])('%s is no credentials', (_name, header) => {
  expect(parseBasicAuth(header)).toBeUndefined();
});

test('the challenge names the realm and UTF-8', () => {
  expect(unauthorized('Mailstead')).toMatchObject({
    status: 401,
    headers: { 'WWW-Authenticate': 'Basic realm="Mailstead", charset="UTF-8"' },
  });
});
