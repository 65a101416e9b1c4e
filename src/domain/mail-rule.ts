import type { FolderId } from './ids.ts';
import type { NewItem } from './item.ts';

/**
 * What a message must be like: whatever is given must hold. A list holds if one of its texts stands in the field, in any
 * case of its letters.
 */
export interface RuleConditions {
  /** In the name or the address of From or Sender. */
  readonly fromContains?: readonly string[] | undefined;
  /** In the name or the address of one in To or Cc. */
  readonly recipientContains?: readonly string[] | undefined;
  readonly toContains?: readonly string[] | undefined;
  readonly ccContains?: readonly string[] | undefined;
  readonly subjectContains?: readonly string[] | undefined;
  /** In the beginning of the text, 2 KiB of it. */
  readonly bodyContains?: readonly string[] | undefined;
  /** In the identifier of the mailing list it came by. */
  readonly listIdContains?: readonly string[] | undefined;
  /** Files, not the pictures of an HTML text. */
  readonly hasAttachment?: boolean | undefined;
  readonly importance?: RuleImportance | undefined;
  /** The raw message has more, or fewer, bytes. */
  readonly sizeOver?: number | undefined;
  readonly sizeUnder?: number | undefined;
  /** The owner stands in To or Cc. */
  readonly sentToMe?: boolean | undefined;
  /** The owner stands in To, and nobody else in To or Cc. */
  readonly sentOnlyToMe?: boolean | undefined;
}

export type RuleImportance = 'LOW' | 'NORMAL' | 'HIGH';

/** What a rule does with a message. */
export interface RuleActions {
  /** The folder, and the path it had when the rule was put. */
  readonly moveToFolder?: { readonly folder: FolderId; readonly path: string } | undefined;
  /** To Deleted Items. */
  readonly delete?: boolean | undefined;
  readonly markAsRead?: boolean | undefined;
  /** As an attachment of a new message from the owner. */
  readonly forwardTo?: readonly string[] | undefined;
  /** As it is. */
  readonly redirectTo?: readonly string[] | undefined;
}

/** A rule of a mailbox for the mail that comes to its Inbox. */
export interface MailRule {
  readonly name: string;
  readonly enabled: boolean;
  readonly conditions: RuleConditions;
  /** A message that one of them holds for is left alone. */
  readonly exceptions: RuleConditions;
  readonly actions: RuleActions;
  /** The rules behind it are not looked at for a message that this one is for. */
  readonly stopProcessing: boolean;
}

/** What rules look at. */
export interface RuleMessage {
  readonly item: Pick<NewItem, 'envelope' | 'importance' | 'attachments' | 'size' | 'detail'>;
  readonly listId: string | undefined;
  /** Whether an address is the owner's. */
  readonly isOwn: (address: string) => boolean;
}

/** What rules do with a message, all together. */
export interface RuleOutcome {
  /** The names of the rules that are for it. */
  readonly rules: readonly string[];
  /** The first rule that says where to decides. */
  readonly place: FolderId | 'deleted' | undefined;
  readonly isRead: boolean;
  readonly forwardTo: readonly string[];
  readonly redirectTo: readonly string[];
}

const importances: Readonly<Record<RuleImportance, 0 | 1 | 2>> = { LOW: 0, NORMAL: 1, HIGH: 2 };

/** What these rules, in their order, do with a message. */
export function applyRules(rules: readonly MailRule[], given: RuleMessage): RuleOutcome {
  const message = new LookedAt(given);
  const applied: string[] = [];
  const forwardTo = new Set<string>();
  const redirectTo = new Set<string>();
  let place: RuleOutcome['place'];
  let isRead = false;
  for (const { name, enabled, conditions, exceptions, actions, stopProcessing } of rules) {
    if (!enabled || !holdsAll(conditions, message) || holdsAny(exceptions, message)) continue;
    applied.push(name);
    place ??= actions.moveToFolder?.folder ?? (actions.delete === true ? 'deleted' : undefined);
    isRead ||= actions.markAsRead === true;
    for (const address of actions.forwardTo ?? []) forwardTo.add(address);
    for (const address of actions.redirectTo ?? []) redirectTo.add(address);
    if (stopProcessing) break;
  }
  return { rules: applied, place, isRead, forwardTo: [...forwardTo], redirectTo: [...redirectTo] };
}

