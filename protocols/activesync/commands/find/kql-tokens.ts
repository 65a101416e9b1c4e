/** What a query in the Keyword Query Language is made of. */
export type KqlToken =
  | { readonly kind: 'open' | 'close' | 'and' | 'or' | 'not' }
  /** A word or a phrase, of any place (`property` is undefined) or of one. */
  | {
      readonly kind: 'term';
      readonly property: string | undefined;
      readonly operator: KqlOperator;
      readonly value: string;
    }
  /** A property whose value is the group in parentheses that follows. */
  | { readonly kind: 'group'; readonly property: string };

export type KqlOperator = ':' | '=' | '<>' | '>=' | '<=' | '>' | '<';

/**
 * A sign before something, a property with its operator and value, a phrase in quotes, a parenthesis, or a word up to the next of these.
 * No blank stands between the parts of a restriction.
 */
const lexeme =
  /(?<sign>[-+])(?=[^\s)])|(?<property>[a-z][\w-]{0,63})(?<operator>:|=|<>|>=|<=|>|<)(?:"(?<phraseOf>[^"]*)"?|(?<group>(?=\())|(?<given>[^\s()"]*))|"(?<phrase>[^"]*)"?|(?<paren>[()])|(?<word>[^\s()"]+)/giu;

/** Cuts a query into its parts. */
export function kqlTokens(query: string): readonly KqlToken[] {
  return [...query.matchAll(lexeme)].flatMap(({ groups = {} }) => tokenOf(groups) ?? []);
}

function tokenOf(found: Readonly<Record<string, string | undefined>>): KqlToken | undefined {
  const { sign, property, phrase, paren, word } = found;
  if (sign !== undefined) return sign === '-' ? { kind: 'not' } : undefined;
  if (property !== undefined) return restriction(property.toLowerCase(), found);
  if (phrase !== undefined) return { kind: 'term', property: undefined, operator: ':', value: phrase };
  if (paren !== undefined) return { kind: paren === '(' ? 'open' : 'close' };
  // Operators are words in capitals.
  switch (word) {
    case undefined:
      return undefined;
    case 'AND':
      return { kind: 'and' };
    case 'OR':
      return { kind: 'or' };
    case 'NOT':
      return { kind: 'not' };
    default:
      return { kind: 'term', property: undefined, operator: ':', value: word };
  }
}

function restriction(property: string, found: Readonly<Record<string, string | undefined>>): KqlToken {
  const { operator, phraseOf, group, given } = found;
  if (group !== undefined) return { kind: 'group', property };
  const value = phraseOf ?? given ?? '';
  return { kind: 'term', property, operator: operator as KqlOperator, value };
}
