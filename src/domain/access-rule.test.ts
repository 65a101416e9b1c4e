import { expect, test } from 'vitest';
import {
  type AccessCondition,
  type AccessRule,
  type DeviceTraits,
  effectOf,
  mightBeAllowed,
} from './access-rule.ts';

const nothingTold: DeviceTraits = { type: 'iPhone', model: '', operatingSystem: '', userAgent: 'Apple' };

function rule(
  effect: AccessRule['effect'],
  conditions: Readonly<Partial<Record<keyof DeviceTraits, AccessCondition>>>,
): AccessRule {
  return { id: 'x', name: 'x', effect, conditions, createdMs: 0, modifiedMs: 0 };
}

const everything = rule('ALLOW', {});

test.each<[string, readonly AccessRule[], boolean]>([
  ['no rule', [], false],
  ['a rule for everything', [everything], true],
  ['a rule for a model', [rule('ALLOW', { model: { any: ['iPhone12'] } })], true],
  ['a rule against a system', [everything, rule('DENY', { operatingSystem: { any: ['$NONE'] } })], true],
  [
    'a rule for a model of another type',
    [rule('ALLOW', { type: { any: ['SM'] }, model: { any: ['S'] } })],
    false,
  ],
  ['a rule against the type', [everything, rule('DENY', { type: { any: ['iph'] } })], false],
  ['a rule against a model of another type', [everything, rule('DENY', { type: { any: ['SM'] } })], true],
  ['rules against some models only', [rule('DENY', { model: { none: ['iPhone12'] } })], false],
])('%s: whether a device might be allowed once it tells what it is', (_what, rules, expected) => {
  expect(mightBeAllowed(rules, nothingTold)).toBe(expected);
});

test('a rule with an empty value of a trait is for devices that tell it, too', () => {
  const rules = [rule('ALLOW', { model: { any: ['$NONE', 'iPhone12'] } })];
  const of = (model: string) => effectOf(rules, { ...nothingTold, model }).effect;
  expect([of(''), of('iphone12C1'), of('iPhone11')]).toEqual(['ALLOW', 'ALLOW', 'DENY']);
});

test('what a rule must not be for may be a part of what it is for', () => {
  const rules = [rule('ALLOW', { type: { any: ['iP'], none: ['iPad'] } })];
  const of = (type: string) => effectOf(rules, { ...nothingTold, type }).effect;
  expect([of('iPhone'), of('IPAD2'), of('')]).toEqual(['ALLOW', 'DENY', 'DENY']);
});
