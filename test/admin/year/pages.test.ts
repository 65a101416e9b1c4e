/** Every paginator of Amazon's client, over two organisations that have the same. */
import * as workmail from '@aws-sdk/client-workmail';
import { expect, test } from 'vitest';
import { createKey } from '#test/support/aws-client';
import { startServer, type TestServer } from '#test/support/start-server';
import {
  classOf,
  type Operation,
  type OperationClient,
  operationClient,
} from '#test/support/workmail-operations';
import { exported, lambda } from './scene.ts';

interface Paged {
  readonly operation: Operation;
  /** The member of its answers that is listed. */
  readonly member: string;
  readonly input: Readonly<Record<string, unknown>>;
}

type Paginate = (
  config: { readonly client: workmail.WorkMailClient; readonly pageSize: number },
  input: object,
) => AsyncIterable<Readonly<Record<string, unknown>>>;
const sdk = workmail as unknown as Readonly<Record<string, Paginate>>;

/** An organisation with at least three of whatever is listed. */
async function furnished({ admin }: TestServer, Alias: string): Promise<readonly Paged[]> {
  const domains = ['a', 'b'].map((name) => ({ DomainName: `${name}.${Alias}.example` }));
  const made = await admin('CreateOrganization', { Alias, Domains: domains });
  const OrganizationId = String(made['OrganizationId']);
  const call = (operation: string, input: object = {}) => admin(operation, { OrganizationId, ...input });
  const id = async (member: string, operation: string, input: object) =>
    String((await call(operation, input))[member]);
  const at = (name: string) => `${name}@${Alias}.mailstead.test`;
  const [users, groups, resources]: [string[], string[], string[]] = [[], [], []];
  for (const n of ['1', '2', '3']) {
    const user = await id('UserId', 'CreateUser', { Name: `user${n}`, DisplayName: n });
    await call('RegisterToWorkMail', { EntityId: user, Email: at(`user${n}`) });
    users.push(user);
    groups.push(await id('GroupId', 'CreateGroup', { Name: `group${n}` }));
    resources.push(await id('ResourceId', 'CreateResource', { Name: `room${n}`, Type: 'ROOM' }));
    await call('CreateImpersonationRole', { Name: `role${n}`, Type: 'READ_ONLY', Rules: [] });
    const DomainName = `free${n}.example`;
    await call('CreateAvailabilityConfiguration', { DomainName, LambdaProvider: lambda });
    await call('StartMailboxExportJob', { ...exported, EntityId: user, ClientToken: n });
  }
  const [UserId, GroupId, ResourceId] = [users[0], groups[0], resources[0]];
  for (const [n, other] of users.entries()) {
    await call('AssociateMemberToGroup', { GroupId, MemberId: other });
    if (n > 0) await call('AssociateMemberToGroup', { GroupId: groups[n], MemberId: UserId });
    await call('AssociateDelegateToResource', { ResourceId, EntityId: other });
    await call('CreateAlias', { EntityId: UserId, Alias: at(`alias${n}`) });
    await call('Mailstead.CreatePersonalAccessToken', { UserId, Name: `phone${n}` });
    await call('PutMobileDeviceAccessOverride', { UserId, DeviceId: `phone${n}`, Effect: 'ALLOW' });
    const PermissionValues = ['SEND_AS'];
    await call('PutMailboxPermissions', { EntityId: UserId, GranteeId: other, PermissionValues });
  }
  const of = (operation: Operation, member: string, input: object = {}): Paged => ({
    operation,
    member,
    input: { OrganizationId, ...input },
  });
  return [
    of('ListAliases', 'Aliases', { EntityId: UserId }),
    of('ListAvailabilityConfigurations', 'AvailabilityConfigurations'),
    of('ListGroupMembers', 'Members', { GroupId }),
    of('ListGroups', 'Groups'),
    of('ListGroupsForEntity', 'Groups', { EntityId: UserId }),
    of('ListImpersonationRoles', 'Roles'),
    of('ListMailDomains', 'MailDomains'),
    of('ListMailboxExportJobs', 'Jobs'),
    of('ListMailboxPermissions', 'Permissions', { EntityId: UserId }),
    of('ListMobileDeviceAccessOverrides', 'Overrides'),
    { operation: 'ListOrganizations', member: 'OrganizationSummaries', input: {} },
    of('ListPersonalAccessTokens', 'PersonalAccessTokenSummaries'),
    of('ListResourceDelegates', 'Delegates', { ResourceId }),
    of('ListResources', 'Resources'),
    of('ListUsers', 'Users'),
  ];
}

