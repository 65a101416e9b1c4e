/**
 * Marks that came with newer versions of a protocol. A device that speaks an older one is not told of them, and does not
 * hear of what it missed when it speaks a newer one: MS-ASHTTP, X-MS-RP, has it start over then. Not every device does, so
 * one that misses something is made to.
 */
import { Changed } from './change.ts';
import { DomainError } from './errors.ts';
import type { ItemMarks } from './item.ts';
import type { SyncRules } from './sync.ts';
import type { ServerChange } from './sync-collect.ts';
import type { SyncState } from './sync-state.ts';

/** Which of the `untold` marks items have that a device is now told of whole: OR of Changed. */
export function untoldOf(changes: readonly ServerChange[], untold: number): number {
  const whole = changes.flatMap((one) => (isWhole(one) ? [one.item.marks] : []));
  return whole.reduce((sum, marks) => sum | marksIn(marks), 0) & untold;
}

function isWhole(change: ServerChange): change is Extract<ServerChange, { kind: 'add' | 'change' }> {
  return change.kind === 'add' || (change.kind === 'change' && (change.what & Changed.Rest) !== 0);
}

function marksIn({ flag, categories, lastVerb }: ItemMarks): number {
  return (
    (flag === undefined ? 0 : Changed.Flag) |
    (categories.length === 0 ? 0 : Changed.Categories) |
    (lastVerb === undefined ? 0 : Changed.LastVerb)
  );
}

/** Whether a device with this state knows a mark by these rules that it was not told of. */
export function isToStartOver(
  { untold: missed = 0 }: Pick<SyncState, 'untold'>,
  { untold = 0 }: Pick<SyncRules, 'untold'>,
): boolean {
  return (missed & ~untold) !== 0;
}

/** Throws `sync/invalid-key` for a device that is to start over. */
export function requireTold(state: Pick<SyncState, 'untold'>, rules: Pick<SyncRules, 'untold'>): void {
  if (!isToStartOver(state, rules)) return;
  throw new DomainError('sync/invalid-key', 'The device knows marks now that it was not told of.');
}
