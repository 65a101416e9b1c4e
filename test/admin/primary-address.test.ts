import { expect, test } from 'vitest';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';

const at = (name: string) => `${name}@test.mailstead.test`;

test('users, groups and resources change their primary address, and keep the old one as an alias', async () => {
  const { admin, organization: OrganizationId, addUser, smtp } = await startServer();
  const call = (operation: string, input: object) => admin(operation, { OrganizationId, ...input });
  const refusal = (input: object) =>
    call('UpdatePrimaryEmailAddress', input).then(
      () => 'done',
      (error: Error) => error.name,
    );
  const alice = await addUser('alice');
  const { GroupId } = await call('CreateGroup', { Name: 'staff' });
  const { ResourceId } = await call('CreateResource', { Name: 'blue', Type: 'ROOM' });
  expect(await refusal({ EntityId: ResourceId, Email: at('red') })).toBe('EntityStateException');
  await call('RegisterToWorkMail', { EntityId: GroupId, Email: at('staff') });
  await call('RegisterToWorkMail', { EntityId: ResourceId, Email: at('blue') });
  const primaries = async () => [
    (await call('DescribeUser', { UserId: alice.id }))['Email'],
    (await call('DescribeGroup', { GroupId }))['Email'],
    (await call('DescribeResource', { ResourceId }))['Email'],
  ];
  for (const [EntityId, name] of [
    [alice.id, 'alicia'],
    [GroupId, 'all'],
    [at('blue'), 'Azure'],
  ]) {
    for (let n = 0; n < 2; n++) {
      await call('UpdatePrimaryEmailAddress', { EntityId, Email: at(String(name)) });
    }
  }
  expect(await primaries()).toEqual([at('alicia'), at('all'), at('azure')]);
  const aliases = { Aliases: [at('azure'), at('blue')] };
  expect(await call('ListAliases', { EntityId: ResourceId })).toEqual(aliases);
  // An alias and the primary address change places.
  await call('UpdatePrimaryEmailAddress', { EntityId: ResourceId, Email: at('blue') });
  expect(await primaries()).toEqual([at('alicia'), at('all'), at('blue')]);
  expect(await call('ListAliases', { EntityId: ResourceId })).toEqual(aliases);
  const client = await SmtpClient.greeted(`${smtp.host}:${smtp.port}`);
  await client.command('MAIL FROM:<a@away.example>');
  for (const name of ['alice', 'alicia', 'staff', 'all', 'blue', 'azure']) {
    expect((await client.command(`RCPT TO:<${at(name)}>`)).code, name).toBe(250);
  }
  client.close();
  for (const [input, type] of [
    [{ EntityId: ResourceId, Email: at('alice') }, 'EmailAddressInUseException'],
    [{ EntityId: 'nobody', Email: at('red') }, 'EntityNotFoundException'],
    [{ EntityId: ResourceId, Email: 'red@away.example' }, 'MailDomainNotFoundException'],
    [{ EntityId: ResourceId, Email: 'red' }, 'InvalidParameterException'],
  ] as const) {
    expect(await refusal(input), type).toBe(type);
  }
  for (let n = 1; n < 100; n++) {
    await call('CreateAlias', { EntityId: ResourceId, Alias: at(`blue-${n}`) });
  }
  expect(await refusal({ EntityId: ResourceId, Email: at('red') })).toBe('InvalidParameterException');
  expect(await refusal({ EntityId: ResourceId, Email: at('blue-9') })).toBe('done');
});
