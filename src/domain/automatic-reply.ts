import { DomainError } from './errors.ts';

/** What one audience is told. */
export interface ReplyText {
  /** '' is no answer. */
  readonly message: string;
  readonly bodyType: 'Text' | 'HTML';
}

/** Who outside the organisation is answered: nobody, who the owner has written to, everybody. */
export type ExternalAudience = 'NONE' | 'KNOWN' | 'ALL';

/** The answer of somebody who is away. MS-ASCMD, Oof (Settings). */
export interface AutomaticReply {
  /** OofState 0, 1 and 2. */
  readonly state: 'DISABLED' | 'ENABLED' | 'SCHEDULED';
  /** Milliseconds since the epoch; only when scheduled: from the start on, and before the end. */
  readonly startMs?: number | undefined;
  readonly endMs?: number | undefined;
  /** For those of the same organisation. */
  readonly internal: ReplyText;
  /** Whether those of the same organisation are answered. */
  readonly isInternalEnabled: boolean;
  readonly external: ReplyText;
  readonly externalAudience: ExternalAudience;
}

/** An automatic reply as it is kept. */
export interface StoredAutomaticReply extends AutomaticReply {
  /** Another one whenever anything of it was changed: who had an answer may have the new one. */
  readonly period: string;
}

/** What a mailbox has that never had one. */
export const noAutomaticReply: AutomaticReply = {
  state: 'DISABLED',
  internal: { message: '', bodyType: 'Text' },
  isInternalEnabled: true,
  external: { message: '', bodyType: 'Text' },
  externalAudience: 'NONE',
};

const maxMessageBytes = 32 * 1024;
/** What a Date can hold. */
const maxTimeMs = 8.64e15;

/** Gives what is kept of a reply. Throws request/invalid. */
export function checkAutomaticReply(given: AutomaticReply): AutomaticReply {
  const { state, startMs, endMs } = given;
  for (const [name, { message }] of [
    ['internal', given.internal],
    ['external', given.external],
  ] as const) {
    if (Buffer.byteLength(message) <= maxMessageBytes) continue;
    throw new DomainError('request/invalid', `The ${name} message is longer than 32 KiB.`);
  }
  const internal = { ...given.internal, message: given.internal.message.toWellFormed() };
  const external = { ...given.external, message: given.external.message.toWellFormed() };
  const checked = { ...given, internal, external };
  if (state !== 'SCHEDULED') return { ...checked, startMs: undefined, endMs: undefined };
  if (startMs === undefined || endMs === undefined) {
    throw new DomainError('request/invalid', 'A scheduled reply needs a start and an end.');
  }
  if (Math.max(Math.abs(startMs), Math.abs(endMs)) > maxTimeMs) {
    throw new DomainError('request/invalid', 'The start or the end is no time.');
  }
  if (endMs <= startMs) throw new DomainError('request/invalid', 'The end is not after the start.');
  return checked;
}

/** Whether it is sent at a time. */
export function isReplyOn({ state, startMs = 0, endMs = 0 }: AutomaticReply, nowMs: number): boolean {
  return state === 'ENABLED' || (state === 'SCHEDULED' && nowMs >= startMs && nowMs < endMs);
}
