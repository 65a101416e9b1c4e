import { isAscii } from 'node:buffer';
import { maxLine } from './downgrade-header.ts';
import { areLineEndsWhole, countLineEnds, type LineEnds } from './line-ends.ts';

/** What of a message's bytes decides in which form it can be sent. */
export interface Traits {
  has8bit: boolean;
  /** Of more than 998 octets. */
  hasLongLine: boolean;
  hasNul: boolean;
  /** A CR or LF that stands alone. */
  hasBareLineEnd: boolean;
}

export const noTraits: Readonly<Traits> = {
  has8bit: false,
  hasLongLine: false,
  hasNul: false,
  hasBareLineEnd: false,
};

const cr = 0x0d;
const lf = 0x0a;

/** The traits of a message, and how many bytes it has. */
export async function traitsOf(
  source: AsyncIterable<Uint8Array>,
): Promise<Readonly<Traits> & { readonly size: number }> {
  const traits = { ...noTraits };
  const look = new Look(traits);
  let size = 0;
  for await (const chunk of source) {
    look.write(chunk);
    size += chunk.length;
  }
  look.end();
  return { ...traits, size };
}

/** Look notes the traits of bytes that come in chunks; chunks whose line ends are whole are not read byte by byte. */
export class Look {
  readonly #traits: Traits;
  /** Of the line that has not ended yet, without its CR. */
  #lineLength = 0;
  #isAfterCr = false;

  constructor(traits: Traits) {
    this.#traits = traits;
  }

  /** Takes the next bytes, with what is known of them. */
  write(chunk: Uint8Array, lineEnds: LineEnds = countLineEnds(chunk)): void {
    if (chunk.length === 0) return;
    this.#traits.has8bit ||= !isAscii(chunk);
    if (lineEnds.nuls === 0 && areLineEndsWhole(chunk, lineEnds, this.#isAfterCr)) this.#measureLines(chunk);
    else this.#readBytes(chunk);
    this.#isAfterCr = chunk[chunk.length - 1] === cr;
  }

  end(): void {
    if (this.#isAfterCr) this.#traits.hasBareLineEnd = true;
  }

  /** Looks for the last line end that a line may reach to, not for each one. */
  #measureLines(chunk: Uint8Array): void {
    const traits = this.#traits;
    let at = 0;
    let begun = this.#lineLength + (this.#isAfterCr ? 1 : 0);
    for (;;) {
      const limit = at + maxLine + 1 - begun;
      if (limit >= chunk.length) break;
      let end = chunk.lastIndexOf(lf, limit);
      if (end < at) {
        traits.hasLongLine = true;
        end = chunk.indexOf(lf, at);
        if (end < 0) break;
      }
      at = end + 1;
      begun = 0;
    }
    const last = chunk.lastIndexOf(lf);
    const isOpen = chunk[chunk.length - 1] === cr;
    this.#lineLength = (last < 0 ? this.#lineLength : 0) + chunk.length - last - 1 - (isOpen ? 1 : 0);
    if (this.#lineLength > maxLine) traits.hasLongLine = true;
  }

  #readBytes(chunk: Uint8Array): void {
    const traits = this.#traits;
    let lineLength = this.#lineLength;
    let isAfterCr = this.#isAfterCr;
    for (const byte of chunk) {
      if (isAfterCr !== (byte === lf)) traits.hasBareLineEnd = true;
      isAfterCr = byte === cr;
      if (byte === lf) {
        lineLength = 0;
        continue;
      }
      if (byte === cr) continue;
      if (++lineLength > maxLine) traits.hasLongLine = true;
      if (byte === 0) traits.hasNul = true;
    }
    this.#lineLength = lineLength;
  }
}
