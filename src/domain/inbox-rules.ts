import type { Account } from '#directory/account';
import { canonicalAddress } from '#directory/canonical-name';
import type { Logger } from '#telemetry/log';
import { isReplyOn, type ReplyText, type StoredAutomaticReply } from './automatic-reply.ts';
import { folderOfConversation } from './conversation-moves.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { FolderId, MailboxId, MailboxRef, OrganizationId } from './ids.ts';
import type { NewBody, NewItem } from './item.ts';
import { applyRules, type RuleOutcome } from './mail-rule.ts';
import type { MailboxPreferences } from './mailbox-preferences.ts';
import { reasonForNoReply } from './no-reply.ts';
import { domainOfAddress, type NewOutboundMail } from './outbound.ts';
import type { Clock } from './outside.ts';
import { ownAddress } from './own-address.ts';
import { originOf, reasonNotToPassOn } from './pass-on.ts';
import { folderFor } from './placement.ts';
import type { DueDestination, MailboxTx, MailStore, OutboundTx } from './ports.ts';
import type { ArrivedMessage, RuleMail } from './rule-mail.ts';
import { WrittenTo } from './written-to.ts';

interface InboxRulesParts {
  readonly store: Pick<MailStore, 'mailbox'>;
  readonly preferences: Pick<MailboxPreferences, 'of'>;
  readonly directory: {
    /** Undefined if its user is not enabled. */
    account(ref: MailboxRef): Promise<Account | undefined>;
    /** Whose mail domain it is. */
    organizationOf(domain: string): Promise<OrganizationId | undefined>;
  };
  readonly ruleMail: RuleMail;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tells whoever relays mail what came into the outbound queue. */
  readonly wakeRelay: (due: readonly DueDestination[]) => void;
}

/** What is done with a message for one mailbox, beside keeping it: all of it in the transaction that adds the item. */
export interface DeliveryPlan {
  readonly folder: FolderId;
  readonly isRead: boolean;
  /** What is passed on. */
  readonly passedOn: MarkedMail | undefined;
  readonly reply: MarkedMail | undefined;
}

/** By mailbox; one without a plan keeps the message in its Inbox. */
export type Plans = ReadonlyMap<MailboxId, DeliveryPlan>;

export const noPlans: Plans = new Map();

interface MarkedMail {
  /** Under this name the mailbox remembers who was answered, or what was passed on. */
  readonly marker: string;
  readonly atMs: number;
  /** Not put if the mailbox remembers it. */
  readonly isOnce: boolean;
  readonly mails: readonly NewOutboundMail[];
}

/** What a transaction has room for beside copies that fill it (MailStore.fitsOneTransaction). */
const maxBesideBytes = 100 * 1024;
/** About what a row of the outbound queue takes without its body. */
const rowBytes = 1_000;

/** A sender is answered again after this (RFC 5230 §4.2), and so long it is known what was passed on. */
const rememberedMs = 7 * 24 * 3_600_000;

const inbox = defaultFolder(FolderType.Inbox);
const deletedItems = defaultFolder(FolderType.DeletedItems);

/** InboxRules finds out what the owners of mailboxes want done with a message that comes to their Inbox. */
export class InboxRules {
  readonly #parts: InboxRulesParts;
  readonly #writtenTo: WrittenTo;

  constructor(parts: InboxRulesParts) {
    this.#parts = parts;
    this.#writtenTo = new WrittenTo(parts.store, parts.clock);
  }

