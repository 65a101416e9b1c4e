import type { Command } from 'commander';
import { Session, withOrganization } from './session.ts';
import { type Terminal, UsageError } from './terminal.ts';

/** Options of `user edit` by the member of UpdateUser that they set. */
const texts = {
  displayName: ['DisplayName', '--display-name <text>', 'the name others see'],
  firstName: ['FirstName', '--first-name <text>', 'the first name'],
  lastName: ['LastName', '--last-name <text>', 'the last name'],
  initials: ['Initials', '--initials <text>', 'the initials'],
  telephone: ['Telephone', '--telephone <number>', 'the telephone number'],
  jobTitle: ['JobTitle', '--job-title <text>', 'the job title'],
  department: ['Department', '--department <text>', 'the department'],
  company: ['Company', '--company <text>', 'the company'],
  office: ['Office', '--office <text>', 'the office'],
  street: ['Street', '--street <text>', 'the street'],
  zipCode: ['ZipCode', '--zip-code <text>', 'the postal code'],
  city: ['City', '--city <text>', 'the city'],
  country: ['Country', '--country <text>', 'the country'],
} as const;

interface EditOptions extends Partial<Record<keyof typeof texts, string>> {
  readonly hidden?: boolean;
}

/** addUserEdit adds `user edit`. */
export function addUserEdit(user: Command, terminal: Terminal): void {
  const edit = withOrganization(user.command('edit'))
    .description('change what the address book says of a user; "" takes a value away')
    .argument('<user>', 'address, name or id');
  for (const [, flags, description] of Object.values(texts)) edit.option(flags, description);
  edit
    .option('--hidden', 'not shown in the address book')
    .option('--no-hidden', 'shown in the address book')
    .action(async (who: string, options: EditOptions, command: Command) => {
      const changes = changesOf(options);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const UserId = await session.userId(OrganizationId, who);
      const input = { OrganizationId, UserId, ...changes };
      session.show(
        await session.client.call('WorkMailService.UpdateUser', input),
        () => `${who} is changed.\n`,
      );
    });
}

function changesOf(options: EditOptions): object {
  const given = Object.entries(texts).flatMap(([name, [member]]) => {
    const value = options[name as keyof typeof texts];
    return value === undefined ? [] : [[member, value] as const];
  });
  const { hidden } = options;
  if (given.length === 0 && hidden === undefined) {
    throw new UsageError('Say what to change: see "mailstead user edit --help".');
  }
  return {
    ...Object.fromEntries(given),
    ...(hidden !== undefined && { HiddenFromGlobalAddressList: hidden }),
  };
}
