import { createHash } from 'node:crypto';
import type { Recipient } from '#directory/lookups';
import { authorshipOf, ownAuthorship } from '#domain/authorship';
import type { LocalRecipient } from '#domain/mail-envelope';
import type { SendSource, SentDraft } from '#domain/send';
import { authorsIn } from '#mime/authors';
import { prepareForSending } from '#mime/compose';
import { inSlices } from '#mime/slices';
import type { CommandContext } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { CommonStatus } from '../../status.ts';

/** A client that lost our answer sends the message again within so many minutes, perhaps by another ClientId. */
const REPEAT_MS = 5 * 60_000;

/** A message to be sent. */
interface Submission {
  /** None below 14.0. */
  readonly clientId: string | undefined;
  readonly saveInSent: boolean;
  readonly mime: Uint8Array;
  /** What a repeat of a message without Message-ID is known by, if not its bytes. */
  readonly knownBy?: readonly Uint8Array[];
  /** The message that it replies to or forwards, by the addresses that it goes to. */
  readonly sourceFor?: (recipients: readonly string[]) => SendSource;
  /** The draft that it was. */
  readonly draft?: SentDraft | undefined;
}

/**
 * Sends a message as its client wrote it: the sender is the user, or somebody whose mail the user may send, and a repeated request does nothing. Throws CommandError
 * and what Delivery.send throws.
 */
export async function submit(
  { clientId, saveInSent, mime, knownBy = [mime], sourceFor, draft }: Submission,
  context: CommandContext,
): Promise<void> {
  const { account, device, clock, services } = context;
  const ownId = `<${Buffer.from(services.random.bytes(16)).toString('hex')}@${domainOf(account.address)}>`;
  // MS-ASCMD, SendMail: the sender is the user, whatever the message says, but by the right of somebody who granted it.
  const granted = await authorshipOf(account, authorsIn(mime), services.permissions);
  const { from, sender, reversePath } = granted ?? ownAuthorship(account);
  const prepared = prepareForSending(mime, {
    from,
    sender,
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
  const names = resolved.map(nameOf).sort().join('\n');
  const bytes = createHash('sha256');
  for await (const slice of inSlices(knownBy)) bytes.update(slice);
  const same = bytes.update(names).digest('hex');
  const known =
    prepared.messageId !== ownId
      ? createHash('sha256').update(prepared.messageId).update(names).digest('hex')
      : same;
  const outcome = await services.delivery.send({
    from: account,
    reversePath,
    device,
    clientId,
    identity: known,
    raw: prepared.outgoing,
    rawForSent: prepared.sent,
    saveInSent,
    recipients: resolved.flatMap((to) => (to.kind === 'elsewhere' ? [] : [localRecipient(to)])),
    elsewhere: resolved.flatMap((to) => (to.kind === 'elsewhere' ? [to.address] : [])),
    dedupeKeys: [
      ...repeatKeys(`send ${device.id} ${known}`, clock.now()),
      // Nobody writes the same message by the same Message-ID twice: that is a repeat, however late.
      ...(prepared.isNamed ? [`send ${device.id} same ${same}`] : []),
    ],
    source: sourceFor?.(prepared.recipients),
    draft,
  });
  // Said to be done, it would be lost.
  if (outcome === 'other')
    throw new CommandError(CommonStatus.MessagePreviouslySent, 'another message had its ClientId');
}

/** Somebody here. */
type Resolved =
  | (Extract<Recipient, { kind: 'mailbox' | 'group' }> & { readonly address: string })
  | { readonly kind: 'disabled'; readonly address: string }
  | { readonly kind: 'elsewhere'; readonly address: string };

/** Names of a message that hold for its time and the time before: a repeat meets one of them. */
function repeatKeys(name: string, nowMs: number): readonly string[] {
  const period = Math.floor(nowMs / REPEAT_MS);
  return [`${name} ${period}`, `${name} ${period - 1}`];
}

function localRecipient(to: Exclude<Resolved, { kind: 'elsewhere' }>): LocalRecipient {
  const { address } = to;
  if (to.kind === 'disabled') return { address, accounts: [], isGroup: false };
  const isGroup = to.kind === 'group';
  return { address, accounts: isGroup ? to.accounts : [to.account], isGroup };
}

function nameOf(to: Resolved): string {
  if (to.kind === 'elsewhere' || to.kind === 'disabled') return to.address;
  return to.kind === 'group' ? to.group : to.account.entity;
}

async function resolve(address: string, { services }: CommandContext): Promise<Resolved> {
  const found = await services.directory.resolveRecipient(address);
  switch (found.kind) {
    case 'mailbox':
    case 'group':
      return { ...found, address };
    case 'disabled':
      // The others get it; its sender is told.
      return { kind: 'disabled', address };
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
