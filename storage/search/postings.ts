/** Which items of a segment a word is in, and in which fields (OR of SearchField). */
import { SearchField } from '#domain/search/query';
import { VarintReader, writeVarint } from './varint.ts';

/** For each item in rising order: how many are left out before it, twice; one more, and the fields behind it, if they are not those before. */
export class Postings {
  readonly bytes: number[] = [];
  #next = 0;
  #fields: number = SearchField.Body;

  /** Items come in rising order. */
  add(item: number, fields: number): void {
    const isOther = fields !== this.#fields;
    writeVarint(this.bytes, (item - this.#next) * 2 + (isOther ? 1 : 0));
    if (isOther) this.bytes.push(fields);
    this.#next = item + 1;
    this.#fields = fields;
  }
}

/** Reads what Postings wrote in [start, end). */
export function readPostings(
  bytes: Uint8Array,
  start: number,
  end: number,
  each: (item: number, fields: number) => void,
): void {
  const from = new VarintReader(bytes, start);
  let next = 0;
  let fields: number = SearchField.Body;
  while (from.at < end) {
    const step = from.next();
    const item = next + Math.floor(step / 2);
    if (step % 2 === 1) fields = from.bytes[from.at++] ?? 0;
    each(item, fields);
    next = item + 1;
  }
}
