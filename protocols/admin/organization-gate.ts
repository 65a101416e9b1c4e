import type { Organization } from '#directory/organization';
import type { OrganizationId } from '#domain/ids';
import { organizationIn } from './caller.ts';
import type { AdminOperation } from './endpoint.ts';
import { AdminError, type AdminErrorType } from './errors.ts';
import { errorsOf } from './model.ts';

/** What is done with an organisation that is deleted; the operation itself knows the states it can be done in. */
const inAnyState: ReadonlySet<string> = new Set([
  'WorkMailService.DeleteOrganization',
  'WorkMailService.DescribeOrganization',
  'Mailstead.RestoreOrganization',
]);

/**
 * behindOrganizationGate refuses operations on an organisation that is deleted, with the exception that the model lists;
 * one that there is not is refused by the operation itself.
 */
export function behindOrganizationGate(
  operations: Readonly<Record<string, AdminOperation>>,
  organizationOf: (id: OrganizationId) => Promise<Pick<Organization, 'state'> | undefined>,
): Readonly<Record<string, AdminOperation>> {
  const gated = Object.entries(operations).map(([name, operation]): [string, AdminOperation] => {
    if (inAnyState.has(name)) return [name, operation];
    const type = refusalOf(name);
    return [
      name,
      async (input, context) => {
        const id = organizationIn(input);
        const organization = id === undefined ? undefined : await organizationOf(id);
        if (organization?.state === 'Deleted') throw new AdminError(type, 'The organization is Deleted.');
        return operation(input, context);
      },
    ];
  });
  return Object.fromEntries(gated);
}

/** Those of our own operations are not listed. */
function refusalOf(operation: string): AdminErrorType {
  const errors = errorsOf(operation);
  return errors.length > 0 && !errors.includes('OrganizationStateException')
    ? 'ResourceNotFoundException'
    : 'OrganizationStateException';
}
