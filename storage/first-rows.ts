import type { Bytes, Page, Part, Range, Reader } from './store.ts';

/**
 * The first rows of a range, upwards, `limit` of them if there are so many. One page may hold fewer, or none, though more
 * come behind it: rows that are being deleted leave it short.
 */
export async function firstRows(
  reader: Pick<Reader, 'page'>,
  part: Part,
  range: Omit<Range, 'limit' | 'reverse'>,
  limit: number,
): Promise<readonly (readonly [Bytes, Bytes])[]> {
  const found: (readonly [Bytes, Bytes])[] = [];
  for (let gte: Bytes | undefined = range.gte; gte !== undefined && found.length < limit; ) {
    const isQueue = range.isQueue === true && gte === range.gte;
    const page: Page = await reader.page(part, { gte, lt: range.lt, limit: limit - found.length, isQueue });
    found.push(...page.rows);
    gte = page.next;
  }
  return found;
}
