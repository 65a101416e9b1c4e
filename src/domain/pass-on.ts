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
