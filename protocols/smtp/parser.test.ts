import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { Parser } from './parser.ts';

interface Outcome {
  readonly message: string;
  /** The command lines after the message. */
  readonly commands: readonly string[];
}

/** Writes the chunks to a parser in DATA; gives the message once it has ended, undefined if it has not. */
async function parse(chunks: readonly Buffer[]): Promise<Outcome | undefined> {
  const parser = new Parser({ maxCommandLength: 100 });
  const commands: string[] = [];
  parser.oncommand = (line, done) => {
    commands.push(line.toString());
    done?.();
  };
  const stream = parser.startDataMode();
  const content = buffer(stream).then((bytes) => {
    parser.continue();
    return bytes.toString('latin1');
  });
  for (const chunk of chunks) {
    await new Promise<void>((resolve) => parser.write(chunk, () => resolve()));
  }
  if (parser._dataMode) {
    stream.end();
    await content;
    return undefined;
  }
  const message = await content;
  expect(stream.byteLength).toBe(message.length);
  return { message, commands };
}

const messages: readonly (readonly [sent: string, message: string])[] = [
  ['.\r\n', ''],
  ['\r\n.\r\n', '\r\n'],
  ['a\r\n.\r\n', 'a\r\n'],
  ['..\r\n.\r\n', '.\r\n'],
  ['...\r\n..\r\n..x\r\n.\r\n', '..\r\n.\r\n.x\r\n'],
  ['a..b\r\n.\r\n', 'a..b\r\n'],
  // Nothing of these ends a message: RFC 5321 §4.1.1.4.
  ['a\n.\nb\n.\r\nc\r\n.\nd\r.\re\r.\r\n.\r\n', 'a\n.\nb\n.\r\nc\r\n.\nd\r.\re\r.\r\n'],
  ['..\r\n\r\n..\r\r\n.\rx\r\n.\r\n', '.\r\n\r\n.\r\r\n.\rx\r\n'],
];

describe('Parser', () => {
  it.each(messages)('reads %j however it is cut', async (sent, message) => {
    const bytes = Buffer.from(`${sent}NEXT\r\n`, 'latin1');
    const expected = { message, commands: ['NEXT'] };
    expect(await parse([...bytes].map((byte) => Buffer.of(byte)))).toEqual(expected);
    for (let one = 0; one <= bytes.length; one++) {
      for (let two = one; two <= bytes.length; two++) {
        const chunks = [bytes.subarray(0, one), bytes.subarray(one, two), bytes.subarray(two)];
        expect(await parse(chunks.filter(({ length }) => length > 0))).toEqual(expected);
      }
    }
  });

  it('waits for the end of a message that has none', async () => {
    for (const sent of ['', '.', '.\r', 'a\r\n.\r', 'a\n.\r\n', 'a\r.\r\n', '..\r\n']) {
      expect(await parse([Buffer.from(sent)].filter(({ length }) => length > 0))).toBeUndefined();
    }
  });

  it('takes away a chunk full of dots without leaving its turn', () => {
    const parser = new Parser({ maxCommandLength: 100 });
    parser.startDataMode().resume();
    let isTaken = false;
    parser._feedDataStream(Buffer.from('..\r\n'.repeat(3_000)), () => {
      isTaken = true;
    });
    expect(isTaken).toBe(true);
    expect(parser.dataBytes).toBe(9_000);
  });
});
