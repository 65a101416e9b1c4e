import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';

/** addDomain adds `domain add|show`. */
export function addDomain(program: Command, terminal: Terminal): void {
  const domain = program.command('domain').description('mail domains');
  withOrganization(domain.command('add'))
    .description('register a mail domain, and show the DNS records it needs')
    .argument('<domain>')
    .action(async (DomainName: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const ClientToken = randomUUID();
      await session.client.call('WorkMailService.RegisterMailDomain', {
        ClientToken,
        OrganizationId,
        DomainName,
      });
      await show(session, OrganizationId, DomainName);
    });
  withOrganization(domain.command('show'))
    .description('show the state of a mail domain and its DNS records')
    .argument('<domain>')
    .action(async (DomainName: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      await show(session, await session.organizationId(), DomainName);
    });
}

async function show(session: Session, OrganizationId: string, DomainName: string): Promise<void> {
  const output = await session.client.call('WorkMailService.GetMailDomain', { OrganizationId, DomainName });
  session.show(output, () => formatDomain(DomainName, output));
}

function formatDomain(name: string, output: Output): string {
  const fields = formatFields({
    Domain: name,
    Ownership: output['OwnershipVerificationStatus'],
    DKIM: output['DkimVerificationStatus'],
    Default: output['IsDefault'],
    'Test domain': output['IsTestDomain'],
  });
  const records = recordsOf(output['Records']).map((record) => [
    record['Type'],
    record['Hostname'],
    record['Value'],
  ]);
  return records.length === 0 ? fields : `${fields}\n${formatTable(['TYPE', 'HOST NAME', 'VALUE'], records)}`;
}