/** The pages of a list as its paginator goes through them. */
async function pagesOf(
  { sdk: client }: OperationClient,
  { operation, member, input }: Paged,
  pageSize: number,
) {
  const pages: { readonly rows: readonly unknown[]; readonly token: unknown }[] = [];
  for await (const page of sdk[`paginate${operation}`]?.({ client, pageSize }, { ...input }) ?? []) {
    pages.push({ rows: page[member] as unknown[], token: page['NextToken'] });
  }
  return pages;
}

async function start() {
  const site = await startServer();
  const key = await createKey(site, { ManagedPolicy: 'AmazonWorkMailFullAccess' });
  return { site, client: operationClient(site, key) };
}

test('every paginator: page by page what is listed at once, each row once; the last page has no NextToken, and no other page is longer than asked', async () => {
  const { site, client } = await start();
  const lists = await furnished(site, 'one');
  await furnished(site, 'two');
  const paginators = Object.keys(workmail).filter((name) => name.startsWith('paginate'));
  expect(lists.map(({ operation }) => `paginate${operation}`)).toEqual(paginators.sort());
  for (const list of lists) {
    const { operation } = list;
    const [whole] = await pagesOf(client, list, 100);
    expect.soft(whole?.rows.length, operation).toBeGreaterThanOrEqual(3);
    expect.soft(whole?.token, operation).toBeUndefined();
    for (const pageSize of [1, 2]) {
      const pages = await pagesOf(client, list, pageSize);
      expect.soft(pages.length, operation).toBeGreaterThanOrEqual(2);
      expect.soft(pages.at(-1)?.token, operation).toBeUndefined();
      expect.soft(Math.max(...pages.map(({ rows }) => rows.length)), operation).toBe(pageSize);
      const rows = pages.flatMap((page) => page.rows);
      expect.soft(rows, operation).toEqual(whole?.rows);
    }
  }
  expect(client.faults).toEqual([]);
}, 60_000);

test('every list: MaxResults 0 and 101, and a NextToken that is made up, cut, of another list or of another organisation are InvalidParameterException', async () => {
  const { site, client } = await start();
  const [one, two] = [await furnished(site, 'one'), await furnished(site, 'two')];
  const tokenOf = async ({ operation, input }: Paged) => {
    const page = await client.callWith(operation, { ...input, MaxResults: 1 });
    const { NextToken } = page as { readonly NextToken?: string };
    expect(NextToken, operation).toEqual(expect.any(String));
    return String(NextToken);
  };
  const tokens = await Promise.all(one.map(tokenOf));
  const theirs = await Promise.all(two.map(tokenOf));
  for (const [n, { operation, input }] of one.entries()) {
    const own = tokens[n] ?? '';
    const isOfInstallation = operation === 'ListOrganizations';
    const wrong: readonly object[] = [
      { MaxResults: 0 },
      { MaxResults: 101 },
      { NextToken: '' },
      { NextToken: 'made-up' },
      { NextToken: own.slice(0, -2) },
      { NextToken: 'a'.repeat(1025) },
      { NextToken: tokens[(n + 1) % tokens.length] },
      { NextToken: tokens[(n + 2) % tokens.length] },
      ...(isOfInstallation ? [] : [{ NextToken: theirs[n] }]),
    ];
    const refusals = wrong.map(async (change) => {
      const refusal = client.callWith(operation, { ...input, ...change });
      const told = `${operation} ${JSON.stringify(change)}`;
      await expect.soft(refusal, told).rejects.toBeInstanceOf(classOf('InvalidParameterException'));
    });
    await Promise.all(refusals);
    await client.callWith(operation, { ...input, NextToken: own });
  }
  const OrganizationId = one[0]?.input['OrganizationId'];
  const ofOne = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const narrow = operationClient(site, ofOne);
  const { OrganizationSummaries } = await narrow.call('ListOrganizations', { MaxResults: 1 });
  expect(OrganizationSummaries).toMatchObject([{ OrganizationId }]);
  const refusal = narrow.call('ListOrganizations', { NextToken: 'made-up' });
  await expect(refusal).rejects.toBeInstanceOf(classOf('InvalidParameterException'));
  expect([...client.faults, ...narrow.faults]).toEqual([]);
}, 60_000);
