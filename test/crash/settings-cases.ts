/** What phones ask of a server that is killed meanwhile: what is kept of them and of their user. */
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { child, childrenOf, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { type CrashCase, expectSame, numbers } from './crash-case.ts';

const { Oof, OofMessage, ReplyMessage } = Settings;

const outOfOffice: CrashCase = {
  name: 'Settings Oof',
  group: 'settings',
  writesKib: 60,
  begin: async ({ phone }) => {
    const one = await phone('one');
    const message = (audience: typeof Settings.AppliesToInternal, words: string) =>
      el(
        OofMessage,
        el(audience),
        el(Settings.Enabled, 1),
        el(ReplyMessage, words),
        el(Settings.BodyType, 'Text'),
      );
    const textsNow = async () => {
      const { element } = await one.settings(el(Oof, el(Settings.Get, el(Settings.BodyType, 'Text'))));
      return childrenOf(child(element, Oof, Settings.Get), OofMessage).map(
        (each) => textOf(each, ReplyMessage) ?? '',
      );
    };
    const steps = numbers(20).map((n) => async () => {
      expectSame('audiences that are told different things', new Set(await textsNow()).size, 1);
      const words = `away ${n} ${'x'.repeat(100)}`;
      const { element } = await one.settings(
        el(
          Oof,
          el(
            Settings.Set,
            el(Settings.OofState, 1),
            message(Settings.AppliesToInternal, words),
            message(Settings.AppliesToExternalKnown, words),
            message(Settings.AppliesToExternalUnknown, words),
          ),
        ),
      );
      expectSame('Oof', integerOf(element, Oof, Settings.Status), 1);
      expectSame('texts', [...new Set(await textsNow())], [words]);
    });
    return { steps, check: () => [] };
  },
};

const policyType = el(Provision.PolicyType, 'MS-EAS-Provisioning-WBXML');

const provision: CrashCase = {
  name: 'Provision and its acknowledgement',
  group: 'settings',
  writesKib: 33,
  begin: async ({ phone }) => {
    const one = await phone('one');
    const ask = async (...more: ReturnType<typeof el>[]) => {
      const policies = el(Provision.Policies, el(Provision.Policy, policyType, ...more));
      const { element } = await one.command('Provision', el(Provision.Provision, policies));
      return Number(textOf(element, Provision.Policies, Provision.Policy, Provision.PolicyKey));
    };
    let offered = 0;
    const first = async () => {
      one.policyKey = 0;
      offered = await ask();
    };
    const second = async () => {
      one.policyKey = offered;
      one.policyKey = await ask(el(Provision.PolicyKey, offered), el(Provision.Status, 1));
    };
    const third = async () => expectSame('FolderSync', await one.folderSync(), 1);
    return { steps: numbers(20).flatMap(() => [first, second, third]), check: () => [] };
  },
};

const wipe: CrashCase = {
  name: 'a wipe and its acknowledgement',
  group: 'settings',
  writesKib: 44,
  begin: async ({ site, person }) => {
    const UserId = person.id;
    const OrganizationId = site.organization;
    const phones: EasClient[] = [];
    for (const n of numbers(8)) {
      const phone = await site.phone(person, `wiped${n}`);
      await phone.provision();
      phones.push(phone);
    }
    const steps = phones.flatMap((phone) => {
      const device = { OrganizationId, UserId, DeviceId: phone.deviceId };
      const state = async () => (await site.admin('Mailstead.DescribeMobileDevice', device))['Status'];
      return [
        async () => {
          if ((await state()) !== 'WIPE_REQUIRED') await site.admin('Mailstead.WipeMobileDevice', device);
        },
        async () => {
          const { element } = await phone.command('Provision', el(Provision.Provision));
          expectSame('RemoteWipe', child(element, Provision.RemoteWipe) !== undefined, true);
        },
        async () => {
          const { rootStatus } = await phone.acknowledgeWipe(el(Provision.RemoteWipe));
          expectSame('acknowledgement', rootStatus, 1);
          expectSame('state', await state(), 'WIPE_SUCCEEDED');
        },
      ];
    });
    return { steps, check: () => [] };
  },
};

const quarantine: CrashCase = {
  name: 'a new device in quarantine',
  group: 'settings',
  writesKib: 18,
  begin: async ({ site, person, phone }) => {
    const known = await phone('known', '14.1');
    const fresh = await site.phone(person, 'fresh', '14.1');
    const NewDevices = 'QUARANTINE';
    const steps = [
      () =>
        site.admin('Mailstead.PutMobileDeviceAccessSettings', {
          OrganizationId: site.organization,
          NewDevices,
        }),
      () => fresh.provision(),
      async () => expectSame('FolderSync', await fresh.folderSync(), 1),
      async () => expectSame('messages in quarantine', (await fresh.syncAll(fresh.folder(2))).size, 1),
      async () => {
        while ((await known.syncAll(known.folder(2))).size === 0)
          await new Promise((resolve) => setTimeout(resolve, 100));
      },
    ];
    return {
      steps,
      check: ({ items }) =>
        items.length === 1
          ? []
          : [`${items.length} notices: ${items.map(({ envelope }) => envelope.subject)}`],
    };
  },
};

export const settingsCases: readonly CrashCase[] = [outOfOffice, provision, wipe, quarantine];
