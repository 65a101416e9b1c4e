import type { AccessGrant, AccessKey, AccessKeys } from '#directory/access-keys';
import type { ManagedPolicy } from '#directory/access-policy';
import type { Directory } from '#directory/directory';
import type { OrganizationId } from '#domain/ids';
import { organizationIn } from '../../caller.ts';
import type { AdminContext, AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { requiredText, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

interface Parts {
  readonly directory: Pick<Directory, 'describeOrganization'>;
  readonly accessKeys: AccessKeys;
}

/** accessKeyOperations are the operations on access keys, an organisation's or the installation's. */
export function accessKeyOperations(parts: Parts): Readonly<Record<string, AdminOperation>> {
  return {
    'Mailstead.CreateAccessKey': (input, context) => createAccessKey(parts, input, context),
    'Mailstead.ListAccessKeys': (input) => listAccessKeys(parts, input),
    'Mailstead.DeleteAccessKey': (input) => deleteAccessKey(parts, input),
  };
}

async function createAccessKey(parts: Parts, input: AdminInput, { caller }: AdminContext): Promise<object> {
  const organization = await ownerIn(parts, input);
  const maker = caller.kind === 'access-key' ? caller : undefined;
  const name = requiredText(input, 'Name');
  const key = await parts.accessKeys.create(organization, name, grantIn(input), maker);
  return { ...summaryOf(key), SecretAccessKey: key.secretAccessKey };
}

function grantIn(input: AdminInput): AccessGrant {
  const document = textOf(input, 'PolicyDocument');
  const managed = textOf(input, 'ManagedPolicy');
  if (document !== undefined && managed === undefined) return { document };
  if (managed !== undefined && document === undefined) return { managed: managed as ManagedPolicy };
  throw new AdminError('InvalidParameterException', 'Give either PolicyDocument or ManagedPolicy.');
}

async function listAccessKeys(parts: Parts, input: AdminInput): Promise<object> {
  const organization = await ownerIn(parts, input);
  const { after, limit } = pageAsked(input, 'access-keys', organization);
  const page = await parts.accessKeys.list(organization, after, limit);
  return {
    AccessKeys: page.rows.map(summaryOf),
    NextToken: nextToken(page.next, 'access-keys', organization),
  };
}

async function deleteAccessKey(parts: Parts, input: AdminInput): Promise<object> {
  const organization = await ownerIn(parts, input);
  const id = requiredText(input, 'AccessKeyId');
  if (await parts.accessKeys.delete(organization, id)) return {};
  throw new AdminError('ResourceNotFoundException', 'There is no such access key.');
}

/** Undefined: the installation. */
async function ownerIn({ directory }: Parts, input: AdminInput): Promise<OrganizationId | undefined> {
  const organization = organizationIn(input);
  if (organization !== undefined) await directory.describeOrganization(organization);
  return organization;
}

function summaryOf({ id, name, grant, within, createdMs, lastUsedMs }: AccessKey): object {
  return {
    AccessKeyId: id,
    Name: name,
    ...writeGrant(grant),
    PermissionsBoundaries: within.length === 0 ? undefined : within.map(writeGrant),
    DateCreated: timestamp(createdMs),
    DateLastUsed: timestamp(lastUsedMs),
  };
}

function writeGrant(grant: AccessGrant): object {
  return 'managed' in grant ? { ManagedPolicy: grant.managed } : { PolicyDocument: grant.document };
}
