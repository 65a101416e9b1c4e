import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { Session, withOrganization } from './session.ts';
import { formatFields } from './table.ts';
import type { Terminal } from './terminal.ts';

interface SetOptions {
  readonly report?: string;
}

/** addJournaling adds `journaling show|set|off`. */
export function addJournaling(program: Command, terminal: Terminal): void {
  const journaling = program.command('journaling').description('a record of every message, for an archive');
  withOrganization(journaling.command('show'))
    .description('show where the records go')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      session.show(await get(session, await session.organizationId()), format);
    });
  withOrganization(journaling.command('set'))
    .description('send a record of every message to an address')
    .argument('<address>', 'the archive')
    .option('--report <address>', 'who is told of records that cannot be delivered; as before, if not given')
    .action(async (JournalingAddress: string, { report }: SetOptions, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const ReportAddress = report ?? (await get(session, OrganizationId))['ReportAddress'];
      await put(session, { OrganizationId, Enabled: true, JournalingAddress, ReportAddress });
    });
  withOrganization(journaling.command('off'))
    .description('make no more records; those in the queue are delivered, the addresses are kept')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { JournalingAddress, ReportAddress } = await get(session, OrganizationId);
      await put(session, { OrganizationId, Enabled: false, JournalingAddress, ReportAddress });
    });
}

function get(session: Session, OrganizationId: string): Promise<Output> {
  return session.client.call('Mailstead.GetJournaling', { OrganizationId });
}

async function put(session: Session, input: Output): Promise<void> {
  session.show(await session.client.call('Mailstead.PutJournaling', { ...input }), format);
}

function format({ Enabled, JournalingAddress, ReportAddress }: Output): string {
  return formatFields({
    Journaling: Enabled === true ? 'on' : 'off',
    'Records to': JournalingAddress,
    'Failures to': ReportAddress,
  });
}
