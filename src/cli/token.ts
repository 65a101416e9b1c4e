import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import { type Terminal, UsageError } from './terminal.ts';

/** addToken adds `token list|create|delete`. */
export function addToken(program: Command, terminal: Terminal): void {
  const token = program
    .command('token')
    .description('personal access tokens: what users sign in with in place of passwords');
  withOrganization(token.command('list'))
    .description('list tokens, without their secrets')
    .option('--user <user>', 'of one user, by address, name or id')
    .action(async ({ user: UserId }: { readonly user?: string }, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const input = { OrganizationId, UserId };
      const listed = await session.client.list(
        'WorkMailService.ListPersonalAccessTokens',
        'PersonalAccessTokenSummaries',
        input,
      );
      const tokens = recordsOf(listed['PersonalAccessTokenSummaries']);
      const names = await session.userNames(
        OrganizationId,
        tokens.map((one) => one['UserId']),
      );
      session.show(listed, () => formatTokens(tokens, names));
    });
  withOrganization(token.command('create'))
    .description('make a token; it is shown this once')
    .argument('<user>', 'address, name or id')
    .argument('<name>', 'what it is for')
    .option('--days <number>', 'how long it is good', readDays)
    .action(async (UserId: string, Name: string, { days }: { readonly days?: number }, command: Command) => {
      const session = new Session(terminal, command);
      const input = { OrganizationId: await session.organizationId(), UserId, Name, LifetimeInDays: days };
      const made = await session.client.call('Mailstead.CreatePersonalAccessToken', input);
      session.show(made, ({ Token, PersonalAccessTokenId, ExpiresTime }) =>
        [
          formatFields({ Token, Id: PersonalAccessTokenId, Expires: formatTime(ExpiresTime) }),
          'The token is not shown again. It is the password to type on the phone or into the program.\n',
        ].join(''),
      );
    });
  withOrganization(token.command('delete'))
    .description('delete a token: nobody signs in with it from now on')
    .argument('<id>', "the token's id")
    .action(async (PersonalAccessTokenId: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const input = { OrganizationId: await session.organizationId(), PersonalAccessTokenId };
      const output = await session.client.call('WorkMailService.DeletePersonalAccessToken', input);
      session.show(output, () => `There is no token ${PersonalAccessTokenId} any more.\n`);
    });
}

function readDays(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days)) return days;
  throw new UsageError('The days must be a number.');
}

function formatTokens(tokens: readonly Output[], names: ReadonlyMap<unknown, unknown>): string {
  return formatTable(
    ['ID', 'USER', 'NAME', 'CREATED', 'LAST USED', 'EXPIRES'],
    tokens.map((one) => [
      one['PersonalAccessTokenId'],
      names.get(one['UserId']) ?? one['UserId'],
      one['Name'],
      formatTime(one['DateCreated']),
      formatTime(one['DateLastUsed']),
      formatTime(one['ExpiresTime']),
    ]),
  );
}
