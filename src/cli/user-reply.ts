import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { Session, withOrganization } from './session.ts';
import { formatFields, formatTime } from './table.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';

interface SetOptions {
  readonly internal?: string;
  readonly internalFile?: string;
  readonly external?: string;
  readonly externalFile?: string;
  readonly audience?: string;
  readonly html?: boolean;
  readonly from?: string;
  readonly until?: string;
}

/** addUserReply adds `user reply show|set|off`. */
export function addUserReply(user: Command, terminal: Terminal): void {
  const reply = user.command('reply').description('the automatic reply of a user who is away');
  withOrganization(reply.command('show'))
    .description('show it')
    .argument('<user>', 'address, name or id')
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const owner = await ownerOf(session, who);
      session.show(await session.client.call('Mailstead.GetAutomaticReply', owner), formatReply);
    });
  withOrganization(reply.command('set'))
    .description('turn it on, now or for a time; what is not given stays as it is')
    .argument('<user>', 'address, name or id')
    .option('--internal <text>', 'what those of the same organisation are told')
    .option('--internal-file <file>', 'the same, from a file')
    .option('--external <text>', 'what others are told')
    .option('--external-file <file>', 'the same, from a file')
    .option(
      '--audience <who>',
      'which others: none, known (the user has written to them), all; all if there was none',
    )
    .option('--html', 'the texts given are HTML')
    .option('--from <time>', 'such as 2026-12-24T18:00Z; needs --until')
    .option('--until <time>', 'needs --from')
    .action(async (who: string, options: SetOptions, command: Command) => {
      const changes = await changesOf(options, terminal);
      const session = new Session(terminal, command);
      await change(session, who, changes);
    });
  withOrganization(reply.command('off'))
    .description('turn it off; the texts are kept')
    .argument('<user>', 'address, name or id')
    .action((who: string, _options, command: Command) =>
      change(new Session(terminal, command), who, { State: 'DISABLED' }),
    );
}

async function ownerOf(
  session: Session,
  who: string,
): Promise<{ readonly OrganizationId: string; readonly UserId: string }> {
  const OrganizationId = await session.organizationId();
  return { OrganizationId, UserId: await session.userId(OrganizationId, who) };
}

async function change(session: Session, who: string, changes: Output): Promise<void> {
  const owner = await ownerOf(session, who);
  const before = await session.client.call('Mailstead.GetAutomaticReply', owner);
  const isFirst = changes['ExternalMessage'] !== undefined && before['ExternalAudience'] === 'NONE';
  const input = { ...before, ...(isFirst && { ExternalAudience: 'ALL' }), ...changes, ...owner };
  session.show(await session.client.call('Mailstead.PutAutomaticReply', input), formatReply);
}

async function changesOf(options: SetOptions, terminal: Terminal): Promise<Output> {
  const { audience, html = false, from, until } = options;
  if ((from === undefined) !== (until === undefined)) throw new UsageError('Give both --from and --until.');
  if (audience !== undefined && !/^(?:none|known|all)$/i.test(audience)) {
    throw new UsageError('--audience is none, known or all.');
  }
  const internal = await textOf(options.internal, options.internalFile, terminal);
  const external = await textOf(options.external, options.externalFile, terminal);
  const bodyType = html ? 'HTML' : 'TEXT';
  return {
    State: from === undefined ? 'ENABLED' : 'SCHEDULED',
    ...(from !== undefined && until !== undefined && { StartTime: timeOf(from), EndTime: timeOf(until) }),
    ...(internal !== undefined && { InternalMessage: internal, InternalBodyType: bodyType }),
    ...(external !== undefined && { ExternalMessage: external, ExternalBodyType: bodyType }),
    ...(audience !== undefined && { ExternalAudience: audience.toUpperCase() }),
  };
}

async function textOf(
  text: string | undefined,
  file: string | undefined,
  { cwd }: Terminal,
): Promise<string | undefined> {
  if (text !== undefined && file !== undefined) throw new UsageError('Give a text or a file, not both.');
  if (file === undefined) return text;
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw new CliError(`The file ${file} cannot be read.`, { cause });
  }
}

/** Seconds since the epoch. */
function timeOf(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new UsageError(`"${text}" is no time such as 2026-12-24T18:00Z.`);
  return ms / 1000;
}

function formatReply(output: Output): string {
  const { State, StartTime, EndTime, InternalMessage, InternalEnabled, ExternalMessage, ExternalAudience } =
    output;
  const isScheduled = State === 'SCHEDULED';
  return (
    formatFields({
      State,
      From: isScheduled ? formatTime(StartTime) : undefined,
      Until: isScheduled ? formatTime(EndTime) : undefined,
      'Others answered': ExternalAudience,
    }) +
    part(
      InternalEnabled === false ? 'Inside the organisation (off)' : 'Inside the organisation',
      InternalMessage,
    ) +
    part('Others', ExternalMessage)
  );
}

function part(title: string, message: unknown): string {
  const shown = typeof message === 'string' ? message.replace(/[^\P{Cc}\n\t]/gu, '').trimEnd() : '';
  return `\n${title}:\n${shown === '' ? '  (no answer)' : shown.replace(/^/gm, '  ')}\n`;
}
