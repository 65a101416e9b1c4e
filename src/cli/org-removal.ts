import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { confirmName } from './confirm.ts';
import { Session, withJson } from './session.ts';
import { formatTime } from './table.ts';
import type { Terminal } from './terminal.ts';

interface DeleteOptions {
  readonly confirm?: string;
  readonly force?: boolean;
}

/** addOrgRemoval adds `org delete|restore`. */
export function addOrgRemoval(org: Command, terminal: Terminal): void {
  withJson(org.command('delete'))
    .description('delete an organisation: nothing of it is served any more, and after 30 days it is gone')
    .argument('<alias|id>')
    .option('--confirm <alias>', 'do not ask; for scripts')
    .option('--force', 'even if users are enabled')
    .action(async (chosen: string, options: DeleteOptions, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId(chosen);
      const { Alias } = await session.client.call('WorkMailService.DescribeOrganization', { OrganizationId });
      const warning = `"${Alias}" and all its users, mail and settings are to be deleted. They can be restored for 30 days.`;
      await confirmName(String(Alias), options.confirm, warning, terminal);
      const output = await session.client.call('WorkMailService.DeleteOrganization', {
        OrganizationId,
        ClientToken: randomUUID(),
        DeleteDirectory: true,
        ForceDelete: options.force === true,
      });
      const { RemovalDate } = await session.client.call('WorkMailService.DescribeOrganization', {
        OrganizationId,
      });
      session.show(
        output,
        () =>
          `${Alias} is deleted. Until ${formatTime(RemovalDate)} "mailstead org restore ${Alias}" brings it back.\n`,
      );
    });
  withJson(org.command('restore'))
    .description('bring back an organisation that was deleted less than 30 days ago')
    .argument('<alias|id>')
    .action(async (chosen: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId(chosen);
      const output = await session.client.call('Mailstead.RestoreOrganization', { OrganizationId });
      session.show(output, ({ Alias }) => `${Alias} is back.\n`);
    });
}
