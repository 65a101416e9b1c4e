/** Amazon's command line as Debian packages it: real processes, which know nothing of this machine's AWS accounts. */
import { execFile } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Credentials } from './aws-client.ts';
import type { TestServer } from './start-server.ts';
import { tempFolder } from './temp-store.ts';

/** Where the package has it. Another `aws` may be before it on the path. */
const program = '/usr/bin/aws';

/** Each takes a second of a core to start. */
const atOnce = 3;

/** Why it cannot be run; undefined if it can. */
export function awsCliMissing(): Promise<string | undefined> {
  return access(program).then(
    () => undefined,
    () => `there is no ${program} on this machine`,
  );
}

/** How a process ended. */
interface CliEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `aws workmail` at a home of its own; a few processes at once, which end with the test. */
export class AwsCli {
  /** An empty folder, removed when the test is over; programs in its `bin` come first. */
  readonly home: string;
  /** PEM file with the server's authority. */
  readonly caFile: string;
  private readonly endpoint: string;
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly over = new AbortController();

  private constructor(endpoint: string, home: string) {
    this.endpoint = endpoint;
    this.home = home;
    this.caFile = join(home, 'ca.pem');
  }

  static async for({ baseUrl, ca }: TestServer): Promise<AwsCli> {
    const cli = new AwsCli(baseUrl, await tempFolder());
    await writeFile(cli.caFile, ca);
    onTestFinished(() => cli.over.abort());
    return cli;
  }

  /** Runs `aws workmail <args>` with a key, on the server. */
  run({ accessKeyId, secretAccessKey }: Credentials, ...args: readonly string[]): Promise<CliEnd> {
    const server = ['--endpoint-url', this.endpoint, '--ca-bundle', this.caFile];
    return this.start(program, [...server, 'workmail', ...args], {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_DEFAULT_REGION: 'local',
      AWS_CONFIG_FILE: join(this.home, 'none'),
      AWS_SHARED_CREDENTIALS_FILE: join(this.home, 'none'),
    });
  }

  /** Runs any program there, with what `.aws` of the home says. */
  async start(file: string, args: readonly string[], more: Record<string, string> = {}): Promise<CliEnd> {
    if (this.running < atOnce) this.running++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    const env = {
      HOME: this.home,
      PATH: `${join(this.home, 'bin')}:/usr/bin:/bin`,
      LANG: 'C.UTF-8',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_PAGER: '',
      ...more,
    };
    try {
      return await ended(file, args, { env, cwd: this.home, signal: this.over.signal });
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}

function ended(
  file: string,
  args: readonly string[],
  options: { readonly env: Record<string, string>; readonly cwd: string; readonly signal: AbortSignal },
): Promise<CliEnd> {
  return new Promise((resolve) => {
    execFile(file, [...args], { ...options, timeout: 300_000 }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, out, err });
    });
  });
}
