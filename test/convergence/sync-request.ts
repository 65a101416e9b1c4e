/** A Sync request of a phone, before it is written. */
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { child, childrenOf, type Element, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasResponse } from '#test/support/eas-connection';
import type { Settings } from './collection.ts';

/** What a phone does to a message that it holds. */
export type Command =
  | { readonly kind: 'change'; readonly id: string; readonly data: Element }
  | { readonly kind: 'delete'; readonly id: string }
  | { readonly kind: 'fetch'; readonly id: string }
  /** New content of a draft. */
  | { readonly kind: 'write'; readonly id: string; readonly data: Element }
  | { readonly kind: 'send'; readonly id: string }
  /** A draft; until it is answered, its ClientId is its id. */
  | { readonly kind: 'add'; readonly id: string; readonly subject: string; readonly data: Element };

/** One Collection of a request. What is absent is not sent. */
export interface Ask {
  readonly folder: string;
  readonly commands?: readonly Command[] | undefined;
  /** MS-ASCMD, DeletesAsMoves 0. */
  readonly permanently?: boolean | undefined;
  readonly getChanges?: boolean | undefined;
  readonly windowSize?: number | undefined;
  readonly settings?: Settings | undefined;
}

export interface SyncExtras {
  /** Of all collections together. */
  readonly windowSize?: number | undefined;
  readonly waitMinutes?: number | undefined;
  readonly heartbeatSeconds?: number | undefined;
  readonly partial?: boolean | undefined;
}

/** A Collection as it is on its way. */
export interface Asked extends Ask {
  readonly key: string;
  readonly commands: readonly Command[];
  /** The messages of the commands, as the phone holds them. */
  readonly subjects: ReadonlyMap<string, string>;
}

/** What commands are called. */
export const tags = {
  add: AirSync.Add,
  change: AirSync.Change,
  write: AirSync.Change,
  send: AirSync.Change,
  delete: AirSync.Delete,
  fetch: AirSync.Fetch,
} as const;

/** The collections of an answer. */
export function collectionsOf({ element }: EasResponse): readonly Element[] {
  return childrenOf(child(element, AirSync.Collections), AirSync.Collection);
}

/** The Status of each of the commands; 1 is what is not spoken of. */
export function statusOf(command: Command, answer: Element | undefined): number {
  const responses = childrenOf(child(answer, AirSync.Responses), tags[command.kind]);
  const name = command.kind === 'add' ? AirSync.ClientId : AirSync.ServerId;
  const own = responses.find((one) => textOf(one, name) === command.id);
  return integerOf(own, AirSync.Status) ?? 1;
}
