/** Requests at once, of which each alone would be in order: what there may be of a thing, and whose a name is, is decided once. */
import { expect, test } from 'vitest';
import { startServer } from '#test/support/start-server';

test('of requests at once no more succeed than a limit, or a name, has room for', async () => {
  const { admin, organization: OrganizationId, addUser } = await startServer();
  const [alice, bob] = [await addUser('alice'), await addUser('bob')];
  const other = String((await admin('CreateOrganization', { Alias: 'other' }))['OrganizationId']);
  const roomy = String((await admin('CreateOrganization', { Alias: 'roomy' }))['OrganizationId']);
  const ResourceARN = `arn:aws:workmail:local:000000000000:organization/${OrganizationId}`;
  const policy = (Name: string) => ({ Name, FolderConfigurations: [{ Name: 'INBOX', Action: 'NONE' }] });
  const role = { Type: 'READ_ONLY', Rules: [] };
  const arn = (what: string) => `arn:aws:${what}`;
  const job = {
    EntityId: alice.id,
    RoleArn: arn('iam::123456789012:role/x'),
    KmsKeyArn: arn('kms:eu-west-1:123456789012:key/x'),
    S3BucketName: 'bucket',
    S3Prefix: 'x',
  };
  const lambda = { LambdaArn: 'arn:aws:lambda:eu-west-1:123456789012:function:free' };
  const races: [operation: string, requests: number, room: number, input: (n: number) => object][] = [
    [
      'Mailstead.CreateAccessKey',
      105,
      100,
      (n) => ({ Name: `k${n}`, ManagedPolicy: 'AmazonWorkMailReadOnlyAccess' }),
    ],
    ['Mailstead.CreatePersonalAccessToken', 105, 100, (n) => ({ UserId: alice.id, Name: `t${n}` })],
    ['CreateImpersonationRole', 25, 20, (n) => ({ ...role, Name: `r${n}` })],
    [
      'PutAccessControlRule',
      14,
      9,
      (n) => ({ Name: `r${n}`, Effect: 'ALLOW', Description: 'd', Actions: ['SMTP'] }),
    ],
    ['CreateMobileDeviceAccessRule', 14, 9, (n) => ({ Name: `r${n}`, Effect: 'ALLOW', DeviceTypes: ['A'] })],
    [
      'CreateAvailabilityConfiguration',
      105,
      100,
      (n) => ({ DomainName: `d${n}.example`, LambdaProvider: lambda }),
    ],
    ['CreateAvailabilityConfiguration', 5, 0, () => ({ DomainName: 'd1.example', LambdaProvider: lambda })],
    ['TagResource', 55, 50, (n) => ({ ResourceARN, Tags: [{ Key: `k${n}`, Value: '' }] })],
    ['PutRetentionPolicy', 5, 1, (n) => policy(`p${n}`)],
    ['StartMailboxExportJob', 5, 1, (n) => ({ ...job, ClientToken: `t${n}` })],
    ['CreateUser', 5, 1, () => ({ Name: 'carl', DisplayName: 'Carl' })],
    ['CreateOrganization', 5, 1, () => ({ OrganizationId: undefined, Alias: 'third' })],
    [
      'CreateAlias',
      4,
      2,
      (n) => ({ EntityId: n % 2 === 0 ? alice.id : bob.id, Alias: 'sales@test.mailstead.test' }),
    ],
    [
      'RegisterMailDomain',
      4,
      1,
      (n) => ({ OrganizationId: n % 2 === 0 ? OrganizationId : other, DomainName: 'one.example' }),
    ],
    ['RegisterMailDomain', 105, 100, (n) => ({ OrganizationId: roomy, DomainName: `d${n}.example` })],
  ];
  for (const [operation, requests, room, input] of races) {
    const answers = await Promise.allSettled(
      Array.from({ length: requests }, (_, n) => admin(operation, { OrganizationId, ...input(n) })),
    );
    const refusals = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason.name] : []));
    expect.soft(requests - refusals.length, operation).toBe(room);
    expect.soft(refusals, operation).not.toContain('InternalFailure');
  }
  const made = await Promise.all(
    Array.from({ length: 5 }, () =>
      admin('CreateOrganization', { Alias: 'once', ClientToken: 'the-same-token' }),
    ),
  );
  expect(new Set(made.map((one) => one['OrganizationId'])).size).toBe(1);
});
