/** The real server as a process of its own, the way an administrator starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface ProcessOptions {
  readonly dataDir: string;
  /** The program and its arguments; `serve` of the sources if absent. */
  readonly command?: readonly string[];
  /** Beside the data directory and free loopback ports, which are set already. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** In a process group of its own, so that a test can signal the group. */
  readonly ownGroup?: boolean;
}

/** How a process ended. */
interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** ServerProcess runs the server, keeps what it says, and is killed when the test is over. */
export class ServerProcess {
  readonly child: ChildProcess;
  /** Standard output, line by line. */
  readonly output: string[] = [];
  /** Standard error, line by line. */
  readonly complaints: string[] = [];
  readonly exited: Promise<Exit>;
  /** Resolves with the bound addresses by listener name; `undefined` if the process ended before it was ready. */
  readonly ready: Promise<Readonly<Record<string, string>> | undefined>;
  readonly #watchers = new Set<() => void>();

  constructor({ dataDir, command = [process.execPath, main, 'serve'], ...options }: ProcessOptions) {
    const [program = '', ...args] = command;
    this.child = spawn(program, args, {
      cwd: options.cwd,
      detached: options.ownGroup === true,
      stdio: ['ignore', 'pipe', 'pipe'],
      // The environment of a shell, and where Node keeps what it compiled: nothing of the npm that runs the tests.
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        MAILSTEAD_DATA: dataDir,
        MAILSTEAD_HOSTNAME: 'localhost',
        ...freePorts,
        ...options.settings,
      },
    });
    this.exited = this.#untilClosed();
    this.ready = this.#untilReady();
    const kill = () => this.child.kill('SIGKILL');
    onTestFinished(async () => {
      kill();
      await this.exited;
    });
  }

  /** Starts a server and waits for it. Rejects with what it complained of when it does not come up. */
  static async start(options: ProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    await server.addresses();
    return server;
  }

  /** The bound addresses. Rejects with what the process complained of when it does not come up. */
  async addresses(): Promise<Readonly<Record<string, string>>> {
    const addresses = await this.ready;
    if (addresses === undefined) throw new Error(`the server ended:\n${this.complaints.join('\n')}`);
    return addresses;
  }

  /** The address of a listener, as `host:port`. */
  async address(listener: string): Promise<string> {
    return (await this.addresses())[listener] ?? '';
  }

  /** Signals the process and waits for its end. */
  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.child.kill(signal);
    return this.exited;
  }

  /** Resolves once the server has logged such an event. Rejects when it ended without. */
  async logged(event: string, fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const wanted = Object.entries({ event, ...fields });
    const isThere = () =>
      this.complaints.some((line) => {
        const entry = jsonOf(line);
        return wanted.every(([name, value]) => entry[name] === value);
      });
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!isThere()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
      void this.exited.then(() => reject(new Error(`the server ended without ${event}`)));
    });
  }

  async #untilClosed(): Promise<Exit> {
    const [code, signal] = await once(this.child, 'close');
    return { code, signal };
  }

  #untilReady(): Promise<Readonly<Record<string, string>> | undefined> {
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new TypeError('the output of the server is piped');
    createInterface(stderr).on('line', (line) => {
      this.complaints.push(line);
      for (const look of [...this.#watchers]) look();
    });
    return new Promise((resolve) => {
      createInterface(stdout).on('line', (line) => {
        this.output.push(line);
        if (line.startsWith('ready ')) resolve(JSON.parse(line.slice('ready '.length)));
      });
      void this.exited.then(() => resolve(undefined));
    });
  }
}

const freePorts = Object.fromEntries(
  ['SMTP', 'SUBMISSION', 'SUBMISSIONS', 'HTTPS', 'HTTP', 'METRICS'].map((name) => [
    `MAILSTEAD_LISTEN_${name}`,
    '127.0.0.1:0',
  ]),
);

function jsonOf(line: string): Readonly<Record<string, unknown>> {
  return line.startsWith('{') ? JSON.parse(line) : {};
}
