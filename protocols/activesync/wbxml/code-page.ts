/** One element of a code page. Compared by identity: `Status` of Move is never `Status` of AirSync. */
export interface Tag {
  /** The code page's number, 0 to 255. */
  readonly page: number;
  /** The tag's token without flags, 0x05 to 0x3f. */
  readonly token: number;
  /** The element's local name. */
  readonly name: string;
  /** The element's XML namespace: one for each code page. */
  readonly namespace: string;
}

/** A code page: a tag for every name, and nothing else. */
export type CodePage<Name extends string = string> = { readonly [N in Name]: Tag };

/**
 * Defines a code page (MS-ASWBXML, Code Pages).
 * Takes the page's number, its namespace, and the token of each tag without flags; gives a tag object for each name.
 */
export function defineCodePage<const Tokens extends Readonly<Record<string, number>>>(
  page: number,
  namespace: string,
  tokens: Tokens,
): CodePage<keyof Tokens & string> {
  const tags = Object.entries(tokens).map(([name, token]) => [name, { page, token, name, namespace }]);
  return Object.fromEntries(tags) as CodePage<keyof Tokens & string>;
}
