import type { SMTPServerEnvelope, SMTPServerSession } from 'smtp-server';
import type { Client } from '#domain/mail-envelope';

/** Who hands the message in. */
export function clientOf({ remoteAddress, hostNameAppearsAs }: SMTPServerSession): Client {
  return { address: remoteAddress, name: hostNameAppearsAs };
}

/** Whether the transaction was begun with SMTPUTF8, RFC 6531 §3.4. */
export function isUtf8({ mailFrom }: SMTPServerEnvelope): boolean {
  return mailFrom !== false && mailFrom.args !== false && mailFrom.args['SMTPUTF8'] !== undefined;
}

/** SIZE of MAIL, RFC 1870; 0 if it was not told. */
export function announcedBytes({ mailFrom }: Pick<SMTPServerEnvelope, 'mailFrom'>): number {
  const size = mailFrom !== false && mailFrom.args !== false ? mailFrom.args['SIZE'] : undefined;
  return typeof size === 'string' ? Number(size) : 0;
}
