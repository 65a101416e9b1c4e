/** Whole numbers from 0 on in as few bytes as they need: seven bits in each, the lowest first. */
import type { Bytes } from '../store.ts';

/** Puts a number behind what was written before. */
export function writeVarint(into: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    into.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  into.push(rest);
}

/** Reads on in bytes from where it stands. */
export class VarintReader {
  readonly bytes: Bytes;
  at: number;

  constructor(bytes: Bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Throws RangeError behind the end. */
  next(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw new RangeError('a number ends behind the end of its row');
      this.at++;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}
