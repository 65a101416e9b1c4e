import { RelaxedBodyHash } from './dkim-body.ts';
import { HeaderEnd } from './dkim-header.ts';
import { countLineEnds, type LineEnds } from './line-ends.ts';
import { Look, noTraits, type Traits } from './traits.ts';

/** What is learned of a message while it comes in, so that nobody need read it again before it is relayed. */
export interface ContentFacts extends Readonly<Traits> {
  /** SHA-256 of the body in the relaxed canonicalization, in base64. RFC 6376 §3.7. */
  readonly bodyHash: string;
  /** A line begins with a dot; absent: nobody looked. */
  readonly hasDotLine?: boolean | undefined;
}

const lf = 0x0a;
const dot = 0x2e;

/** ContentFactsReader learns the facts of a message that comes in chunks. */
export class ContentFactsReader {
  readonly #traits: Traits = { ...noTraits };
  readonly #look = new Look(this.#traits);
  readonly #headerEnd = new HeaderEnd();
  readonly #body = new RelaxedBodyHash();
  #isAtLineStart = true;
  #hasDotLine = false;

  /** Takes the next bytes, with what is known of them. */
  write(chunk: Uint8Array, lineEnds: LineEnds = countLineEnds(chunk)): void {
    if (chunk.length === 0) return;
    this.#look.write(chunk, lineEnds);
    this.#hasDotLine ||= lineEnds.dots > 0 || (this.#isAtLineStart && chunk[0] === dot);
    this.#isAtLineStart = chunk[chunk.length - 1] === lf;
    if (this.#headerEnd.isFound) this.#body.update(chunk, lineEnds);
    else this.#body.update(chunk.subarray(this.#headerEnd.findIn(chunk)));
  }

  /** Ends the message; the facts are of all of it, with whole lines of `head` in front. */
  end(head: Uint8Array): ContentFacts {
    this.#look.end();
    const look = new Look(this.#traits);
    const lineEnds = countLineEnds(head);
    look.write(head, lineEnds);
    look.end();
    const hasDotLine = this.#hasDotLine || lineEnds.dots > 0 || head[0] === dot;
    return { ...this.#traits, bodyHash: this.#body.digest().toString('base64'), hasDotLine };
  }
}
