/** How access control rules are written. */
import type { AccessControlRule, Condition } from '#directory/access-control-rule';
import type { EntityId } from '#domain/ids';
import { entityIdOf, idBytes } from '../keys.ts';
import type { Codec } from '../rows.ts';
import type { Bytes } from '../store.ts';
import { packedCodec } from './packed.ts';

type Lists<T> = readonly [any: readonly T[], none: readonly T[]];

type RuleTuple = [
  string,
  AccessControlRule['effect'],
  string,
  Lists<string>,
  Lists<AccessControlRule['actions']['any'][number]>,
  Lists<Bytes>,
  Lists<string>,
  number,
  number | null,
];

const listsOf = <T>({ any, none }: Condition<T>): Lists<T> => [any, none];
const conditionOf = <T>([any, none]: Lists<T>): Condition<T> => ({ any, none });
const idsOf = (ids: readonly EntityId[]): readonly Bytes[] => ids.map(idBytes);
const entitiesOf = (ids: readonly Bytes[]): readonly EntityId[] => ids.map(entityIdOf);

export const accessControlRuleCodec: Codec<AccessControlRule> = packedCodec(
  (rule): RuleTuple => [
    rule.name,
    rule.effect,
    rule.description,
    listsOf(rule.ipRanges),
    listsOf(rule.actions),
    [idsOf(rule.users.any), idsOf(rule.users.none)],
    listsOf(rule.impersonationRoles),
    rule.createdMs,
    rule.modifiedMs ?? null,
  ],
  ([name, effect, description, ipRanges, actions, [any, none], roles, createdMs, modifiedMs]) => ({
    name,
    effect,
    description,
    ipRanges: conditionOf(ipRanges),
    actions: conditionOf(actions),
    users: { any: entitiesOf(any), none: entitiesOf(none) },
    impersonationRoles: conditionOf(roles),
    createdMs,
    modifiedMs: modifiedMs ?? undefined,
  }),
);
