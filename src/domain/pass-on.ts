import { createHash } from 'node:crypto';
import type { NewItem } from './item.ts';
import type { MailArrival } from './mail-arrival.ts';
import type { ArrivedMessage } from './rule-mail.ts';

/** A message that went through so many mailboxes goes no further. */
const maxMailboxes = 20;

/** Why no rule forwards or redirects a message; undefined if one may. */
export function reasonNotToPassOn(
  { item, arrival }: Pick<ArrivedMessage, 'item' | 'arrival'>,
  isOwn: (address: string) => boolean,
): string | undefined {
  const { reversePath, autoSubmitted, handling } = arrival;
  const deliveredTo = handling?.deliveredTo ?? [];
  if (reversePath === '') return 'the reverse-path is null';
  if (autoSubmitted === 'auto-replied') return 'it is an automatic reply';
  if (item.messageClass.startsWith('REPORT.')) return 'it is a report';
  if (deliveredTo.some(isOwn)) return 'it was passed on from here before';
  if (deliveredTo.length >= maxMailboxes) return 'it was passed on too often';
  return undefined;
}

/**
 * The Message-ID that a message has, or of what lies in it if a rule forwarded it: the same wherever rules pass it on. One
 * without gets one that follows from what it says. With angle brackets.
 */
export function originOf(
  { envelope }: Pick<NewItem, 'envelope'>,
  { autoSubmitted, handling }: Pick<MailArrival, 'autoSubmitted' | 'handling'>,
): string {
  const isForwarded = autoSubmitted === 'auto-generated' && (handling?.deliveredTo ?? []).length > 0;
  const id = (isForwarded ? envelope.references[0] : undefined) ?? envelope.messageId ?? '';
  if (/^<[!-;=?-~]{1,250}>$/.test(id)) return id;
  const said = JSON.stringify([id, envelope.from, envelope.subject, envelope.dateMs]);
  return `<${createHash('sha256').update(said).digest('hex').slice(0, 32)}@passed-on.invalid>`;
}
