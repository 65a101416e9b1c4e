import type { Directory } from '#directory/directory';
import { type Organization, removalMs } from '#directory/organization';
import type { OrganizationId } from '#domain/ids';
import type { AdminContext, AdminOperation } from '../../endpoint.ts';
import { AdminError, answeringAs } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { flagOf, organizationOf, requiredText, structuresOf, textOf, timestamp } from '../input.ts';
import { nextToken, pageOfIdsAsked } from '../page-token.ts';

/** The key every organisation's data is protected with, in the API's form of a name. */
const defaultKeyArn = 'arn:aws:kms:local:000000000000:key/default';

/** organizationOperations are the operations on organisations. */
export function organizationOperations(directory: Directory): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.CreateOrganization': (input) => createOrganization(directory, input),
    'WorkMailService.DeleteOrganization': (input) => deleteOrganization(directory, input),
    'Mailstead.RestoreOrganization': (input) => restoreOrganization(directory, input),
    'WorkMailService.DescribeOrganization': (input) => describeOrganization(directory, input),
    'WorkMailService.ListOrganizations': (input, context) => listOrganizations(directory, input, context),
  };
}

async function createOrganization(directory: Directory, input: AdminInput): Promise<object> {
  if (input['DirectoryId'] !== undefined) throw invalid('There is no such directory: leave DirectoryId out.');
  if (flagOf(input, 'EnableInteroperability')) throw invalid('Interoperability needs a directory.');
  if ((textOf(input, 'KmsKeyArn') ?? defaultKeyArn) !== defaultKeyArn) {
    throw invalid(`There is no such key: leave KmsKeyArn out or give ${defaultKeyArn}.`);
  }
  const made = directory.createOrganization({
    alias: requiredText(input, 'Alias'),
    domains: structuresOf(input, 'Domains').map((domain) => requiredText(domain, 'DomainName')),
    clientToken: textOf(input, 'ClientToken'),
  });
  return { OrganizationId: await answeringAs({ 'domain/in-use': 'InvalidParameterException' }, made) };
}

function invalid(message: string): AdminError {
  return new AdminError('InvalidParameterException', message);
}

/** Its directory is its own and goes with it, and there is no Identity Center: both flags change nothing. */
async function deleteOrganization({ removal }: Directory, input: AdminInput): Promise<object> {
  const id = organizationOf(input);
  await removal.delete(id, {
    isForced: flagOf(input, 'ForceDelete'),
    clientToken: textOf(input, 'ClientToken'),
  });
  return { OrganizationId: id, State: 'Deleted' };
}

async function restoreOrganization({ removal }: Directory, input: AdminInput): Promise<object> {
  return summaryOf(await removal.restore(organizationOf(input)));
}

async function describeOrganization(directory: Directory, input: AdminInput): Promise<object> {
  const organization = await directory.describeOrganization(organizationOf(input));
  return {
    ...summaryOf(organization),
    // Every organisation has a directory of its own; scripts expect its id and type.
    DirectoryId: `d-${organization.id.slice(2, 12)}`,
    DirectoryType: 'VpcDirectory',
    CompletedDate: timestamp(organization.createdMs),
    ARN: `arn:aws:workmail:local:000000000000:organization/${organization.id}`,
    InteroperabilityEnabled: false,
    // Ours: until when it can be restored.
    RemovalDate: timestamp(removalMs(organization)),
  };
}

/** To a key of one organisation there are no others. */
async function listOrganizations(
  directory: Directory,
  input: AdminInput,
  { caller }: AdminContext,
): Promise<object> {
  const { after, limit } = pageOfIdsAsked<OrganizationId>(input, 'organizations');
  if (caller.kind === 'access-key' && caller.organization !== undefined) {
    return { OrganizationSummaries: [summaryOf(await directory.describeOrganization(caller.organization))] };
  }
  const page = await directory.listOrganizations(after, limit);
  return {
    OrganizationSummaries: page.rows.map(summaryOf),
    NextToken: nextToken(page.next, 'organizations'),
  };
}

function summaryOf({ id, alias, state, defaultDomain }: Organization): object {
  return { OrganizationId: id, Alias: alias, DefaultMailDomain: defaultDomain, State: state };
}
