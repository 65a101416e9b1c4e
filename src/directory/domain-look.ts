/** What is remembered of the last look at a mail domain's records, and what follows from it. */
import type { DnsRecord } from './dns-record.ts';
import type { MailDomain } from './domain.ts';
import { type RecordCheck, type RecordStatus, recordKey } from './domain-check.ts';

/** What a record was found to be. */
interface RememberedCheck {
  /** See recordKey. */
  readonly key: string;
  readonly status: RecordStatus;
  readonly advice?: string | undefined;
  /** It was VERIFIED in this look or in one before. */
  readonly isSeen: boolean;
}

/** DomainLook is what the last look found. */
export interface DomainLook {
  readonly lookedMs: number;
  readonly checks: readonly RememberedCheck[];
  /** Name servers that did not answer in good time. */
  readonly slow: readonly string[];
  /** Since when the record that proves the ownership of a verified domain is gone. */
  readonly ownershipGoneMs?: number | undefined;
  /** For so long looks have found it gone: neither a stopped server nor a clock that jumps makes it more. */
  readonly ownershipGoneForMs?: number | undefined;
  /** It was the default domain until its mail was refused. */
  readonly wasDefault?: boolean | undefined;
}

/** As the WorkMail API has them. */
export type VerificationStatus = 'PENDING' | 'VERIFIED' | 'FAILED';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** So long a domain is served on whose ownership record is gone: time to see it, and to put the record back. */
export const ownershipGraceMs = 14 * dayMs;

/** Looks come hourly then; what is longer from one to the next is no time in which anybody could see it. */
const longestGoneStepMs = 2 * hourMs;

/** Whoever administers the organisation is told when the record is found gone, and when it has been for so long. */
const warnedAfterMs = [7 * dayMs, 13 * dayMs];

/** Looked at again after this at the latest, whatever the clock said at the last look. */
export const longestWaitMs = 25 * hourMs;

/** Name servers told of; whoever publishes them decides how many there are. */
const maxSlow = 10;

/** rememberedOf keeps what a look found, with what was seen before. */
export function rememberedOf(
  checks: readonly RecordCheck[],
  before: DomainLook | undefined,
  nowMs: number,
): DomainLook {
  const seen = seenIn(before);
  return {
    lookedMs: nowMs,
    checks: checks.map(({ record, status, advice }) => {
      const key = recordKey(record);
      return { key, status, advice, isSeen: status === 'VERIFIED' || seen.has(key) };
    }),
    slow: slowIn(checks),
    ownershipGoneMs: before?.ownershipGoneMs,
    ownershipGoneForMs: before?.ownershipGoneForMs,
    wasDefault: before?.wasDefault,
  };
}

/**
 * withOwnership is a look with what it found of the ownership record of a domain: undefined if that cannot be told, which
 * changes nothing.
 */
export function withOwnership(
  look: DomainLook,
  { state, test }: MailDomain,
  isSeen: boolean | undefined,
  before: DomainLook | undefined,
): DomainLook {
  if (isSeen === true || test)
    return { ...look, ownershipGoneMs: undefined, ownershipGoneForMs: undefined, wasDefault: undefined };
  if (isSeen === undefined) return look;
  const { ownershipGoneMs, ownershipGoneForMs = 0, lookedMs } = look;
  if (ownershipGoneMs === undefined || before === undefined) {
    return state === 'Pending' ? look : { ...look, ownershipGoneMs: lookedMs, ownershipGoneForMs: 0 };
  }
  const stepMs = Math.min(Math.max(lookedMs - before.lookedMs, 0), longestGoneStepMs);
  return { ...look, ownershipGoneForMs: ownershipGoneForMs + stepMs };
}

/** isGraceOver tells whether the ownership record was found gone for all the time there is to put it back. */
export function isGraceOver({ ownershipGoneMs, ownershipGoneForMs = 0 }: DomainLook): boolean {
  return ownershipGoneMs !== undefined && ownershipGoneForMs >= ownershipGraceMs;
}

