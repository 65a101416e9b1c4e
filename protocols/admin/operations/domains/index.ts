import type { DnsRecord } from '#directory/domain';
import type { RecordCheck } from '#directory/domain-check';
import type { MailDomainDetails, MailDomains } from '#directory/mail-domains';
import type { PublishedRecords } from '#directory/ports';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

/** domainOperations are the operations on mail domains; `dns` is what VerifyMailDomain looks at. */
export function domainOperations(
  domains: MailDomains,
  dns: PublishedRecords,
): Readonly<Record<string, AdminOperation>> {
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
      const details = await domains.get(organizationOf(input), nameIn(input));
      return { Records: details.records.map(recordOf), ...stateOf(details) };
    },
    'WorkMailService.ListMailDomains': (input) => listMailDomains(domains, input),
    'Mailstead.RotateDkimKeys': async (input) => {
      const details = await domains.rotateDkimKeys(organizationOf(input), nameIn(input));
      return { Records: details.records.map(recordOf), ...stateOf(details) };
    },
    'Mailstead.VerifyMailDomain': async (input) => {
      const details = await domains.verify(organizationOf(input), nameIn(input), dns);
      return { Records: details.checks.map(checkOf), ...stateOf(details) };
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
    MailDomains: page.rows.map(({ name, isDefault }) => ({ DomainName: name, DefaultDomain: isDefault })),
    NextToken: nextToken(page.next, 'domains', organization),
  };
}

function stateOf({ domain, isDefault, isDkimSeen }: MailDomainDetails): object {
  return {
    IsTestDomain: domain.test,
    IsDefault: isDefault,
    OwnershipVerificationStatus: domain.state === 'Verified' ? 'VERIFIED' : 'PENDING',
    DkimVerificationStatus: isDkimSeen ? 'VERIFIED' : 'PENDING',
  };
}

/** Beside what the WorkMail API has: what the record is for, and how far its key is. */
function recordOf({ type, hostname, value, purpose, keyState, keepUntilMs }: DnsRecord): object {
  return {
    Type: type,
    Hostname: hostname,
    Value: value,
    Purpose: purpose,
    KeyState: keyState,
    KeepUntil: timestamp(keepUntilMs),
  };
}

function checkOf({ record, found, status, advice }: RecordCheck): object {
  return { ...recordOf(record), Found: found, Status: status, Advice: advice };
}
