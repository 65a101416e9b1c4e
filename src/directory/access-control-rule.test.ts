import { expect, test } from 'vitest';
import type { EntityId } from '#domain/ids';
import {
  type AccessControlRule,
  AccessControlRules,
  type AccessRequest,
  defaultRule,
} from './access-control-rule.ts';

const [alice, bob] = ['alice', 'bob'] as unknown as readonly [EntityId, EntityId];
const request: AccessRequest = { action: 'ActiveSync', address: '192.0.2.7', user: alice };
const nothing = { any: [], none: [] };

/** An ALLOW rule with these conditions, alone. */
const effectOf = (conditions: Partial<AccessControlRule>, asked: Partial<AccessRequest> = {}) =>
  new AccessControlRules([{ ...defaultRule, ...conditions }]).effect({ ...request, ...asked }).effect;

test.each<[string, Partial<AccessControlRule>, Partial<AccessRequest>, string]>([
  ['no condition', {}, {}, 'ALLOW'],
  ['IpRanges with the address', { ipRanges: { any: ['10.0.0.0/8', '192.0.2.0/24'], none: [] } }, {}, 'ALLOW'],
  ['IpRanges without the address', { ipRanges: { any: ['192.0.3.0/24'], none: [] } }, {}, 'DENY'],
  [
    'an address whose last bits do not count',
    { ipRanges: { any: ['192.0.2.99/24'], none: [] } },
    {},
    'ALLOW',
  ],
  ['one address', { ipRanges: { any: ['192.0.2.7/32'], none: [] } }, {}, 'ALLOW'],
  ['its neighbour', { ipRanges: { any: ['192.0.2.6/32'], none: [] } }, {}, 'DENY'],
  ['all of IPv4', { ipRanges: { any: ['0.0.0.0/0'], none: [] } }, {}, 'ALLOW'],
  [
    'the upper half of IPv4',
    { ipRanges: { any: ['128.0.0.0/1'], none: [] } },
    { address: '255.255.255.255' },
    'ALLOW',
  ],
  [
    'all of IPv4 and an IPv6 address',
    { ipRanges: { any: ['0.0.0.0/0'], none: [] } },
    { address: '2001:db8::1' },
    'DENY',
  ],
  [
    'IPv4 written as IPv6',
    { ipRanges: { any: ['192.0.2.0/24'], none: [] } },
    { address: '::ffff:192.0.2.7' },
    'ALLOW',
  ],
  ['NotIpRanges with the address', { ipRanges: { any: [], none: ['192.0.2.0/24'] } }, {}, 'DENY'],
  [
    'NotIpRanges and an IPv6 address',
    { ipRanges: { any: [], none: ['0.0.0.0/0'] } },
    { address: '2001:db8::1' },
    'ALLOW',
  ],
  ['no condition and an IPv6 address', {}, { address: '2001:db8::1' }, 'ALLOW'],
  ['Actions with it', { actions: { any: ['SMTP', 'ActiveSync'], none: [] } }, {}, 'ALLOW'],
  ['Actions without it', { actions: { any: ['SMTP'], none: [] } }, {}, 'DENY'],
  ['NotActions with it', { actions: { any: [], none: ['ActiveSync'] } }, {}, 'DENY'],
  ['UserIds with the user', { users: { any: [bob, alice], none: [] } }, {}, 'ALLOW'],
  ['UserIds without the user', { users: { any: [bob], none: [] } }, {}, 'DENY'],
  ['NotUserIds with the user', { users: { any: [], none: [alice] } }, {}, 'DENY'],
  ['NotUserIds without the user', { users: { any: [], none: [bob] } }, {}, 'ALLOW'],
  ['ImpersonationRoleIds and a user', { impersonationRoles: { any: ['r'], none: [] } }, {}, 'DENY'],
  [
    'ImpersonationRoleIds with the role',
    { impersonationRoles: { any: ['r'], none: [] } },
    { user: undefined, impersonationRole: 'r' },
    'ALLOW',
  ],
  [
    'NotImpersonationRoleIds with the role',
    { impersonationRoles: { any: [], none: ['r'] } },
    { user: undefined, impersonationRole: 'r' },
    'DENY',
  ],
  [
    'UserIds and a role',
    { users: { any: [alice], none: [] } },
    { user: undefined, impersonationRole: 'r' },
    'DENY',
  ],
  [
    'two conditions of which one does not hold',
    { actions: { any: ['ActiveSync'], none: [] }, users: { any: [bob], none: [] } },
    {},
    'DENY',
  ],
])('a rule that allows: %s', (_rule, conditions, asked, effect) => {
  expect(effectOf(conditions, asked)).toBe(effect);
});

test('DENY wins, MatchedRules are those that gave the effect, and without a match it is DENY', () => {
  const deny: AccessControlRule = {
    ...defaultRule,
    name: 'no-phones',
    effect: 'DENY',
    actions: { any: ['ActiveSync'], none: [] },
  };
  const both = { ...defaultRule, name: 'also', ipRanges: nothing };
  const rules = new AccessControlRules([defaultRule, deny, both]);
  expect(rules.effect(request)).toEqual({ effect: 'DENY', matched: ['no-phones'] });
  expect(rules.effect({ ...request, action: 'SMTP' })).toEqual({
    effect: 'ALLOW',
    matched: ['default', 'also'],
  });
  expect(new AccessControlRules([]).effect(request)).toEqual({ effect: 'DENY', matched: [] });
  expect(new AccessControlRules([deny]).effect({ ...request, action: 'SMTP' })).toEqual({
    effect: 'DENY',
    matched: [],
  });
});
