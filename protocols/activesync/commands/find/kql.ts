import { allFields, anyMail, type MailCondition, noMail, SearchField } from '#domain/search/query';
import { patternOf } from '#domain/search/text';
import { typed } from '../search/typed.ts';
import { type KqlToken, kqlTokens } from './kql-tokens.ts';
import { dateSpan, type KqlDates, sizeSpan, truth } from './kql-values.ts';
import { FindError, FindStatus } from './status.ts';

/** Bounds of a query: characters, and parts of it. */
const MAX_TEXT = 2048;
const MAX_TOKENS = 256;
const MAX_DEPTH = 32;

type Term = KqlToken & { readonly kind: 'term' };

/**
 * Reads a query in the Keyword Query Language (MS-KQL): words and "phrases", restrictions of properties, AND, OR, NOT, sets and
 * parentheses. What has no operator between it must all be so, but of several values of one property one. NEAR is AND. A property that nobody knows, or a value that its property does not have, is taken for words;
 * operators without something to work on, and parentheses without their others, are ignored. Throws FindError beyond the bounds.
 */
export function readKql(query: string, dates: KqlDates): MailCondition {
  if (query.length > MAX_TEXT) throw new FindError(FindStatus.InvalidRequest, 'a long query');
  const tokens = kqlTokens(typed(query));
  if (tokens.length > MAX_TOKENS) throw new FindError(FindStatus.InvalidRequest, 'many words');
  return new KqlReader(tokens, dates).read() ?? noMail;
}

class KqlReader {
  readonly #tokens: readonly KqlToken[];
  readonly #dates: KqlDates;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly KqlToken[], dates: KqlDates) {
    this.#tokens = tokens;
    this.#dates = dates;
  }

  read(): MailCondition | undefined {
    const found: MailCondition[] = [];
    // A parenthesis that closes nothing ends one alternative, and the rest follows.
    while (this.#at < this.#tokens.length) {
      const condition = this.#alternatives(undefined);
      if (condition !== undefined) found.push(condition);
      if (this.#is('close')) this.#at++;
    }
    return joined('and', found);
  }

  #alternatives(property: string | undefined): MailCondition | undefined {
    const found: MailCondition[] = [];
    do {
      const condition = this.#sequence(property);
      if (condition !== undefined) found.push(condition);
    } while (this.#skip('or'));
    return joined('or', found);
  }

  #sequence(property: string | undefined): MailCondition | undefined {
    const found: MailCondition[][] = [];
    // MS-KQL, Implicit Operator for Property Restrictions: of those of the same name one must be so.
    const byName = new Map<string, MailCondition[]>();
    while (this.#at < this.#tokens.length && !this.#is('or') && !this.#is('close')) {
      if (this.#skip('and')) {
        byName.clear();
        continue;
      }
      const name = nameOf(this.#tokens[this.#at]);
      const condition = this.#one(property);
      if (condition === undefined) continue;
      const others = name === undefined ? undefined : byName.get(name);
      if (others !== undefined) {
        others.push(condition);
        continue;
      }
      const own = [condition];
      found.push(own);
      if (name !== undefined) byName.set(name, own);
    }
    return joined(
      'and',
      found.flatMap((some) => joined('or', some) ?? []),
    );
  }

  #one(property: string | undefined): MailCondition | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === 'or' || token.kind === 'close') return undefined;
    this.#at++;
    switch (token.kind) {
      case 'not': {
        const negated = this.#one(property);
        return negated && { kind: 'not', of: negated };
      }
      case 'group':
        return this.#skip('open') ? this.#group(token.property) : undefined;
      case 'open':
        return this.#group(property);
      case 'set':
        return this.#skip('open') ? this.#set(token.of, property) : undefined;
      case 'term':
        return conditionOf({ ...token, property: token.property ?? property }, this.#dates);
      case 'and':
        return this.#one(property);
    }
  }

  /** What is in parentheses that are open already. */
  #group(property: string | undefined): MailCondition | undefined {
    if (++this.#depth > MAX_DEPTH) throw new FindError(FindStatus.InvalidRequest, 'nested deep');
    const condition = this.#alternatives(property);
    this.#skip('close');
    this.#depth--;
    return condition;
  }

  /** A set whose parenthesis is open already. */
  #set(of: 'all' | 'any' | 'none', property: string | undefined): MailCondition | undefined {
    const found: MailCondition[] = [];
    while (this.#at < this.#tokens.length && !this.#skip('close')) {
      if (this.#skip('or') || this.#skip('and')) continue;
      const condition = this.#one(property);
      if (condition !== undefined) found.push(condition);
    }
    if (of === 'all') return joined('and', found);
    const any = joined('or', found);
    return any === undefined || of === 'any' ? any : { kind: 'not', of: any };
  }

  #is(kind: KqlToken['kind']): boolean {
    return this.#tokens[this.#at]?.kind === kind;
  }

  #skip(kind: KqlToken['kind']): boolean {
    const isThere = this.#is(kind);
    if (isThere) this.#at++;
    return isThere;
  }
}

