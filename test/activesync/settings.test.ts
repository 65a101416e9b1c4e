import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import {
  child,
  childrenOf,
  type Element,
  el,
  integerOf,
  text,
  textOf,
} from '#protocols/activesync/wbxml/element';
import { startEndpoint } from './server.ts';

const { DeviceInformation, UserInformation, Set: SetNode, Get, Status, Oof, DevicePassword } = Settings;
const { RightsManagementInformation, Password } = Settings;
const versions = ['12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;
const deviceId = 'testdevice0001' as DeviceId;

/** A phone of alice that has provisioned. */
async function open(version: (typeof versions)[number] = '14.1') {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  const ask = (...nodes: readonly Element[]) =>
    phone.post('Settings', el(Settings.Settings, ...nodes), { validateRequest: false });
  const device = () => server.devices.get(server.alice.mailbox, deviceId);
  return { server, phone, ask, device };
}

describe.each(versions)('Settings: %s', (version) => {
  test('DeviceInformation is kept; what is sent again is the same, what is empty is cleared', async () => {
    const { phone, device } = await open(version);
    const told = el(
      DeviceInformation,
      el(SetNode, el(Settings.Model, 'M 2'), el(Settings.IMEI, '123'), el(Settings.OSLanguage, 'de')),
    );
    for (let n = 0; n < 2; n++) {
      const { element, rootStatus } = await phone.settings(told);
      expect(rootStatus).toBe(1);
      expect(integerOf(element, DeviceInformation, Status)).toBe(1);
    }
    expect((await device()).information).toMatchObject({
      model: 'M 2',
      imei: '123',
      language: 'de',
      operatingSystem: 'TestOS 1',
    });
    await phone.settings(el(DeviceInformation, el(SetNode, el(Settings.IMEI))));
    expect((await device()).information).toMatchObject({ model: 'M 2', imei: '' });
  });

  test('DeviceInformation: every element in any order; those of a later version are passed over', async () => {
    const { ask, device } = await open(version);
    const isOld = !isAtLeast(version, '14.0');
    const { element } = await ask(
      el(
        DeviceInformation,
        el(
          SetNode,
          el(Settings.MobileOperator, 'Op'),
          el(Settings.UserAgent, 'UA'),
          el(Settings.EnableOutboundSMS, 1),
          el(Settings.PhoneNumber, '+49 1'),
          el(Settings.OSLanguage, 'de'),
          el(Settings.OS, 'OS 9'),
          el(Settings.FriendlyName, 'Anna'),
          el(Settings.IMEI, '99'),
          el(Settings.Model, 'M'),
        ),
      ),
    );
    expect(integerOf(element, DeviceInformation, Status)).toBe(1);
    expect((await device()).information).toEqual({
      model: 'M',
      imei: '99',
      friendlyName: 'Anna',
      operatingSystem: 'OS 9',
      language: 'de',
      phoneNumber: '+49 1',
      ...(version === '12.0' ? {} : { userAgent: 'UA' }),
      ...(isOld ? {} : { mobileOperator: 'Op' }),
    });
  });

  test('UserInformation gives the addresses in the form of the version', async () => {
    const { server, phone } = await open(version);
    const { element } = await phone.settings(el(UserInformation, el(Get)));
    expect(integerOf(element, UserInformation, Status)).toBe(1);
    const told = child(element, UserInformation, Get);
    const account = child(told, Settings.Accounts, Settings.Account);
    const hasAccounts = isAtLeast(version, '14.1');
    const addresses = child(hasAccounts ? account : told, Settings.EmailAddresses);
    expect(childrenOf(addresses, Settings.SMTPAddress).map(text)).toEqual([...server.alice.addresses]);
    const primary = hasAccounts ? server.alice.address : undefined;
    expect(textOf(addresses, Settings.PrimarySmtpAddress)).toBe(primary);
    const { displayName } = server.alice;
    expect(textOf(account, Settings.UserDisplayName)).toBe(hasAccounts ? displayName : undefined);
    expect(textOf(account, Settings.AccountId)).toBeUndefined();
    expect(textOf(account, Settings.SendDisabled)).toBeUndefined();
  });

  test('nodes are answered each on its own and in their order', async () => {
    const { phone } = await open(version);
    const { element, rootStatus } = await phone.settings(
      el(DevicePassword, el(SetNode, el(Password, '1234'))),
      el(Oof, el(Get, el(Settings.BodyType, 'Text'))),
      el(UserInformation, el(Get)),
    );
    expect(rootStatus).toBe(1);
    const [, ...nodes] = element?.children ?? [];
    expect(nodes.map((node) => `${node.tag.name}=${integerOf(node, Status)}`)).toEqual([
      'DevicePassword=7',
      'Oof=1',
      'UserInformation=1',
    ]);
    for (const node of nodes) expect(node.children[0]?.tag).toBe(Status);
  });

  test('a node without Get or Set, with the wrong one or with both answers Status 2, the others are done', async () => {
    const { ask } = await open(version);
    const { element, rootStatus } = await ask(
      el(UserInformation),
      el(DeviceInformation, el(Get)),
      el(DevicePassword, el(SetNode, el(Password, '1')), el(Get)),
      el(Oof),
    );
    expect(rootStatus).toBe(1);
    const [, ...nodes] = element?.children ?? [];
    expect(nodes.map((node) => integerOf(node, Status))).toEqual([2, 2, 2, 2]);
    const mixed = await ask(el(Settings.Model, 'x'), el(UserInformation, el(Get)));
    expect(mixed.element?.children.map(({ tag }) => tag.name)).toEqual(['Status', 'UserInformation']);
  });

  test('DevicePassword Set is kept where the policy has PasswordRecoveryEnabled: Status 1; empty, it is cleared', async () => {
    const { server, phone, device } = await open(version);
    await server.policies.put(server.organization, 'organization', {
      settings: { PasswordRecoveryEnabled: true },
      allowNonProvisionableDevices: false,
    });
    await phone.provision();
    const say = async (password: string) => {
      const { element } = await phone.settings(el(DevicePassword, el(SetNode, el(Password, password))));
      return integerOf(element, DevicePassword, Status);
    };
    for (let n = 0; n < 2; n++) expect(await say('pass & 1234')).toBe(1);
    expect((await device()).recoveryPassword).toMatchObject({ password: 'pass & 1234' });
    expect(await say('é'.repeat(255))).toBe(1);
    expect(await say('')).toBe(1);
    expect((await device()).recoveryPassword).toBeUndefined();
  });
});

test('Settings DevicePassword: without PasswordRecoveryEnabled Status 7, and nothing is kept', async () => {
  const { ask, device } = await open();
  for (const password of ['1234', 'x'.repeat(256)]) {
    const { element } = await ask(el(DevicePassword, el(SetNode, el(Password, password))));
    expect(integerOf(element, DevicePassword, Status)).toBe(7);
  }
  expect((await device()).recoveryPassword).toBeUndefined();
});

test('Settings DevicePassword: too long Status 5, no Password at all Status 2; the one before stays', async () => {
  const { server, phone, ask, device } = await open();
  await server.policies.put(server.organization, 'organization', {
    settings: { PasswordRecoveryEnabled: true },
    allowNonProvisionableDevices: false,
  });
  await phone.provision();
  await ask(el(DevicePassword, el(SetNode, el(Password, 'before'))));
  for (const [node, status] of [
    [el(SetNode, el(Password, 'x'.repeat(256))), 5],
    [el(SetNode), 2],
  ] as const) {
    const { element } = await ask(el(DevicePassword, node));
    expect(integerOf(element, DevicePassword, Status)).toBe(status);
  }
  expect((await device()).recoveryPassword?.password).toBe('before');
  await server.devices.remove(server.alice.mailbox, deviceId);
  await phone.provision();
  expect((await device()).recoveryPassword).toBeUndefined();
});

test('Settings DeviceInformation: an empty Set clears everything, 1,024 characters are kept and no more', async () => {
  const { ask, device } = await open();
  const long = '\u{1f4f1}'.repeat(1030);
  const { element } = await ask(el(DeviceInformation, el(SetNode, el(Settings.FriendlyName, long))));
  expect(integerOf(element, DeviceInformation, Status)).toBe(1);
  const { friendlyName = '', operatingSystem } = (await device()).information;
  expect([[...friendlyName].length, friendlyName.isWellFormed(), operatingSystem]).toEqual([
    1024,
    true,
    'TestOS 1',
  ]);
  const cleared = await ask(el(DeviceInformation, el(SetNode)));
  expect(integerOf(cleared.element, DeviceInformation, Status)).toBe(1);
  expect(new Set(Object.values((await device()).information))).toEqual(new Set(['']));
});

test.each(versions)(
  'Settings: %s: a request without any node answers Status 2, one without a body 101',
  async (version) => {
    const { ask, phone } = await open(version);
    expect((await ask()).rootStatus).toBe(2);
    expect((await ask(el(Settings.Model, 'x'))).rootStatus).toBe(2);
    const empty = await phone.post('Settings');
    const isOld = !isAtLeast(version, '14.0');
    expect(isOld ? empty.status : empty.rootStatus).toBe(isOld ? 400 : 101);
  },
);

test('Settings: a flood of nodes answers Status 2, and none is done', async () => {
  const { ask, device } = await open();
  const nodes = Array.from({ length: 21 }, () =>
    el(DeviceInformation, el(SetNode, el(Settings.Model, 'new'))),
  );
  expect((await ask(...nodes)).rootStatus).toBe(2);
  expect((await device()).information.model).not.toBe('new');
});

test.each(['14.1', '16.0', '16.1'] as const)(
  'Settings RightsManagementInformation: %s: rights management is off: Status 168',
  async (version) => {
    const { ask } = await open(version);
    const { element, rootStatus } = await ask(el(RightsManagementInformation, el(Get)));
    expect([rootStatus, integerOf(element, RightsManagementInformation, Status)]).toEqual([1, 168]);
  },
);

test.each([
  ['12.1', 400],
  ['14.0', 103],
] as const)('Settings RightsManagementInformation: %s has none: %i', async (version, expected) => {
  const { ask } = await open(version);
  const answer = await ask(el(RightsManagementInformation, el(Get)), el(UserInformation, el(Get)));
  expect(version === '12.1' ? answer.status : answer.rootStatus).toBe(expected);
});
