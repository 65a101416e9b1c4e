import type { SMTPServerEnvelope } from 'smtp-server';

/** Whether the transaction was begun with SMTPUTF8, RFC 6531 §3.4. */
export function isUtf8({ mailFrom }: SMTPServerEnvelope): boolean {
  return mailFrom !== false && mailFrom.args !== false && mailFrom.args['SMTPUTF8'] !== undefined;
}