  /** The plan of one mailbox; undefined if there is nothing to do, as for most. */
  async plan(message: ArrivedMessage, ref: MailboxRef): Promise<DeliveryPlan | undefined> {
    const { preferences, directory, clock } = this.#parts;
    // Rules and automatic replies are for what comes to the Inbox.
    if (message.item.verdicts?.junk !== undefined) return undefined;
    const wanted = await preferences.of(ref);
    if (wanted === undefined) return undefined;
    const owner = await directory.account(ref);
    if (owner === undefined) return undefined;
    const { item, arrival } = message;
    const isOwn = ownAddress(owner);
    const outcome = applyRules(wanted.rules, { item, listId: arrival.listId, isOwn });
    const passedOn = await this.#passOn(message, owner, outcome, isOwn);
    const isOn = wanted.reply !== undefined && isReplyOn(wanted.reply, clock.now());
    const reply = isOn ? await this.#reply(message, owner, wanted.reply, isOwn) : undefined;
    const { place, isRead, rules } = outcome;
    if (rules.length === 0 && reply === undefined) return undefined;
    return { folder: place === 'deleted' ? deletedItems : (place ?? inbox), isRead, passedOn, reply };
  }

  /** The plans of several mailboxes; those without one are left out. `messageFor` gives the message as an organisation has it. */
  async plans(
    mailboxes: readonly MailboxRef[],
    messageFor: (organization: OrganizationId) => ArrivedMessage,
  ): Promise<Plans> {
    const found = new Map<MailboxId, DeliveryPlan>();
    for (const ref of mailboxes) {
      const plan = await this.plan(messageFor(ref.organization), ref);
      if (plan !== undefined) found.set(ref.mailbox, plan);
    }
    return found;
  }

  /** Call when what plans have put is durable. */
  wake(mails: readonly NewOutboundMail[]): void {
    if (mails.length > 0) this.#parts.wakeRelay(mails);
  }

  async #passOn(
    message: ArrivedMessage,
    owner: Account,
    { rules, forwardTo, redirectTo }: RuleOutcome,
    isOwn: (address: string) => boolean,
  ): Promise<MarkedMail | undefined> {
    const { ruleMail, log } = this.#parts;
    if (rules.length === 0) return undefined;
    const seen = { acceptId: message.acceptId, mailbox: owner.mailbox.mailbox, rules };
    if (forwardTo.length + redirectTo.length === 0) {
      log.info('delivery.rules.applied', seen);
      return undefined;
    }
    const mark = this.#passOnMark(message);
    let reason = reasonNotToPassOn(message, isOwn);
    if (reason === undefined && mark.isOnce && (await this.#isRemembered(owner.mailbox, mark))) {
      reason = 'it was passed on from here before';
    }
    if (reason !== undefined) {
      log.info('delivery.rules.applied', { ...seen, notPassedOn: reason });
      return undefined;
    }
    log.info('delivery.rules.applied', { ...seen, forwardTo, redirectTo });
    const shared = await ruleMail.shared(message, owner, forwardTo.length + redirectTo.length);
    const mails = [
      ...(forwardTo.length > 0 ? await ruleMail.forward(shared, owner, forwardTo) : []),
      ...(redirectTo.length > 0 ? await ruleMail.redirect(shared, owner, redirectTo) : []),
    ];
    return { ...mark, mails };
  }

  /** What rules have passed on already goes through each mailbox once: members of a group may pass on to the group. */
  #passOnMark({ item, arrival }: ArrivedMessage): Omit<MarkedMail, 'mails'> {
    const isOnce = (arrival.handling?.deliveredTo ?? []).length > 0;
    return { marker: `passed on ${originOf(item, arrival)}`, atMs: this.#parts.clock.now(), isOnce };
  }

  async #isRemembered(ref: MailboxRef, { marker, atMs }: Omit<MarkedMail, 'mails'>): Promise<boolean> {
    return isRemembered(await this.#parts.store.mailbox(ref).marker(marker), atMs);
  }

  async #reply(
    message: ArrivedMessage,
    owner: Account,
    reply: StoredAutomaticReply,
    isOwn: (address: string) => boolean,
  ): Promise<MarkedMail | undefined> {
    const { clock, log, ruleMail } = this.#parts;
    const { item, arrival } = message;
    const marker = `automatic reply ${reply.period} ${canonicalAddress(arrival.reversePath)}`;
    const mark = { marker, atMs: clock.now(), isOnce: true };
    let text: ReplyText | undefined;
    let reason = reasonForNoReply({ item, arrival, isOwn });
    if (reason === undefined && (await this.#isRemembered(owner.mailbox, mark))) {
      reason = 'the sender was answered before';
    }
    if (reason === undefined) text = await this.#textFor(message, owner, reply);
    if (reason === undefined && text === undefined) reason = 'there is no answer for such a sender';
    const seen = { acceptId: message.acceptId, mailbox: owner.mailbox.mailbox, to: arrival.reversePath };
    if (reason !== undefined || text === undefined) {
      log.info('delivery.reply.withheld', { ...seen, reason });
      return undefined;
    }
    log.info('delivery.reply.made', seen);
    return { ...mark, mails: await ruleMail.reply(message, owner, text) };
  }

  /** What this sender is told; undefined if nothing. */
  async #textFor(
    { arrival: { reversePath, isAuthenticated } }: ArrivedMessage,
    owner: Account,
    reply: StoredAutomaticReply,
  ): Promise<ReplyText | undefined> {
    const { directory } = this.#parts;
    // A From or a reverse-path of ours says nothing: only who signed in is one of us.
    const isInternal =
      isAuthenticated &&
      (await directory.organizationOf(domainOfAddress(reversePath))) === owner.organization;
    if (isInternal)
      return reply.isInternalEnabled && reply.internal.message !== '' ? reply.internal : undefined;
    if (reply.external.message === '' || reply.externalAudience === 'NONE') return undefined;
    const isAnswered =
      reply.externalAudience === 'ALL' || (await this.#writtenTo.has(owner.mailbox, reversePath));
    return isAnswered ? reply.external : undefined;
  }
}

