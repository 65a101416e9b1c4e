import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { type AdminClient, ApiError, type Output } from './admin-client.ts';
import { Session } from './session.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';

/** addApi adds `api`: any operation, its input and output as they are. */
export function addApi(program: Command, terminal: Terminal): void {
  program
    .command('api')
    .description('call any operation of the API')
    .argument('<Operation>', 'WorkMailService.X or Mailstead.X; the prefix may be left out')
    .argument('[JSON]', 'its input; @FILE reads a file, "-" standard input', '{}')
    .action(async (operation: string, json: string, _options, command: Command) => {
      const input = parseInput(await textOf(json, terminal));
      const output = await call(new Session(terminal, command), operation, input);
      terminal.print(`${JSON.stringify(output, null, 2)}\n`);
    });
}

/** An operation without prefix is looked for in both services. */
async function call({ client }: Session, operation: string, input: object): Promise<Output> {
  const names = operation.includes('.')
    ? [operation]
    : [`WorkMailService.${operation}`, `Mailstead.${operation}`];
  for (const name of names) {
    try {
      return await client.call(name, input);
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
  }
  throw new CliError(
    `UnknownOperationException: There is no operation ${operation}. ${await adviceFor(client, operation)}`,
  );
}

function isUnknown(error: unknown): boolean {
  return error instanceof ApiError && error.type === 'UnknownOperationException';
}

const maxNear = 3;

async function adviceFor(client: AdminClient, operation: string): Promise<string> {
  const { Operations } = await client.call('Mailstead.ListOperations').catch((error: unknown): Output => {
    if (isUnknown(error)) return {};
    throw error;
  });
  const wanted = plain(operation);
  const near = (Array.isArray(Operations) ? Operations.map(String) : [])
    .map((name) => ({ name, distance: distanceOf(wanted, plain(name)) }))
    .filter(({ name, distance }) => distance <= Math.max(2, plain(name).length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, maxNear)
    .map(({ name }) => name.replace(/^.*\./, ''));
  if (near.length > 0) return `Did you mean ${near.join(' or ')}?`;
  return 'This server does not serve it: "mailstead api ListOperations" shows what it does.';
}

function plain(operation: string): string {
  return operation.replace(/^.*\./, '').toLowerCase().slice(0, 100);
}

/** How many letters to put in, take out or change make the one of the other. */
function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const changed = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

async function textOf(json: string, { stdin, cwd }: Terminal): Promise<string> {
  if (json === '-') return text(stdin);
  if (!json.startsWith('@')) return json;
  const file = resolve(cwd, json.slice(1));
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError(`The file ${file} cannot be read: ${error instanceof Error ? error.message : error}.`);
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
