/** A real OpenDKIM (Debian's package) that signs for Postfix, as Mailstead signs what it relays. */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const program = '/usr/sbin/opendkim';

/** A running OpenDKIM. */
export interface OpenDkim {
  /** What smtpd_milters of Postfix names it by. */
  readonly milter: string;
  stop(): void;
}

/** Starts one in `folder`, which is absent before: RSA 2048, relaxed/relaxed. Undefined if the machine has none. */
export async function startOpenDkim(folder: string, domain: string): Promise<OpenDkim | undefined> {
  if (!(await isThere(program))) return undefined;
  const socket = join(folder, 'socket');
  // Postfix works under a user of its own.
  await mkdir(folder, { mode: 0o755 });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = join(folder, 'key.pem');
  await writeFile(key, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  const settings = {
    Socket: `local:${socket}`,
    UMask: '000',
    Domain: domain,
    Selector: 'bench',
    KeyFile: key,
    Mode: 's',
    Canonicalization: 'relaxed/relaxed',
    InternalHosts: '127.0.0.1',
    Syslog: 'no',
    PidFile: join(folder, 'pid'),
  };
  const conf = join(folder, 'opendkim.conf');
  await writeFile(
    conf,
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}\n`)
      .join(''),
  );
  const child: ChildProcess = spawn(program, ['-f', '-x', conf], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  while (!(await isThere(socket))) {
    if (child.exitCode !== null) throw new Error(`opendkim ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { milter: `unix:${socket}`, stop: () => void child.kill('SIGKILL') };
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
