import { Buffer } from 'node:buffer';

/** A document is this long at the most. */
export const maxRtfBytes = 4 * 1024 * 1024;
/** MS-OXRTFCP, COMPTYPE. */
const compressed = 0x75465a4c;
const uncompressed = 0x414c454d;
const headerBytes = 16;
/** MS-OXRTFCP, Dictionary. */
const dictionarySize = 4096;
const initialDictionary = Buffer.from(
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx',
  'latin1',
);

/**
 * The RTF in a PidTagRtfCompressed (MS-OXRTFCP), as far as it goes where it is cut off; undefined for what is none, or says that
 * it is longer than `maxBytes`. Never gives more than that.
 */
export function decompressRtf(data: Buffer, maxBytes: number): Buffer | undefined {
  if (data.length < headerBytes) return undefined;
  const rawSize = data.readUInt32LE(4);
  const type = data.readUInt32LE(8);
  if (rawSize > maxBytes) return undefined;
  const content = data.subarray(headerBytes);
  if (type === uncompressed) return content.subarray(0, rawSize);
  return type === compressed ? decompress(content, rawSize) : undefined;
}

function decompress(content: Buffer, rawSize: number): Buffer {
  const dictionary = Buffer.alloc(dictionarySize);
  initialDictionary.copy(dictionary);
  let writeAt = initialDictionary.length;
  // What lies about its size must not take the room of it.
  const out = Buffer.allocUnsafe(Math.min(rawSize, content.length * 9));
  let length = 0;
  let at = 0;
  const put = (byte: number) => {
    out[length++] = byte;
    dictionary[writeAt] = byte;
    writeAt = (writeAt + 1) % dictionarySize;
  };
  while (at < content.length && length < out.length) {
    const control = content[at++] ?? 0;
    for (let bit = 0; bit < 8 && length < out.length; bit++) {
      if ((control & (1 << bit)) === 0) {
        if (at >= content.length) break;
        put(content[at++] ?? 0);
        continue;
      }
      if (at + 1 >= content.length) return out.subarray(0, length);
      const reference = content.readUInt16BE(at);
      at += 2;
      const offset = reference >> 4;
      // MS-OXRTFCP, Decompressing: a reference to the place that is written next ends the stream.
      if (offset === writeAt) return out.subarray(0, length);
      const count = (reference & 0xf) + 2;
      for (let n = 0; n < count && length < out.length; n++) {
        put(dictionary[(offset + n) % dictionarySize] ?? 0);
      }
    }
  }
  return out.subarray(0, length);
}
