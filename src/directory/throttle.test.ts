import { describe, expect, it } from 'vitest';
import { fixedClock } from '#test/support/temp-store';
import { clientOf, Throttle } from './throttle.ts';

const minuteMs = 60_000;

function throttled() {
  const clock = fixedClock(1_800_000_000_000);
  const throttle = new Throttle(clock);
  const fail = (times: number, client = '192.0.2.1', address = 'alice') => {
    for (let i = 0; i < times; i++) throttle.failed(client, address);
  };
  return { clock, throttle, fail };
}

describe('the throttle', () => {
  it('makes answers about one address wait 1 s after 5 failures, doubling to 30 s', () => {
    const { throttle, fail } = throttled();
    const waits = Array.from({ length: 13 }, () => {
      const waitMs = throttle.waitMs('192.0.2.1', 'alice');
      fail(1);
      return waitMs;
    });
    expect(waits).toEqual([0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    expect(throttle.waitMs('192.0.2.1', 'bob')).toBe(0);
    expect(throttle.waitMs('192.0.2.2', 'alice')).toBe(0);
  });

  it('makes answers to one client wait after 50 failures, whatever the address', () => {
    const { throttle } = throttled();
    const waits = Array.from({ length: 57 }, (_, i) => {
      const waitMs = throttle.waitMs('192.0.2.1', `user${i}`);
      throttle.failed('192.0.2.1', `user${i}`);
      return waitMs;
    });
    expect(waits.slice(0, 50)).toEqual(Array(50).fill(0));
    expect(waits.slice(50)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(throttle.waitMs('192.0.2.2', 'user1')).toBe(0);
  });

  it('forgets failures after 10 minutes, one by one', () => {
    const { throttle, clock, fail } = throttled();
    fail(3);
    clock.move(6 * minuteMs);
    fail(3);
    expect(throttle.waitMs('192.0.2.1', 'alice')).toBe(2000);
    clock.move(4 * minuteMs);
    expect(throttle.waitMs('192.0.2.1', 'alice')).toBe(0);
    fail(2);
    expect(throttle.waitMs('192.0.2.1', 'alice')).toBe(1000);
  });

  it('refuses a client for 15 minutes after 100 failures, then begins again', () => {
    const { throttle, clock, fail } = throttled();
    fail(99);
    expect(throttle.refusedMs('192.0.2.1')).toBe(0);
    fail(1);
    expect(throttle.refusedMs('192.0.2.1')).toBe(15 * minuteMs);
    expect(throttle.refusedMs('192.0.2.2')).toBe(0);
    clock.move(15 * minuteMs - 1);
    expect(throttle.refusedMs('192.0.2.1')).toBe(1);
    clock.move(1);
    expect(throttle.refusedMs('192.0.2.1')).toBe(0);
    expect(throttle.waitMs('192.0.2.1', 'alice')).toBe(0);
  });

  it('refuses nobody whose 100 failures took longer than 10 minutes', () => {
    const { throttle, clock, fail } = throttled();
    fail(99);
    clock.move(10 * minuteMs);
    fail(1);
    expect(throttle.refusedMs('192.0.2.1')).toBe(0);
  });

  it('ends the waiting for an address with a right password, not what the client did to others', () => {
    const { throttle, fail } = throttled();
    fail(8);
    fail(42, '192.0.2.1', 'bob');
    throttle.succeeded('192.0.2.1', 'alice');
    expect(throttle.waitMs('192.0.2.1', 'alice')).toBe(1000);
    expect(throttle.waitMs('192.0.2.1', 'bob')).toBe(30_000);
  });
});

describe('a client', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
    ['2001:db8:0:1:ffff::', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('at %s is %s', (ip, client) => {
    expect(clientOf(ip)).toBe(client);
  });
});
