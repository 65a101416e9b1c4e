import { namesIn } from './params.ts';

/** What is read of one message for names; a thousand files with long names in two spellings have less. */
const maxBytes = 512 * 1024;

/** NameReader reads the names of files in the fields of one message, up to a bound: each is read in some ten ways. */
export class NameReader {
  #left = maxBytes;

  /** The names in a raw Content-Type or Content-Disposition value, as `namesIn`; undefined when the message has had too many. */
  read(raw: string): ReadonlySet<string> | undefined {
    this.#left -= raw.length;
    return this.#left < 0 ? undefined : namesIn(raw);
  }
}
