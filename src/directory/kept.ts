/** What is kept of an organisation beside who there is, as it is stored; what acts on it stands with each kind. */
import type { EntityId } from '#domain/ids';
import type { Condition } from './access-control-rule.ts';

/** ImpersonationRule lets a role be, or not be, some of the users; without any it is about all of them. */
export interface ImpersonationRule {
  /** Its own within the role. */
  readonly id: string;
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly effect: 'ALLOW' | 'DENY';
  readonly users: Condition<EntityId>;
}

/** What of a role is given when it is made or replaced. */
export interface ImpersonationRoleContent {
  readonly name: string;
  readonly type: 'FULL_ACCESS' | 'READ_ONLY';
  readonly description: string | undefined;
  readonly rules: readonly ImpersonationRule[];
}

/** ImpersonationRole is what a program may be other users by. */
export interface ImpersonationRole extends ImpersonationRoleContent {
  readonly id: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
}

/** The tokens of a role that are not over, the oldest first. */
export interface ImpersonationTokens {
  /** SHA-256, and when it is over. */
  readonly tokens: readonly (readonly [hash: Uint8Array, expiresMs: number])[];
}

/** Kept is every kind of it, by the name it is asked for. */
export interface Kept {
  /** By its id. */
  readonly impersonationRole: ImpersonationRole;
  /** By the role's id. */
  readonly impersonationTokens: ImpersonationTokens;
}

export type KeptKind = keyof Kept;

/** Kinds that are listed. */
export type ListedKind = 'impersonationRole';
