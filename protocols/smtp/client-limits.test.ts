import { expect, test } from 'vitest';
import { fixedClock } from '#test/support/temp-store';
import { ClientLimits } from './client-limits.ts';

const generous = {
  maxConnections: 1_000,
  maxConnectionsPerIp: 1_000,
  connectionsPerMinute: 1_000,
  messagesPerMinute: 1_000,
  isLoopbackExempt: true,
};
const entered = (limits: ClientLimits, address: string) => limits.enter(address)?.code ?? 'in';

test('an address has so many connections and no more, until one leaves', () => {
  const limits = new ClientLimits({ ...generous, maxConnectionsPerIp: 2 }, fixedClock(0));
  expect([1, 2, 3].map(() => entered(limits, '192.0.2.1'))).toEqual(['in', 'in', 421]);
  expect(entered(limits, '192.0.2.2')).toBe('in');
  limits.leave('192.0.2.1');
  expect([1, 2].map(() => entered(limits, '192.0.2.1'))).toEqual(['in', 421]);
});

test.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])(
  'loopback (%s) is exempt but from the limit of all, or not if so told',
  (address) => {
    const none = { maxConnectionsPerIp: 0, connectionsPerMinute: 1, messagesPerMinute: 1 };
    const limits = new ClientLimits({ ...generous, ...none, maxConnections: 3 }, fixedClock(0));
    expect([1, 2, 3].map(() => entered(limits, address))).toEqual(['in', 'in', 'in']);
    expect([1, 2, 3].map(() => limits.takeMessage(address))).toEqual([true, true, true]);
    expect(limits.enter(address)).toMatchObject({ code: 421, enhanced: '4.3.2' });
    const told = new ClientLimits({ ...generous, ...none, isLoopbackExempt: false }, fixedClock(0));
    expect(told.enter(address)).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect([1, 2].map(() => told.takeMessage(address))).toEqual([true, false]);
  },
);

test('IPv6 counts by /64, IPv4 by address however it is written', () => {
  const limits = new ClientLimits({ ...generous, maxConnectionsPerIp: 1 }, fixedClock(0));
  expect(entered(limits, '2001:db8::1')).toBe('in');
  for (const same of ['2001:db8::2', '2001:db8:0:0:ffff::', '2001:0db8:0000:0000:1:2:3:4', '2001:db8::']) {
    expect(entered(limits, same), same).toBe(421);
  }
  for (const other of ['2001:db8:0:1::1', '2001:db8:1::1', '::2:0:0:0:1']) {
    expect(entered(limits, other), other).toBe('in');
  }
  expect(entered(limits, '192.0.2.1')).toBe('in');
  expect(entered(limits, '::ffff:192.0.2.1')).toBe(421);
});

test('connections and messages in a minute come back evenly', () => {
  const clock = fixedClock(1_800_000_000_000);
  const limits = new ClientLimits({ ...generous, connectionsPerMinute: 3, messagesPerMinute: 3 }, clock);
  const connect = () => {
    const reply = limits.enter('192.0.2.1');
    if (reply === undefined) limits.leave('192.0.2.1');
    return reply === undefined;
  };
  for (const take of [connect, () => limits.takeMessage('192.0.2.1')]) {
    expect([1, 2, 3, 4].map(take)).toEqual([true, true, true, false]);
    clock.move(20_000);
    expect([1, 2].map(take)).toEqual([true, false]);
    clock.move(60_000);
    expect([1, 2, 3, 4].map(take)).toEqual([true, true, true, false]);
    // A clock that is set back by a day.
    clock.move(-86_400_000);
    expect(take()).toBe(false);
    clock.move(60_000);
    expect(take()).toBe(true);
    clock.move(86_400_000);
  }
});
