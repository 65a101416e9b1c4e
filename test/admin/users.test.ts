import {
  CreateAliasCommand,
  CreateUserCommand,
  DeleteAliasCommand,
  DeleteUserCommand,
  DeregisterFromWorkMailCommand,
  DescribeEntityCommand,
  DescribeUserCommand,
  EntityNotFoundException,
  EntityStateException,
  GetMailboxDetailsCommand,
  InvalidParameterException,
  ListAliasesCommand,
  ListUsersCommand,
  UpdateMailboxQuotaCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-workmail';
import { expect, onTestFinished, test } from 'vitest';
import { awsClient, createKey } from '#test/support/aws-client';
import { runCommand } from '#test/support/command-line';
import { EasClient } from '#test/support/eas-client';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';

const at = (name: string) => `${name}@test.mailstead.test`;
const nobody = '11111111-2222-4333-8444-555555555555';

/** A server with alice, Amazon's client for it, and what calls and refuses. */
async function serve() {
  const site = await startServer();
  const { organization: OrganizationId } = site;
  const alice = await site.addUser('alice');
  const client = awsClient(site, await createKey(site, { ManagedPolicy: 'AmazonWorkMailFullAccess' }));
  const call = (operation: string, input: object = {}) => site.admin(operation, { OrganizationId, ...input });
  const refusal = (operation: string, input: object) =>
    call(operation, input).then(
      () => 'done',
      ({ name }: Error) => name,
    );
  const phone = (user = alice) => {
    const { baseUrl, ca } = site;
    const device = { version: '16.1', deviceId: 'phone', validate: false } as const;
    const made = new EasClient({ baseUrl, ca, user: user.address, password: user.password, ...device });
    onTestFinished(() => made.close());
    return made;
  };
  const rcpt = async (address: string, content = 'Subject: x\r\n\r\nx\r\n') => {
    const smtp = await SmtpClient.greeted(String(site.server.addresses['smtp']));
    const { line } = await smtp.mail('x@elsewhere.example', [address], content);
    smtp.close();
    return line;
  };
  return { ...site, OrganizationId, alice, client, call, refusal, phone, rcpt };
}

test('DescribeEntity: who has an address, by an alias too; EntityNotFoundException for nobody', async () => {
  const { OrganizationId, alice, client, call, refusal } = await serve();
  await client.send(new CreateAliasCommand({ OrganizationId, EntityId: alice.id, Alias: at('al') }));
  const describe = (Email: string) => client.send(new DescribeEntityCommand({ OrganizationId, Email }));
  for (const Email of [alice.address, at('al'), at('AL').toUpperCase()]) {
    expect(await describe(Email)).toMatchObject({ EntityId: alice.id, Name: 'alice', Type: 'USER' });
  }
  const { GroupId } = await call('CreateGroup', { Name: 'staff' });
  const { ResourceId } = await call('CreateResource', { Name: 'room', Type: 'ROOM' });
  await call('RegisterToWorkMail', { EntityId: GroupId, Email: at('staff') });
  await call('RegisterToWorkMail', { EntityId: ResourceId, Email: at('room') });
  expect(await describe(at('staff'))).toMatchObject({ EntityId: GroupId, Type: 'GROUP' });
  expect(await describe(at('room'))).toMatchObject({ EntityId: ResourceId, Type: 'RESOURCE' });
  await expect(describe(at('nobody'))).rejects.toBeInstanceOf(EntityNotFoundException);
  expect(await refusal('DescribeEntity', { Email: 'alice' })).toBe('InvalidParameterException');
  await call('DeregisterFromWorkMail', { EntityId: alice.id });
  await expect(describe(alice.address)).rejects.toBeInstanceOf(EntityNotFoundException);
  const { OrganizationId: other } = await call('CreateOrganization', { Alias: 'other' });
  expect(await refusal('DescribeEntity', { OrganizationId: other, Email: at('staff') })).toBe(
    'EntityNotFoundException',
  );
});

test('DeleteAlias: an alias goes, the primary address is an InvalidParameterException, an unknown one is done', async () => {
  const { OrganizationId, alice, client, call, refusal, rcpt, addUser } = await serve();
  const EntityId = alice.id;
  await call('CreateAlias', { EntityId, Alias: at('al') });
  expect(await rcpt(at('al'))).toMatch(/^250 /);
  const remove = (Alias: string) => client.send(new DeleteAliasCommand({ OrganizationId, EntityId, Alias }));
  await expect(remove(alice.address)).rejects.toBeInstanceOf(InvalidParameterException);
  for (let n = 0; n < 2; n++) await remove(at('AL'));
  const { Aliases } = await client.send(new ListAliasesCommand({ OrganizationId, EntityId }));
  expect(Aliases).toEqual([alice.address]);
  expect(await rcpt(at('al'))).toMatch(/^550 5\.1\.1 /);
  // What another one has stays.
  const bob = await addUser('bob');
  await call('CreateAlias', { EntityId: bob.id, Alias: at('al') });
  await remove(at('al'));
  expect(await rcpt(at('al'))).toMatch(/^250 /);
  expect(await refusal('DeleteAlias', { EntityId: nobody, Alias: at('al') })).toBe('EntityNotFoundException');
  await call('DeregisterFromWorkMail', { EntityId });
  await expect(remove(at('al'))).rejects.toBeInstanceOf(EntityStateException);
});

test('DeleteUser: an enabled one is an EntityStateException, an unknown one is done, a deleted one leaves no ghosts', async () => {
  const { OrganizationId, alice, client, call, refusal, phone, rcpt, addUser, admin } = await serve();
  const UserId = alice.id;
  const remove = (who: string) => client.send(new DeleteUserCommand({ OrganizationId, UserId: who }));
  await expect(remove(UserId)).rejects.toBeInstanceOf(EntityStateException);
  await remove(nobody);
  await remove('nobody-of-that-name');
  const { GroupId } = await call('CreateGroup', { Name: 'staff' });
  await expect(remove(String(GroupId))).rejects.toBeInstanceOf(InvalidParameterException);

  await phone().provision();
  await call('AssociateMemberToGroup', { GroupId, MemberId: UserId });
  await call('CreateAlias', { EntityId: UserId, Alias: at('al') });
  await call('Mailstead.PutMailRouting', { Administrator: UserId });
  await call('Mailstead.PutMobilePolicy', { EntityId: UserId, Policy: { AllowCamera: false } });
  await call('PutMobileDeviceAccessOverride', { UserId, DeviceId: 'phone', Effect: 'ALLOW' });
  const Photo = Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.alloc(96, 7)]).toString('base64');
  await call('Mailstead.PutUserPhoto', { UserId, Photo });
  await client.send(new DeregisterFromWorkMailCommand({ OrganizationId, EntityId: UserId }));
  for (let n = 0; n < 2; n++) await remove(n === 0 ? 'alice' : UserId);

  const described = await client.send(new DescribeUserCommand({ OrganizationId, UserId }));
  expect(described).toMatchObject({ State: 'DELETED', Name: 'alice', DisabledDate: expect.any(Date) });
  expect(described.Email).toBeUndefined();
  const { Users } = await client.send(
    new ListUsersCommand({ OrganizationId, Filters: { State: 'DELETED' } }),
  );
  expect(Users?.map(({ Id, State }) => [Id, State])).toEqual([[UserId, 'DELETED']]);
  expect(await call('ListGroupMembers', { GroupId })).toEqual({ Members: [] });
  expect(await call('Mailstead.GetMailRouting')).not.toHaveProperty('Administrator');
  expect(await call('Mailstead.ListMobileDevices')).toMatchObject({ Devices: [] });
  expect(await call('ListMobileDeviceAccessOverrides')).toMatchObject({ Overrides: [] });
  expect(await rcpt(alice.address)).toMatch(/^550 5\.1\.1 /);
  expect((await phone().options()).status).toBe(401);
  for (const [operation, input] of [
    ['RegisterToWorkMail', { EntityId: UserId, Email: alice.address }],
    ['ResetPassword', { UserId, Password: 'Password-1' }],
    ['UpdateUser', { UserId, DisplayName: 'x' }],
    ['Mailstead.GetUserPhoto', { UserId }],
    ['UpdateMailboxQuota', { UserId, MailboxQuota: 1 }],
    ['AssociateMemberToGroup', { GroupId, MemberId: UserId }],
    ['Mailstead.PutMobilePolicy', { EntityId: UserId, Policy: {} }],
    ['Mailstead.PutAutomaticReply', { UserId, State: 'DISABLED' }],
    ['Mailstead.PutMailRules', { UserId, Rules: [] }],
  ] as const) {
    expect([operation, await refusal(operation, input)]).toEqual([operation, 'EntityStateException']);
  }
  // The name and the addresses are free, and nothing of the one who had them is there.
  const again = await addUser('alice');
  expect(again.id).not.toBe(UserId);
  await call('CreateAlias', { EntityId: again.id, Alias: at('al') });
  expect(await call('ListGroupsForEntity', { EntityId: again.id })).toEqual({ Groups: [] });
  expect(await rcpt(at('al'))).toMatch(/^250 /);
  expect((await phone(again).options()).status).toBe(200);
  expect(await admin('DescribeUser', { OrganizationId, UserId: 'alice' })).toMatchObject({
    UserId: again.id,
  });
});

