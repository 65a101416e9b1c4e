import type { Directory } from '#directory/directory';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, textOf } from '../input.ts';

/** domainOperations are the operations on mail domains. */
export function domainOperations(directory: Directory): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.RegisterMailDomain': (input) => registerMailDomain(directory, input),
    'WorkMailService.GetMailDomain': (input) => getMailDomain(directory, input),
  };
}

async function registerMailDomain(directory: Directory, input: AdminInput): Promise<object> {
  const name = requiredText(input, 'DomainName');
  await directory.registerMailDomain(organizationOf(input), name, textOf(input, 'ClientToken'));
  return {};
}

async function getMailDomain(directory: Directory, input: AdminInput): Promise<object> {
  const { domain, isDefault, records } = await directory.getMailDomain(
    organizationOf(input),
    requiredText(input, 'DomainName'),
  );
  return {
    Records: records.map(({ type, hostname, value }) => ({ Type: type, Hostname: hostname, Value: value })),
    IsTestDomain: domain.test,
    IsDefault: isDefault,
    OwnershipVerificationStatus: domain.state === 'Verified' ? 'VERIFIED' : 'PENDING',
    // Outgoing mail is not signed, so there is no key anybody could have published.
    DkimVerificationStatus: 'PENDING',
  };
}
