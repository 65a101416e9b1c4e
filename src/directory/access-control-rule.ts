/** Access control rules: who may use which protocol from where, as WorkMail has them. */
import type { EntityId } from '#domain/ids';

/** What a rule may be about, in the words of the WorkMail API; not all of it is served here. */
export const accessActions = [
  'ActiveSync',
  'AutoDiscover',
  'EWS',
  'IMAP',
  'SMTP',
  'WindowsOutlook',
  'WebMail',
] as const;
export type AccessAction = (typeof accessActions)[number];

export type AccessEffect = 'ALLOW' | 'DENY';

/** A condition: the value has to be one of these, or none of those; an empty list asks for nothing. */
export interface Condition<T> {
  readonly any: readonly T[];
  readonly none: readonly T[];
}

/** What an administrator says of a rule. All its conditions have to hold. */
export interface AccessControlContent {
  readonly name: string;
  readonly effect: AccessEffect;
  readonly description: string;
  /** IPv4 networks, `10.0.0.0/8`. */
  readonly ipRanges: Condition<string>;
  readonly actions: Condition<AccessAction>;
  readonly users: Condition<EntityId>;
  readonly impersonationRoles: Condition<string>;
}

export interface AccessControlRule extends AccessControlContent {
  readonly createdMs: number;
  readonly modifiedMs: number | undefined;
}

/** Who wants to do what, from where: a user, or a program in an impersonation role. */
export interface AccessRequest {
  readonly action: AccessAction;
  /** IPv4 in dots, else IPv6: in no range. */
  readonly address: string;
  readonly user?: EntityId | undefined;
  readonly impersonationRole?: string | undefined;
}

const noCondition = { any: [], none: [] } as const;

/** What a new organisation has, until its rules are changed. */
export const defaultRule: AccessControlRule = {
  name: 'default',
  effect: 'ALLOW',
  description: 'Default WorkMail Rule',
  ipRanges: noCondition,
  actions: noCondition,
  users: noCondition,
  impersonationRoles: noCondition,
  createdMs: 0,
  modifiedMs: undefined,
};

/** A rule made ready to be asked often. */
interface ReadyRule {
  readonly rule: AccessControlRule;
  readonly isMet: (request: AccessRequest, ip: number | undefined) => boolean;
}

/** AccessControlRules judges by the rules of an organisation. */
export class AccessControlRules {
  readonly rules: readonly AccessControlRule[];
  readonly #ready: readonly ReadyRule[];

  constructor(rules: readonly AccessControlRule[]) {
    this.rules = rules;
    this.#ready = rules.map(ready);
  }

  /** DENY wins, and where no rule is met it is DENY, too; `matched` are those that gave the effect. */
  effect(request: AccessRequest): { readonly effect: AccessEffect; readonly matched: readonly string[] } {
    const ip = numberOf(request.address);
    const met = this.#ready.filter(({ isMet }) => isMet(request, ip)).map(({ rule }) => rule);
    const effect = met.length > 0 && met.every((rule) => rule.effect === 'ALLOW') ? 'ALLOW' : 'DENY';
    const matched = met.filter((rule) => rule.effect === effect).map(({ name }) => name);
    return { effect, matched };
  }
}

function ready(rule: AccessControlRule): ReadyRule {
  const { actions, users, impersonationRoles } = rule;
  const isInRanges = rangesMet(rule.ipRanges);
  return {
    rule,
    isMet: ({ action, user, impersonationRole }, ip) =>
      isHolding(actions, action) &&
      isHolding(users, user) &&
      isHolding(impersonationRoles, impersonationRole) &&
      isInRanges(ip),
  };
}

/** Of lists of ten. */
function isHolding<T>({ any, none }: Condition<T>, value: T | undefined): boolean {
  if (any.length > 0 && (value === undefined || !any.includes(value))) return false;
  return value === undefined || !none.includes(value);
}

type Range = readonly [network: number, mask: number];

function rangesMet({ any, none }: Condition<string>): (ip: number | undefined) => boolean {
  const [inside, outside] = [any.map(rangeOf), none.map(rangeOf)];
  return (ip) => {
    const isIn = ([network, mask]: Range) => ip !== undefined && (ip & mask) >>> 0 === network;
    return (inside.length === 0 || inside.some(isIn)) && !outside.some(isIn);
  };
}

/** Of `10.1.2.3/8`, whose last bits do not count. */
function rangeOf(text: string): Range {
  const [address = '', prefix = ''] = text.split('/');
  const mask = Number(prefix) === 0 ? 0 : (0xffffffff << (32 - Number(prefix))) >>> 0;
  return [((numberOf(address) ?? 0) & mask) >>> 0, mask];
}

/** An IPv4 address, in IPv6's notation too (RFC 4291 §2.5.5.2), as a number; undefined for another one. */
function numberOf(address: string): number | undefined {
  const dotted = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(address);
  return dotted?.slice(1).reduce((sum, part) => sum * 256 + Number(part), 0);
}