test('GetMailboxDetails and UpdateMailboxQuota: a user’s own quota beats the one of the configuration, over SMTP too', async () => {
  const { OrganizationId, alice, client, refusal, call, rcpt } = await serve();
  const UserId = alice.id;
  const details = () => client.send(new GetMailboxDetailsCommand({ OrganizationId, UserId }));
  expect(await details()).toMatchObject({ MailboxQuota: 51_200, MailboxSize: 0 });
  const half = `Subject: large\r\n\r\n${'x'.repeat(70)}\r\n`.padEnd(600_000, `${'y'.repeat(70)}\r\n`);
  expect(await rcpt(alice.address, `${half}\r\n`)).toMatch(/^250 /);
  expect((await details()).MailboxSize).toBeCloseTo(0.57, 1);
  await client.send(new UpdateMailboxQuotaCommand({ OrganizationId, UserId, MailboxQuota: 1 }));
  expect(await details()).toMatchObject({ MailboxQuota: 1 });
  expect(await rcpt(alice.address, `${half}\r\n`)).toMatch(/^452 4\.2\.2 /);
  await call('UpdateMailboxQuota', { UserId: 'alice', MailboxQuota: 51_200 });
  expect(await rcpt(alice.address, `${half}\r\n`)).toMatch(/^250 /);
  for (const [input, type] of [
    [{ UserId, MailboxQuota: 0 }, 'InvalidParameterException'],
    [{ UserId, MailboxQuota: 51_201 }, 'InvalidParameterException'],
    [{ UserId: nobody, MailboxQuota: 1 }, 'EntityNotFoundException'],
  ] as const) {
    expect(await refusal('UpdateMailboxQuota', input)).toBe(type);
  }
  expect(await refusal('GetMailboxDetails', { UserId: nobody })).toBe('EntityNotFoundException');
  await call('DeregisterFromWorkMail', { EntityId: UserId });
  expect(await refusal('UpdateMailboxQuota', { UserId, MailboxQuota: 1 })).toBe('EntityStateException');
  expect((await details()).MailboxSize).toBeGreaterThan(1);
});

