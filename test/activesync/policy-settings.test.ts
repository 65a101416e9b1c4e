import { describe, expect, test } from 'vitest';
import { policySettingNames, type SettingValue } from '#domain/policy-settings';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { child, type Element, el, has, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import { startEndpoint, type TestServer } from './server.ts';

const versions = ['12.1', '14.0', '14.1', '16.0', '16.1'] as const;

/** MS-ASPROV, EASProvisionDoc: every element in its order, a value, and what is sent once it is taken back. */
const elements: readonly (readonly [name: string, value: SettingValue, sent: string, assumed: string])[] = [
  ['DevicePasswordEnabled', true, '1', '0'],
  ['AlphanumericDevicePasswordRequired', true, '1', '0'],
  ['PasswordRecoveryEnabled', true, '1', '0'],
  ['RequireStorageCardEncryption', true, '1', '0'],
  ['AttachmentsEnabled', false, '0', '1'],
  ['MinDevicePasswordLength', 16, '16', ''],
  ['MaxInactivityTimeDeviceLock', 300, '300', ''],
  ['MaxDevicePasswordFailedAttempts', 4, '4', ''],
  ['MaxAttachmentSize', 1000, '1000', ''],
  ['AllowSimpleDevicePassword', false, '0', '1'],
  ['DevicePasswordExpiration', 730, '730', '0'],
  ['DevicePasswordHistory', 50, '50', '0'],
  ['AllowStorageCard', false, '0', '1'],
  ['AllowCamera', false, '0', '1'],
  ['RequireDeviceEncryption', true, '1', '0'],
  ['AllowUnsignedApplications', false, '0', '1'],
  ['AllowUnsignedInstallationPackages', false, '0', '1'],
  ['MinDevicePasswordComplexCharacters', 4, '4', '1'],
  ['AllowWiFi', false, '0', '1'],
  ['AllowTextMessaging', false, '0', '1'],
  ['AllowPOPIMAPEmail', false, '0', '1'],
  ['AllowBluetooth', 1, '1', '2'],
  ['AllowIrDA', false, '0', '1'],
  ['RequireManualSyncWhenRoaming', true, '1', '0'],
  ['AllowDesktopSync', false, '0', '1'],
  ['MaxCalendarAgeFilter', 7, '7', '0'],
  ['AllowHTMLEmail', false, '0', '1'],
  ['MaxEmailAgeFilter', 5, '5', '0'],
  ['MaxEmailBodyTruncationSize', 0, '0', '-1'],
  ['MaxEmailHTMLBodyTruncationSize', 4096, '4096', '-1'],
  ['RequireSignedSMIMEMessages', true, '1', '0'],
  ['RequireEncryptedSMIMEMessages', true, '1', '0'],
  ['RequireSignedSMIMEAlgorithm', 1, '1', '0'],
  ['RequireEncryptionSMIMEAlgorithm', 4, '4', '0'],
  ['AllowSMIMEEncryptionAlgorithmNegotiation', 0, '0', '2'],
  ['AllowSMIMESoftCerts', false, '0', '1'],
  ['AllowBrowser', false, '0', '1'],
  ['AllowConsumerEmail', false, '0', '1'],
  ['AllowRemoteDesktop', false, '0', '1'],
  ['AllowInternetSharing', false, '0', '1'],
  ['UnapprovedInROMApplicationList', ['a.exe', 'b.exe'], 'ApplicationName=a.exe,ApplicationName=b.exe', ''],
  ['ApprovedApplicationList', ['2jmj7l5rSw0yVb/vlWAYkK/YBwk='], 'Hash=2jmj7l5rSw0yVb/vlWAYkK/YBwk=', ''],
];

function putPolicy(server: TestServer, settings: Readonly<Record<string, unknown>>) {
  return server.policies.put(server.organization, 'organization', {
    settings,
    allowNonProvisionableDevices: false,
  });
}

const written = (document: Element | undefined) =>
  document?.children.map(({ tag, text, children }) => {
    const entries = children.map((entry) => `${entry.tag.name}=${entry.text}`).join(',');
    return [tag.name, text || entries];
  });

const documentOf = (policy: Element | undefined) => child(policy, Provision.EASProvisionDoc);

describe.each(versions)('%s: Provision', (version) => {
  test('every element of EASProvisionDoc is sent, in its order, and its default once it was set', async () => {
    const server = await startEndpoint();
    expect(elements.map(([name]) => name)).toEqual(policySettingNames);
    await putPolicy(server, Object.fromEntries(elements));
    const phone = server.phone(version);
    const full = await phone.provision();
    expect(written(documentOf(full.policy))).toEqual(elements.map(([name, , sent]) => [name, sent]));
    await putPolicy(server, {});
    const none = await phone.provision();
    expect(written(documentOf(none.policy))).toEqual(elements.map(([name, , , assumed]) => [name, assumed]));
  });
});

describe('what the server sees to by itself', () => {
  const message = (text: string, html?: string) =>
    html === undefined
      ? `Subject: s\r\nContent-Type: text/plain\r\n\r\n${text}\r\n`
      : [
          'Subject: s',
          'MIME-Version: 1.0',
          'Content-Type: multipart/alternative; boundary=b',
          '',
          '--b',
          'Content-Type: text/plain',
          '',
          text,
          '--b',
          'Content-Type: text/html',
          '',
          html,
          '--b--',
          '',
        ].join('\r\n');

  async function syncedBody(
    settings: Readonly<Record<string, unknown>>,
    raw: string,
    body: { type: number; truncationSize?: number },
    options: readonly Element[] = [],
  ) {
    const server = await startEndpoint();
    await putPolicy(server, settings);
    const serverId = await server.receive(raw);
    const phone = server.phone('14.1');
    await phone.provision();
    await phone.folderSync();
    const inbox = phone.folder(2);
    const [data] = (await phone.syncAll(inbox, { body, options })).values();
    const fetched = await phone.fetch({ collectionId: inbox, serverId }, [
      el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, body.type)),
    ]);
    return [data, fetched.properties].map((properties) => {
      const made = child(properties, AirSyncBase.Body);
      return {
        type: integerOf(made, AirSyncBase.Type),
        truncated: textOf(made, AirSyncBase.Truncated),
        data: textOf(made, AirSyncBase.Data),
      };
    });
  }

  test.each([
    [{ MaxEmailBodyTruncationSize: 10 }, 1, '0123456789'],
    [{ MaxEmailHTMLBodyTruncationSize: 10 }, 2, '<p>0123456'],
  ] as const)('%j cuts bodies of type %i, those that are fetched too', async (settings, type, data) => {
    const raw = message('0123456789'.repeat(10), `<p>${'0123456789'.repeat(10)}</p>`);
    for (const body of await syncedBody(settings, raw, { type })) {
      expect(body).toMatchObject({ type, truncated: '1' });
      expect(data.startsWith(body.data ?? 'nothing')).toBe(true);
    }
    const [smaller] = await syncedBody(settings, raw, { type, truncationSize: 5 });
    expect(smaller?.data?.length).toBeLessThanOrEqual(5);
    const [other] = await syncedBody(settings, raw, { type: type === 1 ? 2 : 1 });
    expect(other).toMatchObject({ truncated: '0' });
  });

  test('MaxEmailBodyTruncationSize 0: the header only; -1: all of it', async () => {
    const raw = message('some text');
    for (const body of await syncedBody({ MaxEmailBodyTruncationSize: 0 }, raw, { type: 1 })) {
      expect(body).toEqual({ type: 1, truncated: '1', data: undefined });
    }
    const [whole] = await syncedBody({ MaxEmailBodyTruncationSize: -1 }, raw, { type: 1 });
    expect(whole).toMatchObject({ truncated: '0', data: 'some text\r\n' });
  });

  test('AllowHTMLEmail false: plain text, whatever is asked for', async () => {
    const raw = message('plain', '<p>html</p>');
    for (const body of await syncedBody({ AllowHTMLEmail: false }, raw, { type: 2 })) {
      expect(body).toMatchObject({ type: 1 });
    }
  });

  test.each([
    [{ MaxAttachmentSize: 10 }, 1],
    [{ MaxAttachmentSize: 10_000 }, 4],
    [{ AttachmentsEnabled: false }, 1],
    [{}, 4],
  ] as const)(
    '%j: a message with an attachment of 3 kB that is asked for as MIME comes as type %i',
    async (settings, type) => {
      const raw = [
        'Subject: s',
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        'Content-Type: text/plain',
        '',
        'text',
        '--b',
        'Content-Type: application/octet-stream; name=a.bin',
        'Content-Disposition: attachment; filename=a.bin',
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.alloc(3000, 7).toString('base64'),
        '--b--',
        '',
      ].join('\r\n');
      const [synced] = await syncedBody(settings, raw, { type: 4 }, [el(AirSync.MIMESupport, 2)]);
      expect(synced?.type).toBe(type);
    },
  );

  test.each([
    [1, 0, 1],
    [2, 4, 1],
    [3, 0, 2],
    [3, 5, 2],
    [5, 1, 1],
    [0, 3, 2],
  ] as const)(
    'MaxEmailAgeFilter %i and FilterType %i: what is older is not for the device',
    async (age, filterType, count) => {
      let nowMs = Date.now() - 5 * 24 * 3_600_000;
      const server = await startEndpoint({
        clock: { now: () => nowMs, after: () => () => undefined },
      });
      await server.deliver('five days ago');
      nowMs += 5 * 24 * 3_600_000;
      await server.deliver('today');
      await putPolicy(server, { MaxEmailAgeFilter: age });
      const phone = server.phone('14.1');
      await phone.provision();
      await phone.folderSync();
      const options = [el(AirSync.FilterType, filterType)];
      expect((await phone.syncAll(phone.folder(2), { options })).size).toBe(count);
    },
  );
});

test('AllowCamera of the organisation, a group and the user: the user’s own policy is sent alone', async () => {
  const server = await startEndpoint();
  await putPolicy(server, { AllowCamera: false, AllowBrowser: false });
  await server.policies.put(server.organization, server.alice.entity, {
    settings: { AllowWiFi: false },
    allowNonProvisionableDevices: false,
  });
  const { policy } = await server.phone('14.1').provision();
  expect(textOf(policy, Provision.EASProvisionDoc, Provision.AllowWiFi)).toBe('0');
  expect(textOf(policy, Provision.EASProvisionDoc, Provision.AllowCamera)).toBe('1');
  expect(has(policy, Provision.EASProvisionDoc, Provision.AllowIrDA)).toBe(false);
});
