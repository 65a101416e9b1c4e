import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import { CliError, type Terminal } from './terminal.ts';

const queueId = /^[0-9a-f]{32}$/;

/** addQueue adds `queue list|show|retry|delete`. */
export function addQueue(program: Command, terminal: Terminal): void {
  const queue = program.command('queue').description('mail on its way to other servers');
  withOrganization(queue.command('list'))
    .description('list what waits')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const output = await session.client.list('Mailstead.ListQueue', 'Messages', { OrganizationId });
      session.show(output, formatMessages);
    });
  withOrganization(queue.command('show'))
    .description('show a message and what its recipients’ servers said')
    .argument('<id>', "the message's id")
    .action(async (QueueId: string, _options, command: Command) => {
      const { session, input } = await asked(terminal, command, QueueId);
      session.show(await session.client.call('Mailstead.DescribeQueuedMessage', input), formatMessage);
    });
  withOrganization(queue.command('retry'))
    .description('try a message now')
    .argument('<id>', "the message's id")
    .action(async (QueueId: string, _options, command: Command) => {
      const { session, input } = await asked(terminal, command, QueueId);
      const output = await session.client.call('Mailstead.RetryQueuedMessage', input);
      session.show(output, () => `${QueueId} is tried now.\n`);
    });
  withOrganization(queue.command('delete'))
    .description('take a message out of the queue; its sender is not told')
    .argument('<id>', "the message's id")
    .action(async (QueueId: string, _options, command: Command) => {
      const { session, input } = await asked(terminal, command, QueueId);
      const output = await session.client.call('Mailstead.DeleteQueuedMessage', input);
      session.show(output, () => `${QueueId} is deleted.\n`);
    });
}

async function asked(terminal: Terminal, command: Command, QueueId: string) {
  if (!queueId.test(QueueId))
    throw new CliError(`"${QueueId}" is no id of a message. "mailstead queue list" shows them.`);
  const session = new Session(terminal, command);
  return { session, input: { OrganizationId: await session.organizationId(), QueueId } };
}

function formatMessages({ Messages }: Output): string {
  return formatTable(
    ['ID', 'FROM', 'TO', 'ACCEPTED', 'ATTEMPTS', 'NEXT ATTEMPT', 'LAST REPLY'],
    recordsOf(Messages).map((one) => {
      const [first, ...others] = recordsOf(one['Recipients']);
      return [
        one['QueueId'],
        one['Sender'] === '' ? '<>' : one['Sender'],
        `${first?.['Address'] ?? ''}${others.length > 0 ? ` and ${others.length} more` : ''}`,
        formatTime(one['AcceptedTime']),
        one['Attempts'],
        formatTime(one['NextAttemptTime']),
        String(first?.['LastReply'] ?? '').slice(0, 60),
      ];
    }),
  );
}

function formatMessage({ Recipients, ...message }: Output): string {
  const fields = Object.entries(message).map(([member, value]) => [
    member,
    member.endsWith('Time') ? formatTime(value) : value,
  ]);
  const recipients = formatTable(
    ['RECIPIENT', 'STATE', 'STATUS', 'SERVER', 'LAST REPLY'],
    recordsOf(Recipients).map((one) => [
      one['Address'],
      one['State'],
      one['Status'],
      one['Server'],
      one['LastReply'],
    ]),
  );
  return `${formatFields(Object.fromEntries(fields))}\n${recipients}`;
}