/** A message whose fields are folded once, however many rules look at them. */
class LookedAt {
  readonly item: RuleMessage['item'];
  readonly listId: string | undefined;
  readonly isOwn: (address: string) => boolean;
  readonly #folded = new Map<keyof RuleConditions, readonly string[]>();

  constructor({ item, listId, isOwn }: RuleMessage) {
    this.item = item;
    this.listId = listId;
    this.isOwn = isOwn;
  }

  /** Whether one of the texts stands in a field; `read` gives the field for this condition. */
  has(
    texts: readonly string[] = [],
    condition: keyof RuleConditions,
    read: () => readonly string[],
  ): boolean {
    const folded = this.#folded.get(condition) ?? read().map(fold);
    this.#folded.set(condition, folded);
    return texts.map(fold).some((wanted) => folded.some((field) => field.includes(wanted)));
  }
}

function holdsAll(conditions: RuleConditions, message: LookedAt): boolean {
  return given(conditions).every((name) => tests[name](conditions, message));
}

function holdsAny(conditions: RuleConditions, message: LookedAt): boolean {
  return given(conditions).some((name) => tests[name](conditions, message));
}

function given(conditions: RuleConditions): readonly (keyof RuleConditions)[] {
  return conditionNames.filter((name) => conditions[name] !== undefined);
}

type Test = (wanted: RuleConditions, message: LookedAt) => boolean;

/** Each is asked only if its condition is given. */
const tests: Readonly<Record<keyof RuleConditions, Test>> = {
  fromContains: ({ fromContains }, message) =>
    message.has(fromContains, 'fromContains', () => {
      const { from, sender } = message.item.envelope;
      return [...from, ...(sender ? [sender] : [])].flatMap(wordsOf);
    }),
  recipientContains: ({ recipientContains }, message) =>
    message.has(recipientContains, 'recipientContains', () => {
      const { to, cc } = message.item.envelope;
      return [...to, ...cc].flatMap(wordsOf);
    }),
  toContains: ({ toContains }, message) =>
    message.has(toContains, 'toContains', () => message.item.envelope.to.flatMap(wordsOf)),
  ccContains: ({ ccContains }, message) =>
    message.has(ccContains, 'ccContains', () => message.item.envelope.cc.flatMap(wordsOf)),
  subjectContains: ({ subjectContains }, message) =>
    message.has(subjectContains, 'subjectContains', () => [message.item.envelope.subject]),
  bodyContains: ({ bodyContains }, message) =>
    message.has(bodyContains, 'bodyContains', () => [message.item.detail.preview]),
  listIdContains: ({ listIdContains }, message) =>
    message.has(listIdContains, 'listIdContains', () =>
      message.listId === undefined ? [] : [message.listId],
    ),
  hasAttachment: ({ hasAttachment }, { item }) =>
    item.attachments.some(({ inline }) => !inline) === hasAttachment,
  importance: ({ importance = 'NORMAL' }, { item }) => item.importance === importances[importance],
  sizeOver: ({ sizeOver = 0 }, { item }) => item.size > sizeOver,
  sizeUnder: ({ sizeUnder = 0 }, { item }) => item.size < sizeUnder,
  sentToMe: ({ sentToMe }, { item: { envelope }, isOwn }) =>
    [...envelope.to, ...envelope.cc].some(({ address }) => isOwn(address)) === sentToMe,
  sentOnlyToMe: ({ sentOnlyToMe }, message) => isOnlyToOwner(message) === sentOnlyToMe,
};

/** Every condition there is. */
export const conditionNames = Object.keys(tests) as readonly (keyof RuleConditions)[];

function isOnlyToOwner({ item: { envelope }, isOwn }: LookedAt): boolean {
  const all = [...envelope.to, ...envelope.cc];
  return envelope.to.length > 0 && all.every(({ address }) => isOwn(address));
}

function wordsOf({ name, address }: { readonly name: string; readonly address: string }): readonly string[] {
  return [name, address];
}

/** Case, width and the way a line is broken make no difference. */
function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ');
}
