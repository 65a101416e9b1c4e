import { RelaxedBodyHash } from './dkim-body.ts';
import { HeaderEnd } from './dkim-header.ts';
import { Look, noTraits, type Traits } from './traits.ts';

/** What is learned of a message while it comes in, so that nobody need read it again before it is relayed. */
export interface ContentFacts extends Readonly<Traits> {
  /** SHA-256 of the body in the relaxed canonicalization, in base64. RFC 6376 §3.7. */
  readonly bodyHash: string;
}

/** ContentFactsReader learns the facts of a message that comes in chunks. */
export class ContentFactsReader {
  readonly #traits: Traits = { ...noTraits };
  readonly #look = new Look(this.#traits);
  readonly #headerEnd = new HeaderEnd();
  readonly #body = new RelaxedBodyHash();

  write(chunk: Uint8Array): void {
    this.#look.write(chunk);
    const body = this.#headerEnd.isFound ? chunk : chunk.subarray(this.#headerEnd.findIn(chunk));
    if (body.length > 0) this.#body.update(body);
  }

  /** Ends the message; the facts are of all of it, with whole lines of `head` in front. */
  end(head: Uint8Array): ContentFacts {
    this.#look.end();
    const look = new Look(this.#traits);
    look.write(head);
    look.end();
    return { ...this.#traits, bodyHash: this.#body.digest().toString('base64') };
  }
}