test('UpdateMailboxQuota: at 90 % a notice comes into the mailbox', async () => {
  const { alice, call, rcpt } = await serve();
  await call('UpdateMailboxQuota', { UserId: alice.id, MailboxQuota: 1 });
  const large = 'Subject: large\r\n\r\n'.padEnd(960_000, `${'x'.repeat(70)}\r\n`);
  expect(await rcpt(alice.address, `${large}\r\n`)).toMatch(/^250 /);
  const size = async () => Number((await call('GetMailboxDetails', { UserId: alice.id }))['MailboxSize']);
  // It comes by the queue, as any mail of our own; the fields put before the large one are shorter than a notice.
  await expect.poll(size, { timeout: 20_000 }).toBeGreaterThan(960_600 / 1024 / 1024);
});

test('REMOTE_USER and IdentityProviderUserId: stored, listed, filtered; such a user has no password', async () => {
  const { OrganizationId, alice, client, call, refusal, phone } = await serve();
  const identity = '0123456789-11111111-2222-3333-4444-555555555555';
  const remote = { OrganizationId, Name: 'remo', DisplayName: 'Remo', Role: 'REMOTE_USER' } as const;
  await expect(
    client.send(new CreateUserCommand({ ...remote, Password: 'Password-1' })),
  ).rejects.toBeInstanceOf(InvalidParameterException);
  const made = await client.send(new CreateUserCommand({ ...remote, IdentityProviderUserId: identity }));
  const UserId = String(made.UserId);
  const expected = { UserRole: 'REMOTE_USER', IdentityProviderUserId: identity };
  expect(await client.send(new DescribeUserCommand({ OrganizationId, UserId }))).toMatchObject(expected);
  const listed = async (prefix: string) => {
    const Filters = { IdentityProviderUserIdPrefix: prefix };
    const { Users = [] } = await client.send(new ListUsersCommand({ OrganizationId, Filters }));
    return Users.map(({ Id, UserRole }) => [Id, UserRole]);
  };
  expect(await listed('0123')).toEqual([[UserId, 'REMOTE_USER']]);
  expect(await listed('1')).toEqual([]);
  for (const Role of ['SYSTEM_USER', 'RESOURCE']) {
    expect(await refusal('CreateUser', { Name: 'x', DisplayName: 'x', Role })).toBe(
      'InvalidParameterException',
    );
    expect(await refusal('UpdateUser', { UserId, Role })).toBe('InvalidParameterException');
  }
  expect(await refusal('ResetPassword', { UserId, Password: 'Password-1' })).toBe(
    'UnsupportedOperationException',
  );
  await client.send(new UpdateUserCommand({ OrganizationId, UserId, IdentityProviderUserId: '' }));
  expect(await listed('0123')).toEqual([]);
  // One who becomes remote signs in no more, also with a password that was right a moment ago.
  expect((await phone().options()).status).toBe(200);
  await client.send(new UpdateUserCommand({ OrganizationId, UserId: alice.id, Role: 'REMOTE_USER' }));
  expect((await phone().options()).status).toBe(401);
  await call('UpdateUser', { UserId: alice.id, Role: 'USER' });
  expect((await phone().options()).status).toBe(401);
  await call('ResetPassword', { UserId: alice.id, Password: 'Password-1' });
  expect((await phone({ ...alice, password: 'Password-1' }).options()).status).toBe(200);
});

