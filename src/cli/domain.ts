import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import type { Terminal } from './terminal.ts';

/** addDomain adds `domain add|list|show|verify|default|rotate-dkim|remove`. */
export function addDomain(program: Command, terminal: Terminal): void {
  const domain = program.command('domain').description('mail domains');
  const command = (name: string, description: string, run: (one: OfDomain) => Promise<void>) =>
    withOrganization(domain.command(name))
      .description(description)
      .argument('<domain>')
      .action(async (DomainName: string, _options, given: Command) => {
        const session = new Session(terminal, given);
        await run({ session, input: { OrganizationId: await session.organizationId(), DomainName } });
      });
  command('add', 'register a mail domain, and show the DNS records it needs', async (one) => {
    const ClientToken = randomUUID();
    await one.session.client.call('WorkMailService.RegisterMailDomain', { ClientToken, ...one.input });
    await show(one, 'WorkMailService.GetMailDomain');
  });
  withOrganization(domain.command('list'))
    .description('list the mail domains')
    .action(async (_options, given: Command) => {
      const session = new Session(terminal, given);
      const OrganizationId = await session.organizationId();
      const input = { OrganizationId };
      const list = await session.client.list('WorkMailService.ListMailDomains', 'MailDomains', input);
      session.show(list, ({ MailDomains }) =>
        formatTable(
          ['DOMAIN', 'DEFAULT'],
          recordsOf(MailDomains).map((one) => [
            one['DomainName'],
            one['DefaultDomain'] === true ? 'yes' : '',
          ]),
        ),
      );
    });
  command('show', 'show the state of a mail domain and its DNS records', (one) =>
    show(one, 'WorkMailService.GetMailDomain'),
  );
  command('verify', 'look at the DNS records of a mail domain, and say what to do', async (one) => {
    const output = await one.session.client.call('Mailstead.VerifyMailDomain', one.input);
    one.session.show(output, () => formatChecks(one.input.DomainName, output));
  });
  command('default', 'make a mail domain the one of new addresses', (one) =>
    change(one, 'WorkMailService.UpdateDefaultMailDomain', 'is the default domain'),
  );
  command('rotate-dkim', 'make new DKIM keys, and show the records to add for them', (one) =>
    show(one, 'Mailstead.RotateDkimKeys'),
  );
  command('remove', 'remove a mail domain that no address is in', (one) =>
    change(one, 'WorkMailService.DeregisterMailDomain', 'is removed'),
  );
}

/** A command about one domain. */
interface OfDomain {
  readonly session: Session;
  readonly input: { readonly OrganizationId: string; readonly DomainName: string };
}

async function change({ session, input }: OfDomain, operation: string, done: string): Promise<void> {
  session.show(await session.client.call(operation, input), () => `${input.DomainName} ${done}.\n`);
}

async function show({ session, input }: OfDomain, operation: string): Promise<void> {
  const output = await session.client.call(operation, input);
  session.show(output, () => formatDomain(input.DomainName, output));
}

function formatDomain(name: string, output: Output): string {
  const records = recordsOf(output['Records']).map((record) => [
    purposeOf(record),
    record['Type'],
    record['Hostname'],
    record['Value'],
  ]);
  return `${formatState(name, output)}\n${formatTable(['FOR', 'TYPE', 'HOST NAME', 'VALUE'], records)}`;
}

function formatState(name: string, output: Output): string {
  return formatFields({
    Domain: name,
    Ownership: output['OwnershipVerificationStatus'],
    DKIM: output['DkimVerificationStatus'],
    Default: output['IsDefault'],
    'Test domain': output['IsTestDomain'],
  });
}

function formatChecks(name: string, output: Output): string {
  const records = recordsOf(output['Records']);
  const table = formatTable(
    ['FOR', 'STATUS', 'TYPE', 'HOST NAME'],
    records.map((record) => [purposeOf(record), record['Status'], record['Type'], record['Hostname']]),
  );
  const advice = records
    .filter((record) => typeof record['Advice'] === 'string')
    .map((record) => {
      const found = Array.isArray(record['Found']) ? record['Found'] : [];
      const shown =
        record['Status'] === 'VERIFIED'
          ? {}
          : { Value: record['Value'], Found: found.join(' | ') || undefined };
      return `\n${formatFields({ Record: `${record['Type']} ${record['Hostname']}`, ...shown, Advice: record['Advice'] })}`;
    });
  return `${formatState(name, output)}\n${table}${advice.join('')}`;
}

/** What a record is for; of a key that does not sign, how far it is. */
function purposeOf(record: Output): string {
  const purpose = String(record['Purpose']);
  if (record['KeyState'] === 'NEXT') return `${purpose}, new`;
  if (record['KeyState'] === 'RETIRED') return `${purpose}, keep until ${formatTime(record['KeepUntil'])}`;
  return purpose;
}
