import { afterEach, expect, test, vi } from 'vitest';
import type { SendableMail } from './relay-messages.ts';
import { ThreadConnection } from './thread-connection.ts';

afterEach(() => void vi.useRealTimers());

const host = {
  name: 'next.example',
  address: '192.0.2.1',
  port: 25,
  isSecure: false,
  isConfigured: false,
  tls: 'any',
  login: undefined,
} as const;
const recipients = [{ address: 'bob@one.example' }];
const mail: SendableMail = {
  reversePath: 'alice@ours.example',
  size: 3,
  async *open() {
    yield Buffer.from('x\r\n');
  },
  signing: {
    keysFor: async (authors) => ({ authors, keys: [], atMs: 7 }),
    failed: () => undefined,
  },
};

/** A connection to a thread that says what the test lets it say. */
function start() {
  const told: unknown[] = [];
  const calls: string[] = [];
  const connection = new ThreadConnection(
    {
      host,
      tell: (message) => void told.push(message),
      onOver: () => void calls.push('over'),
      onStuck: () => void calls.push('stuck'),
    },
    'next.example',
  );
  return { connection, told, calls };
}

test('a small message goes in one piece, with the keys that most mail of its sender needs', async () => {
  const { connection, told } = start();
  const sending = connection.send(mail, recipients);
  await expect.poll(() => told.length).toBe(1);
  const presumed = { authors: ['ours.example'], keys: [], atMs: 7 };
  expect(told).toMatchObject([
    { kind: 'send', mail: { whole: Uint8Array.from(Buffer.from('x\r\n')), presumed }, recipients },
  ]);
  connection.take({ session: 1, kind: 'sent', outcomes: [], isUsable: true });
  expect(await sending).toEqual([]);
  expect(connection.isUsable).toBe(true);
});

test('a thread that does not break off is stuck after ten seconds; one that does is not', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  for (const answers of [true, false]) {
    const { connection, told, calls } = start();
    const sending = connection.send(mail, recipients);
    await vi.waitUntil(() => told.length === 1);
    connection.close();
    expect(told.at(-1)).toEqual({ kind: 'close' });
    expect(connection.isUsable).toBe(false);
    if (answers) {
      connection.take({ session: 1, kind: 'sent', outcomes: [], isUsable: false });
      await sending;
    }
    await vi.advanceTimersByTimeAsync(10_000);
    expect(calls).toEqual(answers ? ['over'] : ['stuck']);
    if (answers) continue;
    connection.fail(new Error('Local error in processing'));
    await expect(sending).rejects.toThrow('Local error in processing');
    expect(calls).toEqual(['stuck', 'over']);
  }
});

test('a session that ends while its message is read from the store has sent nothing', async () => {
  const { connection, told, calls } = start();
  const sending = connection.send({ ...mail, open: () => neverRead() }, recipients);
  connection.take({ session: 1, kind: 'ended' });
  expect(await sending).toMatchObject([{ kind: 'deferred', status: '4.4.2' }]);
  expect(told).toEqual([]);
  expect(calls).toEqual(['over']);
});

async function* neverRead(): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined);
  yield Buffer.alloc(0);
}
