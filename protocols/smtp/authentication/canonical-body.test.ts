import { dkimBody } from 'mailauth/lib/dkim/body/index.js';
import { expect, test } from 'vitest';
import { CanonicalBody } from './canonical-body.ts';

const bodies: readonly string[] = [
  '',
  '\r\n',
  '\r\n\r\n\r\n',
  ' \t \r\n',
  'x',
  'x\r\n',
  ' C \r\nD \t E\r\n\r\n\r\n',
  '\r\n\r\na\r\n\t\r\n \r\nb \r\n\r\n',
  'a  b\t\tc   \r\n   d\r\n',
  `${'long line '.repeat(2_000)}\r\n${'\r\n'.repeat(6_000)}end\r\n`,
];

test.each(['simple', 'relaxed'] as const)(
  'a %s body hashes as mailauth has it, however it is cut',
  (canonicalization) => {
    for (const body of bodies) {
      const bytes = Buffer.from(body);
      for (const length of [undefined, 0, 1, 2, 5, 1_000, 100_000]) {
        const theirs = dkimBody(canonicalization, 'sha256', length ?? false);
        theirs.update(bytes);
        const expected = theirs.digest('base64');
        for (const step of [1, 2, 3, 7, 64 * 1024]) {
          const ours = new CanonicalBody(canonicalization, 'sha256');
          if (length !== undefined) ours.expect(length);
          for (let at = 0; at < bytes.length; at += step) ours.write(bytes.subarray(at, at + step));
          ours.end();
          const about = JSON.stringify([body.slice(0, 40), length, step]);
          expect(ours.digest(length), about).toBe(expected);
        }
      }
    }
  },
);

test('several lengths are hashed in one pass', () => {
  const body = new CanonicalBody('simple', 'sha256');
  for (const length of [3, 1, 3, 10]) body.expect(length);
  body.write(Buffer.from('abcdef\r\n'));
  body.end();
  const of = (text: string) => {
    const whole = dkimBody('simple', 'sha256', text.length);
    whole.update(Buffer.from('abcdef\r\n'));
    return whole.digest('base64');
  };
  expect([body.digest(1), body.digest(3), body.size]).toEqual([of('a'), of('abc'), 8]);
  expect(body.digest(10)).toBe(body.digest());
});
