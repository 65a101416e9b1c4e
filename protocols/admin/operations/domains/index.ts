import type { Directory } from '#directory/directory';
import type { DnsRecord } from '#directory/dns-record';
import { type RecordCheck, recordKey } from '#directory/domain-check';
import { mailRefusedFromMs, slowIn } from '#directory/domain-look';
import type { ListedDomain, MailDomainDetails, MailDomains } from '#directory/mail-domains';
import type { PublishedRecords } from '#directory/ports';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

/** Of a group, which may have thousands. */
const maxShownRecipients = 10;

/** domainOperations are the operations on mail domains; `dns` is what VerifyMailDomain looks at. */
export function domainOperations(
  directory: Directory,
  dns: PublishedRecords,
): Readonly<Record<string, AdminOperation>> {
  const { domains } = directory;
  const shown = async (details: MailDomainDetails) => ({
    Records: details.records.map((record) => ({ ...recordOf(record), ...rememberedOf(record, details) })),
    ...stateOf(details),
    SlowNameServers: details.look?.slow,
    RoleAddresses: await roleAddresses(directory, details),
  });
  return {
    'WorkMailService.RegisterMailDomain': async (input) => {
      await domains.register(organizationOf(input), nameIn(input), textOf(input, 'ClientToken'));
      return {};
    },
    'WorkMailService.DeregisterMailDomain': async (input) => {
      await domains.deregister(organizationOf(input), nameIn(input));
      return {};
    },
    'WorkMailService.UpdateDefaultMailDomain': async (input) => {
      await domains.setDefault(organizationOf(input), nameIn(input));
      return {};
    },
    'WorkMailService.GetMailDomain': async (input) => {
      return shown(await domains.get(organizationOf(input), nameIn(input)));
    },
    'WorkMailService.ListMailDomains': (input) => listMailDomains(domains, input),
    'Mailstead.RotateDkimKeys': async (input) => {
      return shown(await domains.rotateDkimKeys(organizationOf(input), nameIn(input)));
    },
    'Mailstead.VerifyMailDomain': async (input) => {
      const details = await domains.verify(organizationOf(input), nameIn(input), dns);
      return {
        Records: details.checks.map(checkOf),
        ...stateOf(details),
        SlowNameServers: slowIn(details.checks),
        RoleAddresses: await roleAddresses(directory, details),
      };
    },
  };
}

function nameIn(input: AdminInput): string {
  return requiredText(input, 'DomainName');
}

async function listMailDomains(domains: MailDomains, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const { after, limit } = pageAsked(input, 'domains', organization);
  const page = await domains.list(organization, after, limit);
  return {
    MailDomains: page.rows.map((row) => ({
      DomainName: row.domain.name,
      DefaultDomain: row.isDefault,
      ...acceptance(row),
    })),
    NextToken: nextToken(page.next, 'domains', organization),
  };
}

/** Beside what the WorkMail API has: whether mail is accepted, until when if that ends, and when DNS was looked at last. */
function stateOf(details: MailDomainDetails): object {
  const { domain, isDefault, ownership, dkim, look } = details;
  return {
    IsTestDomain: domain.test,
    IsDefault: isDefault,
    OwnershipVerificationStatus: ownership,
    DkimVerificationStatus: dkim,
    ...acceptance(details),
    CheckedTime: timestamp(look?.lookedMs),
  };
}

function acceptance({ domain, look }: ListedDomain): object {
  const gone = domain.state === 'Verified' ? look : undefined;
  return {
    AcceptsMail: domain.state === 'Verified',
    OwnershipMissingSince: timestamp(gone?.ownershipGoneMs),
    MailRefusedFrom: timestamp(gone && mailRefusedFromMs(gone)),
  };
}

/** Who gets mail for the addresses that every domain is to have (RFC 2142 §5, §4); no Recipients: nobody. */
function roleAddresses(directory: Directory, { domain }: MailDomainDetails): Promise<object[]> {
  const addresses = ['postmaster', 'abuse'].map((name) => `${name}@${domain.name}`);
  return Promise.all(
    addresses.map(async (Address) => {
      const recipient = await directory.resolveRecipient(Address);
      if (recipient.kind === 'mailbox') return { Address, Recipients: [recipient.account.address] };
      if (recipient.kind !== 'group') return { Address, Recipients: [] };
      const members = recipient.accounts.slice(0, maxShownRecipients).map(({ address }) => address);
      return { Address, Recipients: members };
    }),
  );
}

/** Beside what the WorkMail API has: what the record is for, and how far its key is. */
function recordOf(record: DnsRecord): object {
  const { type, hostname, value, purpose, isOptional, keyState, keepUntilMs } = record;
  return {
    Type: type,
    Hostname: hostname,
    Value: value,
    Purpose: purpose,
    Optional: isOptional,
    KeyState: keyState,
    KeepUntil: timestamp(keepUntilMs),
  };
}

/** What the last look found, in its own words. */
function rememberedOf(record: DnsRecord, { look }: MailDomainDetails): object {
  const check = look?.checks.find(({ key }) => key === recordKey(record));
  return { Status: check?.status ?? 'PENDING', Advice: check?.advice };
}

function checkOf({ record, found, status, advice }: RecordCheck): object {
  return { ...recordOf(record), Found: found, Status: status, Advice: advice };
}
