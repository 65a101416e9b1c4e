/** Programs of others that tests talk to. Where one is absent its tests are skipped, and the output says why. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { awsCliMissing } from './aws-cli.ts';
import { freePort, type Postfix, type PostfixOptions, postfixMissing, startPostfix } from './postfix.ts';

/** What a test needs of the machine. */
type Peer = 'aws' | 'postfix' | 'swaks' | 'smtp-source' | 'smtp-sink' | 'rspamd';

/** `test` for those that need `peers`. With MAILSTEAD_PEERS=required an absent one makes the file fail. */
export async function testWith(...peers: readonly Peer[]): Promise<typeof test.skip> {
  const reasons = (await Promise.all(peers.map(missing))).filter((reason) => reason !== undefined);
  if (reasons.length === 0) return test;
  const reason = reasons.join(', ');
  if (process.env['MAILSTEAD_PEERS'] === 'required') throw new Error(`a peer is missing: ${reason}`);
  console.warn(`skipped: ${reason}`);
  return test.skip;
}

async function missing(peer: Peer): Promise<string | undefined> {
  if (peer === 'aws') return awsCliMissing();
  if (peer === 'postfix') return postfixMissing();
  if ((await findProgram(peer)) === undefined) return `there is no ${peer} on this machine`;
  const hasTls = peer !== 'swaks' || /TLS supported/.test((await runPeer('swaks', ['--support'])).output);
  return hasTls ? undefined : 'swaks speaks TLS only with the package libnet-ssleay-perl';
}

/** Where a program is; /usr/sbin is not on the path of every user. */
async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']) {
    const path = join(folder, name);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** A Postfix for one test, stopped and removed when it is over. */
export async function postfixForTest(options: PostfixOptions = {}): Promise<Postfix> {
  const folder = await mkdtemp(join(tmpdir(), 'mailstead-postfix-'));
  // Postfix works under a user of its own.
  await chmod(folder, 0o755);
  const postfix = await startPostfix(join(folder, 'postfix'), options);
  onTestFinished(async () => {
    await postfix.stop();
    await rm(folder, { recursive: true });
  });
  return postfix;
}

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a program to its end. */
export async function runPeer(peer: Peer, args: readonly string[]): Promise<Ended> {
  const path = (await findProgram(peer)) ?? peer;
  return new Promise((resolve) => {
    const options = { maxBuffer: 256 * 1024 * 1024, timeout: 120_000 };
    execFile(path, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

/** smtp-sink on a port of its own, until the test is over; gives the port. It takes mail and throws it away, or does what `args` say. */
export async function startSmtpSink(args: readonly string[] = []): Promise<number> {
  const port = await freePort();
  const path = (await findProgram('smtp-sink')) ?? 'smtp-sink';
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(path, ['-4', ...user, ...args, `127.0.0.1:${port}`, '100'], { stdio: 'ignore' });
  onTestFinished(async () => {
    const exited = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  await untilOpen(port);
  return port;
}

/** Resolves once something listens on a port. */
async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
