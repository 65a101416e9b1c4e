import type { Authentication } from '#domain/verdicts';
import { ReplyError } from '../reply.ts';
import type { Evaluation } from './evaluation.ts';
import { withoutForged } from './forged-fields.ts';

const endOfHeader = Buffer.from('\r\n\r\n');
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
  #pieces: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  /** Its last bytes: the end of the header may be in two pieces. */
  #tail: Buffer = Buffer.alloc(0);

  constructor(parts: InboundParts) {
    this.#parts = parts;
  }

  /** What goes on by these bytes. Throws ReplyError for a header of too many fields. */
  async write(chunk: Uint8Array): Promise<Passed> {
    if (this.#pieces === undefined) {
      this.#parts.evaluation?.body(chunk);
      return { outgoing: chunk };
    }
    const end = this.#endIn(chunk);
    this.#pieces.push(chunk.subarray(0, end));
    this.#heldBytes += chunk.length;
    if (end === undefined) return nothing;
    const header = await this.#header();
    const body = chunk.subarray(end);
    this.#parts.evaluation?.body(body);
    return { outgoing: Buffer.concat([header, body]) };
  }

  /** What is left at the end of a message that is nothing but a header. */
  async end(): Promise<Passed> {
    return this.#pieces === undefined ? nothing : { outgoing: await this.#header() };
  }

  /** What the evaluation came to, once the message is whole. */
  async verdicts(): Promise<Authentication | undefined> {
    return this.#parts.evaluation?.end();
  }

  /** The offset behind the empty line that ends the header; undefined if it is not in this chunk. */
  #endIn(chunk: Uint8Array): number | undefined {
    const around = Buffer.concat([this.#tail, chunk]);
    const before = this.#tail.length;
    // A header without fields.
    if (this.#heldBytes <= before && around[0] === 0x0d && around[1] === 0x0a) return 2 - before;
    const at = around.indexOf(endOfHeader);
    if (at >= 0) return at + endOfHeader.length - before;
    this.#tail = Buffer.from(around.subarray(-endOfHeader.length + 1));
    return undefined;
  }

  async #header(): Promise<Uint8Array> {
    const bytes = Buffer.concat(this.#pieces ?? []);
    this.#pieces = undefined;
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
