import type { Account } from '#directory/account';
import type { Delivery } from '#domain/delivery';
import { toOwner } from '#domain/mail-envelope';
import type { Clock, Random } from '#domain/outside';
import type { Routing } from '#domain/routing';
import { returnPathField } from '#domain/trace';
import { deliveryStatusNotification } from '#mime/dsn';

interface SuccessReportParts {
  readonly delivery: Pick<Delivery, 'begin'>;
  readonly routing: Pick<Routing, 'resolveRecipient'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** A message that is in mailboxes here, and whose sender asked to be told. RFC 3461 §4.1, SUCCESS. */
interface DeliveredMail {
  readonly sender: Account;
  /** The address of `sender`, or of somebody who granted it. */
  readonly reversePath: string;
  readonly hostname: string;
  readonly header: Uint8Array;
  readonly envid: string | undefined;
  readonly recipients: readonly { readonly address: string; readonly orcpt: string | undefined }[];
}

/** Tells the sender that a message was delivered to recipients here. RFC 3464 §2.3.3, delivered. */
export async function reportSuccess(parts: SuccessReportParts, mail: DeliveredMail): Promise<void> {
  const { delivery, clock, random } = parts;
  const { sender, reversePath, hostname, header, envid } = mail;
  const hex = () => Buffer.from(random.bytes(16)).toString('hex');
  const nowMs = clock.now();
  const report = deliveryStatusNotification({
    action: 'delivered',
    hostname,
    to: reversePath,
    messageId: `<${hex()}@${hostname}>`,
    boundary: `=_${hex()}`,
    dateMs: nowMs,
    arrivalMs: nowMs,
    expiresMs: nowMs,
    envid,
    recipients: mail.recipients.map((recipient) => ({ ...recipient, status: '2.1.5', text: 'Delivered' })),
    original: header,
    isFull: false,
  });
  const told = reversePath === sender.address ? undefined : await parts.routing.resolveRecipient(reversePath);
  const owner = told?.kind === 'mailbox' ? told.account : sender;
  const message = delivery.begin(toOwner(owner), () => returnPathField(''));
  await message.write(report);
  await message.accept();
}
