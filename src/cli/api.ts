import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { ApiError, type Output } from './admin-client.ts';
import { Session } from './session.ts';
import { type Terminal, UsageError } from './terminal.ts';

/** addApi adds `api`: any operation, its input and output as they are. */
export function addApi(program: Command, terminal: Terminal): void {
  program
    .command('api')
    .description('call any operation of the API')
    .argument('<Operation>', 'WorkMailService.X or Mailstead.X; the prefix may be left out')
    .argument('[JSON]', 'its input; "-" reads standard input', '{}')
    .action(async (operation: string, json: string, _options, command: Command) => {
      const input = parseInput(json === '-' ? await text(terminal.stdin) : json);
      const output = await call(new Session(terminal, command), operation, input);
      terminal.print(`${JSON.stringify(output, null, 2)}\n`);
    });
}

/** An operation without prefix is looked for in both services. */
async function call({ client }: Session, operation: string, input: object): Promise<Output> {
  if (operation.includes('.')) return client.call(operation, input);
  try {
    return await client.call(`WorkMailService.${operation}`, input);
  } catch (error) {
    if (!(error instanceof ApiError) || error.type !== 'UnknownOperationException') throw error;
    return client.call(`Mailstead.${operation}`, input);
  }
}

function parseInput(json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below, for whatever is no JSON object.
  }
  throw new UsageError('The input must be a JSON object such as \'{"OrganizationId":"m-..."}\'.');
}
