import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatTable } from './table.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';

/** addUserRules adds `user rules show|set`. */
export function addUserRules(user: Command, terminal: Terminal): void {
  const rules = user.command('rules').description('the rules for mail that comes to the Inbox of a user');
  withOrganization(rules.command('show'))
    .description('show them; --json gives what "set" takes')
    .argument('<user>', 'address, name or id')
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const UserId = await session.userId(OrganizationId, who);
      session.show(
        await session.client.call('Mailstead.GetMailRules', { OrganizationId, UserId }),
        formatRules,
      );
    });
  withOrganization(rules.command('set'))
    .description('put rules in the place of all there are')
    .argument('<user>', 'address, name or id')
    .argument(
      '<file>',
      'JSON: {"Rules":[{"Name":"...","Conditions":{...},"Actions":{...}}]}; "-" is standard input',
    )
    .action(async (who: string, file: string, _options, command: Command) => {
      const Rules = rulesIn(file === '-' ? await text(terminal.stdin) : await contentOf(file, terminal));
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const UserId = await session.userId(OrganizationId, who);
      const input = { OrganizationId, UserId, Rules };
      session.show(await session.client.call('Mailstead.PutMailRules', input), formatRules);
    });
}

async function contentOf(file: string, { cwd }: Terminal): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw new CliError(`The file ${file} cannot be read.`, { cause });
  }
}

function rulesIn(json: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(json);
    const rules = Array.isArray(value) ? value : (value as { readonly Rules?: unknown } | null)?.Rules;
    if (Array.isArray(rules)) return rules;
  } catch {
    // Said below, for whatever is no list of rules.
  }
  throw new UsageError('The rules must be JSON such as {"Rules":[]}; "show --json" prints an example.');
}

function formatRules({ Rules }: Output): string {
  const rows = recordsOf(Rules).map(({ Name, Enabled, Conditions, Exceptions, Actions, StopProcessing }) => [
    Name,
    Enabled === false ? 'off' : 'on',
    summary(Conditions) || 'every message',
    summary(Exceptions),
    `${summary(Actions)}${StopProcessing === true ? '; stop' : ''}`,
  ]);
  return rows.length === 0
    ? 'There are no rules.\n'
    : formatTable(['NAME', '', 'IF', 'EXCEPT', 'THEN'], rows);
}

function summary(members: unknown): string {
  return Object.entries((members ?? {}) as object)
    .map(([name, value]) =>
      value === true ? name : `${name}=${Array.isArray(value) ? value.join(',') : value}`,
    )
    .join('; ');
}
