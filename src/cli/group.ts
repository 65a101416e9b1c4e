import type { Command } from 'commander';
import { ApiError, type Output } from './admin-client.ts';
import { addAliases } from './aliases.ts';
import { filtersOf, type ListFilter, withFilter } from './list-filter.ts';
import { localPartOf, recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';

const groupArgument = ['<group>', 'address, name or id'] as const;

/** addGroup adds `group create|list|show|edit|add|remove|aliases|enable|disable|delete`. */
export function addGroup(program: Command, terminal: Terminal): void {
  const group = program.command('group').description('groups: distribution lists of users and groups');
  addCreate(group, terminal);
  addLooks(group, terminal);
  addEdit(group, terminal);
  addMembers(group, terminal);
  addAliases(
    group,
    terminal,
    (session, organizationId, who) => session.group(organizationId, who),
    'GroupId',
  );
  addSwitches(group, terminal);
}

interface CreateOptions {
  readonly name?: string;
  readonly hidden?: boolean;
  readonly member?: readonly string[];
}

function addCreate(group: Command, terminal: Terminal): void {
  withOrganization(group.command('create'))
    .description('create a group and enable it with this address')
    .argument('<address>', 'such as staff@example.com')
    .option('--name <name>', "the group's name; default: the address's local part")
    .option('--hidden', 'not shown in the address book')
    .option('--member <user|group...>', 'who is in it')
    .action(async (address: string, options: CreateOptions, command: Command) => {
      if (localPartOf(address) === '')
        throw new UsageError(`"${address}" is no address such as staff@example.com.`);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const created = await session.client.call('WorkMailService.CreateGroup', {
        OrganizationId,
        Name: options.name ?? localPartOf(address),
        HiddenFromGlobalAddressList: options.hidden === true,
      });
      const GroupId = String(created['GroupId']);
      await finish(session, OrganizationId, GroupId, address, options.member ?? []);
      session.show({ GroupId, Email: address }, () => `${address} is created and enabled (${GroupId}).\n`);
    });
}

async function finish(
  session: Session,
  OrganizationId: string,
  GroupId: string,
  Email: string,
  members: readonly string[],
): Promise<void> {
  try {
    await session.client.call('WorkMailService.RegisterToWorkMail', {
      OrganizationId,
      EntityId: GroupId,
      Email,
    });
    for (const MemberId of members) {
      await session.client.call('WorkMailService.AssociateMemberToGroup', {
        OrganizationId,
        GroupId,
        MemberId,
      });
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new CliError(
      `The group is created (${GroupId}), but not all is done: ${error.message} Go on with "mailstead group enable" and "group add", or take it away with "mailstead group delete ${GroupId}".`,
      { cause: error },
    );
  }
}

function addLooks(group: Command, terminal: Terminal): void {
  withFilter(withOrganization(group.command('list')))
    .description('list the groups')
    .action(async (filter: ListFilter, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const input = { OrganizationId, Filters: filtersOf(filter, 'NamePrefix') };
      const list = await session.client.list('WorkMailService.ListGroups', 'Groups', input);
      session.show(list, ({ Groups }) =>
        formatTable(
          ['ADDRESS', 'NAME', 'STATE', 'ID'],
          recordsOf(Groups).map((one) => ['Email', 'Name', 'State', 'Id'].map((member) => one[member])),
        ),
      );
    });
  withOrganization(group.command('show'))
    .description('show a group and who is in it')
    .argument(...groupArgument)
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const shown = await session.group(OrganizationId, who);
      const { Members } = await session.client.list('WorkMailService.ListGroupMembers', 'Members', {
        OrganizationId,
        GroupId: shown['GroupId'],
      });
      session.show({ ...shown, Members }, formatGroup);
    });
}

function addEdit(group: Command, terminal: Terminal): void {
  withOrganization(group.command('edit'))
    .description('show a group in the address book, or hide it')
    .argument(...groupArgument)
    .option('--hidden', 'not shown in the address book')
    .option('--no-hidden', 'shown in the address book')
    .action(async (who: string, { hidden }: { hidden?: boolean }, command: Command) => {
      if (hidden === undefined) throw new UsageError('Say what to change: --hidden or --no-hidden.');
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { GroupId } = await session.group(OrganizationId, who);
      const output = await session.client.call('WorkMailService.UpdateGroup', {
        OrganizationId,
        GroupId,
        HiddenFromGlobalAddressList: hidden,
      });
      session.show(output, () => `${who} is changed.\n`);
    });
}

function addMembers(group: Command, terminal: Terminal): void {
  for (const [name, operation, done] of [
    ['add', 'AssociateMemberToGroup', 'in'],
    ['remove', 'DisassociateMemberFromGroup', 'no longer in'],
  ] as const) {
    withOrganization(group.command(name))
      .description(
        name === 'add' ? 'put users or groups into a group' : 'take users or groups out of a group',
      )
      .argument(...groupArgument)
      .argument('<member...>', 'addresses, names or ids')
      .action(async (who: string, members: string[], _options, command: Command) => {
        const session = new Session(terminal, command);
        const OrganizationId = await session.organizationId();
        for (const MemberId of members) {
          await session.client.call(`WorkMailService.${operation}`, {
            OrganizationId,
            GroupId: who,
            MemberId,
          });
        }
        const are = members.length === 1 ? 'is' : 'are';
        session.show({}, () => `${members.join(', ')} ${are} ${done} ${who}.\n`);
      });
  }
}

function addSwitches(group: Command, terminal: Terminal): void {
  withOrganization(group.command('enable'))
    .description('enable a group with an address')
    .argument(...groupArgument)
    .argument('<address>')
    .action(async (who: string, Email: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { GroupId: EntityId } = await session.group(OrganizationId, who);
      const input = { OrganizationId, EntityId, Email };
      const output = await session.client.call('WorkMailService.RegisterToWorkMail', input);
      session.show(output, () => `${Email} is enabled.\n`);
    });
  withOrganization(group.command('disable'))
    .description('disable a group; who is in it is kept')
    .argument(...groupArgument)
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { GroupId: EntityId } = await session.group(OrganizationId, who);
      const input = { OrganizationId, EntityId };
      const output = await session.client.call('WorkMailService.DeregisterFromWorkMail', input);
      session.show(output, () => `${who} is disabled.\n`);
    });
  withOrganization(group.command('delete'))
    .description('delete a group; whoever is in it stays')
    .argument(...groupArgument)
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { GroupId, State } = await session.group(OrganizationId, who);
      if (State === 'ENABLED') {
        const input = { OrganizationId, EntityId: GroupId };
        await session.client.call('WorkMailService.DeregisterFromWorkMail', input);
      }
      const output = await session.client.call('WorkMailService.DeleteGroup', { OrganizationId, GroupId });
      session.show(output, () => `${who} is deleted.\n`);
    });
}

function formatGroup(output: Output): string {
  const fields = formatFields({
    Address: output['Email'],
    Name: output['Name'],
    State: output['State'],
    Hidden: output['HiddenFromGlobalAddressList'],
    Id: output['GroupId'],
    Enabled: formatTime(output['EnabledDate']) || undefined,
    Disabled: formatTime(output['DisabledDate']) || undefined,
  });
  const members = recordsOf(output['Members']);
  if (members.length === 0) return `${fields}\nNobody is in it.\n`;
  const rows = members.map((one) => ['Name', 'Type', 'State', 'Id'].map((member) => one[member]));
  return `${fields}\n${formatTable(['MEMBER', 'TYPE', 'STATE', 'ID'], rows)}`;
}
