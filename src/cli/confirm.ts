import { createInterface } from 'node:readline';
import { CliError, type Terminal, UsageError } from './terminal.ts';

/**
 * confirmName makes sure that a name is meant: as `given` with --confirm, else it is asked for on the terminal. Throws UsageError
 * for another one given, CliError for another one typed.
 */
export async function confirmName(
  name: string,
  given: string | undefined,
  warning: string,
  terminal: Terminal,
): Promise<void> {
  if (given !== undefined) {
    if (given === name) return;
    throw new UsageError(`--confirm ${given} is not "${name}". Nothing is done.`);
  }
  terminal.complain(`${warning}\nType "${name}" to go on: `);
  if ((await firstLine(terminal)).trim() === name) return;
  throw new CliError('That is another name. Nothing is done.');
}

async function firstLine({ stdin }: Terminal): Promise<string> {
  const lines = createInterface({ input: stdin });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
  }
}
