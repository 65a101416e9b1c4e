import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { addOrgRemoval } from './org-removal.ts';
import { addOrgTags } from './org-tags.ts';
import { recordsOf, Session, withJson } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import type { Terminal } from './terminal.ts';

/** addOrg adds `org create|list|show|delete|restore|tags`. */
export function addOrg(program: Command, terminal: Terminal): void {
  const org = program.command('org').description('organisations');
  withJson(org.command('create'))
    .description('make an organisation with its test mail domain')
    .argument('<alias>', 'unique on this server; letters, digits and hyphens')
    .option('--domain <name...>', 'mail domains to register with it')
    .action(async (alias: string, { domain = [] }: { domain?: string[] }, command: Command) => {
      const session = new Session(terminal, command);
      const { OrganizationId } = await session.client.call('WorkMailService.CreateOrganization', {
        Alias: alias,
        ClientToken: randomUUID(),
        ...(domain.length > 0 && { Domains: domain.map((DomainName) => ({ DomainName })) }),
      });
      session.show(await describe(session, String(OrganizationId)), formatOrganization);
    });
  withJson(org.command('list'))
    .description('list the organisations')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      const list = await session.client.list('WorkMailService.ListOrganizations', 'OrganizationSummaries');
      session.show(list, ({ OrganizationSummaries }) =>
        formatTable(
          ['ALIAS', 'STATE', 'DEFAULT DOMAIN', 'ID'],
          recordsOf(OrganizationSummaries).map((one) => [
            one['Alias'],
            one['State'],
            one['DefaultMailDomain'],
            one['OrganizationId'],
          ]),
        ),
      );
    });
  withJson(org.command('show'))
    .description('show an organisation')
    .argument('[alias|id]', 'may be left out while there is only one')
    .action(async (chosen: string | undefined, _options, command: Command) => {
      const session = new Session(terminal, command);
      session.show(await describe(session, await session.organizationId(chosen)), formatOrganization);
    });
  addOrgRemoval(org, terminal);
  addOrgTags(org, terminal);
}

function describe({ client }: Session, OrganizationId: string): Promise<Output> {
  return client.call('WorkMailService.DescribeOrganization', { OrganizationId });
}

function formatOrganization(output: Output): string {
  return formatFields({
    Alias: output['Alias'],
    Id: output['OrganizationId'],
    ARN: output['ARN'],
    State: output['State'],
    'Default domain': output['DefaultMailDomain'],
    Completed: formatTime(output['CompletedDate']),
    Error: output['ErrorMessage'],
    'Gone on': formatTime(output['RemovalDate']) || undefined,
  });
}
