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
          ['DOMAIN', 'DEFAULT', 'ACCEPTS MAIL'],
          recordsOf(MailDomains).map((one) => [
            one['DomainName'],
            one['DefaultDomain'] === true ? 'yes' : '',
            acceptsMail(one),
          ]),
        ),
      );
    });
  withOrganization(domain.command('show'))
    .description('show the state of a mail domain and its DNS records')
    .argument('<domain>')
    .option('--zone', 'the records alone, as lines of a zone file')
    .action(async (DomainName: string, { zone }: { zone?: true }, given: Command) => {
      const session = new Session(terminal, given);
      const input = { OrganizationId: await session.organizationId(), DomainName };
      const output = await session.client.call('WorkMailService.GetMailDomain', input);
      session.show(output, () => (zone ? formatZone(output) : formatDomain(DomainName, output)));
    });
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
    record['Status'],
    record['Type'],
    record['Hostname'],
    record['Value'],
  ]);
  const table = formatTable(['FOR', 'STATUS', 'TYPE', 'HOST NAME', 'VALUE'], records);
  return `${formatState(name, output)}\n${table}${formatAdvice(output)}`;
}

function formatState(name: string, output: Output): string {
  const slow = Array.isArray(output['SlowNameServers']) ? output['SlowNameServers'].join(', ') : '';
  return formatFields({
    Domain: name,
    Ownership: output['OwnershipVerificationStatus'],
    DKIM: output['DkimVerificationStatus'],
    'Accepts mail': acceptsMail(output),
    Default: output['IsDefault'],
    'Test domain': output['IsTestDomain'],
    Checked: formatTime(output['CheckedTime']) || 'never',
    'Slow or silent name servers': slow || undefined,
    ...(output['AcceptsMail'] === true
      ? Object.fromEntries(recordsOf(output['RoleAddresses']).map(roleField))
      : {}),
  });
}

function acceptsMail({ AcceptsMail, MailRefusedFrom }: Output): string | undefined {
  if (AcceptsMail === undefined) return undefined;
  const refusedFrom = formatTime(MailRefusedFrom);
  if (AcceptsMail !== true) return 'no';
  return refusedFrom === ''
    ? 'yes'
    : `yes, until ${refusedFrom}: the record that proves the ownership is gone, put it back`;
}

function roleField({ Address, Recipients }: Output): [string, string] {
  const recipients = Array.isArray(Recipients) ? Recipients.join(', ') : '';
  return [String(Address), recipients || 'nobody: see mailstead routing administrator'];
}

function formatChecks(name: string, output: Output): string {
  const records = recordsOf(output['Records']);
  const table = formatTable(
    ['FOR', 'STATUS', 'TYPE', 'HOST NAME'],
    records.map((record) => [purposeOf(record), record['Status'], record['Type'], record['Hostname']]),
  );
  return `${formatState(name, output)}\n${table}${formatAdvice(output)}`;
}

/** What to do about each record that something is to be done about. */
function formatAdvice(output: Output): string {
  const told = recordsOf(output['Records']).filter((record) => typeof record['Advice'] === 'string');
  const lines = told.map((record) => {
    const found = Array.isArray(record['Found']) ? record['Found'] : [];
    const shown =
      record['Status'] === 'VERIFIED'
        ? {}
        : { Value: record['Value'], Found: found.join(' | ') || undefined };
    return `\n${formatFields({ Record: `${record['Type']} ${record['Hostname']}`, ...shown, Advice: record['Advice'] })}`;
  });
  return lines.join('');
}

const ttlSeconds = 3_600;
/** RFC 1035 §3.3. */
const maxStringLength = 255;

/** RFC 1035 §5.1: what is optional stands below, so that it may be left out. */
function formatZone(output: Output): string {
  const records = recordsOf(output['Records']);
  const lineOf = ({ Type, Hostname, Value }: Output) =>
    `${Hostname}\t${ttlSeconds}\tIN\t${Type}\t${Type === 'TXT' ? quoted(String(Value)) : Value}\n`;
  const needed = records.filter(({ Optional }) => Optional !== true);
  const optional = records.filter(({ Optional }) => Optional === true);
  return `${needed.map(lineOf).join('')}; optional:\n${optional.map(lineOf).join('')}`;
}

function quoted(value: string): string {
  const strings = value.match(new RegExp(`.{1,${maxStringLength}}`, 'gs')) ?? [''];
  return strings.map((string) => `"${string.replace(/["\\]/g, '\\$&')}"`).join(' ');
}

/** What a record is for; of a key that does not sign, how far it is. */
function purposeOf(record: Output): string {
  const purpose = String(record['Purpose']);
  if (record['KeyState'] === 'NEXT') return `${purpose}, new`;
  if (record['KeyState'] === 'RETIRED') return `${purpose}, keep until ${formatTime(record['KeepUntil'])}`;
  return record['Optional'] === true ? `${purpose}, optional` : purpose;
}
