import { Readable } from 'node:stream';
import { runCli } from '../../src/cli/program.ts';
import { VisitingPhone } from '../../src/visiting-phone.ts';

interface CommandOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command `mailstead`, as run in the data directory of a server. */
export async function runCommand(
  dataDir: string,
  args: readonly string[],
  { stdin = '', env = {} }: CommandOptions = {},
): Promise<CommandResult> {
  const written = { out: '', err: '' };
  const code = await runCli(args, {
    stdin: Readable.from([stdin]),
    print: (text) => {
      written.out += text;
    },
    complain: (text) => {
      written.err += text;
    },
    env: { MAILSTEAD_DATA: dataDir, ...env },
    cwd: dataDir,
    serve: () => Promise.reject(new Error('not here')),
    visit: async (options, signal) => new VisitingPhone(options, signal),
  });
  return { code, ...written };
}
