/** Mail on its way to other servers: what is queued, and what becomes of it after an attempt. */
import { createHash } from 'node:crypto';
import { domainToASCII } from 'node:url';
import type { ContentFacts } from '#mime/content-facts';
import type { OrganizationId, QueueId } from './ids.ts';
import type { BodyRef, NewBody } from './item.ts';
import type { Outcome } from './outside.ts';

/** RFC 3461 §4.1, NOTIFY. */
export type NotifyOn = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY';

/** A recipient elsewhere, as the envelope names it. */
export interface OutboundRecipient {
  readonly address: string;
  /** Absent: not asked for, failures and delays are told. */
  readonly notify?: readonly NotifyOn[] | undefined;
  /** RFC 3461 §4.2, ORCPT: `rfc822;address`, decoded. */
  readonly orcpt?: string | undefined;
}

/** A recipient of a queued mail, and how far it is. */
export interface QueuedRecipient extends OutboundRecipient {
  readonly state: 'pending' | 'delivered' | 'failed';
  /** What the last attempt was answered. */
  readonly last?: Outcome | undefined;
}

/** journal: a record of a message, kept until it is delivered; journal-report: tells that one cannot be. */
export type OutboundKind = 'mail' | 'bounce' | 'journal' | 'journal-report';

/** An envelope for other servers. RFC 5321 §2.3.1, RFC 3461. */
export interface OutboundEnvelope {
  /** Whose mail it is: its key seals a large body, and its administrators see it. */
  readonly organization: OrganizationId;
  readonly kind: OutboundKind;
  /** '' is the null one. */
  readonly reversePath: string;
  readonly envid?: string | undefined;
  readonly ret?: 'FULL' | 'HDRS' | undefined;
  readonly recipients: readonly OutboundRecipient[];
}

/** A message in the queue for one destination; a message to several destinations is one for each. */
export interface OutboundMail extends Omit<OutboundEnvelope, 'recipients'> {
  readonly id: QueueId;
  /** What the Received field and the 250 named it by. */
  readonly acceptId: string;
  /** Whose connections it shares: a domain, or the server its mail is given to. */
  readonly destination: string;
  readonly acceptedMs: number;
  /** The next attempt; while one runs, when that was due. */
  readonly dueMs: number;
  readonly attempts: number;
  /** Somebody was told of a delay; of a journal record: that it was refused for good. */
  readonly isDelayTold: boolean;
  /** Somebody was told that a journal record is past the end of the schedule. */
  readonly isExpiryTold?: boolean | undefined;
  /** Stored bytes, of which the first `skip` (Return-Path) are not sent. */
  readonly size: number;
  readonly skip: number;
  readonly is8bit: boolean;
  /** Of what is stored, with the Return-Path; absent: it is looked at before it is sent. */
  readonly facts?: ContentFacts | undefined;
  /** Its sender signed in here, or it was made here: our signature may vouch for its From. */
  readonly isAuthenticated: boolean;
  readonly recipients: readonly QueuedRecipient[];
  readonly body: BodyRef;
}

/** A mail that is not stored yet. */
export type NewOutboundMail = Omit<OutboundMail, 'body'> & { readonly body: NewBody };

/** A whole message, as the envelope's mails share it. */
export interface OutboundContent {
  readonly acceptId: string;
  readonly acceptedMs: number;
  readonly size: number;
  readonly skip: number;
  readonly is8bit: boolean;
  readonly facts?: ContentFacts | undefined;
  readonly isAuthenticated: boolean;
  readonly body: NewBody;
}

/** When a mail is tried again, and when that ends; milliseconds. */
export interface RetrySchedule {
  /** Pauses between attempts; the last one repeats. */
  readonly retryMs: readonly number[];
  /** The age at which it bounces. */
  readonly expireMs: number;
}

/** Something the sender is told of: RFC 3464, Action. */
export interface StatusNotice {
  readonly action: 'failed' | 'delayed' | 'relayed';
  readonly recipients: readonly QueuedRecipient[];
}

