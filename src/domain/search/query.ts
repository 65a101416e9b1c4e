import type { FolderId } from '../ids.ts';

/** Where in a message a text is looked for: bits. */
export const SearchField = {
  Subject: 1,
  From: 2,
  To: 4,
  Cc: 8,
  Bcc: 16,
  Body: 32,
  /** Names of attachments. */
  Attachment: 64,
} as const;

/** Wherever there is text. */
export const allFields = 127;

/** `pattern` as `patternOf` gives it; `fields` is the OR of SearchField. */
export interface TextCondition {
  readonly kind: 'text';
  readonly pattern: string;
  readonly fields: number;
}

/** What a message must be like. */
export type MailCondition =
  | TextCondition
  | { readonly kind: 'and' | 'or'; readonly of: readonly MailCondition[] }
  | { readonly kind: 'not'; readonly of: MailCondition }
  /** From, included, until, not included, in milliseconds since the epoch. */
  | { readonly kind: 'received'; readonly fromMs: number; readonly untilMs: number }
  /** The ConversationId in hexadecimal digits. */
  | { readonly kind: 'conversation'; readonly id: string }
  | { readonly kind: 'has-attachments' | 'read' | 'flagged' }
  | { readonly kind: 'importance'; readonly importance: 0 | 1 | 2 }
  /** The class or one below it; in lower case. */
  | { readonly kind: 'message-class'; readonly prefix: string }
  /** `pattern` in one of the categories. */
  | { readonly kind: 'category'; readonly pattern: string }
  /** In bytes, both included. */
  | { readonly kind: 'size'; readonly least: number; readonly most: number };

/** Every message: all of no conditions. */
export const anyMail: MailCondition = { kind: 'and', of: [] };
/** No message: one of no conditions. */
export const noMail: MailCondition = { kind: 'or', of: [] };

/** What is searched for. Two queries that are equal as JSON are the same. */
export interface MailQuery {
  /** Where; each folder once, in rising order. */
  readonly folders: readonly FolderId[];
  readonly condition: MailCondition;
}

/** Whether no message can match, so that none need be looked at. */
export function isImpossible(condition: MailCondition): boolean {
  if (condition.kind === 'and') return condition.of.some(isImpossible);
  return condition.kind === 'or' && condition.of.every(isImpossible);
}

/** The ConversationId that whatever matches must have, in hexadecimal digits; undefined if there is none. */
export function conversationOf(condition: MailCondition): string | undefined {
  const all = condition.kind === 'and' ? condition.of : [condition];
  for (const one of all) if (one.kind === 'conversation') return one.id;
  return undefined;
}

/** When a message that matches was received: from, included, until, not included; never narrower than the condition. */
export function receivedWindow(condition: MailCondition): {
  readonly fromMs: number;
  readonly untilMs: number;
} {
  const all = condition.kind === 'and' ? condition.of : [condition];
  let fromMs = 0;
  let untilMs = Number.MAX_SAFE_INTEGER;
  for (const one of all) {
    if (one.kind !== 'received') continue;
    fromMs = Math.max(fromMs, one.fromMs);
    untilMs = Math.min(untilMs, one.untilMs);
  }
  return { fromMs, untilMs };
}
