import type { Command } from 'commander';
import { ApiError, type Output } from './admin-client.ts';
import { addAliases } from './aliases.ts';
import { filtersOf, type ListFilter, withFilter } from './list-filter.ts';
import { type ChosenPassword, choosePassword } from './password.ts';
import { localPartOf, recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';
import { addUserCertificates } from './user-certificate.ts';
import { addUserDelete } from './user-delete.ts';
import { addUserEdit } from './user-edit.ts';
import { addUserPermissions } from './user-permissions.ts';
import { addUserPhoto } from './user-photo.ts';
import { addUserQuota } from './user-quota.ts';
import { addUserReply } from './user-reply.ts';
import { addUserRules } from './user-rules.ts';

const passwordStdin = [
  '--password-stdin',
  'read the password from standard input; else one is made up',
] as const;

/** addUser adds `user create|list|show|edit|enable|disable|delete|password|aliases|quota` and what a user has: photo, rules ... */
export function addUser(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('users');
  addCreate(user, terminal);
  addLooks(user, terminal);
  addUserEdit(user, terminal);
  addSwitches(user, terminal);
  addUserDelete(user, terminal);
  addUserQuota(user, terminal);
  addUserPhoto(user, terminal);
  addUserPermissions(user, terminal);
  addUserCertificates(user, terminal);
  addUserReply(user, terminal);
  addUserRules(user, terminal);
  withOrganization(user.command('password'))
    .description("set a user's password")
    .argument('<user>', 'address, name or id')
    .option(...passwordStdin)
    .action(async (who: string, options: { passwordStdin?: boolean }, command: Command) => {
      const chosen = await choosePassword(options.passwordStdin === true, terminal);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const UserId = await session.userId(OrganizationId, who);
      await session.client.call('WorkMailService.ResetPassword', {
        OrganizationId,
        UserId,
        Password: chosen.password,
      });
      session.show(
        { UserId, ...shownPassword(chosen) },
        () => `The password of ${who} is set.\n${told(chosen)}`,
      );
    });
  addAliases(user, terminal, (session, organizationId, who) => session.user(organizationId, who), 'UserId');
}

function addCreate(user: Command, terminal: Terminal): void {
  withOrganization(user.command('create'))
    .description('create a user and enable it with this address')
    .argument('<address>', 'such as alice@example.com')
    .option('--display-name <text>', "the name others see; default: the address's local part")
    .option('--name <name>', "the user name; default: the address's local part")
    .option(...passwordStdin)
    .action(async (address: string, options: CreateOptions, command: Command) => {
      if (localPartOf(address) === '')
        throw new UsageError(`"${address}" is no address such as alice@example.com.`);
      const chosen = await choosePassword(options.passwordStdin === true, terminal);
      const session = new Session(terminal, command);
      const UserId = await create(session, address, options, chosen.password);
      session.show(
        { UserId, Email: address, ...shownPassword(chosen) },
        () => `${address} is created and enabled (${UserId}).\n${told(chosen)}`,
      );
    });
}

interface CreateOptions {
  readonly displayName?: string;
  readonly name?: string;
  readonly passwordStdin?: boolean;
}

/** The domain is looked at first, so that the common mistake leaves no half-made user behind. */
async function create(
  session: Session,
  address: string,
  options: CreateOptions,
  password: string,
): Promise<string> {
  const OrganizationId = await session.organizationId();
  const DomainName = address.slice(address.lastIndexOf('@') + 1);
  const domain = await session.client.call('WorkMailService.GetMailDomain', { OrganizationId, DomainName });
  if (domain['OwnershipVerificationStatus'] !== 'VERIFIED') {
    throw new CliError(
      `The domain ${DomainName} is not verified yet. "mailstead domain verify ${DomainName}" says what is missing.`,
    );
  }
  const { UserId } = await session.client.call('WorkMailService.CreateUser', {
    OrganizationId,
    Name: options.name ?? localPartOf(address),
    DisplayName: options.displayName ?? localPartOf(address),
    Password: password,
  });
  try {
    await session.client.call('WorkMailService.RegisterToWorkMail', {
      OrganizationId,
      EntityId: UserId,
      Email: address,
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new CliError(
      `The user is created but not enabled: ${error.message} Enable it with "mailstead user enable ${UserId} ADDRESS".`,
      { cause: error },
    );
  }
  return String(UserId);
}

function addLooks(user: Command, terminal: Terminal): void {
  withFilter(withOrganization(user.command('list')))
    .description('list the users')
    .action(async (filter: ListFilter, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const input = { OrganizationId, Filters: filtersOf(filter, 'UsernamePrefix') };
      const list = await session.client.list('WorkMailService.ListUsers', 'Users', input);
      session.show(list, ({ Users }) =>
        formatTable(
          ['ADDRESS', 'NAME', 'DISPLAY NAME', 'STATE', 'ROLE', 'ID'],
          recordsOf(Users).map((one) =>
            ['Email', 'Name', 'DisplayName', 'State', 'UserRole', 'Id'].map((member) => one[member]),
          ),
        ),
      );
    });
  withOrganization(user.command('show'))
    .description('show a user')
    .argument('<user>', 'address, name or id')
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      session.show(await session.user(await session.organizationId(), who), formatUser);
    });
}

function addSwitches(user: Command, terminal: Terminal): void {
  withOrganization(user.command('enable'))
    .description('enable a user with an address')
    .argument('<user>', 'address, name or id')
    .argument('[address]', 'needed when the user is given by name or id')
    .action(async (who: string, address: string | undefined, _options, command: Command) => {
      const Email = address ?? (who.includes('@') ? who : undefined);
      if (Email === undefined)
        throw new UsageError(`With which address? mailstead user enable ${who} ADDRESS`);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const EntityId = await session.userId(OrganizationId, who);
      const input = { OrganizationId, EntityId, Email };
      const output = await session.client.call('WorkMailService.RegisterToWorkMail', input);
      session.show(output, () => `${Email} is enabled.\n`);
    });
  withOrganization(user.command('disable'))
    .description('disable a user; its mailbox is kept for 30 days')
    .argument('<user>', 'address, name or id')
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const EntityId = await session.userId(OrganizationId, who);
      const output = await session.client.call('WorkMailService.DeregisterFromWorkMail', {
        OrganizationId,
        EntityId,
      });
      session.show(
        output,
        () => `${who} is disabled. Enable it again with "mailstead user enable ${EntityId} ADDRESS".\n`,
      );
    });
}

function formatUser(output: Output): string {
  const { UserId, Name, DisplayName, Email, State, UserRole, ...rest } = output;
  const details = Object.entries(rest).map(([member, value]) => [
    member,
    member.endsWith('Date') ? formatTime(value) || undefined : value,
  ]);
  return formatFields({
    Address: Email,
    Name,
    'Display name': DisplayName,
    State,
    Role: UserRole,
    Id: UserId,
    ...Object.fromEntries(details),
  });
}

function shownPassword({ password, isGenerated }: ChosenPassword): object {
  return isGenerated ? { Password: password } : {};
}

function told({ password, isGenerated }: ChosenPassword): string {
  return isGenerated ? `Password: ${password}   (shown only now)\n` : '';
}
