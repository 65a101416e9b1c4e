import {
  AssociateDelegateToResourceCommand,
  DisassociateDelegateFromResourceCommand,
  EntityNotFoundException,
  EntityStateException,
  InvalidConfigurationException,
  InvalidParameterException,
  ListTagsForResourceCommand,
  OrganizationStateException,
  paginateListResourceDelegates,
  ResourceNotFoundException,
  TagResourceCommand,
  TooManyTagsException,
  UntagResourceCommand,
  UpdateResourceCommand,
} from '@aws-sdk/client-workmail';
import { expect, test } from 'vitest';
import { awsClient, createKey } from '#test/support/aws-client';
import { runCommand } from '#test/support/command-line';
import { startServer } from '#test/support/start-server';

async function serve() {
  const site = await startServer();
  const { organization: OrganizationId } = site;
  const client = awsClient(site, await createKey(site, { ManagedPolicy: 'AmazonWorkMailFullAccess' }));
  const call = (operation: string, input: object = {}) => site.admin(operation, { OrganizationId, ...input });
  return { ...site, OrganizationId, client, call };
}

test('AssociateDelegateToResource, DisassociateDelegateFromResource, ListResourceDelegates: users and groups decide for a resource', async () => {
  const { OrganizationId, client, call, addUser } = await serve();
  const [alice, bob] = [await addUser('alice'), await addUser('bob')];
  const GroupId = String((await call('CreateGroup', { Name: 'staff' }))['GroupId']);
  const ResourceId = String((await call('CreateResource', { Name: 'room', Type: 'ROOM' }))['ResourceId']);
  const input = (EntityId: string, resource = ResourceId) => ({
    OrganizationId,
    ResourceId: resource,
    EntityId,
  });
  const add = (...who: Parameters<typeof input>) =>
    client.send(new AssociateDelegateToResourceCommand(input(...who)));
  const remove = (...who: Parameters<typeof input>) =>
    client.send(new DisassociateDelegateFromResourceCommand(input(...who)));
  const listed = async () => {
    const all: (string | undefined)[][] = [];
    const pages = paginateListResourceDelegates({ client, pageSize: 1 }, { OrganizationId, ResourceId });
    for await (const { Delegates } of pages) all.push(...(Delegates ?? []).map(({ Id, Type }) => [Id, Type]));
    return all.sort();
  };
  const decidesItself = (AutoAcceptRequests: boolean) =>
    client.send(
      new UpdateResourceCommand({ OrganizationId, ResourceId, BookingOptions: { AutoAcceptRequests } }),
    );
  expect(await listed()).toEqual([]);
  await expect(decidesItself(false)).rejects.toBeInstanceOf(InvalidConfigurationException);
  for (const who of ['alice', alice.address, GroupId]) await add(who);
  const both = [
    [alice.id, 'USER'],
    [GroupId, 'GROUP'],
  ].sort();
  expect(await listed()).toEqual(both);
  await decidesItself(false);
  await expect(add('nobody')).rejects.toBeInstanceOf(EntityNotFoundException);
  await expect(add(alice.id, alice.id)).rejects.toBeInstanceOf(EntityNotFoundException);
  await expect(add(ResourceId)).rejects.toBeInstanceOf(InvalidParameterException);
  await expect(remove(bob.id)).rejects.toBeInstanceOf(EntityNotFoundException);
  await remove(GroupId);
  await expect(remove(alice.id)).rejects.toBeInstanceOf(EntityStateException);
  await decidesItself(true);
  await remove(alice.id);
  await expect(remove(alice.id)).rejects.toBeInstanceOf(EntityNotFoundException);

  // Who is deleted decides no more; a deleted user cannot be made to.
  for (const who of [alice.id, bob.id, GroupId]) await add(who);
  await call('DeregisterFromWorkMail', { EntityId: alice.id });
  await call('DeleteUser', { UserId: alice.id });
  await call('DeleteGroup', { GroupId });
  expect(await listed()).toEqual([[bob.id, 'USER']]);
  await expect(add(alice.id)).rejects.toBeInstanceOf(EntityStateException);
  await call('DeleteResource', { ResourceId });
  await expect(listed()).rejects.toBeInstanceOf(EntityNotFoundException);
});

