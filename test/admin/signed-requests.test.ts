import { connect } from 'node:tls';
import {
  CreateOrganizationCommand,
  CreateUserCommand,
  DeleteGroupCommand,
  DescribeOrganizationCommand,
  DescribeUserCommand,
  EntityNotFoundException,
  InvalidParameterException,
  ListOrganizationsCommand,
  ListUsersCommand,
  paginateListUsers,
} from '@aws-sdk/client-workmail';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { awsClient, type Credentials, createKey } from '../support/aws-client.ts';
import { signedClient } from '../support/signed-client.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let site: TestServer;
let full: Credentials;
let OrganizationId: string;

beforeEach(async () => {
  site = await startServer();
  OrganizationId = site.organization;
  full = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
});

test.each(['', '/', '/api/aws', '/api/aws/'])('Amazon’s client is served at "%s"', async (path) => {
  const client = awsClient(site, full, { path });
  const { Users, $metadata } = await client.send(new ListUsersCommand({ OrganizationId }));
  expect(Users).toEqual([]);
  expect($metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
});

test('names of any script, typed errors and pages arrive as they are', async () => {
  const client = awsClient(site, full);
  const ids = await Promise.all(
    ['anna', 'bela', 'cyra'].map(async (Name) => {
      const made = await client.send(
        new CreateUserCommand({ OrganizationId, Name, DisplayName: `${Name} Ä€😀`, Password: 'Pässw0rd!' }),
      );
      return made.UserId;
    }),
  );
  const { DisplayName } = await client.send(new DescribeUserCommand({ OrganizationId, UserId: ids[0] }));
  expect(DisplayName).toBe('anna Ä€😀');
  const listed: (string | undefined)[] = [];
  for await (const page of paginateListUsers({ client, pageSize: 1 }, { OrganizationId })) {
    listed.push(...(page.Users ?? []).map(({ Id }) => Id));
  }
  expect(listed.sort()).toEqual(ids.sort());
  const unknown = new DescribeUserCommand({ OrganizationId, UserId: 'nobody-of-that-name' });
  await expect(client.send(unknown)).rejects.toBeInstanceOf(EntityNotFoundException);
  const wrong = new DescribeUserCommand({ OrganizationId, UserId: 'not an id' });
  await expect(client.send(wrong)).rejects.toBeInstanceOf(InvalidParameterException);
});

describe('who is refused', () => {
  const list = () => new ListUsersCommand({ OrganizationId });

  test.each<[string, () => Credentials, string]>([
    ['a wrong secret', () => ({ ...full, secretAccessKey: 'wrong' }), 'InvalidSignatureException'],
    [
      'an unknown key',
      () => ({ ...full, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }),
      'UnrecognizedClientException',
    ],
  ])('%s', async (_what, credentials, name) => {
    await expect(awsClient(site, credentials()).send(list())).rejects.toMatchObject({ name });
  });

  test('a clock that is an hour wrong, which the client then corrects by the answer’s Date', async () => {
    const client = awsClient(site, full, { systemClockOffset: 3_600_000 });
    await expect(client.send(list())).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    await expect(client.send(list())).resolves.toHaveProperty('Users');
  });

  test('a deleted key', async () => {
    const key = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
    const client = awsClient(site, key);
    await client.send(list());
    await site.admin('Mailstead.DeleteAccessKey', { OrganizationId, AccessKeyId: key.accessKeyId });
    await expect(client.send(list())).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
  });

  test('a read-only key may look and not touch', async () => {
    const key = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailReadOnlyAccess' });
    const client = awsClient(site, key);
    await expect(client.send(list())).resolves.toHaveProperty('Users');
    const remove = new DeleteGroupCommand({
      OrganizationId,
      GroupId: '00000000-0000-4000-8000-000000000000',
    });
    await expect(client.send(remove)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('workmail:DeleteGroup'),
    });
  });

  test('a policy of its own: what it allows, but for what it denies', async () => {
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'workmail:*',
          Resource: `arn:aws:workmail:*:*:organization/${OrganizationId}`,
        },
        { Effect: 'Deny', Action: 'workmail:Describe*', Resource: '*' },
      ],
    });
    const client = awsClient(site, await createKey(site, { OrganizationId, PolicyDocument }));
    await expect(client.send(list())).resolves.toHaveProperty('Users');
    const described = client.send(new DescribeOrganizationCommand({ OrganizationId }));
    await expect(described).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  test('PutMobileDeviceAccessOverride: who is denied it in one service is denied it in the other', async () => {
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: '*', Resource: '*' },
        { Effect: 'Deny', Action: 'workmail:PutMobileDeviceAccessOverride', Resource: '*' },
      ],
    });
    const key = await createKey(site, { OrganizationId, PolicyDocument });
    const input = { OrganizationId, UserId: 'nobody', DeviceId: 'a', Effect: 'ALLOW' };
    for (const service of ['WorkMailService', 'Mailstead']) {
      const { type } = await signedClient(site)(key, `${service}.PutMobileDeviceAccessOverride`, input);
      expect(type, service).toBe('AccessDeniedException');
    }
  });

  test('a key of one organisation: there are no others, and none can be made', async () => {
    const other = String(
      (await site.admin('WorkMailService.CreateOrganization', { Alias: 'other' }))['OrganizationId'],
    );
    const client = awsClient(site, full);
    const described = client.send(new DescribeOrganizationCommand({ OrganizationId: other }));
    await expect(described).rejects.toMatchObject({ name: 'OrganizationNotFoundException' });
    const { OrganizationSummaries } = await client.send(new ListOrganizationsCommand({}));
    expect(OrganizationSummaries?.map((one) => one.OrganizationId)).toEqual([OrganizationId]);
    const made = client.send(new CreateOrganizationCommand({ Alias: 'third' }));
    await expect(made).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  test('a key of the installation has them all', async () => {
    const client = awsClient(site, await createKey(site, { ManagedPolicy: 'AmazonWorkMailFullAccess' }));
    const { OrganizationId: made } = await client.send(new CreateOrganizationCommand({ Alias: 'fourth' }));
    const { OrganizationSummaries } = await client.send(new ListOrganizationsCommand({}));
    expect(OrganizationSummaries?.map((one) => one.OrganizationId)).toEqual(
      expect.arrayContaining([made, OrganizationId]),
    );
  });
});

