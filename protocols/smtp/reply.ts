import { DomainError, type DomainErrorCode } from '#domain/errors';

/** A reply to an SMTP command: RFC 5321 §4.2 with its enhanced status code, RFC 3463. */
export interface Reply {
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
}

/** ReplyError is a refusal in SMTP's own terms: it becomes exactly that reply. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
  readonly reply: Reply;

  constructor(code: number, enhanced: string, text: string) {
    super(text);
    this.reply = { code, enhanced, text };
  }
}

/** What we did not foresee is temporary, and says nothing of what it was. */
const localError: Reply = {
  code: 451,
  enhanced: '4.3.0',
  text: 'Local error in processing, try again later',
};

/** The reply to an error a hook has thrown; with `isUtf8` its text may have characters beyond ASCII (RFC 6531 §3.7.4). */
export function replyTo(error: unknown, isUtf8 = false): Reply {
  if (error instanceof ReplyError) return error.reply;
  if (!(error instanceof DomainError)) return localError;
  const reply = replies[error.code];
  return isTold.has(error.code) ? { ...reply, text: textLine(error.message, isUtf8) } : reply;
}

/** Here the sender must learn which one it was, or why. */
const isTold: ReadonlySet<DomainErrorCode> = new Set([
  'message/blocked-attachment',
  'message/unauthenticated',
  'message/unwanted',
  'message/deferred',
]);

/** RFC 5321 §4.5.3.1.5: 512 bytes a line, with the code in front and the connection's id behind. */
const maxTextBytes = 440;

function textLine(message: string, isUtf8: boolean): string {
  const text = message.replace(/\s+/g, ' ').replace(/\.$/, '');
  if (isUtf8 && Buffer.byteLength(text) <= maxTextBytes) return text;
  return text.replace(/[^\x20-\x7e]/gu, '?').slice(0, maxTextBytes);
}

const refused: Reply = { code: 554, enhanced: '5.0.0', text: 'Transaction failed' };
const unknownUser: Reply = { code: 550, enhanced: '5.1.1', text: 'No such user here' };
const disabled: Reply = { code: 550, enhanced: '5.2.1', text: 'Mailbox disabled, not accepting messages' };
const relayDenied: Reply = { code: 550, enhanced: '5.7.1', text: 'Relaying denied' };
const badCredentials: Reply = { code: 535, enhanced: '5.7.8', text: 'Authentication credentials invalid' };

/** Total over the codes: a new one does not compile until it is answered here. */
const replies: Readonly<Record<DomainErrorCode, Reply>> = {
  'mailbox/not-found': unknownUser,
  'mailbox/disabled': disabled,
  'mailbox/over-quota': { code: 452, enhanced: '4.2.2', text: 'Mailbox full' },
  'recipient/unknown': unknownUser,
  'recipient/relay-denied': relayDenied,
  'recipient/elsewhere': relayDenied,
  'message/too-large': { code: 552, enhanced: '5.3.4', text: 'Message exceeds fixed maximum message size' },
  'message/no-recipient': { code: 554, enhanced: '5.5.1', text: 'No valid recipients' },
  'message/blocked-attachment': { code: 554, enhanced: '5.7.1', text: 'Attachment not accepted' },
  // RFC 7372 §3.2 and its successors: the authentication checks of the domain failed.
  'message/unauthenticated': { code: 550, enhanced: '5.7.26', text: 'Message is not authenticated' },
  'message/unwanted': { code: 554, enhanced: '5.7.1', text: 'Message not wanted' },
  'message/deferred': { code: 451, enhanced: '4.7.1', text: 'Try again later' },
  'scanner/unavailable': { code: 451, enhanced: '4.7.1', text: 'Scanner unavailable, try again later' },
  'address/invalid': { code: 553, enhanced: '5.1.3', text: 'Bad address syntax' },
  'limit/exceeded': { code: 452, enhanced: '4.5.3', text: 'Too many' },
  'access/denied': { code: 550, enhanced: '5.7.1', text: 'Access denied' },
  'sign-in/failed': badCredentials,
  'sign-in/throttled': { code: 454, enhanced: '4.7.0', text: 'Too many failed attempts, try again later' },
  'server/busy': { code: 451, enhanced: '4.3.2', text: 'Busy, try again later' },
  'organization/not-found': relayDenied,
  'organization/state': disabled,
  'organization/alias-in-use': refused,
  'entity/not-found': unknownUser,
  'entity/state': disabled,
  'entity/already-registered': refused,
  'name/in-use': refused,
  'name/reserved': refused,
  'address/in-use': refused,
  // RFC 3463 §3.3: a mailing list that cannot be expanded.
  'group/too-large': { code: 554, enhanced: '5.2.4', text: 'The group has too many members' },
  'resource/unattended': refused,
  'domain/not-found': relayDenied,
  'domain/not-verified': relayDenied,
  'domain/in-use': refused,
  'password/invalid': badCredentials,
  'request/invalid': { code: 501, enhanced: '5.5.4', text: 'Bad parameter' },
  'request/unsupported': { code: 504, enhanced: '5.5.4', text: 'Not implemented' },
  'queue/not-found': localError,
  'folder/not-found': localError,
  'folder/parent-not-found': localError,
  'folder/name-in-use': localError,
  'folder/special': localError,
  'folder/too-many': localError,
  'item/not-found': localError,
  'part/not-found': localError,
  'device/not-found': localError,
  'device/too-many': localError,
  'sync/invalid-key': localError,
  'sync/key-zero-with-commands': localError,
};