test('TagResource, UntagResource, ListTagsForResource: 50 tags of an organisation by its ARN', async () => {
  const site = await serve();
  const { OrganizationId, client, call, admin } = site;
  const arn = (id: string) => `arn:aws:workmail:eu-west-1:123456789012:organization/${id}`;
  const ResourceARN = arn(OrganizationId);
  const tag = (Tags: { Key: string; Value: string }[], resource = ResourceARN) =>
    client.send(new TagResourceCommand({ ResourceARN: resource, Tags }));
  const tags = async () => (await client.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags;
  expect(await tags()).toEqual([]);
  await tag([
    { Key: 'team', Value: 'one' },
    { Key: 'empty', Value: '' },
  ]);
  await tag([{ Key: 'team', Value: 'two' }]);
  expect(await tags()).toEqual([
    { Key: 'team', Value: 'two' },
    { Key: 'empty', Value: '' },
  ]);
  const many = Array.from({ length: 49 }, (_, n) => ({ Key: `k${n}`, Value: 'v' }));
  await expect(tag(many)).rejects.toBeInstanceOf(TooManyTagsException);
  await tag(many.slice(1));
  const untag = (...TagKeys: string[]) => client.send(new UntagResourceCommand({ ResourceARN, TagKeys }));
  await untag('empty', 'of nobody');
  await untag(...many.map(({ Key }) => Key));
  expect(await tags()).toEqual([{ Key: 'team', Value: 'two' }]);
  for (const refused of [
    [{ Key: 'aws:x', Value: '' }],
    [
      { Key: 'k', Value: '1' },
      { Key: 'k', Value: '2' },
    ],
    [{ Key: 'k', Value: 'v'.repeat(257) }],
    // More than a row holds.
    Array.from({ length: 40 }, (_, n) => ({ Key: `${n}${'😀'.repeat(126)}`, Value: '😀'.repeat(256) })),
  ]) {
    await expect(tag(refused)).rejects.toBeInstanceOf(InvalidParameterException);
  }
  const value = [{ Key: 'k', Value: 'v' }];
  await expect(tag(value, arn(`m-${'0'.repeat(32)}`))).rejects.toBeInstanceOf(ResourceNotFoundException);
  await expect(tag(value, `${ResourceARN}/user/x`)).rejects.toBeInstanceOf(ResourceNotFoundException);
  // The key of another organisation does not see it.
  const { OrganizationId: other } = await admin('CreateOrganization', { Alias: 'other' });
  const theirs = await createKey(site, { OrganizationId: other, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  await expect(
    awsClient(site, theirs).send(new ListTagsForResourceCommand({ ResourceARN })),
  ).rejects.toBeInstanceOf(ResourceNotFoundException);
  await call('DeleteOrganization', { DeleteDirectory: true });
  await expect(tag(value)).rejects.toBeInstanceOf(OrganizationStateException);
  await expect(tags()).rejects.toBeInstanceOf(ResourceNotFoundException);
  await expect(untag('team')).rejects.toBeInstanceOf(ResourceNotFoundException);
});

test('resource delegates and org tags', async () => {
  const { dataDir, call, addUser } = await serve();
  const { id } = await addUser('alice');
  await call('CreateResource', { Name: 'room', Type: 'ROOM' });
  const run = async (...args: readonly string[]) => (await runCommand(dataDir, args)).out;
  expect(await run('resource', 'delegates', 'room', '--add', 'alice')).toMatch(
    new RegExp(`DELEGATE +TYPE +ID\nalice@\\S+ +USER +${id}\n$`),
  );
  await run('group', 'create', 'staff@test.mailstead.test');
  expect(await run('resource', 'delegates', 'room', '--add', 'staff')).toMatch(/\nstaff@\S+ +GROUP +/);
  expect(await run('resource', 'delegates', 'room', '--remove', 'alice')).not.toContain(id);
  expect(await run('org', 'tags', '--set', 'team=one', 'x=a=b')).toMatch(/team +one\nx +a=b\n/);
  expect(await run('org', 'tags', 'test', '--remove', 'x')).not.toMatch(/^x/m);
  expect(await runCommand(dataDir, ['org', 'tags', '--set', 'team'])).toMatchObject({ code: 2 });
});

test('users, resources and delegates of another organisation are as what nobody has', async () => {
  const { call, addUser, admin, organization } = await serve();
  const { id } = await addUser('alice');
  const { ResourceId } = await call('CreateResource', { Name: 'room', Type: 'ROOM' });
  const { OrganizationId } = await admin('CreateOrganization', { Alias: 'other' });
  const { UserId: bob } = await admin('CreateUser', { OrganizationId, Name: 'bob', DisplayName: 'bob' });
  const { ResourceId: van } = await admin('CreateResource', {
    OrganizationId,
    Name: 'van',
    Type: 'EQUIPMENT',
  });
  const nobody = '11111111-2222-4333-8444-555555555555';
  const nothing = `r-${'e'.repeat(32)}`;
  const answer = (operation: string, input: object) =>
    admin(operation, { OrganizationId, ...input }).then(
      (output) => JSON.stringify(output),
      ({ name, message }: Error) => `${name}: ${message}`,
    );
  for (const [operation, theirs, unknown] of [
    ['DeleteUser', { UserId: id }, { UserId: nobody }],
    ['DeleteAlias', { EntityId: id, Alias: 'a@b.example' }, { EntityId: nobody, Alias: 'a@b.example' }],
    ['GetMailboxDetails', { UserId: id }, { UserId: nobody }],
    ['UpdateMailboxQuota', { UserId: id, MailboxQuota: 1 }, { UserId: nobody, MailboxQuota: 1 }],
    ['DescribeEntity', { Email: 'alice@test.mailstead.test' }, { Email: 'x@test.mailstead.test' }],
    ['ListResourceDelegates', { ResourceId }, { ResourceId: nothing }],
    ['AssociateDelegateToResource', { ResourceId, EntityId: bob }, { ResourceId: nothing, EntityId: bob }],
    ['AssociateDelegateToResource', { ResourceId: van, EntityId: id }, { ResourceId: van, EntityId: nobody }],
    ['DisassociateDelegateFromResource', { ResourceId, EntityId: id }, { ResourceId: nothing, EntityId: id }],
  ] as const) {
    expect([operation, await answer(operation, theirs)]).toEqual([
      operation,
      await answer(operation, unknown),
    ]);
  }
  expect(await admin('DescribeUser', { OrganizationId: organization, UserId: id })).toMatchObject({
    State: 'ENABLED',
  });
});