/** One message is at most so many rows: what goes to more destinations shares them. */
const maxDestinations = 64;
/** As many as one transaction with the next server takes: RFC 5321 §4.5.3.1.8. */
const maxRecipientsPerRow = 100;
/** A value holds 60 KiB: so much of a row are addresses, which stand in it twice, and what servers said. */
const maxAddressBytesPerRow = 12 * 1024;
const maxTextBytesPerRow = 16 * 1024;
const maxTextLength = 500;
/** RFC 3461 §4.1, DELAY: after this age, once. */
const delayToldMs = 4 * 3_600_000;

/** The domain of an address in lower case, in A-labels where it has any (RFC 5890). */
export function domainOfAddress(address: string): string {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  return /\P{ASCII}/u.test(domain) ? domainToASCII(domain) || domain : domain;
}

/** The mails that carry a message to the recipients of an envelope, one for each destination, due at once. */
export function outboundMails(
  { recipients, ...envelope }: OutboundEnvelope,
  content: OutboundContent,
  destinationOf: (address: string) => string = domainOfAddress,
): readonly NewOutboundMail[] {
  const groups = [...Map.groupBy(recipients, ({ address }) => destinationOf(address))];
  const rest = groups.slice(maxDestinations - 1);
  const shared = rest.flatMap(([, some]) => some);
  const rows =
    rest.length > 1
      ? [...groups.slice(0, maxDestinations - 1), [`several of ${content.acceptId}`, shared] as const]
      : groups;
  return rows.flatMap(([destination, some]) =>
    rowsOf(some).map((part, n) => ({
      ...envelope,
      ...content,
      id: outboundId(content.acceptId, destination, n),
      destination,
      dueMs: content.acceptedMs,
      attempts: 0,
      isDelayTold: false,
      recipients: part.map((recipient) => ({ ...recipient, state: 'pending' as const })),
    })),
  );
}

/** Recipients, row by row: as many as there is room for in one. */
function rowsOf(recipients: readonly OutboundRecipient[]): readonly (readonly OutboundRecipient[])[] {
  const all: OutboundRecipient[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const recipient of recipients) {
    const { address, orcpt = '' } = recipient;
    const own = Buffer.byteLength(address) + Buffer.byteLength(orcpt);
    const row = all.at(-1) ?? [];
    if (bytes + own > maxAddressBytesPerRow || row.length >= maxRecipientsPerRow) {
      all.push([recipient]);
      bytes = own;
    } else {
      row.push(recipient);
      bytes += own;
    }
  }
  return all;
}

/** A byte that is the same for all mail of a destination: it spreads the queue. */
export function destinationByte(destination: string): number {
  return createHash('sha256').update(destination).digest()[0] ?? 0;
}

/** The first byte is the destination's, and with it the place of all its mail; the rest is the message's. */
function outboundId(acceptId: string, destination: string, n: number): QueueId {
  const place = Buffer.of(destinationByte(destination));
  const name = createHash('sha256').update(`${acceptId}\n${destination}\n${n}`).digest().subarray(0, 15);
  return Buffer.concat([place, name]).toString('hex') as QueueId;
}

/**
 * What becomes of a mail after an attempt: what stays queued (undefined when every recipient has an end) and what its
 * sender is told. Nobody is told of a mail with the null reverse-path: no bounce for a bounce.
 */
