import type {
  AccessCondition,
  AccessEffect,
  AccessRule,
  AccessRuleContent,
  DeviceTraits,
} from '#domain/access-rule';
import { traitNames } from '#domain/access-rule';
import type { AdminInput } from '../../shape.ts';
import { requiredText, textOf, textsOf, timestamp } from '../input.ts';

/** What the API calls a trait: alone, and in conditions. */
const members = {
  type: { one: 'DeviceType', many: 'DeviceTypes' },
  model: { one: 'DeviceModel', many: 'DeviceModels' },
  operatingSystem: { one: 'DeviceOperatingSystem', many: 'DeviceOperatingSystems' },
  userAgent: { one: 'DeviceUserAgent', many: 'DeviceUserAgents' },
} as const satisfies Readonly<Record<keyof DeviceTraits, object>>;

/** effectOf is the Effect member. */
export function effectOf(input: AdminInput): AccessEffect {
  return requiredText(input, 'Effect') === 'ALLOW' ? 'ALLOW' : 'DENY';
}

/** ruleOf is a rule as an administrator gives it. */
export function ruleOf(input: AdminInput): AccessRuleContent {
  const conditions = traitNames.flatMap((name): [string, AccessCondition][] => {
    const { many } = members[name];
    const [any, none] = [textsOf(input, many), textsOf(input, `Not${many}`)];
    return any === undefined && none === undefined
      ? []
      : [[name, { ...(any && { any }), ...(none && { none }) }]];
  });
  return {
    name: requiredText(input, 'Name'),
    description: textOf(input, 'Description'),
    effect: effectOf(input),
    conditions: Object.fromEntries(conditions),
  };
}

/** writeRule is the API's form of a rule. */
export function writeRule(rule: AccessRule): object {
  const conditions = traitNames.flatMap((name) => {
    const { many } = members[name];
    const { any, none } = rule.conditions[name] ?? {};
    return [
      [many, any],
      [`Not${many}`, none],
    ] as const;
  });
  return {
    MobileDeviceAccessRuleId: rule.id,
    Name: rule.name,
    Description: rule.description,
    Effect: rule.effect,
    ...Object.fromEntries(conditions),
    DateCreated: timestamp(rule.createdMs),
    DateModified: timestamp(rule.modifiedMs),
  };
}

/** traitsOf is a device as GetMobileDeviceAccessEffect is asked about it. */
export function traitsOf(input: AdminInput): DeviceTraits {
  const told = (name: keyof DeviceTraits) => textOf(input, members[name].one) ?? '';
  return {
    type: told('type'),
    model: told('model'),
    operatingSystem: told('operatingSystem'),
    userAgent: told('userAgent'),
  };
}
