import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './terminal.ts';

const actions = 'ActiveSync, AutoDiscover, EWS, IMAP, SMTP, WindowsOutlook, WebMail';

/** What a rule is about: each a list, and what must not be in it. */
interface PutOptions {
  readonly effect: string;
  readonly description?: string;
  readonly ip?: readonly string[];
  readonly notIp?: readonly string[];
  readonly action?: readonly string[];
  readonly notAction?: readonly string[];
  readonly user?: readonly string[];
  readonly notUser?: readonly string[];
}

/** addAccessRule adds `access-rule list|put|delete|test`. */
export function addAccessRule(program: Command, terminal: Terminal): void {
  const rule = program.command('access-rule').description('who may use which protocol from where');
  withOrganization(rule.command('list'))
    .description('list the rules')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const list = await session.client.call('WorkMailService.ListAccessControlRules', { OrganizationId });
      await showRules(session, OrganizationId, list);
    });
  addPut(rule, terminal);
  withOrganization(rule.command('delete'))
    .description('delete a rule; where no rule is left, nobody can sign in')
    .argument('<name>')
    .action(async (Name: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const input = { OrganizationId: await session.organizationId(), Name };
      const output = await session.client.call('WorkMailService.DeleteAccessControlRule', input);
      session.show(output, () => `There is no rule ${Name} any more.\n`);
    });
  withOrganization(rule.command('test'))
    .description('tell what the rules make of a user, and which of them')
    .argument('<user>', 'address, name or id')
    .argument('<ip>', 'an IPv4 address')
    .argument('<action>', actions)
    .action(async (who: string, IpAddress: string, Action: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const input = { ...(await session.owner(who)), IpAddress, Action };
      const output = await session.client.call('WorkMailService.GetAccessControlEffect', input);
      session.show(output, ({ Effect, MatchedRules }) =>
        Array.isArray(MatchedRules) && MatchedRules.length > 0
          ? `${String(Effect)} by ${MatchedRules.join(', ')}\n`
          : `${String(Effect)}: no rule matches\n`,
      );
    });
}

function addPut(rule: Command, terminal: Terminal): void {
  withOrganization(rule.command('put'))
    .description('make a rule, or replace the one of this name; all that is given has to hold')
    .argument('<name>', 'letters, digits, _ and -')
    .requiredOption('--effect <effect>', 'allow or deny; deny wins')
    .option('--description <text>', 'what it is for')
    .option('--ip <network...>', 'from these, such as 192.0.2.0/24')
    .option('--not-ip <network...>', 'from elsewhere')
    .option('--action <action...>', actions)
    .option('--not-action <action...>', 'any action but these')
    .option('--user <user...>', 'these users: address, name or id')
    .option('--not-user <user...>', 'all users but these')
    .action(async (Name: string, options: PutOptions, command: Command) => {
      const Effect = effectOf(options.effect);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const idsOf = (users: readonly string[] = []) =>
        Promise.all(users.map((who) => session.userId(OrganizationId, who)));
      const output = await session.client.call('WorkMailService.PutAccessControlRule', {
        OrganizationId,
        Name,
        Effect,
        Description: options.description ?? Name,
        IpRanges: options.ip,
        NotIpRanges: options.notIp,
        Actions: options.action,
        NotActions: options.notAction,
        UserIds: await idsOf(options.user),
        NotUserIds: await idsOf(options.notUser),
      });
      session.show(output, () => `The rule ${Name} holds.\n`);
    });
}

function effectOf(text: string): string {
  if (/^(?:allow|deny)$/i.test(text)) return text.toUpperCase();
  throw new UsageError('--effect is allow or deny.');
}

async function showRules(session: Session, OrganizationId: string, list: Output): Promise<void> {
  const rules = recordsOf(list['Rules']);
  const users = rules.flatMap((rule) => [...listOf(rule, 'UserIds'), ...listOf(rule, 'NotUserIds')]);
  const names = await session.userNames(OrganizationId, users);
  const nameOf = (id: unknown) => names.get(id) ?? id;
  session.show(list, () =>
    rules.length === 0
      ? 'There is no rule: nobody can sign in.\n'
      : formatTable(
          ['NAME', 'EFFECT', 'WHEN', 'DESCRIPTION'],
          rules.map((rule) => [
            rule['Name'],
            rule['Effect'],
            conditionsOf(rule, nameOf),
            rule['Description'],
          ]),
        ),
  );
}

/** `ActiveSync or SMTP; not from 192.0.2.0/24`. */
function conditionsOf(rule: Output, nameOf: (id: unknown) => unknown): string {
  const told = (
    [
      ['', 'Actions'],
      ['from ', 'IpRanges'],
      ['', 'UserIds'],
      ['role ', 'ImpersonationRoleIds'],
    ] as const
  ).flatMap(([word, member]) => [
    sentence(word, listOf(rule, member).map(nameOf)),
    sentence(`not ${word}`, listOf(rule, `Not${member}`).map(nameOf)),
  ]);
  return told.filter((one) => one !== '').join('; ') || 'always';
}

function sentence(word: string, values: readonly unknown[]): string {
  return values.length === 0 ? '' : `${word}${values.join(' or ')}`;
}

function listOf(rule: Output, member: string): readonly unknown[] {
  const list = rule[member];
  return Array.isArray(list) ? list : [];
}
