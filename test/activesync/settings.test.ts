import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { child, childrenOf, el, integerOf, text, textOf } from '#protocols/activesync/wbxml/element';
import { startEndpoint } from './server.ts';

const { DeviceInformation, UserInformation, Set: SetNode, Get, Status, Oof, DevicePassword } = Settings;

describe.each(['12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const)('%s', (version) => {
  test('DeviceInformation is kept; what is sent again is the same, what is empty is cleared', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const information = async () => {
      const device = await server.devices.get(server.alice.mailbox, 'testdevice0001' as DeviceId);
      return device.information;
    };
    const told = el(
      DeviceInformation,
      el(SetNode, el(Settings.Model, 'M 2'), el(Settings.IMEI, '123'), el(Settings.OSLanguage, 'de')),
    );
    for (let n = 0; n < 2; n++) {
      const { element, rootStatus } = await phone.settings(told);
      expect(rootStatus).toBe(1);
      expect(integerOf(element, DeviceInformation, Status)).toBe(1);
    }
    expect(await information()).toMatchObject({
      model: 'M 2',
      imei: '123',
      language: 'de',
      operatingSystem: 'TestOS 1',
    });
    await phone.settings(el(DeviceInformation, el(SetNode, el(Settings.IMEI))));
    expect(await information()).toMatchObject({ model: 'M 2', imei: '' });
  });

  test('UserInformation gives the addresses in the form of the version', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const { element } = await phone.settings(el(UserInformation, el(Get)));
    const told = child(element, UserInformation, Get);
    const account = child(told, Settings.Accounts, Settings.Account);
    const hasAccounts = isAtLeast(version, '14.1');
    const addresses = child(hasAccounts ? account : told, Settings.EmailAddresses);
    expect(childrenOf(addresses, Settings.SMTPAddress).map(text)).toEqual([...server.alice.addresses]);
    const primary = hasAccounts ? server.alice.address : undefined;
    expect(textOf(addresses, Settings.PrimarySmtpAddress)).toBe(primary);
    expect(textOf(account, Settings.AccountId)).toBeUndefined();
  });

  test('nodes are answered each on its own and in their order; what we do not keep is not taken', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const { element, rootStatus } = await phone.settings(
      el(Oof, el(Get, el(Settings.BodyType, 'Text'))),
      el(UserInformation, el(Get)),
      el(DevicePassword, el(SetNode, el(Settings.Password, '1234'))),
    );
    expect(rootStatus).toBe(1);
    const [, ...nodes] = element?.children ?? [];
    expect(nodes.map((node) => `${node.tag.name}=${integerOf(node, Status)}`)).toEqual([
      'Oof=2',
      'UserInformation=1',
      'DevicePassword=7',
    ]);
  });

  test('a request without any node answers Status 2', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    expect((await phone.settings()).rootStatus).toBe(2);
  });
});

test('rights management is off: Status 168', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await phone.provision();
  const { element } = await phone.settings(el(Settings.RightsManagementInformation, el(Get)));
  expect(integerOf(element, Settings.RightsManagementInformation, Status)).toBe(168);
});
