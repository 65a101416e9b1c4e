import { expect, test } from 'vitest';
import { MailAuthority } from '#test/support/mail-authority';
import { startTwoOrganizations, type TestOrganization } from '#test/support/two-organizations';

const photo = Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.alloc(96, 7)]).toString('base64');

/** What the operations of devices, policies, photos and certificates can name. */
interface Named {
  readonly user: string;
  readonly device: string;
  readonly group: string;
  readonly rule: string;
  readonly fingerprint: string;
}

/** Operations that name a user in UserId, and what else they need. */
const ofUser = {
  'Mailstead.ListMobileDevices': {},
  'Mailstead.DescribeMobileDevice': {},
  'Mailstead.DeleteMobileDevice': { Force: true },
  'Mailstead.WipeMobileDevice': {},
  'Mailstead.CancelWipeMobileDevice': {},
  'Mailstead.PutDeviceTrace': { Enabled: true },
  'Mailstead.GetDeviceTrace': {},
  'Mailstead.GetDeviceRecoveryPassword': {},
  'Mailstead.PutMobileDeviceAccessOverride': { Effect: 'DENY' },
  'Mailstead.DeleteMobileDeviceAccessOverride': {},
  PutMobileDeviceAccessOverride: { Effect: 'DENY' },
  GetMobileDeviceAccessOverride: {},
  DeleteMobileDeviceAccessOverride: {},
  ListMobileDeviceAccessOverrides: {},
  'Mailstead.GetUserPhoto': {},
  'Mailstead.PutUserPhoto': { Photo: photo },
  'Mailstead.DeleteUserPhoto': {},
  'Mailstead.ListUserCertificates': {},
  'Mailstead.PutUserCertificates': { Certificates: [] },
  'Mailstead.DeleteUserCertificate': {},
  'Mailstead.GetAutomaticReply': {},
  'Mailstead.PutAutomaticReply': { State: 'DISABLED' },
} as const;
const withoutDevice = /ListMobileDevices|Photo|Certificate|AutomaticReply/;

/** Every request of an operation that names something of the other organisation. */
function* requests({ user, device, group, rule, fingerprint }: Named): Generator<[string, object]> {
  for (const [operation, more] of Object.entries(ofUser)) {
    const which = withoutDevice.test(operation) ? {} : { DeviceId: device };
    const print = operation === 'Mailstead.DeleteUserCertificate' ? { Fingerprint: fingerprint } : {};
    yield [operation, { UserId: user, ...which, ...print, ...more }];
  }
  for (const EntityId of [user, group]) {
    yield ['Mailstead.GetMobilePolicy', { EntityId }];
    yield ['Mailstead.PutMobilePolicy', { EntityId, Policy: { AllowCamera: true } }];
    yield ['Mailstead.DeleteMobilePolicy', { EntityId }];
  }
  yield ['UpdateMobileDeviceAccessRule', { MobileDeviceAccessRuleId: rule, Name: 'x', Effect: 'DENY' }];
  yield ['DeleteMobileDeviceAccessRule', { MobileDeviceAccessRuleId: rule }];
}

/** What an organisation has. */
async function belongings({ call, alice }: TestOrganization) {
  const UserId = alice.id;
  return {
    devices: await call('Mailstead.ListMobileDevices'),
    trace: await call('Mailstead.GetDeviceTrace', { UserId, DeviceId: 'phone' }),
    overrides: await call('ListMobileDeviceAccessOverrides'),
    rules: await call('ListMobileDeviceAccessRules'),
    settings: await call('Mailstead.GetMobileDeviceAccessSettings'),
    policies: [
      await call('Mailstead.GetMobilePolicy'),
      await call('Mailstead.GetMobilePolicy', { EntityId: UserId }),
      await call('Mailstead.GetMobilePolicy', { EntityId: 'staff' }),
    ],
    photo: await call('Mailstead.GetUserPhoto', { UserId }),
    certificates: await call('Mailstead.ListUserCertificates', { UserId }),
    reply: await call('Mailstead.GetAutomaticReply', { UserId }),
  };
}

async function outcome(call: TestOrganization['call'], [operation, input]: [string, object], named: Named) {
  const answer = await call(operation, input).then(
    (output) => JSON.stringify(output),
    (error: Error) => `${error.name}: ${error.message}`,
  );
  const said = Object.values(named).reduce((text, name) => text.replaceAll(name, 'NAMED'), answer);
  // Of one's own user it changes with every request.
  const same = said.replaceAll(/\d{10}(?:\.\d+)?|(?<="Revision":)\d+/g, 'CHANGES');
  return `${operation}: ${same}`;
}

