/** What the SMTP bench sends and where it ends: Postfix's smtp-source and smtp-sink. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { freePort } from '#test/support/postfix';

export interface Load {
  readonly sessions: number;
  readonly bytes: number;
  readonly messages: number;
}

/** Sends messages; resolves when each was answered with 250. */
export async function send(address: string, to: string, { sessions, bytes, messages }: Load): Promise<void> {
  const numbers = ['-s', sessions, '-l', bytes, '-m', messages].map(String);
  await promisify(execFile)('smtp-source', ['-d', '-f', 'a@away.example', '-t', to, ...numbers, address]);
}

/** A running smtp-sink, which counts what it takes. */
export interface Sink {
  readonly port: number;
  /** Resolves when it has taken so many messages since it was started. */
  taken(count: number): Promise<void>;
  stop(): void;
}

/** Starts smtp-sink on a free port of loopback. */
export async function startSink(): Promise<Sink> {
  const port = await freePort();
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child: ChildProcess = spawn(
    'smtp-sink',
    ['-4', '-c', ...user, '-m', '500', `127.0.0.1:${port}`, '500'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  process.once('exit', () => child.kill('SIGKILL'));
  let seen = 0;
  let look: () => void = () => undefined;
  // `\rsess=1 quit=0 mesg=20`, again with every message.
  child.stdout?.on('data', (text: Buffer) => {
    const counts = [...text.toString().matchAll(/mesg=(\d+)/g)];
    seen = Math.max(seen, ...counts.map(([, count]) => Number(count)));
    look();
  });
  while (!(await isOpen(port))) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    port,
    taken: (count) =>
      new Promise((resolve) => {
        look = () => {
          if (seen >= count) resolve();
        };
        look();
      }),
    stop: () => void child.kill('SIGKILL'),
  };
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
