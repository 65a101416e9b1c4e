import { type Command, InvalidArgumentError } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatTable, formatTime } from './table.ts';
import type { Terminal } from './terminal.ts';

interface Options {
  readonly installation?: boolean;
  readonly since?: number;
  readonly until?: number;
  readonly operation?: string;
  readonly key?: string;
  readonly failed?: boolean;
  readonly limit: number;
}

/** addAudit adds `audit`. */
export function addAudit(program: Command, terminal: Terminal): void {
  withOrganization(program.command('audit'))
    .description('show who called the API: newest first, of the last 90 days')
    .option('--installation', 'calls that are about no organisation')
    .option('--since <time>', 'from then on: a date, or an age such as 2h or 7d', timeOf)
    .option('--until <time>', 'before then', timeOf)
    .option('--operation <name>', 'calls of this operation')
    .option('--key <id>', 'calls by this access key')
    .option('--failed', 'calls that were refused or failed')
    .option('--limit <count>', 'at most so many', countOf, 100)
    .action(async (options: Options, command: Command) => {
      const session = new Session(terminal, command);
      const owner = options.installation ? {} : { OrganizationId: await session.organizationId() };
      const input = {
        ...owner,
        StartTime: options.since,
        EndTime: options.until,
        Operation: options.operation,
        AccessKeyId: options.key,
        Outcome: options.failed ? 'Failure' : undefined,
      };
      session.show({ Events: await eventsOf(session, input, options.limit) }, formatEvents);
    });
}

/** Pages until there are enough: a busy organisation's log is long. */
async function eventsOf(session: Session, input: object, limit: number): Promise<readonly Output[]> {
  const events: Output[] = [];
  let NextToken: unknown;
  do {
    const page = await session.client.call('Mailstead.ListAuditEvents', { ...input, NextToken });
    events.push(...recordsOf(page['Events']));
    NextToken = page['NextToken'];
  } while (NextToken !== undefined && events.length < limit);
  return events.slice(0, limit);
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Epoch seconds. */
function timeOf(text: string): number {
  const age = /^(\d{1,6})([mhd])$/.exec(text);
  const ms = age === null ? Date.parse(text) : Date.now() - Number(age[1]) * (unitMs[age[2] ?? ''] ?? 0);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Give a date like 2026-11-23 or an age like 2h.');
  return ms / 1000;
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a number from 1 on.');
}

function formatEvents({ Events }: Output): string {
  return formatTable(
    ['TIME', 'WHO', 'FROM', 'OPERATION', 'OUTCOME', 'INPUT'],
    recordsOf(Events).map((one) => [
      formatTime(one['Time']),
      one['AccessKeyId'] === undefined ? 'admin socket' : `${one['AccessKeyId']} (${one['AccessKeyName']})`,
      one['SourceAddress'] ?? '',
      String(one['Operation']).split('.')[1],
      one['Message'] === undefined ? one['Outcome'] : `${one['Outcome']}: ${one['Message']}`,
      String(one['Input']).slice(0, 120),
    ]),
  );
}
