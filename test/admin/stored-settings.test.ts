/** Availability, e-mail monitoring and exports of mailboxes over Amazon's client. */
import {
  CancelMailboxExportJobCommand,
  CreateAvailabilityConfigurationCommand,
  DeleteAvailabilityConfigurationCommand,
  DeleteEmailMonitoringConfigurationCommand,
  DescribeEmailMonitoringConfigurationCommand,
  DescribeMailboxExportJobCommand,
  ListAvailabilityConfigurationsCommand,
  PutEmailMonitoringConfigurationCommand,
  paginateListAvailabilityConfigurations,
  paginateListMailboxExportJobs,
  StartMailboxExportJobCommand,
  TestAvailabilityConfigurationCommand,
  UpdateAvailabilityConfigurationCommand,
} from '@aws-sdk/client-workmail';
import { expect, test } from 'vitest';
import { awsClient, createKey } from '../support/aws-client.ts';
import { startServer, type TestServer } from '../support/start-server.ts';
import { fixedClock } from '../support/temp-store.ts';

const nowhere = { OrganizationId: `m-${'0'.repeat(32)}` };
const dayMs = 24 * 60 * 60 * 1000;

async function start() {
  const clock = fixedClock(Date.now());
  const site = await startServer({ clock });
  const OrganizationId = site.organization;
  const key = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  return { site, clock, OrganizationId, client: awsClient(site, key) };
}

type Refused = readonly (readonly [operation: string, input: object, name: string])[];

async function expectRefused({ admin }: TestServer, refused: Refused): Promise<void> {
  for (const [operation, input, name] of refused) {
    await expect(admin(operation, input), `${operation} ${name}`).rejects.toMatchObject({ name });
  }
}

test('availability: CreateAvailabilityConfiguration, UpdateAvailabilityConfiguration, ListAvailabilityConfigurations, TestAvailabilityConfiguration, DeleteAvailabilityConfiguration', async () => {
  const { site, OrganizationId, client } = await start();
  const EwsProvider = {
    EwsEndpoint: 'https://ews.example.net/EWS/Exchange.asmx',
    EwsUsername: 'reader',
    EwsPassword: 'Secret-of-EWS',
  };
  const LambdaArn = 'arn:aws:lambda:eu-west-1:123456789012:function:free';
  const LambdaProvider = { LambdaArn };
  const DomainName = 'example.net';
  const create = { OrganizationId, DomainName: 'Example.NET', EwsProvider, ClientToken: 'once' };
  await client.send(new CreateAvailabilityConfigurationCommand(create));
  await client.send(new CreateAvailabilityConfigurationCommand(create));
  const list = async () =>
    (await client.send(new ListAvailabilityConfigurationsCommand({ OrganizationId })))
      .AvailabilityConfigurations;
  const dates = { DateCreated: expect.any(Date), DateModified: expect.any(Date) };
  const { EwsPassword: _secret, ...shown } = EwsProvider;
  expect(await list()).toEqual([{ DomainName, ProviderType: 'EWS', EwsProvider: shown, ...dates }]);
  const test = new TestAvailabilityConfigurationCommand({ OrganizationId, DomainName });
  expect(await client.send(test)).toMatchObject({
    TestPassed: false,
    FailureReason: 'This server does not ask EWS servers for availability yet.',
  });
  const update = { OrganizationId, DomainName, LambdaProvider };
  await client.send(new UpdateAvailabilityConfigurationCommand(update));
  expect(await list()).toEqual([{ DomainName, ProviderType: 'LAMBDA', LambdaProvider, ...dates }]);

  const other = { OrganizationId, DomainName: 'elsewhere.example', LambdaProvider };
  await expectRefused(site, [
    ['CreateAvailabilityConfiguration', update, 'NameAvailabilityException'],
    [
      'CreateAvailabilityConfiguration',
      { OrganizationId, DomainName: 'a.example' },
      'InvalidParameterException',
    ],
    ['CreateAvailabilityConfiguration', { ...other, EwsProvider }, 'InvalidParameterException'],
    ['CreateAvailabilityConfiguration', { ...other, DomainName: '-.-' }, 'InvalidParameterException'],
    ['CreateAvailabilityConfiguration', { ...other, ClientToken: 'once' }, 'InvalidParameterException'],
    ['CreateAvailabilityConfiguration', { ...other, ...nowhere }, 'OrganizationNotFoundException'],
    ['UpdateAvailabilityConfiguration', other, 'ResourceNotFoundException'],
    ['UpdateAvailabilityConfiguration', { ...update, EwsProvider }, 'InvalidParameterException'],
    ['UpdateAvailabilityConfiguration', { ...update, ...nowhere }, 'OrganizationNotFoundException'],
    ['TestAvailabilityConfiguration', update, 'InvalidParameterException'],
    ['TestAvailabilityConfiguration', { OrganizationId }, 'InvalidParameterException'],
    [
      'TestAvailabilityConfiguration',
      { OrganizationId, DomainName: 'a.example' },
      'ResourceNotFoundException',
    ],
    ['TestAvailabilityConfiguration', { ...nowhere, LambdaProvider }, 'OrganizationNotFoundException'],
    ['ListAvailabilityConfigurations', nowhere, 'OrganizationNotFoundException'],
    ['DeleteAvailabilityConfiguration', { ...nowhere, DomainName }, 'OrganizationNotFoundException'],
  ]);
  for (let n = 1; n < 100; n++) {
    await site.admin('CreateAvailabilityConfiguration', { ...other, DomainName: `d${n}.example` });
  }
  await expectRefused(site, [['CreateAvailabilityConfiguration', other, 'LimitExceededException']]);
  const domains = new Set<unknown>();
  for await (const page of paginateListAvailabilityConfigurations(
    { client, pageSize: 40 },
    { OrganizationId },
  )) {
    for (const one of page.AvailabilityConfigurations ?? []) domains.add(one.DomainName);
  }
  expect(domains.size).toBe(100);
  const removal = new DeleteAvailabilityConfigurationCommand({ OrganizationId, DomainName });
  await client.send(removal);
  await client.send(removal);
  expect(await list()).toHaveLength(99);
});