/** Every mail that a plan may put. */
export function mailsOf(plans: Iterable<DeliveryPlan>): readonly NewOutboundMail[] {
  return [...plans].flatMap(({ passedOn, reply }) => [...(passedOn?.mails ?? []), ...(reply?.mails ?? [])]);
}

/** Whether so much mail has room in one transaction beside copies that fit it; else each mailbox has one of its own. */
export function fitBeside(mails: readonly NewOutboundMail[]): boolean {
  return mails.reduce((sum, { body }) => sum + rowBytes + bytesOf(body), 0) <= maxBesideBytes;
}

function bytesOf(body: NewBody): number {
  if (body.kind === 'inline') return body.raw.length;
  return (body.before?.length ?? 0) + (body.after?.length ?? 0);
}

/** Adds an item to its place, or where its plan says, with what else the plan holds. */
export async function deliverItem(
  mailbox: MailboxTx,
  outbound: OutboundTx,
  item: NewItem,
  plan: DeliveryPlan | undefined,
): Promise<void> {
  if (plan === undefined) {
    await mailbox.addItem(await folderFor(mailbox, item), item);
    return;
  }
  const { isRead, passedOn, reply } = plan;
  // Where its conversation goes is said of this one alone, and a rule is of many.
  const moved = await folderOfConversation(mailbox, item);
  // A folder that is gone leaves the message in the Inbox.
  const folder = moved ?? ((await mailbox.folder(plan.folder)) === undefined ? inbox : plan.folder);
  await mailbox.addItem(folder, isRead ? { ...item, marks: { ...item.marks, read: true } } : item);
  for (const { marker, atMs, isOnce, mails } of [passedOn, reply].filter((one) => one !== undefined)) {
    if (isOnce && isRemembered(await mailbox.marker(marker), atMs)) continue;
    mailbox.putMarker(marker, String(atMs));
    for (const mail of mails) await outbound.put(mail);
  }
}

function isRemembered(left: string | undefined, atMs: number): boolean {
  return left !== undefined && atMs < Number(left) + rememberedMs;
}
