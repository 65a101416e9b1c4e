import type { Authentication } from '#domain/verdicts';
import { HeldHeader } from '../held-header.ts';
import { ReplyError } from '../reply.ts';
import type { Evaluation } from './evaluation.ts';
import { withoutForged } from './forged-fields.ts';

const maxFields = 1_000;

interface Passed {
  readonly outgoing: Uint8Array;
}

const nothing: Passed = { outgoing: new Uint8Array(0) };

interface InboundParts {
  readonly hostname: string;
  /** Names of fields, in lower case, that nobody outside may write. */
  readonly reserved: ReadonlySet<string>;
  /** Absent: where the message comes from is not looked at. */
  readonly evaluation: Evaluation | undefined;
}

/**
 * InboundHeader holds a message from outside back until its header is whole, shows it to the evaluation as it came, and
 * lets it go without the fields that claim to be ours; the body passes as it is. ContentCheck has bounded the header.
 */
export class InboundHeader {
  readonly #parts: InboundParts;
  /** What came of the header so far; undefined once it is whole. */
  #held: HeldHeader | undefined = new HeldHeader();

  constructor(parts: InboundParts) {
    this.#parts = parts;
  }

  /** What goes on by these bytes. Throws ReplyError for a header of too many fields. */
  async write(chunk: Uint8Array): Promise<Passed> {
    if (this.#held === undefined) {
      this.#parts.evaluation?.body(chunk);
      return { outgoing: chunk };
    }
    const whole = this.#held.write(chunk);
    if (whole === undefined) return nothing;
    this.#held = undefined;
    const header = await this.#passed(whole.header);
    this.#parts.evaluation?.body(whole.rest);
    return { outgoing: Buffer.concat([header, whole.rest]) };
  }

  /** What is left at the end of a message that is nothing but a header. */
  async end(): Promise<Passed> {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? nothing : { outgoing: await this.#passed(held.end()) };
  }

  /** What the evaluation came to, once the message is whole. */
  async verdicts(): Promise<Authentication | undefined> {
    return this.#parts.evaluation?.end();
  }

  /** What goes on of the header. */
  async #passed(bytes: Buffer): Promise<Uint8Array> {
    if (numberOfFields(bytes) > maxFields) {
      throw new ReplyError(554, '5.6.0', 'The header has too many fields');
    }
    const { evaluation, hostname, reserved } = this.#parts;
    await evaluation?.header(bytes);
    return withoutForged(bytes, hostname, reserved);
  }
}

function numberOfFields(header: Buffer): number {
  let fields = 0;
  for (let at = 0; at < header.length; ) {
    const first = header[at];
    if (first !== 0x20 && first !== 0x09 && first !== 0x0d) fields++;
    const lf = header.indexOf(0x0a, at);
    if (lf < 0) break;
    at = lf + 1;
  }
  return fields;
}