/** From when on mail is refused if looks go on finding the ownership record gone; undefined while it is there. */
export function mailRefusedFromMs({
  lookedMs,
  ownershipGoneMs,
  ownershipGoneForMs = 0,
}: DomainLook): number | undefined {
  if (ownershipGoneMs === undefined) return undefined;
  return lookedMs + Math.max(ownershipGraceMs - ownershipGoneForMs, 0);
}

/** isWarningDue tells whether a look is one after which the administrator is told that the ownership record is gone. */
export function isWarningDue(before: DomainLook | undefined, after: DomainLook): boolean {
  if (after.ownershipGoneMs === undefined) return false;
  if (before?.ownershipGoneMs === undefined) return true;
  const [was = 0, is = 0] = [before.ownershipGoneForMs, after.ownershipGoneForMs];
  return warnedAfterMs.some((ms) => was < ms && is >= ms);
}

/** seenIn gives the keys of the records that were found once. */
export function seenIn(look: DomainLook | undefined): ReadonlySet<string> {
  return new Set(look?.checks.filter(({ isSeen }) => isSeen).map(({ key }) => key));
}

/** slowIn gives the name servers that did not answer in good time, each once. */
export function slowIn(checks: readonly RecordCheck[]): readonly string[] {
  return [...new Set(checks.flatMap(({ slow = [] }) => slow))].sort().slice(0, maxSlow);
}

/** What the record that proves the ownership was found to be; undefined if that cannot be told. */
export function isOwnershipSeen(checks: readonly RecordCheck[]): boolean | undefined {
  const check = checks.find(({ record }) => record.purpose === 'OWNERSHIP');
  return check === undefined ? undefined : seenNow(check);
}

/** Whether a record was found; undefined if that cannot be told. */
export function seenNow({ status, isUnanswered, isDisputed, isUnsure }: RecordCheck): boolean | undefined {
  if (status === 'VERIFIED') return true;
  return isUnanswered || isDisputed || isUnsure ? undefined : false;
}

/** ownershipStatus: FAILED while the record of a domain that was verified is gone. */
export function ownershipStatus({ state }: MailDomain, look: DomainLook | undefined): VerificationStatus {
  if (look?.ownershipGoneMs !== undefined) return 'FAILED';
  return state === 'Verified' ? 'VERIFIED' : 'PENDING';
}

/** dkimStatus: FAILED when a record of the keys that sign is another one, or was there and is gone. */
export function dkimStatus(
  isSeen: boolean,
  records: readonly DnsRecord[],
  look: DomainLook | undefined,
): VerificationStatus {
  if (isSeen) return 'VERIFIED';
  const signing = new Set(records.filter(({ keyState }) => keyState === 'SIGNING').map(recordKey));
  const isFailed = look?.checks.some(
    ({ key, status, isSeen: wasSeen }) =>
      signing.has(key) && (status === 'INCONSISTENT' || (status === 'MISSING' && wasSeen)),
  );
  return isFailed ? 'FAILED' : 'PENDING';
}

/**
 * nextLookMs says when a domain is to be looked at next: one that waits for its records often at first, then ever less; one
 * that is verified daily; one whose ownership record is gone, or whose new keys wait, every hour. So it is found
 * when it is back.
 */
export function nextLookMs(
  { state, registeredMs }: MailDomain,
  look: DomainLook | undefined,
  isRotating: boolean,
): number {
  const lookedMs = look?.lookedMs ?? registeredMs;
  const isGone = look?.ownershipGoneMs !== undefined;
  if (state === 'Pending' && !isGone) {
    const ageMs = Math.max(lookedMs - registeredMs, 0);
    return lookedMs + Math.min(Math.max(ageMs / 5, minuteMs), dayMs);
  }
  return lookedMs + (isRotating || isGone ? hourMs : dayMs);
}
