import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { Session, withOrganization } from './session.ts';
import { printable } from './table.ts';
import type { Terminal } from './terminal.ts';

interface AliasOptions {
  readonly add?: string[];
  readonly primary?: string;
  readonly remove?: string[];
}

/** addAliases adds `aliases` to a noun; `describe` finds whose they are, `id` is the member of its answer that operations name it by. */
export function addAliases(
  noun: Command,
  terminal: Terminal,
  describe: (session: Session, organizationId: string, who: string) => Promise<Output>,
  id: 'UserId' | 'GroupId' | 'ResourceId',
): void {
  withOrganization(noun.command('aliases'))
    .description(`list the addresses of a ${noun.name()}, add or remove some, choose the primary one`)
    .argument(`<${noun.name()}>`, 'address, name or id')
    .option('--add <address...>', `further addresses that receive for this ${noun.name()}`)
    .option('--primary <address>', 'make this one the primary address; the one before becomes an alias')
    .option('--remove <address...>', 'aliases to take away')
    .action(async (who: string, options: AliasOptions, command: Command) => {
      const { add = [], primary, remove = [] } = options;
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const entity = await describe(session, OrganizationId, who);
      const owner = { OrganizationId, EntityId: entity[id] };
      for (const Alias of add) {
        await session.client.call('WorkMailService.CreateAlias', { ...owner, Alias });
      }
      if (primary !== undefined) {
        await session.client.call('WorkMailService.UpdatePrimaryEmailAddress', { ...owner, Email: primary });
      }
      for (const Alias of remove) {
        await session.client.call('WorkMailService.DeleteAlias', { ...owner, Alias });
      }
      const list = await session.client.list('WorkMailService.ListAliases', 'Aliases', owner);
      session.show(list, ({ Aliases }) => formatAddresses(Aliases, primary ?? entity['Email']));
    });
}

function formatAddresses(addresses: unknown, primary: unknown): string {
  if (!Array.isArray(addresses)) return '';
  const first = String(primary).toLowerCase();
  const lines = addresses.map(String).map((address) => {
    const mark = address.toLowerCase() === first ? ' (primary)' : '';
    return `${printable(address)}${mark}\n`;
  });
  return lines.join('');
}
