import type { Command } from 'commander';
import { Session, withOrganization } from './session.ts';
import { type Terminal, UsageError } from './terminal.ts';

/** addUserQuota adds `user quota`. */
export function addUserQuota(user: Command, terminal: Terminal): void {
  withOrganization(user.command('quota'))
    .description("show how full a user's mailbox is, or change how full it may be")
    .argument('<user>', 'address, name or id')
    .option('--set <MB>', '1 to 51200')
    .action(async (who: string, { set }: { set?: string }, command: Command) => {
      const MailboxQuota = set === undefined ? undefined : quotaOf(set);
      const session = new Session(terminal, command);
      const owner = await session.owner(who);
      if (MailboxQuota !== undefined) {
        await session.client.call('WorkMailService.UpdateMailboxQuota', { ...owner, MailboxQuota });
      }
      const output = await session.client.call('WorkMailService.GetMailboxDetails', owner);
      session.show(output, (details) => {
        const used = Number(details['MailboxSize']);
        return `${who} has used ${used.toFixed(1)} of ${details['MailboxQuota']} MB.\n`;
      });
    });
}

function quotaOf(text: string): number {
  const quota = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (quota >= 1 && quota <= 51_200) return quota;
  throw new UsageError('--set is a number of MB, 1 to 51200.');
}
