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
  | { readonly kind: 'group'; readonly property: string }
  /** How much of what stands in the parentheses that follow must be so. */
  | { readonly kind: 'set'; readonly of: 'all' | 'any' | 'none' };

export type KqlOperator = ':' | '=' | '<>' | '>=' | '<=' | '>' | '<';

/**
 * A sign before something, NEAR with its distance, a set before its parenthesis, a property with its operator and value, a phrase in
 * quotes, a parenthesis, or a word up to the next of these. No blank stands between the parts of a restriction, but in the name of a span
 * of time.
 */
const lexeme = new RegExp(
  [
    /(?<sign>[-+])(?=[^\s)])/,
    /(?<near>o?near\(\s*(?:n\s*=\s*)?\d{1,4}\s*\))/,
    /(?<set>all|any|none|words)(?=\()/,
    /(?<property>[a-z][\w-]{0,63})(?<operator>:|=|<>|>=|<=|>|<)(?:"(?<phraseOf>[^"]*)"?|(?<group>(?=\())|(?<given>(?<=(?:received|sent)[:=<>]{1,2})(?:this|last)\s+(?:week|month|year)(?![^\s()])|[^\s()"]*))/,
    /"(?<phrase>[^"]*)"?/,
    /(?<paren>[()])/,
    /(?<word>[^\s()"]+)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'giu',
);

/** Cuts a query (`typed`) into its parts. */
export function kqlTokens(query: string): readonly KqlToken[] {
  return [...query.matchAll(lexeme)].flatMap(({ groups = {} }) => tokenOf(groups) ?? []);
}

function tokenOf(found: Readonly<Record<string, string | undefined>>): KqlToken | undefined {
  const { sign, near, set, property, phrase, paren, word } = found;
  if (sign !== undefined) return sign === '-' ? { kind: 'not' } : undefined;
  // How near is not looked at: both are there.
  if (near !== undefined) return { kind: 'and' };
  if (set !== undefined) return setOf(set);
  if (property !== undefined) return restriction(property.toLowerCase(), found);
  if (phrase !== undefined) return { kind: 'term', property: undefined, operator: ':', value: phrase };
  if (paren !== undefined) return { kind: paren === '(' ? 'open' : 'close' };
  // Operators are words in capitals.
  switch (word) {
    case undefined:
      return undefined;
    case 'AND':
    case 'NEAR':
    case 'ONEAR':
      return { kind: 'and' };
    case 'OR':
      return { kind: 'or' };
    case 'NOT':
      return { kind: 'not' };
    default:
      return { kind: 'term', property: undefined, operator: ':', value: word };
  }
}

function setOf(name: string): KqlToken {
  switch (name) {
    case 'ALL':
      return { kind: 'set', of: 'all' };
    case 'ANY':
    case 'WORDS':
      return { kind: 'set', of: 'any' };
    case 'NONE':
      return { kind: 'set', of: 'none' };
    default:
      return { kind: 'term', property: undefined, operator: ':', value: name };
  }
}

function restriction(property: string, found: Readonly<Record<string, string | undefined>>): KqlToken {
  const { operator, phraseOf, group, given } = found;
  if (group !== undefined) return { kind: 'group', property };
  const value = phraseOf ?? given ?? '';
  return { kind: 'term', property, operator: operator as KqlOperator, value };
}
