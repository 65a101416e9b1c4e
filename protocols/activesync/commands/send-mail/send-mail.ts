import { createHash } from 'node:crypto';
import type { Recipient } from '#directory/lookups';
import type { LocalRecipient } from '#domain/mail-envelope';
import { prepareForSending } from '#mime/compose';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { CommonStatus } from '../../status.ts';
import { ComposeMail } from '../../wbxml/code-pages/compose-mail.ts';
import { RightsManagement } from '../../wbxml/code-pages/rights-management.ts';
import { bytesOf, type Element, has, textOf } from '../../wbxml/element.ts';

/** MS-ASCMD, ClientId (SendMail), in characters. */
const MAX_CLIENT_ID = 40;
/** A client that lost our answer sends the message again within so many minutes, perhaps by another ClientId. */
const REPEAT_MS = 5 * 60_000;

interface SendMailRequest {
  /** None below 14.0. */
  readonly clientId: string | undefined;
  readonly saveInSent: boolean;
  readonly mime: Uint8Array;
}

/**
 * SendMail: sends a message to mailboxes of this server and to other servers, with a copy in Sent Items if asked for
 * (MS-ASCMD, SendMail).
 * A repeated request is answered as done and does nothing: Android takes any status for a failure, 118 too, and would
 * send again for ever.
 */
export const sendMail = defineCommand({
  name: 'SendMail',
  code: 1,
  read: readRequest,
  readMessage: (mime, line): SendMailRequest => ({ clientId: undefined, saveInSent: line.saveInSent, mime }),
  run: runSendMail,
  write: () => undefined,
});

function readRequest(body: Element): SendMailRequest {
  const clientId = textOf(body, ComposeMail.ClientId) ?? '';
  const mime = bytesOf(body, ComposeMail.Mime);
  if (clientId === '' || clientId.length > MAX_CLIENT_ID) {
    throw new CommandError(CommonStatus.InvalidXML, 'no ClientId, or too long');
  }
  if (mime === undefined) throw new CommandError(CommonStatus.InvalidXML, 'no Mime');
  if ((textOf(body, ComposeMail.AccountId) ?? '') !== '') {
    throw new CommandError(CommonStatus.InvalidAccountId, 'there is one account only');
  }
  if (has(body, RightsManagement.TemplateID)) {
    throw new CommandError(CommonStatus.IRM_FeatureDisabled, 'rights management is off');
  }
  return { clientId, saveInSent: has(body, ComposeMail.SaveInSentItems), mime };
}

async function runSendMail(
  { clientId, saveInSent, mime }: SendMailRequest,
  context: CommandContext,
): Promise<void> {
  const { account, device, clock, services } = context;
  if (mime.length === 0) throw new CommandError(CommonStatus.InvalidMIME, 'an empty message');
  const ownId = `<${Buffer.from(services.random.bytes(16)).toString('hex')}@${domainOf(account.address)}>`;
  // MS-ASCMD, SendMail: the sender is the user, whatever the message says.
  const prepared = prepareForSending(mime, {
    from: { name: account.displayName, address: account.address },
    now: clock.now(),
    messageId: ownId,
  });
  if (prepared.invalidRecipients.length > 0) {
    throw new CommandError(CommonStatus.MessageRecipientUnresolved, 'a recipient is no address');
  }
  if (prepared.recipients.length === 0) {
    throw new CommandError(CommonStatus.MessageHasNoRecipient, 'no recipient');
  }
  if (prepared.recipients.length > services.maxRecipients) {
    throw new CommandError(CommonStatus.MailSubmissionFailed, 'too many recipients');
  }
  const resolved = await Promise.all(prepared.recipients.map((address) => resolve(address, context)));
  // To whom belongs to it: some clients send a message to each Bcc apart, by the same Message-ID.
  const known = createHash('sha256')
    .update(prepared.messageId === ownId ? mime : prepared.messageId)
    .update(resolved.map(nameOf).sort().join('\n'))
    .digest('hex');
  await services.delivery.send({
    from: account,
    device: device.id,
    clientId,
    raw: Buffer.concat(prepared.outgoing),
    rawForSent: Buffer.concat(prepared.sent),
    saveInSent,
    recipients: resolved.flatMap((to) => (to.kind === 'elsewhere' ? [] : [localRecipient(to)])),
    elsewhere: resolved.flatMap((to) => (to.kind === 'elsewhere' ? [to.address] : [])),
    dedupeKeys: repeatKeys(`send ${device.id} ${known}`, clock.now()),
  });
}

/** Somebody here. */
type Resolved =
  | (Extract<Recipient, { kind: 'mailbox' | 'group' }> & { readonly address: string })
  | { readonly kind: 'elsewhere'; readonly address: string };

/** Names of a message that hold for its time and the time before: a repeat meets one of them. */
function repeatKeys(name: string, nowMs: number): readonly string[] {
  const period = Math.floor(nowMs / REPEAT_MS);
  return [`${name} ${period}`, `${name} ${period - 1}`];
}

function localRecipient(to: Exclude<Resolved, { kind: 'elsewhere' }>): LocalRecipient {
  const isGroup = to.kind === 'group';
  return { address: to.address, accounts: isGroup ? to.accounts : [to.account], isGroup };
}

function nameOf(to: Resolved): string {
  if (to.kind === 'elsewhere') return to.address;
  return to.kind === 'group' ? to.group : to.account.entity;
}

async function resolve(address: string, { services }: CommandContext): Promise<Resolved> {
  const found = await services.directory.resolveRecipient(address);
  switch (found.kind) {
    case 'mailbox':
    case 'group':
      return { ...found, address };
    case 'elsewhere':
    case 'routed':
      return { kind: 'elsewhere', address };
    default:
      throw new CommandError(CommonStatus.MessageRecipientUnresolved, `a recipient is ${found.kind}`);
  }
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
