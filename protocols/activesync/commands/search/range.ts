/** Results first to last, both included, counted from 0. MS-ASCMD, Range (Search), Range (Find). */
export interface ResultRange {
  readonly first: number;
  readonly last: number;
}

/** Reads `m-n`; undefined for what is no range. */
export function parseRange(text: string): ResultRange | undefined {
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(text.trim());
  const range = { first: Number(match?.[1]), last: Number(match?.[2]) };
  return range.first <= range.last ? range : undefined;
}

/** The Range of an answer: of so many results from `first` on; `0-0` when there are none, beside a Total that says so. */
export function rangeText(first: number, count: number): string {
  return count === 0 ? '0-0' : `${first}-${first + count - 1}`;
}