test('devices, policies, photos and certificates of another organisation are as what nobody has, and stay as they are', async () => {
  const { one, two } = await startTwoOrganizations();
  const phone = one.phone('16.1');
  await phone.provision();
  await one.addUser('carol');
  const { GroupId } = await one.call('CreateGroup', { Name: 'staff' });
  await one.call('RegisterToWorkMail', { EntityId: GroupId, Email: 'staff@one.mailstead.test' });
  const UserId = one.alice.id;
  await one.call('Mailstead.PutUserPhoto', { UserId, Photo: photo });
  const issued = await (await MailAuthority.create('root')).issue({ address: one.alice.address });
  await one.call('Mailstead.PutUserCertificates', { UserId, Certificates: [issued.base64] });
  await one.call('Mailstead.PutDeviceTrace', { UserId, DeviceId: 'phone', Enabled: true });
  for (const EntityId of [undefined, UserId, GroupId]) {
    await one.call('Mailstead.PutMobilePolicy', { EntityId, Policy: { AllowCamera: false } });
  }
  await one.call('PutMobileDeviceAccessOverride', { UserId, DeviceId: 'phone', Effect: 'ALLOW' });
  const made = await one.call('CreateMobileDeviceAccessRule', {
    Name: 'x',
    Effect: 'ALLOW',
    DeviceTypes: ['A'],
  });
  await one.call('Mailstead.PutMobileDeviceAccessSettings', { NewDevices: 'BLOCK' });
  const listed = (await one.call('Mailstead.ListUserCertificates', { UserId }))['Certificates'];
  const [{ Fingerprint }] = listed as [{ Fingerprint: string }];
  const before = await belongings(one);

  const nobody: Named = {
    user: '11111111-2222-4333-8444-555555555555',
    device: 'nophone',
    group: '21111111-2222-4333-8444-555555555555',
    rule: 'f'.repeat(32),
    fingerprint: 'f'.repeat(64),
  };
  const theirs: Named = {
    user: UserId,
    device: 'phone',
    group: String(GroupId),
    rule: String(made['MobileDeviceAccessRuleId']),
    fingerprint: Fingerprint,
  };
  const names = [
    [theirs, nobody],
    [
      { ...theirs, user: one.alice.address, group: 'staff@one.mailstead.test' },
      { ...nobody, user: 'nobody@one.mailstead.test', group: 'none@one.mailstead.test' },
    ],
    [
      { ...theirs, user: 'carol', group: 'staff' },
      { ...nobody, user: 'xarol', group: 'stuff' },
    ],
    // Of a user of one's own who has the same name.
    [
      { ...theirs, user: two.alice.id },
      { ...nobody, user: two.alice.id },
    ],
  ] as const;
  for (const [those, none] of names) {
    const [asked, compared] = [[...requests(those)], [...requests(none)]];
    for (const [n, request] of asked.entries()) {
      const told = await outcome(two.call, request, those);
      const other = compared[n] ?? request;
      expect(told).toBe(await outcome(two.call, other, none));
    }
  }
  expect(await belongings(one)).toEqual(before);
  expect((await phone.provision()).wipe).toBeUndefined();
});

test('NextToken of another organisation is as one that was made up', async () => {
  const { one, two } = await startTwoOrganizations();
  for (const name of ['bob', 'carol']) {
    const { id } = await one.addUser(name);
    await one.call('PutMobileDeviceAccessOverride', { UserId: id, DeviceId: 'd1', Effect: 'ALLOW' });
  }
  const { NextToken } = await one.call('ListMobileDeviceAccessOverrides', { MaxResults: 1 });
  expect(NextToken).toEqual(expect.any(String));
  const ask = (token: unknown) => two.call('ListMobileDeviceAccessOverrides', { NextToken: token });
  const messageOf = (token: unknown) =>
    ask(token).then(
      () => '',
      ({ message }: Error) => message,
    );
  const made = Buffer.from('nonsense').toString('base64');
  expect((await messageOf(NextToken)).replace(String(NextToken), '')).toBe(
    (await messageOf(made)).replace(made, ''),
  );
  await expect(ask(NextToken)).rejects.toMatchObject({ name: 'InvalidParameterException' });
});
