/** The mail that leaves a mailbox by itself: redirects, forwards and automatic replies. */
import { createHash } from 'node:crypto';
import type { Account } from '#directory/account';
import { composeAutomaticReply } from '#mime/automatic-reply';
import { forwardAround } from '#mime/forward';
import type { ReplyText } from './automatic-reply.ts';
import { framedBody } from './framed-body.ts';
import type { NewItem } from './item.ts';
import type { MailArrival } from './mail-arrival.ts';
import { domainOfAddress, type NewOutboundMail } from './outbound.ts';
import type { Outside } from './outside.ts';
import type { OwnMail } from './own-mail.ts';
import { originOf } from './pass-on.ts';
import type { MailStore } from './ports.ts';

/** A message that came for a mailbox. */
export interface ArrivedMessage {
  /** What it is known by here: the mail made of it is known by what follows from it. */
  readonly acceptId: string;
  readonly item: NewItem;
  readonly arrival: MailArrival;
}

interface RuleMailParts {
  readonly store: Pick<MailStore, 'writeBody'>;
  readonly ownMail: Pick<OwnMail, 'make'>;
  readonly outside: Outside;
}

/** Copies of a message in rows that are larger together share a file: one mailbox's mail is one transaction. */
const maxCopiesBytes = 200 * 1024;

/**
 * RuleMail makes that mail. Its envelope is the owner's own address, so that it passes SPF and a failure is reported to
 * the owner; a reply has none.
 */
export class RuleMail {
  readonly #parts: RuleMailParts;

  constructor(parts: RuleMailParts) {
    this.#parts = parts;
  }

  /** Ready to be passed on so many times. */
  async shared(message: ArrivedMessage, owner: Account, copies: number): Promise<ArrivedMessage> {
    const { item } = message;
    if (item.body.kind === 'blob' || item.size * copies <= maxCopiesBytes) return message;
    const writer = this.#parts.store.writeBody(owner.organization);
    await writer.append(item.body.raw);
    const { id } = await writer.finish();
    return { ...message, item: { ...item, body: { kind: 'blob', id } } };
  }

  /** The message as it came, one trace field in front: its DKIM signatures stay valid. */
  redirect(
    message: ArrivedMessage,
    owner: Account,
    recipients: readonly string[],
  ): Promise<readonly NewOutboundMail[]> {
    const { item, arrival } = message;
    const before = Buffer.from(`Delivered-To: ${owner.address}\r\n`);
    const { skip, is8bit, isAuthenticated } = arrival;
    const content = { ...framedBody(item, { skip, before }), skip: 0, is8bit, isAuthenticated };
    return this.#make(message, owner, 'redirect', recipients, content);
  }

  /** A new message of the owner, with the one that came as an attachment. */
  forward(
    message: ArrivedMessage,
    owner: Account,
    recipients: readonly string[],
  ): Promise<readonly NewOutboundMail[]> {
    const { item, arrival } = message;
    const { skip, is8bit, handling } = arrival;
    const around = forwardAround({
      from: { name: owner.displayName, address: owner.address },
      to: recipients,
      subject: item.envelope.subject,
      deliveredTo: [...(handling?.deliveredTo ?? []), owner.address],
      date: this.#parts.outside.clock.now(),
      messageId: this.#messageId(owner),
      origin: originOf(item, arrival),
      boundary: `=_${this.#randomHex()}`,
      is8bit,
    });
    const content = { ...framedBody(item, { skip, ...around }), skip: 0, is8bit, isAuthenticated: true };
    return this.#make(message, owner, 'forward', recipients, content);
  }

  /** The answer of somebody who is away, to the reverse-path. */
  async reply(
    message: ArrivedMessage,
    owner: Account,
    { message: text, bodyType }: ReplyText,
  ): Promise<readonly NewOutboundMail[]> {
    const { envelope } = message.item;
    const raw = await composeAutomaticReply({
      from: { name: owner.displayName, address: owner.address },
      to: message.arrival.reversePath,
      subject: envelope.subject,
      inReplyTo: envelope.messageId,
      references: envelope.references,
      text,
      bodyType,
      date: this.#parts.outside.clock.now(),
      messageId: this.#messageId(owner),
    });
    return this.#make(message, owner, 'reply', [message.arrival.reversePath], { raw });
  }

  #make(
    { acceptId }: ArrivedMessage,
    owner: Account,
    kind: 'redirect' | 'forward' | 'reply',
    addresses: readonly string[],
    content: Parameters<OwnMail['make']>[0]['content'],
  ): Promise<readonly NewOutboundMail[]> {
    // One message in several mailboxes makes mail in each.
    const name = [acceptId, owner.mailbox.mailbox, kind].join('\n');
    return this.#parts.ownMail.make({
      organization: owner.organization,
      kind: 'mail',
      reversePath: kind === 'reply' ? '' : owner.address,
      recipients: addresses.map((address) => ({ address })),
      content,
      ...(kind === 'redirect' ? { forwardedFor: owner.address } : {}),
      acceptId: createHash('sha256').update(name).digest('hex').slice(0, 32),
    });
  }

  #messageId({ address }: Account): string {
    return `<${this.#randomHex()}@${domainOfAddress(address)}>`;
  }

  #randomHex(): string {
    return Buffer.from(this.#parts.outside.random.bytes(16)).toString('hex');
  }
}
