import { expect, test } from 'vitest';
import { silentLogger } from '#telemetry/log';
import { AdminError } from '../errors.ts';
import { Guesses } from './guesses.ts';

const wrong = new AdminError('InvalidSignatureException', 'wrong');

/** Waits are over at once, and are written down. */
function start() {
  let nowMs = 1_000_000;
  const waits: number[] = [];
  const lines: unknown[] = [];
  const clock = {
    now: () => nowMs,
    after: (ms: number, done: () => void) => {
      waits.push(ms);
      queueMicrotask(done);
      return () => undefined;
    },
  };
  const log = { ...silentLogger, warn: (...line: unknown[]) => void lines.push(line) };
  const guesses = new Guesses(clock);
  const fail = (remoteAddress: string, id = 'AKIAEXAMPLE') =>
    guesses.failed({ remoteAddress, log }, id, wrong).then(({ type }) => type);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { guesses, fail, waits, lines, pass, log };
}

test('5 wrong signatures for one key are refused at once, the next ones after 1 s, 2 s, 4 s and so on to 30 s', async () => {
  const { fail, waits } = start();
  for (let n = 0; n < 12; n++) expect(await fail('192.0.2.1')).toBe('InvalidSignatureException');
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(await fail('192.0.2.2')).toBe('InvalidSignatureException');
  expect(waits).toHaveLength(8);
});

test('who sends 1,000 is refused with ThrottlingException for 15 minutes from the 100th on, and the log has one line of it', async () => {
  const { fail, lines, pass } = start();
  const types = [];
  for (let n = 0; n < 1_000; n++) types.push(await fail('192.0.2.1', `AKIA${n}`));
  expect(types.indexOf('ThrottlingException')).toBe(99);
  expect(types.filter((type) => type === 'ThrottlingException')).toHaveLength(901);
  expect(lines).toEqual([['admin.signature.throttled', { client: '192.0.2.1', seconds: 900 }]]);
  expect(await fail('192.0.2.2')).toBe('InvalidSignatureException');
  pass(900_000);
  expect(await fail('192.0.2.1')).toBe('InvalidSignatureException');
});

test('no more than 1,000 answers wait at a time', async () => {
  const { fail } = start();
  const answers = Array.from({ length: 1_100 }, (_, n) => {
    const address = `2001:db8:0:${n.toString(16)}::1`;
    return Array.from({ length: 6 }, () => fail(address));
  });
  const types = await Promise.all(answers.flat());
  expect(types.filter((type) => type === 'ThrottlingException')).toHaveLength(1_200);
});

test('a key is known where it has signed, by the /64 it is in', () => {
  const { guesses, log } = start();
  const from = (remoteAddress: string) => ({ remoteAddress, log });
  guesses.succeeded(from('2001:db8::1'), 'AKIAEXAMPLE');
  expect(guesses.isProven(from('2001:db8::2'), 'AKIAEXAMPLE')).toBe(true);
  expect(guesses.isProven(from('2001:db8::1'), 'AKIAOTHER')).toBe(false);
  expect(guesses.isProven(from('192.0.2.1'), 'AKIAEXAMPLE')).toBe(false);
});
