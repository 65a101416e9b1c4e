import type { Command } from 'commander';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';

interface DelegatesOptions {
  readonly add?: string[];
  readonly remove?: string[];
}

/** addResourceDelegates adds `resource delegates`. */
export function addResourceDelegates(resource: Command, terminal: Terminal): void {
  withOrganization(resource.command('delegates'))
    .description('list who decides for a resource, add or remove some')
    .argument('<resource>', 'address, name or id')
    .option('--add <user|group...>', 'address, name or id')
    .option('--remove <user|group...>', 'address, name or id')
    .action(async (who: string, { add = [], remove = [] }: DelegatesOptions, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { ResourceId } = await session.resource(OrganizationId, who);
      const owner = { OrganizationId, ResourceId };
      for (const EntityId of add) {
        await session.client.call('WorkMailService.AssociateDelegateToResource', { ...owner, EntityId });
      }
      for (const EntityId of remove) {
        await session.client.call('WorkMailService.DisassociateDelegateFromResource', { ...owner, EntityId });
      }
      const list = await session.client.list('WorkMailService.ListResourceDelegates', 'Delegates', owner);
      session.show(list, ({ Delegates }) =>
        formatTable(
          ['TYPE', 'ID'],
          recordsOf(Delegates).map((one) => [one['Type'], one['Id']]),
        ),
      );
    });
}
