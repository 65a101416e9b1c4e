import type { Command } from 'commander';
import { ApiError, type Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatTable } from './table.ts';
import { type Terminal, UsageError } from './terminal.ts';

interface FolderConfiguration {
  readonly Name: string;
  readonly Action: string;
  readonly Period?: number;
}

const folders = ['inbox', 'deleted-items', 'sent-items', 'drafts', 'junk-email'];
const form = /^([a-z-]+)=(?:(keep)|(\d{1,3}):(delete|permanently-delete))$/;

/** addRetention adds `retention show|set|off`. */
export function addRetention(program: Command, terminal: Terminal): void {
  const retention = program.command('retention').description('how long mail is kept, by folder');
  withOrganization(retention.command('show'))
    .description('show how long mail is kept')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      session.show((await get(session, await session.organizationId())) ?? {}, format);
    });
  withOrganization(retention.command('set'))
    .description('have old mail deleted, from the next day on; other folders stay as they are')
    .argument(
      '<folder=days:action...>',
      `such as inbox=365:delete or junk-email=30:permanently-delete; FOLDER=keep keeps all. Folders: ${folders.join(', ')}`,
    )
    .action(async (assignments: string[], _options, command: Command) => {
      const changes = assignments.map(parse);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const before = await get(session, OrganizationId);
      const kept = recordsOf(before?.['FolderConfigurations']).filter(
        (one) => !changes.some(({ Name }) => Name === one['Name']),
      );
      const { Id, Name = 'default', Description } = before ?? {};
      const FolderConfigurations = [...kept, ...changes];
      const input = { OrganizationId, Id, Name, Description, FolderConfigurations };
      await session.client.call('WorkMailService.PutRetentionPolicy', input);
      session.show((await get(session, OrganizationId)) ?? {}, format);
    });
  withOrganization(retention.command('off'))
    .description('keep all mail from now on')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const Id = (await get(session, OrganizationId))?.['Id'];
      if (Id !== undefined) {
        await session.client.call('WorkMailService.DeleteRetentionPolicy', { OrganizationId, Id });
      }
      session.show({}, format);
    });
}

/** Undefined if there is no policy. */
async function get(session: Session, OrganizationId: string): Promise<Output | undefined> {
  try {
    return await session.client.call('WorkMailService.GetDefaultRetentionPolicy', { OrganizationId });
  } catch (error) {
    if (error instanceof ApiError && error.type === 'EntityNotFoundException') return undefined;
    throw error;
  }
}

function parse(assignment: string): FolderConfiguration {
  const [, folder = '', keep, days, action = ''] = form.exec(assignment) ?? [];
  if (!folders.includes(folder)) {
    throw new UsageError(`"${assignment}" is nothing such as inbox=365:delete.`);
  }
  const Name = wordOf(folder);
  return keep === undefined
    ? { Name, Action: wordOf(action), Period: Number(days) }
    : { Name, Action: 'NONE' };
}

/** As the API spells it. */
function wordOf(text: string): string {
  return text.toUpperCase().replaceAll('-', '_');
}

function format({ FolderConfigurations }: Output): string {
  const rules = recordsOf(FolderConfigurations).filter(({ Action }) => Action !== 'NONE');
  if (rules.length === 0) return 'All mail is kept.\n';
  return formatTable(
    ['FOLDER', 'DAYS', 'ACTION'],
    rules.map(({ Name, Period, Action }) => [textOf(Name), Period, textOf(Action)]),
  );
}

function textOf(word: unknown): string {
  return String(word).toLowerCase().replaceAll('_', '-');
}
