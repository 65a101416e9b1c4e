import type { Device } from './device.ts';

export type AccessEffect = 'ALLOW' | 'DENY';

/** What rules go by: as devices tell it, '' where they do not. */
export interface DeviceTraits {
  readonly type: string;
  readonly model: string;
  readonly operatingSystem: string;
  readonly userAgent: string;
}

/** What a rule asks of one trait: one of `any` begins it, and none of `none` does. Absent asks nothing. */
export interface AccessCondition {
  readonly any?: readonly string[] | undefined;
  readonly none?: readonly string[] | undefined;
}

/** What an administrator says of devices with these traits. */
export interface AccessRuleContent {
  readonly name: string;
  readonly description?: string | undefined;
  readonly effect: AccessEffect;
  /** All of them must hold; a rule without any is for every device. */
  readonly conditions: Readonly<Partial<Record<keyof DeviceTraits, AccessCondition>>>;
}

/** A mobile device access rule. */
export interface AccessRule extends AccessRuleContent {
  readonly id: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
}

/** What the rules say, and those that say it; none if no rule is for the device, which is then denied. */
export interface AccessRuleEffect {
  readonly effect: AccessEffect;
  readonly matched: readonly AccessRule[];
}

/** Stands in a condition for a trait that the device does not tell. */
const emptyTrait = '$none';

export const traitNames = [
  'type',
  'model',
  'operatingSystem',
  'userAgent',
] as const satisfies readonly (keyof DeviceTraits)[];
/** These come by DeviceInformation, after the first request. */
const toldLater: ReadonlySet<keyof DeviceTraits> = new Set(['model', 'operatingSystem']);

/** DENY beats ALLOW, and what no rule is for is denied. */
export function effectOf(rules: readonly AccessRule[], traits: DeviceTraits): AccessRuleEffect {
  const matched = rules.filter((rule) => isFor(rule, traits));
  const denying = matched.filter(({ effect }) => effect === 'DENY');
  if (denying.length > 0) return { effect: 'DENY', matched: denying };
  return matched.length > 0 ? { effect: 'ALLOW', matched } : { effect: 'DENY', matched: [] };
}

/** Whether a device has told anything of itself beside what every request says. */
export function hasTold({ information }: Device): boolean {
  return Object.keys(information).length > 0;
}

/** Whether a device might be allowed if it told another model and system. */
export function mightBeAllowed(rules: readonly AccessRule[], traits: DeviceTraits): boolean {
  const possible = rules.filter((rule) => isFor(rule, traits, toldLater));
  const isDenied = possible.some((rule) => rule.effect === 'DENY' && !asksFor(rule, toldLater));
  return !isDenied && possible.some(({ effect }) => effect === 'ALLOW');
}

/** The traits of a device as far as it has told them. */
export function traitsOf({ type, userAgent, information }: Device): DeviceTraits {
  return {
    type,
    model: information.model ?? '',
    operatingSystem: information.operatingSystem ?? '',
    userAgent: userAgent || (information.userAgent ?? ''),
  };
}

function asksFor({ conditions }: AccessRuleContent, names: ReadonlySet<keyof DeviceTraits>): boolean {
  return traitNames.some((name) => conditions[name] !== undefined && names.has(name));
}

function isFor(
  { conditions }: AccessRuleContent,
  traits: DeviceTraits,
  passedOver?: ReadonlySet<keyof DeviceTraits>,
): boolean {
  return traitNames.every((name) => passedOver?.has(name) === true || holds(conditions[name], traits[name]));
}

/** A negative condition does not hold for what the device does not tell. */
function holds({ any, none }: AccessCondition = {}, trait: string): boolean {
  const told = trait.toLowerCase();
  const begins = (text: string) => told.startsWith(text.toLowerCase());
  if (any !== undefined && !any.some((text) => (isEmptyTrait(text) ? told === '' : begins(text))))
    return false;
  return none === undefined || (told !== '' && !none.some(begins));
}

function isEmptyTrait(text: string): boolean {
  return text.toLowerCase() === emptyTrait;
}
