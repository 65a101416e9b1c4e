/** Mailstead as an operator starts it: a process of its own, loopback, real TLS, its data in a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EntityId, type MailboxRef, mailboxOf, type OrganizationId } from '#domain/ids';
import { AdminClient } from '../../src/cli/admin-client.ts';

export interface User {
  readonly address: string;
  readonly password: string;
  readonly ref: MailboxRef;
}

/** A running server and what reaches it. */
export class Site {
  readonly #folder: string;
  #child: ChildProcess;
  #addresses: Readonly<Record<string, string>>;
  #ca: string;

  private constructor(folder: string, started: Started) {
    this.#folder = folder;
    this.#child = started.child;
    this.#addresses = started.addresses;
    this.#ca = started.ca;
  }

  /** Starts a server on an empty data directory, with an organisation of alias `bench`; `toml` are settings beside ours. */
  static async start(toml = ''): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), 'mailstead-bench-'));
    await writeFile(join(folder, 'mailstead.toml'), toml);
    const site = new Site(folder, await startServer(folder));
    await site.#admin.call('WorkMailService.CreateOrganization', { Alias: 'bench' });
    return site;
  }

  /** `https://127.0.0.1:<port>`. */
  get baseUrl(): string {
    return `https://${this.#addresses['https']}`;
  }

  /** `127.0.0.1:<port>`. */
  get smtp(): string {
    return this.#addresses['smtp'] ?? '';
  }

  /** PEM of the authority that signed the certificate. */
  get ca(): string {
    return this.#ca;
  }

  /** PEM files of the server's certificate and its private key. */
  get certificate(): { readonly cert: string; readonly key: string } {
    const tls = join(this.#folder, 'data', 'tls');
    return { cert: join(tls, 'cert.pem'), key: join(tls, 'key.pem') };
  }

  /** Processor time so far and memory now. */
  get usage(): Usage {
    return usageOf(this.#child.pid ?? 0);
  }

  async addUser(name: string): Promise<User> {
    const listed = await this.#admin.call('WorkMailService.ListOrganizations');
    const [{ OrganizationId } = {}] = listed['OrganizationSummaries'] as {
      OrganizationId?: OrganizationId;
    }[];
    if (OrganizationId === undefined) throw new Error('there is no organisation');
    const user = { address: `${name}@bench.mailstead.test`, password: `Secret-of-${name}-1` };
    const created = await this.#admin.call('WorkMailService.CreateUser', {
      OrganizationId,
      Name: name,
      DisplayName: name,
      Password: user.password,
    });
    await this.#admin.call('WorkMailService.RegisterToWorkMail', {
      OrganizationId,
      EntityId: created['UserId'],
      Email: user.address,
    });
    const mailbox = mailboxOf(created['UserId'] as EntityId);
    return { ...user, ref: { organization: OrganizationId, mailbox } };
  }

  /** Lets something work on the data directory while the server is stopped. */
  async whileStopped<T>(work: (data: string) => Promise<T>): Promise<T> {
    await this.#end();
    const done = await work(join(this.#folder, 'data'));
    await this.#begin();
    return done;
  }

  /** Waits until the server has logged an event once more than so often; false if it has not in so many milliseconds. */
  async logged(event: string, before: number, longestMs: number): Promise<boolean> {
    const endMs = performance.now() + longestMs;
    while ((await this.timesLogged(event)) <= before) {
      if (performance.now() > endMs) return false;
      await sleep(500);
    }
    return true;
  }

  /** How often the server has logged an event. */
  async timesLogged(event: string): Promise<number> {
    const log = await readFile(join(this.#folder, 'log'), 'utf8');
    return log.split(`"event":"${event}"`).length - 1;
  }

  /** Stops the server and starts it on the same data: its memory is that of a server which has not done much yet. */
  async restart(): Promise<void> {
    await this.#end();
    await this.#begin();
  }

  /** Stops the server and removes its data. */
  async stop(): Promise<void> {
    await this.#end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #begin(): Promise<void> {
    const { child, addresses, ca } = await startServer(this.#folder);
    this.#child = child;
    this.#addresses = addresses;
    this.#ca = ca;
  }

  async #end(): Promise<void> {
    if (this.#child.exitCode !== null) throw new Error(`the server ended with ${this.#child.exitCode}`);
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }

  get #admin(): AdminClient {
    return new AdminClient(join(this.#folder, 'data', 'admin.sock'));
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly addresses: Readonly<Record<string, string>>;
  readonly ca: string;
}

const root = join(import.meta.dirname, '..', '..');

/**
 * Starts what `npm start` starts. `BENCH_NODE_OPTIONS` are the options of the server's own node:
 * `--cpu-prof --cpu-prof-dir=DIR` shows where its time goes.
 */
async function startServer(folder: string): Promise<Started> {
  const data = join(folder, 'data');
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const child = spawn('sh', ['-c', `${scripts.start} --no-quick-setup --data '${data}'`], {
    cwd: root,
    env: {
      ...process.env,
      PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH']}`,
      NODE_OPTIONS: process.env['BENCH_NODE_OPTIONS'] ?? '',
      MAILSTEAD_CONFIG: join(folder, 'mailstead.toml'),
      MAILSTEAD_HOSTNAME: 'localhost',
      MAILSTEAD_LISTEN_SMTP: '127.0.0.1:0',
      MAILSTEAD_LISTEN_HTTPS: '127.0.0.1:0',
      MAILSTEAD_LISTEN_HTTP: '',
      MAILSTEAD_LISTEN_SUBMISSION: '',
      MAILSTEAD_LISTEN_SUBMISSIONS: '',
      MAILSTEAD_LISTEN_METRICS: '',
    },
    stdio: ['ignore', 'pipe', openSync(join(folder, 'log'), 'a')],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const addresses = await readyLine(child, join(folder, 'log'));
  return { child, addresses, ca: await readFile(join(data, 'tls', 'ca.pem'), 'utf8') };
}

async function readyLine(child: ChildProcess, log: string): Promise<Record<string, string>> {
  if (!child.stdout) throw new Error('the server has no output');
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('ready ')) return JSON.parse(line.slice('ready '.length));
  }
  throw new Error(`the server did not get ready: ${readFileSync(log, 'utf8')}`);
}

/** What a process has taken of the machine. */
export interface Usage {
  readonly cpuMs: number;
  readonly residentKiB: number;
  /** Of it what is not a mapped file: LevelDB maps its tables, and the system takes those pages back when it wants them. */
  readonly anonymousKiB: number;
  /** The most that was ever resident. */
  readonly peakKiB: number;
}

/** Reads a process's usage (Linux). */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // proc(5): utime and stime are fields 14 and 15, in hundredths of a second; the name before them ends with ')'.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
    residentKiB: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]),
    anonymousKiB: Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1]),
    peakKiB: Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]),
  };
}
