import { fieldEnd, forEachField } from './header-fields.ts';

/** A header field as DKIM sees it: its lower-case name, and its raw value with CR LF in its folds, one character per byte. */
export interface DkimField {
  readonly name: string;
  readonly value: string;
}

/** A header beyond this is nobody's mail. */
const maxHeaderBytes = 1024 * 1024;

const CR = 0x0d;
const LF = 0x0a;

/** HeaderEnd finds the empty line that ends a header which comes in chunks; a bare CR or LF ends a line too. */
export class HeaderEnd {
  #lineLength = 0;
  #isAfterCr = false;
  #isBlankLine = false;
  #isFound = false;

  get isFound(): boolean {
    return this.#isFound;
  }

  /** The offset behind the empty line; the length of the chunk if that is not reached. */
  findIn(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#isBlankLine) {
        this.#isFound = true;
        return byte === LF && this.#isAfterCr ? at + 1 : at;
      }
      if (byte !== CR && byte !== LF) {
        this.#lineLength++;
        this.#isAfterCr = false;
        continue;
      }
      const isSecondHalf = byte === LF && this.#isAfterCr;
      this.#isAfterCr = byte === CR;
      if (isSecondHalf) continue;
      this.#isBlankLine = this.#lineLength === 0;
      this.#lineLength = 0;
      if (this.#isBlankLine && byte === LF) {
        this.#isFound = true;
        return at + 1;
      }
    }
    return chunk.length;
  }
}

/** DkimHeader takes a message's header in chunks and tells where its body begins. RFC 5322 §2.1. */
export class DkimHeader {
  readonly #pieces: Uint8Array[] = [];
  readonly #end = new HeaderEnd();
  #size = 0;

  /** Takes what of a chunk is header, and gives the rest: body. Throws RangeError for a header that is too large. */
  take(chunk: Uint8Array): Uint8Array {
    if (this.#end.isFound) return chunk;
    const end = this.#end.findIn(chunk);
    const piece = chunk.subarray(0, end);
    this.#pieces.push(Uint8Array.from(piece));
    this.#size += piece.length;
    if (this.#size > maxHeaderBytes)
      throw new RangeError('the header of the message is too large to be signed');
    return chunk.subarray(end);
  }

  get isEnded(): boolean {
    return this.#end.isFound;
  }

  /** The fields, from the top. A line that is no field belongs to the one above it: it cannot be added to that unnoticed. */
  fields(): readonly DkimField[] {
    const block = Buffer.concat(this.#pieces)
      .toString('latin1')
      .replace(/\r\n?|\n/g, '\r\n');
    const fields: DkimField[] = [];
    for (let at = 0; at < block.length; ) {
      const end = fieldEnd(block, at);
      const line = block.slice(at, end);
      const [field] = fieldsIn(line);
      const above = field === undefined ? fields.pop() : undefined;
      if (field !== undefined) fields.push(field);
      else if (above !== undefined) fields.push({ ...above, value: above.value + line });
      at = end;
    }
    return fields;
  }
}

function fieldsIn(line: string): readonly DkimField[] {
  const fields: DkimField[] = [];
  forEachField(line, (name, value) => fields.push({ name, value }));
  return fields;
}

/** A field in the relaxed canonicalization, without line end. RFC 6376 §3.4.2. */
export function relaxedField({ name, value }: DkimField): string {
  const text = value.replace(/\r\n/g, '').replace(/[ \t]+/g, ' ');
  return `${name}:${text.replace(/^ | $/g, '')}`;
}