test('CreateAccessKey: a key that a key made may do no more than its makers', async () => {
  const document = (Action: string | string[]) =>
    JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action, Resource: '*' } });
  const call = signedClient(site);
  const make = async (maker: Credentials, grant: object) => {
    const answer = await call(maker, 'Mailstead.CreateAccessKey', { OrganizationId, Name: 'made', ...grant });
    const { AccessKeyId, SecretAccessKey } = answer.output;
    return { type: answer.type, accessKeyId: String(AccessKeyId), secretAccessKey: String(SecretAccessKey) };
  };
  const may = async (key: Credentials, operation: string) => {
    const answer = await call(key, operation, { OrganizationId, GroupId: 'nobody-of-that-name' });
    return answer.type !== 'AccessDeniedException';
  };
  const [list, remove] = ['WorkMailService.ListUsers', 'WorkMailService.DeleteGroup'];
  const PolicyDocument = document(['mailstead:*AccessKey*', 'workmail:List*']);
  const narrow = await createKey(site, { OrganizationId, PolicyDocument });
  const wide = await make(narrow, { ManagedPolicy: 'AmazonWorkMailFullAccess' });
  expect([await may(wide, list), await may(wide, remove)]).toEqual([true, false]);
  const wider = await make(wide, { PolicyDocument: document('*') });
  expect([await may(wider, list), await may(wider, remove)]).toEqual([true, false]);
  const narrower = await make(wider, { PolicyDocument: document('workmail:DeleteGroup') });
  expect([await may(narrower, list), await may(narrower, remove)]).toEqual([false, false]);
  const made = await make(full, { PolicyDocument: document('workmail:DeleteGroup') });
  expect([await may(made, list), await may(made, remove)]).toEqual([false, true]);

  const { AccessKeys } = await site.admin('Mailstead.ListAccessKeys', { OrganizationId });
  const boundaries = new Map(
    (AccessKeys as Record<string, unknown>[]).map((one) => [
      one['AccessKeyId'],
      one['PermissionsBoundaries'],
    ]),
  );
  expect(boundaries.get(wide.accessKeyId)).toEqual([{ PolicyDocument }]);
  expect(boundaries.get(wider.accessKeyId)).toEqual([{ PolicyDocument }]);
  expect(boundaries.get(narrower.accessKeyId)).toEqual([
    { PolicyDocument: document('*') },
    { PolicyDocument },
  ]);
  expect(boundaries.get(made.accessKeyId)).toBeUndefined();

  let last: Credentials = narrow;
  const long = (n: number) =>
    document(['*', ...Array.from({ length: 240 }, (_, at) => `x${n}:${at}${'x'.repeat(30)}`)]);
  const types: unknown[] = [];
  for (let n = 0; n < 6; n++) {
    const next = await make(last, { PolicyDocument: long(n) });
    types.push(next.type);
    if (next.type === undefined) last = next;
  }
  expect(types.at(0)).toBeUndefined();
  expect(types.at(-1)).toBe('LimitExceededException');
});

