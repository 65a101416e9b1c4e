import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
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
      const delegates = recordsOf(list['Delegates']);
      const names = await namesOf(session, OrganizationId, delegates);
      session.show(list, () =>
        formatTable(
          ['DELEGATE', 'TYPE', 'ID'],
          delegates.map(({ Id, Type }) => [names.get(Id), Type, Id]),
        ),
      );
    });
}

async function namesOf(session: Session, OrganizationId: string, delegates: readonly Output[]) {
  const ofType = (type: string) => delegates.filter(({ Type }) => Type === type).map(({ Id }) => Id);
  const names = new Map(await session.userNames(OrganizationId, ofType('USER')));
  for (const id of ofType('GROUP')) {
    const { Email, Name } = await session.group(OrganizationId, String(id));
    names.set(id, Email ?? Name);
  }
  return names;
}
