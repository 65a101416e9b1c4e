import { expect, test } from 'vitest';
import { InboundHeader } from './inbound-header.ts';

const hostname = 'mx.ours.example';

/** What passes of a message that comes in pieces of so many bytes. */
async function passed(message: string, step = 7, reserved: readonly string[] = []): Promise<string> {
  const header = new InboundHeader({ hostname, reserved: new Set(reserved), evaluation: undefined });
  const bytes = Buffer.from(message, 'latin1');
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += step)
    out.push((await header.write(bytes.subarray(at, at + step))).outgoing);
  out.push((await header.end()).outgoing);
  return Buffer.concat(out).toString('latin1');
}

test.each<[string, string]>([
  ['as we write it', 'Authentication-Results: mx.ours.example; spf=pass'],
  ['in other letters', 'AUTHENTICATION-RESULTS: MX.Ours.Example; spf=pass'],
  ['without a blank', 'Authentication-Results:mx.ours.example;spf=pass'],
  ['with a blank before the colon', 'Authentication-Results \t: mx.ours.example; spf=pass'],
  ['with a fold before the colon', 'Authentication-Results\r\n : mx.ours.example; spf=pass'],
  ['folded', 'Authentication-Results:\r\n\tmx.ours.example\r\n ; spf=pass'],
  ['behind a comment', 'Authentication-Results: (hi) mx.ours.example; spf=pass'],
  ['behind nested comments', 'Authentication-Results: (a (b \\) c)\r\n d) (e) mx.ours.example; spf=pass'],
  ['before a comment', 'Authentication-Results: mx.ours.example(hi); spf=pass'],
  ['with a version', 'Authentication-Results: mx.ours.example 1; spf=pass'],
  ['with a version as of old', 'Authentication-Results: mx.ours.example/1; spf=pass'],
  ['with a comment before the version', 'Authentication-Results: mx.ours.example (x) 1; none'],
  ['quoted', 'Authentication-Results: "mx.ours.example"; spf=pass'],
  ['quoted, with quoted pairs', 'Authentication-Results: "mx\\.ours.exam\\ple"; spf=pass'],
  ['with the root', 'Authentication-Results: mx.ours.example.; spf=pass'],
  ['with nothing behind', 'Authentication-Results: mx.ours.example'],
  ['in a comment that does not end', 'Authentication-Results: (mx.ours.example; spf=pass'],
  ['in a string that does not end', 'Authentication-Results: "mx.ours.example; spf=pass'],
])('a forged field is taken out: %s', async (_name, field) => {
  const rest = 'Subject: a\r\n\r\nAuthentication-Results: mx.ours.example; in the body\r\n';
  for (const step of [1, 5, 1_000]) {
    expect(await passed(`${field}\r\n${rest}`, step)).toBe(rest);
    expect(await passed(`To: b\r\n${field}\r\n${rest}`, step)).toBe(`To: b\r\n${rest}`);
  }
});

test.each([
  'Authentication-Results: mx.other.example; spf=pass',
  'Authentication-Results: evil.mx.ours.example; spf=pass',
  'Authentication-Results: mx.other.example; spf=pass (mx.ours.example)',
  'Authentication-Results: ; spf=pass',
  'Authentication-Results: (nobody); none',
  'Authentication-Results: (for (you) mx.ours.example) mx.other.example; none',
  'ARC-Authentication-Results: i=1; mx.ours.example; spf=pass',
  'X-Authentication-Results: mx.ours.example; spf=pass',
  'Subject: Authentication-Results: mx.ours.example',
])('%s stays', async (field) => {
  const message = `${field}\r\nTo: b\r\n\r\nbody\r\n`;
  expect(await passed(message)).toBe(message);
});

test('fields that are reserved are taken out, whatever they say', async () => {
  const message = 'X-Spam-Status: No\r\nTo: b\r\nx-spam-STATUS :\r\n No\r\nX-Spam: x\r\n\r\nbody\r\n';
  expect(await passed(message, 3, ['x-spam-status'])).toBe('To: b\r\nX-Spam: x\r\n\r\nbody\r\n');
});

test.each(['', '\r\n', '\r\nbody\r\n', 'To: b\r\n', 'To: b\r\n\r\n', 'To: b\r\n\r\n\r\n\r\nx'])(
  '%j passes as it is',
  async (message) => {
    for (const step of [1, 2, 3, 100]) expect(await passed(message, step)).toBe(message);
  },
);

test('a header of more than 1,000 fields is refused', async () => {
  const refusal = 'The header has too many fields';
  await expect(passed(`${'X: y\r\n'.repeat(1_001)}\r\n`, 10_000)).rejects.toThrow(refusal);
  expect(await passed(`${'X: y\r\n z\r\n'.repeat(1_000)}\r\n`, 10_000)).toHaveLength(10_002);
});
