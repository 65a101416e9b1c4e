import { envelopeAddress } from '#mime/address';
import type { NewItem } from './item.ts';
import type { MailArrival } from './mail-arrival.ts';
import { domainOfAddress } from './outbound.ts';
import type { Verdicts } from './verdicts.ts';

/** What of a message tells whether it may be answered by a machine. */
export interface AnsweredMessage {
  readonly item: Pick<NewItem, 'envelope' | 'messageClass' | 'verdicts'>;
  readonly arrival: MailArrival;
  /** Whether an address is the owner's. */
  readonly isOwn: (address: string) => boolean;
}

/** Local parts that no person reads: RFC 3834 §2, RFC 5230 §4.6, and what is common. */
const machine =
  /^(?:mailer-daemon|postmaster|listserv|majordomo|owner-.*|.*-(?:request|owner|relay|bounces?)|bounces?(?:[+=-].*)?|(?:.*[._+-])?(?:no|do[._-]?not)[._-]?reply(?:[._+-].*)?)$/i;

const bulk = new Set(['bulk', 'list', 'junk', 'auto_reply']);
/** MS-OXCMAIL, X-Auto-Response-Suppress: the words that mean automatic replies. */
const suppressing = new Set(['oof', 'autoreply', 'all']);

/** Why a message gets no automatic reply: the rules of RFC 3834 §2; undefined if it may have one. */
export function reasonForNoReply({ item, arrival, isOwn }: AnsweredMessage): string | undefined {
  const { reversePath, autoSubmitted = 'no', handling = {} } = arrival;
  if (reversePath === '') return 'the reverse-path is null';
  if (envelopeAddress(reversePath) === undefined) return 'the reverse-path is no address';
  if (isOwn(reversePath)) return 'it is from the owner';
  if (item.verdicts !== undefined && isForged(reversePath, item.verdicts))
    return 'the reverse-path is forged';
  if (machine.test(reversePath.slice(0, reversePath.lastIndexOf('@')))) return 'a machine sent it';
  if (autoSubmitted !== 'no') return 'Auto-Submitted';
  if (item.messageClass.startsWith('REPORT.')) return 'it is a report';
  if (handling.precedence !== undefined && bulk.has(handling.precedence)) return 'Precedence';
  if (handling.isFromList === true) return 'a mailing list';
  if (handling.suppress?.some((word) => suppressing.has(word))) return 'X-Auto-Response-Suppress';
  const { to, cc } = item.envelope;
  const named = [...to.map(({ address }) => address), ...cc.map(({ address }) => address)];
  if (![...named, ...(handling.resentTo ?? [])].some(isOwn)) return 'the owner is not named in it';
  return undefined;
}

/** Its domain says that it does not send from there, and has not signed the message: the answer would go to a stranger. */
function isForged(reversePath: string, { spf, dkim }: Verdicts): boolean {
  if (spf?.result !== 'fail') return false;
  const domain = domainOfAddress(reversePath);
  return !(dkim?.domains ?? []).some((signer) => domain === signer || domain.endsWith(`.${signer}`));
}
