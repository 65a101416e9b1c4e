import {
  type OutboundMail,
  type QueuedRecipient,
  type RetrySchedule,
  type StatusNotice,
  withOutcome,
} from './outbound.ts';
import type { Outcome } from './outside.ts';

const dayMs = 24 * 3_600_000;

/**
 * What becomes of a journal record after an attempt. It stays until it is delivered: after a refusal for good it is tried at
 * the schedule's last pause, past the schedule's end once a day. That it cannot be delivered is told at the first refusal
 * for good, and at the end of the schedule.
 */
export function afterJournalAttempt(
  mail: OutboundMail,
  outcomes: readonly Outcome[],
  nowMs: number,
  { retryMs, expireMs }: RetrySchedule,
): { readonly next: OutboundMail | undefined; readonly notices: readonly StatusNotice[] } {
  const isExpired = nowMs >= mail.acceptedMs + expireMs;
  const isRefused = outcomes.some(({ kind }) => kind === 'failed');
  const recipients = mail.recipients.map((recipient): QueuedRecipient => {
    const tried = recipient.state === 'pending' ? withOutcome(recipient, outcomes) : recipient;
    return tried.last?.kind === 'delivered' ? { ...tried, state: 'delivered' } : tried;
  });
  const pending = recipients.filter(({ state }) => state === 'pending');
  if (pending.length === 0) return { next: undefined, notices: [] };
  const lastPauseMs = retryMs.at(-1) ?? expireMs;
  const pauseMs = isRefused ? lastPauseMs : (retryMs[mail.attempts] ?? lastPauseMs);
  const isTold =
    mail.isExpiryTold !== true && (isExpired || (isRefused && !mail.isDelayTold)) && outcomes.length > 0;
  const next: OutboundMail = {
    ...mail,
    recipients,
    attempts: mail.attempts + 1,
    isDelayTold: mail.isDelayTold || isRefused,
    ...(isExpired ? { isExpiryTold: true } : {}),
    dueMs: nowMs + (isExpired ? dayMs : pauseMs),
  };
  return { next, notices: isTold ? [{ action: 'failed', recipients: pending }] : [] };
}