test('CreateUser: reserved names are a ReservedNameException', async () => {
  const { refusal } = await serve();
  for (const Name of ['journaling', 'Administrator', 'MAILER-DAEMON', 'system', 'guest', 'krbtgt']) {
    expect(await refusal('CreateUser', { Name, DisplayName: 'x' })).toBe('ReservedNameException');
  }
  expect(await refusal('CreateUser', { Name: 'postmaster', DisplayName: 'x' })).toBe('done');
});

test('user delete, user quota and user aliases --remove', async () => {
  const { dataDir, alice, call } = await serve();
  const run = (...args: readonly string[]) => runCommand(dataDir, args);
  await call('CreateAlias', { EntityId: alice.id, Alias: at('al') });
  expect((await run('user', 'aliases', 'alice', '--remove', at('al'))).out).toBe(
    `${alice.address} (primary)\n`,
  );
  expect((await run('user', 'quota', 'alice')).out).toMatch(/^alice has used 0(?:\.0+)? of 51200 MB\b/);
  expect((await run('user', 'quota', 'alice', '--set', '100')).out).toMatch(/of 100 MB\b/);
  expect(await run('user', 'quota', 'alice', '--set', 'much')).toMatchObject({ code: 2 });
  const enabled = await run('user', 'delete', 'alice');
  expect(enabled.err).toMatch(/^EntityStateException: /);
  expect((await run('user', 'disable', 'alice')).code).toBe(0);
  expect((await run('user', 'delete', 'alice')).out).toMatch(/^alice is deleted/);
  expect((await run('user', 'list')).out).toMatch(/DELETED/);
});
