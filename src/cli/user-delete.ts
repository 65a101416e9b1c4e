import type { Command } from 'commander';
import { Session, withOrganization } from './session.ts';
import type { Terminal } from './terminal.ts';

/** addUserDelete adds `user delete`. */
export function addUserDelete(user: Command, terminal: Terminal): void {
  withOrganization(user.command('delete'))
    .description('delete a disabled user for good; name and addresses are free at once')
    .argument('<user>', 'name or id')
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const owner = await session.owner(who);
      const output = await session.client.call('WorkMailService.DeleteUser', owner);
      session.show(output, () => `${who} is deleted. Its mailbox is removed in 30 days.\n`);
    });
}
