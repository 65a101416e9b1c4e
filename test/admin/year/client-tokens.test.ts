/** Client tokens of every operation that has them, over Amazon's client. */
import { expect, test } from 'vitest';
import { workMailModel } from '#test/support/answer-shapes';
import { createKey } from '#test/support/aws-client';
import { startServer } from '#test/support/start-server';
import { classOf, type Operation, operationClient } from '#test/support/workmail-operations';
import { exported, instanceArn, lambda } from './scene.ts';

interface TokenCase {
  readonly operation: Operation;
  readonly input: object;
  /** What makes it another request. */
  readonly other: object;
  /** How many there are of what it makes, where that can be listed. */
  readonly count?: () => Promise<number | undefined>;
}

test('a ClientToken again with the same input gives the same answer and does nothing more, with another input it is an InvalidParameterException', async () => {
  const site = await startServer();
  const key = await createKey(site, { ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const client = operationClient(site, key);
  const OrganizationId = site.organization;
  const { OrganizationId: leaving } = await client.call('CreateOrganization', { Alias: 'leaving' });
  const [anna, bert] = [await site.addUser('anna'), await site.addUser('bert')];
  const jobOf = async (EntityId: string) => {
    const wanted = { OrganizationId, ...exported, EntityId, ClientToken: EntityId };
    return String((await site.admin('StartMailboxExportJob', wanted))['JobId']);
  };
  const [JobId, otherJob] = [await jobOf(anna.id), await jobOf(bert.id)];
  const cora = await site.addUser('cora');
  const rule = { OrganizationId, Effect: 'ALLOW' };
  const role = { OrganizationId, Type: 'READ_ONLY', Rules: [] };
  const of = { OrganizationId };
  const cases: readonly TokenCase[] = [
    {
      operation: 'CreateOrganization',
      input: { Alias: 'next' },
      other: { Alias: 'other' },
      count: async () => (await client.call('ListOrganizations', {})).OrganizationSummaries?.length,
    },
    {
      operation: 'RegisterMailDomain',
      input: { ...of, DomainName: 'one.example' },
      other: { DomainName: 'two.example' },
      count: async () => (await client.call('ListMailDomains', of)).MailDomains?.length,
    },
    {
      operation: 'CreateMobileDeviceAccessRule',
      input: { ...rule, Name: 'phones' },
      other: { Effect: 'DENY' },
      count: async () => (await client.call('ListMobileDeviceAccessRules', of)).Rules?.length,
    },
    {
      operation: 'CreateAvailabilityConfiguration',
      input: { ...of, DomainName: 'free.example', LambdaProvider: lambda },
      other: { LambdaProvider: { LambdaArn: `${lambda.LambdaArn}2` } },
      count: async () =>
        (await client.call('ListAvailabilityConfigurations', of)).AvailabilityConfigurations?.length,
    },
    {
      operation: 'CreateImpersonationRole',
      input: { ...role, Name: 'archive' },
      other: { Name: 'backup' },
      count: async () => (await client.call('ListImpersonationRoles', of)).Roles?.length,
    },
    {
      operation: 'StartMailboxExportJob',
      input: { ...of, ...exported, EntityId: cora.id },
      other: { S3Prefix: 'other/' },
      count: async () => (await client.call('ListMailboxExportJobs', of)).Jobs?.length,
    },
    { operation: 'CancelMailboxExportJob', input: { ...of, JobId }, other: { JobId: otherJob } },
    {
      operation: 'CreateIdentityCenterApplication',
      input: { Name: 'mail', InstanceArn: instanceArn },
      other: { Name: 'web' },
    },
    {
      operation: 'DeleteOrganization',
      input: { OrganizationId: leaving, DeleteDirectory: true },
      other: { ForceDelete: true },
    },
  ];
  const having = Object.entries(workMailModel.operations).filter(([, { input }]) => {
    const shape = workMailModel.shapes[input?.shape ?? ''];
    return shape?.type === 'structure' && Object.hasOwn(shape.members, 'ClientToken');
  });
  expect(cases.map(({ operation }) => operation).sort()).toEqual(having.map(([name]) => name).sort());

  for (const { operation, input, other, count = async () => 0 } of cases) {
    // Such tokens are made of what is visible in ASCII.
    const ClientToken = `"${operation}"~`;
    const before = await count();
    const { $metadata: _first, ...first } = (await client.callWith(operation, { ...input, ClientToken })) as {
      $metadata: object;
    };
    const after = await count();
    if (after !== 0) expect.soft(after, operation).toBe((before ?? 0) + 1);
    const again = await client.callWith(operation, { ...input, ClientToken });
    expect.soft(again, operation).toMatchObject(first);
    expect.soft(await count(), operation).toBe(after);
    const refusal = client.callWith(operation, { ...input, ...other, ClientToken });
    await expect.soft(refusal, operation).rejects.toBeInstanceOf(classOf('InvalidParameterException'));
    expect.soft(await count(), operation).toBe(after);
  }
  expect(client.faults).toEqual([]);
});