test('e-mail monitoring: PutEmailMonitoringConfiguration, DescribeEmailMonitoringConfiguration, DeleteEmailMonitoringConfiguration', async () => {
  const { site, OrganizationId, client } = await start();
  const LogGroupArn = 'arn:aws:logs:eu-west-1:123456789012:log-group:mail:*';
  const RoleArn = 'arn:aws:iam::123456789012:role/mail';
  const describe = () => client.send(new DescribeEmailMonitoringConfigurationCommand({ OrganizationId }));
  await expect(describe()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await client.send(new PutEmailMonitoringConfigurationCommand({ OrganizationId, LogGroupArn, RoleArn }));
  expect(await describe()).toMatchObject({ LogGroupArn, RoleArn });
  await client.send(new PutEmailMonitoringConfigurationCommand({ OrganizationId, LogGroupArn }));
  expect((await describe()).RoleArn).toBeUndefined();
  const removal = new DeleteEmailMonitoringConfigurationCommand({ OrganizationId });
  await client.send(removal);
  await client.send(removal);
  await expect(describe()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  const bad = { OrganizationId, LogGroupArn: LogGroupArn.slice(0, -2) };
  await expectRefused(site, [
    ['PutEmailMonitoringConfiguration', bad, 'InvalidParameterException'],
    ['PutEmailMonitoringConfiguration', { ...nowhere, LogGroupArn }, 'OrganizationNotFoundException'],
    ['DescribeEmailMonitoringConfiguration', nowhere, 'OrganizationNotFoundException'],
    ['DeleteEmailMonitoringConfiguration', nowhere, 'OrganizationNotFoundException'],
  ]);
});

test('exports: StartMailboxExportJob, DescribeMailboxExportJob, ListMailboxExportJobs, CancelMailboxExportJob', async () => {
  const { site, clock, OrganizationId, client } = await start();
  const [alice, bob] = [await site.addUser('alice'), await site.addUser('bob')];
  const wanted = {
    OrganizationId,
    EntityId: alice.address,
    Description: 'Before she leaves',
    RoleArn: 'arn:aws:iam::123456789012:role/export',
    KmsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/7a1c0a6c-0000-4000-8000-000000000000',
    S3BucketName: 'exports',
    S3Prefix: 'alice/',
  };
  const begin = async (EntityId: string, ClientToken?: string) =>
    (await client.send(new StartMailboxExportJobCommand({ ...wanted, EntityId, ClientToken }))).JobId;
  const JobId = await begin(alice.address, 'once');
  expect(await begin(alice.address, 'once')).toBe(JobId);
  const describe = () => client.send(new DescribeMailboxExportJobCommand({ OrganizationId, JobId }));
  const { OrganizationId: _org, ...kept } = wanted;
  const ended = { State: 'FAILED', ErrorInfo: 'This server does not export to Amazon S3.' };
  const times = { StartTime: expect.any(Date), EndTime: expect.any(Date) };
  expect(await describe()).toMatchObject({ ...kept, EntityId: alice.id, ...ended, ...times });
  await client.send(new CancelMailboxExportJobCommand({ OrganizationId, JobId }));
  expect(await describe()).toMatchObject(ended);
  await expect(begin(alice.id)).rejects.toMatchObject({ name: 'LimitExceededException' });
  clock.move(1000);
  const second = await begin(bob.id);
  const listed: unknown[] = [];
  for await (const { Jobs } of paginateListMailboxExportJobs({ client, pageSize: 1 }, { OrganizationId })) {
    listed.push(...(Jobs ?? []).map((job) => job.JobId));
  }
  expect(listed).toEqual([JobId, second]);

  const group = await site.admin('CreateGroup', { OrganizationId, Name: 'staff' });
  const [again, unknown] = [
    { ...wanted, ClientToken: 'x' },
    { OrganizationId, JobId: 'unknown' },
  ];
  await expectRefused(site, [
    ['StartMailboxExportJob', { ...again, EntityId: 'nobody' }, 'EntityNotFoundException'],
    ['StartMailboxExportJob', { ...again, EntityId: group['GroupId'] }, 'EntityNotFoundException'],
    ['StartMailboxExportJob', wanted, 'InvalidParameterException'],
    ['StartMailboxExportJob', { ...again, ClientToken: 'once', S3Prefix: 'b/' }, 'InvalidParameterException'],
    ['StartMailboxExportJob', { ...again, ...nowhere }, 'OrganizationNotFoundException'],
    ['DescribeMailboxExportJob', unknown, 'EntityNotFoundException'],
    ['DescribeMailboxExportJob', { ...unknown, ...nowhere }, 'OrganizationNotFoundException'],
    ['CancelMailboxExportJob', { ...unknown, ClientToken: 'x' }, 'EntityNotFoundException'],
    ['CancelMailboxExportJob', { ...unknown, ...nowhere, ClientToken: 'x' }, 'OrganizationNotFoundException'],
    ['ListMailboxExportJobs', nowhere, 'OrganizationNotFoundException'],
  ]);
  // Of a deleted one no more is said, nor kept.
  const gone = await site.addUser('gone');
  for (const operation of ['DeregisterFromWorkMail', 'DeleteUser']) {
    await site.admin(operation, { OrganizationId, EntityId: gone.id, UserId: gone.id });
  }
  await expectRefused(site, [
    ['StartMailboxExportJob', { ...again, EntityId: gone.id }, 'EntityNotFoundException'],
  ]);
  const jobs = async () => (await site.admin('ListMailboxExportJobs', { OrganizationId }))['Jobs'];
  clock.move(7 * dayMs - 500);
  expect(await jobs()).toMatchObject([{ JobId: second }]);
  const third = await site.admin('StartMailboxExportJob', { ...again, EntityId: alice.id });
  expect(await jobs()).toMatchObject([{ JobId: second }, third]);
  await expectRefused(site, [
    ['DescribeMailboxExportJob', { OrganizationId, JobId }, 'EntityNotFoundException'],
  ]);
});