export function afterAttempt(
  mail: OutboundMail,
  outcomes: readonly Outcome[],
  nowMs: number,
  schedule: RetrySchedule,
): { readonly next: OutboundMail | undefined; readonly notices: readonly StatusNotice[] } {
  const isExpired = nowMs >= mail.acceptedMs + schedule.expireMs;
  const byAddress = new Map(
    outcomes.map((outcome) => [outcome.address, { ...outcome, text: outcome.text.slice(0, maxTextLength) }]),
  );
  const recipients = mail.recipients.map((recipient) =>
    recipient.state === 'pending'
      ? advance(recipient, byAddress.get(recipient.address), isExpired)
      : recipient,
  );
  const isNew = ({ address, state }: QueuedRecipient) =>
    state !== 'pending' &&
    mail.recipients.some((before) => before.address === address && before.state === 'pending');
  const pending = recipients.filter(({ state }) => state === 'pending');
  const isDelayed = !mail.isDelayTold && nowMs >= mail.acceptedMs + delayToldMs && pending.length > 0;
  const told: readonly StatusNotice[] = [
    {
      action: 'failed',
      recipients: recipients.filter((one) => isNew(one) && one.state === 'failed' && asks(one, 'FAILURE')),
    },
    {
      action: 'delayed',
      recipients: isDelayed ? pending.filter((one) => asks(one, 'DELAY')) : [],
    },
    {
      action: 'relayed',
      recipients: recipients.filter(
        (one) =>
          isNew(one) &&
          one.state === 'delivered' &&
          one.notify?.includes('SUCCESS') === true &&
          one.last?.isNotifyPassed !== true,
      ),
    },
  ];
  const notices = mail.reversePath === '' ? [] : told.filter((notice) => notice.recipients.length > 0);
  if (pending.length === 0) return { next: undefined, notices };
  const next = {
    ...mail,
    recipients: withShortTexts(recipients),
    attempts: mail.attempts + 1,
    isDelayTold: mail.isDelayTold || isDelayed,
    dueMs: nextAttemptMs(mail, nowMs, schedule),
  };
  return { next, notices };
}

/** What is kept of the replies fits the row. */
function withShortTexts(recipients: readonly QueuedRecipient[]): readonly QueuedRecipient[] {
  const bytes = recipients.reduce((sum, { last }) => sum + textBytes(last), 0);
  if (bytes <= maxTextBytesPerRow) return recipients;
  const each = Math.floor(maxTextBytesPerRow / recipients.length);
  return recipients.map((recipient) => {
    const { last } = recipient;
    if (last === undefined || textBytes(last) <= each) return recipient;
    const room = Math.max(0, each - Buffer.byteLength(last.remote ?? ''));
    const text = Buffer.from(last.text)
      .subarray(0, room)
      .toString()
      .replace(/\ufffd+$/, '');
    return { ...recipient, last: { ...last, text } };
  });
}

function textBytes(outcome: Outcome | undefined): number {
  return outcome === undefined
    ? 0
    : Buffer.byteLength(outcome.text) + Buffer.byteLength(outcome.remote ?? '');
}

/** A recipient with what its attempt did, if one was made. */
export function withOutcome(recipient: QueuedRecipient, outcomes: readonly Outcome[]): QueuedRecipient {
  const outcome = outcomes.find(({ address }) => address === recipient.address);
  return outcome === undefined
    ? recipient
    : { ...recipient, last: { ...outcome, text: outcome.text.slice(0, maxTextLength) } };
}

function advance(
  recipient: QueuedRecipient,
  outcome: Outcome | undefined,
  isExpired: boolean,
): QueuedRecipient {
  if (outcome === undefined) return recipient;
  if (outcome.kind === 'delivered') return { ...recipient, state: 'delivered', last: outcome };
  if (outcome.kind === 'failed') return { ...recipient, state: 'failed', last: outcome };
  // RFC 3463 §3.5, X.4.7: what it waited for is still said.
  return isExpired
    ? { ...recipient, state: 'failed', last: { ...outcome, kind: 'failed', status: '5.4.7' } }
    : { ...recipient, last: outcome };
}

/** RFC 3461 §4.1: without NOTIFY failures and delays are told. */
function asks({ notify }: OutboundRecipient, when: NotifyOn): boolean {
  return notify?.includes(when) ?? true;
}

/** Attempts are also made when the sender is to be told of a delay, and at the very end. */
function nextAttemptMs(
  { acceptedMs, attempts }: OutboundMail,
  nowMs: number,
  schedule: RetrySchedule,
): number {
  const { retryMs, expireMs } = schedule;
  const pauseMs = retryMs[Math.min(attempts, retryMs.length - 1)] ?? expireMs;
  const marks = [acceptedMs + delayToldMs, acceptedMs + expireMs].filter((markMs) => nowMs < markMs);
  return Math.min(nowMs + pauseMs, ...marks);
}