test('a request that is not signed is refused before its body is read', async () => {
  const answer = await new Promise<string>((resolve, reject) => {
    const sent = connectTo(site).once('error', reject).setEncoding('utf8');
    sent.once('data', resolve);
    sent.write(
      'POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: WorkMailService.ListUsers\r\nContent-Length: 900000\r\n\r\n',
    );
  });
  expect(answer).toContain('MissingAuthenticationTokenException');
});

test('every call is in the audit log: who, what, from where, outcome, and no secret', async () => {
  const key = await createKey(site, {
    OrganizationId,
    ManagedPolicy: 'AmazonWorkMailFullAccess',
    Name: 'auditor',
  });
  const client = awsClient(site, key);
  await client.send(
    new CreateUserCommand({ OrganizationId, Name: 'dora', DisplayName: 'Dora', Password: 'Geheim-Wort-1' }),
  );
  await expect(
    client.send(new DescribeUserCommand({ OrganizationId, UserId: 'nobody-at-all' })),
  ).rejects.toThrow();
  await expect(
    client.send(new DescribeUserCommand({ OrganizationId, UserId: 'not an id' })),
  ).rejects.toThrow();
  const { Events } = await site.admin('Mailstead.ListAuditEvents', {
    OrganizationId,
    AccessKeyId: key.accessKeyId,
  });
  expect(Events).toMatchObject([
    {
      Operation: 'WorkMailService.DescribeUser',
      Outcome: 'EntityNotFoundException',
      SourceAddress: '127.0.0.1',
    },
    {
      Operation: 'WorkMailService.CreateUser',
      Outcome: 'Success',
      Caller: 'ACCESS_KEY',
      AccessKeyName: 'auditor',
      UserAgent: expect.stringContaining('aws-sdk-js'),
      Input: expect.stringContaining('"Name":"dora"'),
    },
  ]);
  expect(JSON.stringify(Events)).not.toContain('Geheim');
  const unnamed = await site.admin('Mailstead.ListAuditEvents', { AccessKeyId: key.accessKeyId });
  expect(unnamed['Events']).toMatchObject([{ Outcome: 'InvalidParameterException' }]);
  const failed = await site.admin('Mailstead.ListAuditEvents', {
    OrganizationId,
    Outcome: 'Failure',
    Operation: 'DescribeUser',
    AccessKeyId: key.accessKeyId,
  });
  expect(failed['Events']).toHaveLength(1);
});

test('the last use of a key is known, its secret shown once', async () => {
  await awsClient(site, full).send(new ListOrganizationsCommand({}));
  const { AccessKeys } = await site.admin('Mailstead.ListAccessKeys', { OrganizationId });
  expect(AccessKeys).toContainEqual(
    expect.objectContaining({ AccessKeyId: full.accessKeyId, DateLastUsed: expect.any(Number) }),
  );
  expect(JSON.stringify(AccessKeys)).not.toContain(full.secretAccessKey);
});

function connectTo({ baseUrl, ca }: TestServer) {
  const { hostname, port } = new URL(baseUrl);
  const socket = connect({ host: hostname, port: Number(port), ca, servername: 'localhost' });
  onTestFinished(() => void socket.destroy());
  return socket;
}