/** The property of a restriction that stands for one of several values; undefined for others: of a span both ends must be so. */
function nameOf(token: KqlToken | undefined): string | undefined {
  if (token?.kind === 'group') return token.property;
  if (token?.kind !== 'term' || (token.operator !== ':' && token.operator !== '=')) return undefined;
  return /^[<>]/.test(token.value) ? undefined : token.property;
}

function joined(kind: 'and' | 'or', of: readonly MailCondition[]): MailCondition | undefined {
  const [only, ...others] = of;
  return others.length === 0 ? only : { kind, of };
}

/** Properties of text: where it stands. */
const textFields: Readonly<Record<string, number>> = {
  from: SearchField.From,
  author: SearchField.From,
  to: SearchField.To,
  cc: SearchField.Cc,
  bcc: SearchField.Bcc,
  recipients: SearchField.To | SearchField.Cc | SearchField.Bcc,
  participants: SearchField.From | SearchField.To | SearchField.Cc | SearchField.Bcc,
  subject: SearchField.Subject,
  title: SearchField.Subject,
  body: SearchField.Body,
  attachment: SearchField.Attachment,
  attachments: SearchField.Attachment,
  attachmentnames: SearchField.Attachment,
  filename: SearchField.Attachment,
};

/** A term as a condition; undefined if there is nothing to look for in it. */
function conditionOf(term: Term, dates: KqlDates): MailCondition | undefined {
  const { property, operator, value } = term;
  if (property === undefined) return textCondition(value, allFields);
  const fields = Object.hasOwn(textFields, property) ? textFields[property] : undefined;
  const condition =
    fields === undefined ? restriction({ ...term, property }, dates) : textCondition(value, fields);
  if (condition === undefined)
    return fields === undefined ? textCondition(wordsOf(term), allFields) : undefined;
  return operator === '<>' ? { kind: 'not', of: condition } : condition;
}

/** A restriction that is none is what its user wrote. */
function wordsOf({ property, operator, value }: Term): string {
  return `${property}${operator}${value}`;
}

function textCondition(value: string, fields: number): MailCondition | undefined {
  const pattern = patternOf(value);
  return pattern === undefined ? undefined : { kind: 'text', pattern, fields };
}

/** A restriction of something else than text; undefined for a property or a value that nobody knows. */
function restriction(
  { property, operator, value }: Term & { readonly property: string },
  dates: KqlDates,
): MailCondition | undefined {
  switch (property) {
    case 'received':
    case 'sent': {
      const span = dateSpan(operator, value, dates);
      return span && { kind: 'received', fromMs: span.from, untilMs: span.until };
    }
    case 'size': {
      const span = sizeSpan(operator, value);
      return span && { kind: 'size', least: span.from, most: span.until - 1 };
    }
    case 'hasattachment':
    case 'hasattachments':
      return whether('has-attachments', value);
    case 'isread':
    case 'read':
      return whether('read', value);
    case 'isflagged':
      return whether('flagged', value);
    case 'has':
    case 'is':
      return stateOf(`${property} ${value.toLowerCase()}`);
    case 'importance':
      return importanceOf(value.toLowerCase());
    case 'kind':
      return kindOf(value.toLowerCase());
    case 'category':
    case 'categories': {
      const pattern = patternOf(value);
      return pattern === undefined ? undefined : { kind: 'category', pattern };
    }
    default:
      return undefined;
  }
}

function whether(kind: 'has-attachments' | 'read' | 'flagged', value: string): MailCondition | undefined {
  const isSo = truth(value);
  if (isSo === undefined) return undefined;
  return isSo ? { kind } : { kind: 'not', of: { kind } };
}

function stateOf(words: string): MailCondition | undefined {
  switch (words) {
    case 'has attachment':
    case 'has attachments':
      return { kind: 'has-attachments' };
    case 'has flag':
    case 'is flagged':
      return { kind: 'flagged' };
    case 'is read':
      return { kind: 'read' };
    case 'is unread':
      return { kind: 'not', of: { kind: 'read' } };
    default:
      return undefined;
  }
}

function importanceOf(value: string): MailCondition | undefined {
  if (value === 'low' || value === '0') return { kind: 'importance', importance: 0 };
  if (value === 'normal' || value === 'medium' || value === '1') return { kind: 'importance', importance: 1 };
  return value === 'high' || value === '2' ? { kind: 'importance', importance: 2 } : undefined;
}

/** Kinds of items that are no mail. */
const otherKinds =
  /^(?:contacts|docs|externaldata|faxes|im|journals|microsoftteams|notes|posts|rssfeeds|tasks|voicemail)$/;

function kindOf(value: string): MailCondition | undefined {
  if (value === 'email') return anyMail;
  if (value === 'meetings') return { kind: 'message-class', prefix: 'ipm.schedule' };
  return otherKinds.test(value) ? noMail : undefined;
}
