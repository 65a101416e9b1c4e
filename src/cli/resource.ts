import type { Command } from 'commander';
import { ApiError, type Output } from './admin-client.ts';
import { addAliases } from './aliases.ts';
import { filtersOf, type ListFilter, withFilter } from './list-filter.ts';
import { addResourceDelegates } from './resource-delegates.ts';
import { localPartOf, recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';

const resourceArgument = ['<resource>', 'address, name or id'] as const;

/** addResource adds `resource create|list|show|edit|aliases|enable|disable|delete|delegates`. */
export function addResource(program: Command, terminal: Terminal): void {
  const resource = program.command('resource').description('resources: rooms and equipment');
  addCreate(resource, terminal);
  addLooks(resource, terminal);
  addEdit(resource, terminal);
  addAliases(
    resource,
    terminal,
    (session, organizationId, who) => session.resource(organizationId, who),
    'ResourceId',
  );
  addSwitches(resource, terminal);
  addResourceDelegates(resource, terminal);
}

interface CreateOptions {
  readonly name?: string;
  readonly type: string;
  readonly description?: string;
  readonly hidden?: boolean;
}

function addCreate(resource: Command, terminal: Terminal): void {
  withOrganization(resource.command('create'))
    .description('create a resource and enable it with this address')
    .argument('<address>', 'such as blue-room@example.com')
    .option('--name <name>', "the resource's name, up to 20 characters; default: the address's local part")
    .option('--type <type>', 'room or equipment', 'room')
    .option('--description <text>', 'up to 64 characters')
    .option('--hidden', 'not shown in the address book')
    .action(async (Email: string, options: CreateOptions, command: Command) => {
      if (localPartOf(Email) === '') {
        throw new UsageError(`"${Email}" is no address such as blue-room@example.com.`);
      }
      const Type = typeOf(options.type);
      const Name = options.name ?? nameOf(Email);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const created = await session.client.call('WorkMailService.CreateResource', {
        OrganizationId,
        Name,
        Type,
        Description: options.description,
        HiddenFromGlobalAddressList: options.hidden === true,
      });
      const ResourceId = String(created['ResourceId']);
      await register(session, OrganizationId, ResourceId, Email);
      session.show({ ResourceId, Email }, () => `${Email} is created and enabled (${ResourceId}).\n`);
    });
}

async function register(
  session: Session,
  OrganizationId: string,
  EntityId: string,
  Email: string,
): Promise<void> {
  try {
    const input = { OrganizationId, EntityId, Email };
    await session.client.call('WorkMailService.RegisterToWorkMail', input);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new CliError(
      `The resource is created (${EntityId}), but not enabled: ${error.message} Go on with "mailstead resource enable", or take it away with "mailstead resource delete ${EntityId}".`,
      { cause: error },
    );
  }
}

/** The name that an address gives. */
function nameOf(email: string): string {
  const name = localPartOf(email);
  if (/^[\w.-]{1,20}$/.test(name)) return name;
  throw new UsageError(
    `"${name}" cannot be the resource's name: choose one of up to 20 letters, digits, dots, hyphens or underscores with --name.`,
  );
}

function typeOf(text: string): string {
  if (/^(?:room|equipment)$/i.test(text)) return text.toUpperCase();
  throw new UsageError('--type is room or equipment.');
}

function addLooks(resource: Command, terminal: Terminal): void {
  withFilter(withOrganization(resource.command('list')))
    .description('list the resources')
    .action(async (filter: ListFilter, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const input = { OrganizationId, Filters: filtersOf(filter, 'NamePrefix') };
      const list = await session.client.list('WorkMailService.ListResources', 'Resources', input);
      session.show(list, ({ Resources }) =>
        formatTable(
          ['ADDRESS', 'NAME', 'TYPE', 'STATE', 'ID'],
          recordsOf(Resources).map((one) =>
            ['Email', 'Name', 'Type', 'State', 'Id'].map((member) => one[member]),
          ),
        ),
      );
    });
  withOrganization(resource.command('show'))
    .description('show a resource')
    .argument(...resourceArgument)
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      session.show(await session.resource(OrganizationId, who), formatResource);
    });
}

function addEdit(resource: Command, terminal: Terminal): void {
  withOrganization(resource.command('edit'))
    .description('change a resource; what is not given stays as it is')
    .argument(...resourceArgument)
    .option('--name <name>', 'up to 20 characters')
    .option('--type <type>', 'room or equipment')
    .option('--description <text>', 'up to 64 characters; empty for none')
    .option('--hidden', 'not shown in the address book')
    .option('--no-hidden', 'shown in the address book')
    .action(async (who: string, options: Partial<CreateOptions>, command: Command) => {
      const Type = options.type === undefined ? undefined : typeOf(options.type);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { ResourceId } = await session.resource(OrganizationId, who);
      const output = await session.client.call('WorkMailService.UpdateResource', {
        OrganizationId,
        ResourceId,
        Name: options.name,
        Type,
        Description: options.description,
        HiddenFromGlobalAddressList: options.hidden,
      });
      session.show(output, () => `${who} is changed.\n`);
    });
}

function addSwitches(resource: Command, terminal: Terminal): void {
  withOrganization(resource.command('enable'))
    .description('enable a resource with an address')
    .argument(...resourceArgument)
    .argument('<address>')
    .action(async (who: string, Email: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { ResourceId: EntityId } = await session.resource(OrganizationId, who);
      const input = { OrganizationId, EntityId, Email };
      const output = await session.client.call('WorkMailService.RegisterToWorkMail', input);
      session.show(output, () => `${Email} is enabled.\n`);
    });
  withOrganization(resource.command('disable'))
    .description('disable a resource; its mailbox is kept for 30 days')
    .argument(...resourceArgument)
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { ResourceId: EntityId } = await session.resource(OrganizationId, who);
      const input = { OrganizationId, EntityId };
      const output = await session.client.call('WorkMailService.DeregisterFromWorkMail', input);
      session.show(output, () => `${who} is disabled.\n`);
    });
  withOrganization(resource.command('delete'))
    .description('delete a resource')
    .argument(...resourceArgument)
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { ResourceId, State } = await session.resource(OrganizationId, who);
      if (State === 'ENABLED') {
        const input = { OrganizationId, EntityId: ResourceId };
        await session.client.call('WorkMailService.DeregisterFromWorkMail', input);
      }
      const input = { OrganizationId, ResourceId };
      const output = await session.client.call('WorkMailService.DeleteResource', input);
      session.show(output, () => `${who} is deleted.\n`);
    });
}

function formatResource(output: Output): string {
  return formatFields({
    Address: output['Email'],
    Name: output['Name'],
    Type: output['Type'],
    Description: output['Description'],
    State: output['State'],
    Hidden: output['HiddenFromGlobalAddressList'],
    Id: output['ResourceId'],
    Enabled: formatTime(output['EnabledDate']) || undefined,
    Disabled: formatTime(output['DisabledDate']) || undefined,
  });
}
