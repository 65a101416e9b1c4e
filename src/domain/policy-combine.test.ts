import { expect, test } from 'vitest';
import { strictestSettings } from './policy-combine.ts';
import { type PolicySettings, policySettingNames, policySettings } from './policy-settings.ts';

test.each<[PolicySettings, PolicySettings, PolicySettings]>([
  [{ DevicePasswordEnabled: false }, { DevicePasswordEnabled: true }, { DevicePasswordEnabled: true }],
  [{ AllowCamera: true }, { AllowCamera: false }, { AllowCamera: false }],
  [{ PasswordRecoveryEnabled: true }, { PasswordRecoveryEnabled: false }, { PasswordRecoveryEnabled: false }],
  [{ MinDevicePasswordLength: 4 }, { MinDevicePasswordLength: 8 }, { MinDevicePasswordLength: 8 }],
  [
    { MaxInactivityTimeDeviceLock: 60 },
    { MaxInactivityTimeDeviceLock: 900 },
    { MaxInactivityTimeDeviceLock: 60 },
  ],
  [{ DevicePasswordExpiration: 0 }, { DevicePasswordExpiration: 30 }, { DevicePasswordExpiration: 30 }],
  [{ DevicePasswordExpiration: 90 }, { DevicePasswordExpiration: 30 }, { DevicePasswordExpiration: 30 }],
  [{ MaxEmailAgeFilter: 3 }, { MaxEmailAgeFilter: 0 }, { MaxEmailAgeFilter: 3 }],
  [{ MaxEmailBodyTruncationSize: -1 }, { MaxEmailBodyTruncationSize: 0 }, { MaxEmailBodyTruncationSize: 0 }],
  [{ MaxEmailBodyTruncationSize: 9 }, { MaxEmailBodyTruncationSize: 5 }, { MaxEmailBodyTruncationSize: 5 }],
  [{ AllowBluetooth: 2 }, { AllowBluetooth: 1 }, { AllowBluetooth: 1 }],
  [
    { RequireEncryptionSMIMEAlgorithm: 4 },
    { RequireEncryptionSMIMEAlgorithm: 0 },
    { RequireEncryptionSMIMEAlgorithm: 0 },
  ],
  [
    { UnapprovedInROMApplicationList: ['a', 'b'] },
    { UnapprovedInROMApplicationList: ['b', 'c'] },
    { UnapprovedInROMApplicationList: ['a', 'b', 'c'] },
  ],
  [
    { ApprovedApplicationList: ['a', 'b'] },
    { ApprovedApplicationList: ['b', 'c'] },
    { ApprovedApplicationList: ['b'] },
  ],
  // An empty list would let everything run.
  [
    { ApprovedApplicationList: ['a'] },
    { ApprovedApplicationList: ['b'] },
    { ApprovedApplicationList: ['AAAAAAAAAAAAAAAAAAAAAAAAAAA='] },
  ],
  [{ AllowWiFi: true }, { AllowCamera: false }, { AllowWiFi: true, AllowCamera: false }],
  [{}, {}, {}],
])('of %o and %o the strictest is %o, in either order', (a, b, strictest) => {
  expect(strictestSettings([a, b])).toEqual(strictest);
  const other = strictestSettings([b, a]);
  const sorted = (settings: PolicySettings) =>
    Object.fromEntries(
      Object.entries(settings).map(([name, v]) => [name, typeof v === 'object' ? [...v].sort() : v]),
    );
  expect(sorted(other)).toEqual(sorted(strictest));
});

test('what a device assumes without a setting is never the stricter of two', () => {
  for (const name of policySettingNames) {
    const { type } = policySettings[name];
    if (type.kind === 'list' || type.assumed === undefined) continue;
    const values =
      type.kind === 'switch' ? [true, false] : (type.only ?? [type.min, type.min + 1, Math.min(type.max, 9)]);
    // Of the algorithms for S/MIME the strongest is what is assumed.
    if (name.startsWith('RequireSignedSMIMEAlgorithm') || name.startsWith('RequireEncryptionSMIMEAlgorithm'))
      continue;
    if (name === 'PasswordRecoveryEnabled') continue;
    for (const value of values) {
      expect(strictestSettings([{ [name]: type.assumed }, { [name]: value }])[name], name).toBe(value);
    }
  }
});
