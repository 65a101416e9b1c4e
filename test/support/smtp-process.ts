import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A mail server in a process of its own (bench/smtp-server.ts), for what only a process shows. */
export interface SmtpProcess {
  /** host:port; every recipient there is the one mailbox. */
  readonly address: string;
  /** Stops it and gives what it counted. */
  stop(): Promise<{ readonly items: number; readonly peakRssKiB: number; readonly cpuMs: number }>;
}

/** Starts one with its data in `folder`. It dies with this process. */
export async function startSmtpProcess(folder: string): Promise<SmtpProcess> {
  const script = join(import.meta.dirname, '../../bench/smtp-server.ts');
  const child: ChildProcess = spawn(process.execPath, [script, folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  if (!child.stdout) throw new Error('the server has no output');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  return {
    address: await next(),
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const counted = JSON.parse(await next());
      await exited;
      process.removeListener('exit', kill);
      return counted;
    },
  };
}
