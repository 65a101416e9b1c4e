import type { Item, Mailbox5322 } from '../item.ts';
import { type MailCondition, SearchField, type TextCondition } from './query.ts';
import { searchable } from './text.ts';

/** A message as conditions look at it: each text is made searchable once, when it is first asked for. */
export class SearchedMail {
  readonly item: Item;
  readonly #texts: Map<number, string>;
  readonly #body: string | undefined;
  /** What an index says of a text; undefined if the message itself must be looked at. */
  readonly known: (condition: TextCondition) => boolean | undefined;

  constructor(
    item: Item,
    known: SearchedMail['known'] = () => undefined,
    texts = new Map<number, string>(),
    body?: string,
  ) {
    this.item = item;
    this.known = known;
    this.#texts = texts;
    this.#body = body;
  }

  /** The same message, its body known. */
  withBody(text: string): SearchedMail {
    return new SearchedMail(this.item, this.known, this.#texts, searchable(text));
  }

  /** The searchable text of one field; undefined for a body that is not known. */
  text(field: number): string | undefined {
    if (field === SearchField.Body) return this.#body;
    const known = this.#texts.get(field);
    if (known !== undefined) return known;
    const made = searchable(fieldText(this.item, field));
    this.#texts.set(field, made);
    return made;
  }
}

/** Whether a message matches; undefined if its body must be known to say so. */
export function matches(condition: MailCondition, mail: SearchedMail): boolean | undefined {
  const { item } = mail;
  switch (condition.kind) {
    case 'text':
      return holds(condition, mail);
    case 'and':
      return all(condition.of, mail, true);
    case 'or':
      return all(condition.of, mail, false);
    case 'not': {
      const inner = matches(condition.of, mail);
      return inner === undefined ? undefined : !inner;
    }
    case 'received':
      return item.receivedMs >= condition.fromMs && item.receivedMs < condition.untilMs;
    case 'conversation':
      return Buffer.from(item.conversationId).toString('hex') === condition.id;
    case 'has-attachments':
      return item.attachments.some(({ inline }) => !inline);
    case 'read':
      return item.marks.read;
    case 'flagged':
      return item.marks.flag?.status === 2;
    case 'importance':
      return item.importance === condition.importance;
    case 'message-class':
      return isBelow(item.messageClass.toLowerCase(), condition.prefix);
    case 'category':
      return item.marks.categories.some((category) => searchable(category).includes(condition.pattern));
    case 'size':
      return item.size >= condition.least && item.size <= condition.most;
  }
}

/** And, if `wanted`, else or: the first that is not so (or is) decides, whatever is not known of the others. */
function all(of: readonly MailCondition[], mail: SearchedMail, wanted: boolean): boolean | undefined {
  let isKnown = true;
  for (const one of of) {
    const result = matches(one, mail);
    if (result === !wanted) return result;
    if (result === undefined) isKnown = false;
  }
  return isKnown ? wanted : undefined;
}

const headerFields = Object.values(SearchField).filter((field) => field !== SearchField.Body);

function holds(condition: TextCondition, mail: SearchedMail): boolean | undefined {
  const known = mail.known(condition);
  if (known !== undefined) return known;
  const { pattern, fields } = condition;
  const isInHeader = headerFields.some(
    (field) => (fields & field) !== 0 && mail.text(field)?.includes(pattern) === true,
  );
  if (isInHeader || (fields & SearchField.Body) === 0) return isInHeader;
  return mail.text(SearchField.Body)?.includes(pattern);
}

function fieldText({ envelope, attachments }: Item, field: number): string {
  switch (field) {
    case SearchField.Subject:
      return envelope.subject;
    case SearchField.From:
      return people([...envelope.from, ...(envelope.sender === undefined ? [] : [envelope.sender])]);
    case SearchField.To:
      return people(envelope.to);
    case SearchField.Cc:
      return people(envelope.cc);
    case SearchField.Bcc:
      return people(envelope.bcc);
    default:
      return attachments.map(({ name }) => name).join('\n');
  }
}

function people(list: readonly Mailbox5322[]): string {
  return list.map(({ name, address }) => `${name} ${address}`).join('\n');
}

function isBelow(messageClass: string, prefix: string): boolean {
  return messageClass === prefix || messageClass.startsWith(`${prefix}.`);
}
