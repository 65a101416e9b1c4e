import type { Command } from 'commander';
import { Session, withOrganization } from './session.ts';
import { printable } from './table.ts';
import type { Terminal } from './terminal.ts';

interface AliasOptions {
  readonly add?: string[];
  readonly remove?: string[];
}

/** addAliases adds `aliases` to a noun; `idOf` finds whose they are. */
export function addAliases(
  noun: Command,
  terminal: Terminal,
  idOf: (session: Session, organizationId: string, who: string) => Promise<string>,
): void {
  withOrganization(noun.command('aliases'))
    .description(`list the addresses of a ${noun.name()}, add or remove some`)
    .argument(`<${noun.name()}>`, 'address, name or id')
    .option('--add <address...>', `further addresses that receive for this ${noun.name()}`)
    .option('--remove <address...>', 'aliases to take away')
    .action(async (who: string, options: AliasOptions, command: Command) => {
      const { add = [], remove = [] } = options;
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const EntityId = await idOf(session, OrganizationId, who);
      const owner = { OrganizationId, EntityId };
      for (const Alias of add) {
        await session.client.call('WorkMailService.CreateAlias', { ...owner, Alias });
      }
      for (const Alias of remove) {
        await session.client.call('WorkMailService.DeleteAlias', { ...owner, Alias });
      }
      const list = await session.client.list('WorkMailService.ListAliases', 'Aliases', owner);
      session.show(list, ({ Aliases }) =>
        Array.isArray(Aliases) ? Aliases.map((alias) => `${printable(String(alias))}\n`).join('') : '',
      );
    });
}
