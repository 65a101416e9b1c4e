import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Readable, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { describe, expect, test } from 'vitest';
import { DotStuffer, dataStream } from './dot-stuffing.ts';

/** Numbers in [0, below) that are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function stuffed(chunks: readonly Buffer[], isPlain = false): Buffer {
  const stuffer = new DotStuffer(isPlain);
  return Buffer.concat([...chunks.map((chunk) => stuffer.write(chunk)), stuffer.end()]);
}

function cut(message: Buffer, sizeOf: () => number): readonly Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const size = sizeOf();
    chunks.push(message.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const texts = (list: readonly string[]) => list.map((text) => Buffer.from(text, 'latin1'));

describe('DotStuffer', () => {
  test.each([
    ['a line of a dot gets another', ['a\r\n.\r\nb\r\n'], 'a\r\n..\r\nb\r\n.\r\n'],
    ['as does one that only begins with it, and several', ['.a\r\n..b\r\n'], '..a\r\n...b\r\n.\r\n'],
    ['a dot elsewhere gets none', ['a.b\r\nc.\r\n'], 'a.b\r\nc.\r\n.\r\n'],
    ['the line may have begun in the chunk before', ['a\r\n', '.b\r\n'], 'a\r\n..b\r\n.\r\n'],
    ['and its end may be in two chunks', ['a\r', '\n.b\r', '\n', '.'], 'a\r\n..b\r\n..\r\n.\r\n'],
    ['a dot after a dot at the end of a chunk gets none', ['a\r\n.', '.b\r\n'], 'a\r\n...b\r\n.\r\n'],
    ['the last line ends', ['a'], 'a\r\n.\r\n'],
    ['whatever of its end is there', ['a\r'], 'a\r\n.\r\n'],
    ['an empty message is one empty line', [], '\r\n.\r\n'],
    ['empty chunks change nothing', ['', 'a\r\n', '', '.\r\n'], 'a\r\n..\r\n.\r\n'],
    ['a bare LF becomes CR LF', ['a\nb\n.\nc\r\n'], 'a\r\nb\r\n..\r\nc\r\n.\r\n'],
    ['a bare CR does, and hides no dot', ['a\rb\r.\rc\r\n'], 'a\r\nb\r\n..\r\nc\r\n.\r\n'],
    ['a bare CR at the end of a chunk too', ['a\r', '.b\r', 'c\r\n'], 'a\r\n..b\r\nc\r\n.\r\n'],
  ])('%s', (_rule, chunks, expected) => {
    expect(stuffed(texts(chunks)).toString('latin1')).toBe(expected);
  });

  test('2,000 random messages become what nodemailer makes of them', async () => {
    const below = numbers(20_260_101);
    const pieces = texts([
      '.',
      '..',
      '\r\n',
      '\r\n.',
      '\r\n.\r\n',
      'abc',
      ' x.y',
      'z'.repeat(90),
      '\xe4\xff',
      '\r',
      '\n',
    ]);
    for (let n = 0; n < 2_000; n++) {
      // Half of them have line ends that are whole.
      const kinds = n % 2 === 0 ? pieces.length : pieces.length - 2;
      const message = Buffer.concat(
        Array.from({ length: below(60) }, () => pieces[below(kinds)] ?? Buffer.of()),
      );
      const chunks = cut(message, () => 1 + below(n % 3 === 0 ? 5 : 400));
      expect(
        stuffed(chunks).equals(await stuffedByNodemailer(chunks)),
        JSON.stringify(message.toString('latin1')),
      ).toBe(true);
      if (/\r(?!\n)|(?<!\r)\n|(?<![^\n])\./.test(message.toString('latin1'))) continue;
      expect(stuffed(chunks, true).equals(stuffed(chunks))).toBe(true);
    }
  });
});

/** What nodemailer pipes a message through, as it hands it to a message's `pipe`. */
async function stuffedByNodemailer(chunks: readonly Buffer[]): Promise<Buffer> {
  const { _createSendStream: create } = SMTPConnection.prototype as unknown as {
    _createSendStream: (this: unknown, callback: () => void) => Transform;
  };
  const out: Buffer[] = [];
  const socket = new Transform({
    transform: (chunk, _encoding, done) => {
      out.push(chunk);
      done();
    },
  });
  const logger = { info: () => undefined };
  const stream = create.call(
    { _envelope: {}, options: {}, _responseActions: [], _socket: socket, logger },
    () => undefined,
  );
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await once(stream, 'end');
  return Buffer.concat(out);
}

describe('dataStream', () => {
  test('nodemailer sends a message of dots with one stuffing, ours', async () => {
    const message = Buffer.from(`Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n${'.b\r\n'.repeat(50_000)}last.`);
    const below = numbers(3);
    const stream = dataStream(Readable.from(cut(message, () => 1 + below(20_000))));
    let isOurs = false;
    const { pipe } = stream;
    stream.pipe = (destination, options) => {
      const piped = pipe.call(stream, destination, options) as typeof destination;
      isOurs = Object.hasOwn(destination, '_transform') && Object.hasOwn(destination, '_flush');
      return piped;
    };
    const received = await sentBy(stream);
    expect(isOurs).toBe(true);
    expect(received.equals(Buffer.concat([stuffed([message])]))).toBe(true);
  });

  test('what is known to be plain is not looked at', async () => {
    const received = await sentBy(dataStream(Readable.from(texts(['a\r\n', '.b\r\n'])), true));
    expect(received.toString()).toBe('a\r\n.b\r\n.\r\n');
  });

  test('what does not pipe it gets it as it is', async () => {
    const chunks = texts(['.a\r\n', '.']);
    expect((await buffer(dataStream(Readable.from(chunks)))).toString()).toBe('.a\r\n.');
  });
});

/** The bytes after DATA that nodemailer sends for a message. */
async function sentBy(message: Readable): Promise<Buffer> {
  const data: Buffer[] = [];
  const server = createServer((socket) => answer(socket, data));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const connection = new SMTPConnection({ host: '127.0.0.1', port, ignoreTLS: true });
  try {
    await new Promise<void>((resolve, reject) =>
      connection.connect((error) => (error ? reject(error) : resolve())),
    );
    await new Promise<void>((resolve, reject) => {
      connection.send({ from: 'a@a.example', to: ['b@b.example'] }, message, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  } finally {
    connection.close();
    server.close();
  }
  return Buffer.concat(data);
}

function answer(socket: Socket, data: Buffer[]): void {
  let isData = false;
  socket.write('220 here\r\n');
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    if (isData) {
      data.push(chunk);
      isData = !Buffer.concat(data.slice(-5)).toString('latin1').endsWith('\r\n.\r\n');
      if (!isData) socket.write('250 taken\r\n');
      return;
    }
    const line = chunk.toString();
    isData = line.startsWith('DATA');
    socket.write(isData ? '354 go on\r\n' : '250 ok\r\n');
  });
}
