import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { EasClient } from '#test/support/eas-client';
import { startServer } from '#test/support/start-server';

async function serve() {
  const server = await startServer();
  const alice = await server.addUser('alice');
  const run = (...args: string[]) => runCommand(server.dataDir, args);
  return { server, alice, run };
}

test('device rule: rules are made, listed, changed, tried and deleted', async () => {
  const { run } = await serve();
  expect((await run('device', 'rule', 'list')).out).toMatch(
    /^ID +NAME +EFFECT +FOR\ndefault +Default +ALLOW +every device\n$/,
  );
  const options = [
    '--effect',
    'deny',
    '--type',
    'Android',
    'SAMSUNG',
    '--not-os',
    'Android 14',
    'Android 15',
  ];
  const made = await run('device', 'rule', 'create', 'Old Androids', ...options, '--json');
  const { MobileDeviceAccessRuleId: id } = JSON.parse(made.out) as { MobileDeviceAccessRuleId: string };
  expect((await run('device', 'rule', 'list')).out).toContain(
    `${id}  Old Androids  DENY    type Android, SAMSUNG; not os Android 14, Android 15\n`,
  );
  const android = ['device', 'rule', 'test', '--type', 'android', '--os'];
  expect((await run(...android, 'Android 9')).out).toBe('Effect  DENY\nRules   Old Androids\n');
  expect((await run(...android, 'Android 14.1')).out).toBe('Effect  ALLOW\nRules   Default\n');
  expect((await run(...android, '')).out).toBe('Effect  ALLOW\nRules   Default\n');
  const update = [
    'device',
    'rule',
    'update',
    id,
    'No Outlook',
    '--effect',
    'deny',
    '--user-agent',
    'Outlook',
  ];
  expect((await run(...update)).out).toBe('The rule No Outlook is changed.\n');
  expect((await run(...android, 'Android 9')).out).toContain('ALLOW');
  const outlook = ['device', 'rule', 'test', '--model', 'x', '--user-agent', 'outlook-iOS'];
  expect((await run(...outlook)).out).toContain('DENY');
  expect((await run('device', 'rule', 'delete', id)).out).toBe(`The rule ${id} is deleted.\n`);
  const gone = `There is no rule with the id "${id}". "mailstead device rule list" shows those there are.\n`;
  expect(await run('device', 'rule', 'delete', id)).toMatchObject({ code: 1, err: gone });
  expect(await run('device', 'rule', 'update', id, 'X', '--effect', 'deny')).toMatchObject({
    code: 1,
    err: gone,
  });
  const blocked =
    ' No rule allows anything now: every device is blocked that was not allowed by "mailstead device allow".\n';
  const none = await run('device', 'rule', 'update', 'default', 'None', '--effect', 'deny');
  expect(none.out).toBe(`The rule None is changed.${blocked}`);
  expect((await run('device', 'rule', 'delete', 'default')).out).toBe(
    `The rule default is deleted.${blocked}`,
  );
  expect((await run('device', 'rule', 'list')).out).toBe('There is no rule: every device is blocked.\n');
  expect((await run('device', 'rule', 'test')).out).toBe('Effect  DENY\nRules   none is for it\n');
});

test('device allow and block: a decision on one device, listed and taken back', async () => {
  const { alice, run } = await serve();
  expect((await run('device', 'block', alice.address, 'D-1', '--description', 'lost')).out).toBe(
    `D-1 is blocked. ${alice.address} has no such device yet: it counts when it comes.\n`,
  );
  expect((await run('device', 'overrides')).out).toMatch(
    /\nd-1 +alice@test\.mailstead\.test +DENY +.* UTC +lost\n$/,
  );
  expect((await run('device', 'allow', alice.address, 'D-1')).out).toMatch(/^D-1 is allowed\. /);
  for (const id of ['D-1 ', 'D,1', 'x'.repeat(65)]) {
    const mistaken = await run('device', 'allow', alice.address, id);
    expect([mistaken.code, mistaken.err]).toEqual([1, expect.stringMatching(/^InvalidParameterException: /)]);
  }
  const { out } = await run('device', 'overrides', '--user', 'alice', '--json');
  expect(JSON.parse(out)).toMatchObject({ Overrides: [{ DeviceId: 'd-1', Effect: 'ALLOW' }] });
  expect((await run('device', 'allow', alice.address, 'D-1', '--off')).out).toBe(
    'The rules count for D-1 again.\n',
  );
  expect(JSON.parse((await run('device', 'overrides', '--json')).out)).toEqual({ Overrides: [] });
  const { code, err } = await run('device', 'allow', 'nobody@example.com', 'D1');
  expect(code).toBe(1);
  expect(err).toMatch(/^EntityNotFoundException: /);
});

test('device settings: shown, and changed one by one', async () => {
  const { run } = await serve();
  expect((await run('device', 'settings')).out).toBe(
    'NewDevices                ALLOW\nMaxDevicesPerUser         100\nRequireDeviceInformation  false\nNotifyAddresses           the administrator\n',
  );
  await run(
    'device',
    'settings',
    '--new-devices',
    'quarantine',
    '--notify',
    'it@example.com',
    'boss@example.com',
  );
  const { out } = await run('device', 'settings', '--max', '3', '--information', 'required', '--json');
  const after = {
    NewDevices: 'QUARANTINE',
    MaxDevicesPerUser: 3,
    NotifyAddresses: ['it@example.com', 'boss@example.com'],
    RequireDeviceInformation: true,
  };
  expect(JSON.parse(out)).toEqual(after);
  await run('device', 'settings', '--notify-administrator', '--information', 'optional');
  expect(JSON.parse((await run('device', 'settings', '--json')).out)).toEqual({
    ...after,
    NotifyAddresses: [],
    RequireDeviceInformation: false,
  });
});

test('device settings: says when nobody would be told of a device in quarantine', async () => {
  const { run } = await serve();
  const untold = 'nobody is told of devices that wait';
  expect((await run('device', 'settings')).out).not.toContain(untold);
  expect((await run('device', 'settings', '--new-devices', 'quarantine')).out).toContain(untold);
  expect((await run('device', 'settings', '--notify', 'it@example.com')).out).not.toContain(untold);
  await run('routing', 'administrator', 'alice');
  expect((await run('device', 'settings', '--notify-administrator')).out).not.toContain(untold);
});

test('device list and show tell whether a device is served', async () => {
  const { server, alice, run } = await serve();
  await run('device', 'settings', '--new-devices', 'quarantine');
  const phone = new EasClient({
    baseUrl: server.baseUrl,
    ca: server.ca,
    user: alice.address,
    password: alice.password,
    deviceId: 'fresh',
  });
  await phone.provision();
  expect((await run('device', 'list')).out).toMatch(
    /ACCESS +STATUS[^\n]*\nfresh +alice@test\.mailstead\.test .* QUARANTINED +PROVISIONING_SUCCEEDED/,
  );
  expect((await run('device', 'show', alice.address, 'fresh')).out).toMatch(
    /AccessState +QUARANTINED\nAccessReason +NEW_DEVICE\n/,
  );
  expect((await run('device', 'allow', alice.address, 'fresh')).out).toBe('fresh is allowed.\n');
  expect((await run('device', 'list')).out).toMatch(/fresh .* ALLOWED +PROVISIONING_SUCCEEDED/);
  await run('device', 'wipe', alice.address, 'fresh');
  expect((await run('device', 'show', alice.address, 'fresh')).out).toMatch(
    /AccessState +BLOCKED\nAccessReason +WIPE\n[\s\S]*WipeState +REQUESTED\nWipeAccountOnly +false\nWipeRequestedTime +20.* UTC\n/,
  );
  await server.admin('DeregisterFromWorkMail', { OrganizationId: server.organization, EntityId: alice.id });
  expect((await run('device', 'list')).out).toMatch(/\nfresh +alice +/);
  expect(JSON.parse((await run('device', 'list', '--json')).out)).toMatchObject({
    Devices: [{ DeviceId: 'fresh', UserId: alice.id }],
  });
  phone.close();
});

test('device list: of many users each device has its address, too', async () => {
  const { server, run } = await serve();
  for (let n = 0; n < 26; n++) {
    const { id } = await server.addUser(`user${n}`);
    const input = { OrganizationId: server.organization, UserId: id, DeviceId: `d${n}`, Effect: 'ALLOW' };
    await server.admin('PutMobileDeviceAccessOverride', input);
  }
  const { out } = await run('device', 'overrides');
  for (let n = 0; n < 26; n++) {
    expect(out).toMatch(new RegExp(`\nd${n} +user${n}@test\\.mailstead\\.test +ALLOW`));
  }
});

test('policy settings lists all of them; policy set takes each kind', async () => {
  const { run } = await serve();
  const { out } = await run('policy', 'settings');
  expect(out.split('\n')).toHaveLength(45);
  expect(out).toMatch(/\nMinimumPasswordLength +1 to 16 +MinDevicePasswordLength\n/);
  expect(out).toMatch(/\nMaxCalendarAgeFilter +0, 4, 5, 6, 7 +0\n/);
  const set = [
    'AllowCamera=false',
    'MaxEmailBodyTruncationSize=-1',
    'UnapprovedInROMApplicationList=a.exe, b.exe',
  ];
  expect((await run('policy', 'set', ...set)).code).toBe(0);
  expect(JSON.parse((await run('policy', 'show', '--json')).out)).toEqual({
    Policy: {
      AllowCamera: false,
      MaxEmailBodyTruncationSize: -1,
      UnapprovedInROMApplicationList: ['a.exe', 'b.exe'],
    },
    Revision: 1,
  });
});

test('policy show and set --entity say which policy counts', async () => {
  const { alice, run } = await serve();
  const own = ['--entity', alice.address];
  expect((await run('policy', 'show', ...own)).out).toBe(
    `${alice.address} has no policy of its own: that of the groups it is in counts, or else the organisation's.\n`,
  );
  const alone = "in the place of the organisation's policy";
  expect((await run('policy', 'set', 'AllowCamera=false', ...own)).out).toContain(alone);
  expect((await run('policy', 'set', 'AllowCamera=true', ...own)).out).not.toContain(alone);
  expect((await run('policy', 'set', 'AllowCamera=true')).out).not.toContain(alone);
  expect((await run('policy', 'show', ...own)).out).toMatch(/^Revision +2\n\nAllowCamera +true\n$/);
});

test('policy set takes a setting by either name, also to change it and to take it back, once', async () => {
  const { run } = await serve();
  const settings = async () => JSON.parse((await run('policy', 'show', '--json')).out).Policy;
  await run('policy', 'set', 'PasswordRequired=true', 'MinimumPasswordLength=6');
  expect((await run('policy', 'set', 'MinDevicePasswordLength=8')).code).toBe(0);
  expect(await settings()).toEqual({ PasswordRequired: true, MinimumPasswordLength: 8 });
  expect((await run('policy', 'set', 'DevicePasswordEnabled=')).code).toBe(0);
  expect(await settings()).toEqual({ MinimumPasswordLength: 8 });
  const twice = await run('policy', 'set', 'MinDevicePasswordLength=5', 'MinimumPasswordLength=6');
  expect(twice).toMatchObject({
    code: 2,
    err: expect.stringContaining('MinimumPasswordLength is given twice.'),
  });
});

test('policy set of what a setting does not take is refused with the setting, and where they are told', async () => {
  const { run } = await serve();
  for (const [assignment, message] of [
    ['AllowCamera=no', 'AllowCamera takes true, false, and not "no".'],
    ['AllowNonProvisionableDevices=1', 'AllowNonProvisionableDevices takes true, false, and not "1".'],
    ['MinDevicePasswordLength=six', 'MinDevicePasswordLength takes 1 to 16, and not "six".'],
    ['MinimumPasswordLength=17', "'policy.minimumPasswordLength' failed to satisfy constraint"],
    ['AllowCamara=true', "Unknown member 'AllowCamara' at 'policy'"],
  ] as const) {
    const { code, err } = await run('policy', 'set', 'PasswordRequired=true', assignment);
    expect(code).toBe(1);
    expect(err).toContain(message);
    expect(err).toMatch(/\. "mailstead policy settings" shows every setting and what it takes\.\n$/);
  }
});

test.each([
  [['device', 'rule', 'create', 'x'], /--effect/],
  [['device', 'rule', 'create', 'x', '--effect', 'maybe'], /allow, deny/],
  [
    ['device', 'rule', 'create', 'x', '--effect', 'deny', '--model', ''],
    /--model takes a text\. Write '\$NONE' in quotes/,
  ],
  [['device', 'rule', 'update', 'i', 'x', '--effect', 'deny', '--not-os', 'a', ''], /--not-os takes a text/],
  [['device', 'settings', '--new-devices', 'wait'], /allow, block, quarantine/],
  [['device', 'settings', '--max', 'many'], /is no number/],
  [['device', 'settings', '--notify', 'a@b.example', '--notify-administrator'], /not both/],
  [['device', 'allow', 'alice'], /missing required argument/],
])('the wrong usage %j exits with 2', async (args, message) => {
  const { code, err } = await runCommand('/nowhere', args);
  expect(code).toBe(2);
  expect(err).toMatch(message);
});

test('device wipe: of a disabled user it says that the device does not hear of it', async () => {
  const { server, alice, run } = await serve();
  const { baseUrl, ca, organization: OrganizationId } = server;
  const phone = new EasClient({ baseUrl, ca, user: alice.address, password: alice.password });
  await phone.provision();
  phone.close();
  const wipe = ['device', 'wipe', 'alice', phone.deviceId];
  expect((await run(...wipe)).out).toBe('Status  WIPE_REQUIRED\n');
  await server.admin('DeregisterFromWorkMail', { OrganizationId, EntityId: alice.id });
  expect((await run(...wipe)).out).toContain('\nalice is disabled: the device cannot sign in');
  expect(JSON.parse((await run(...wipe, '--json')).out)).toEqual({ Status: 'WIPE_REQUIRED' });
  expect((await run(...wipe, '--cancel')).out).not.toContain('disabled');
});

test('device remove: a device that is still to be wiped is removed with --force alone', async () => {
  const { server, alice, run } = await serve();
  const { baseUrl, ca } = server;
  const phone = new EasClient({ baseUrl, ca, user: alice.address, password: alice.password });
  await phone.provision();
  phone.close();
  const [device] = JSON.parse((await run('device', 'list', '--json')).out).Devices;
  const remove = ['device', 'remove', alice.address, device.DeviceId];
  const notAsked = await run('device', 'wipe', alice.address, device.DeviceId, '--cancel');
  expect(notAsked.err).toBe(
    `No wipe was asked for. "mailstead device show ${alice.address} ${device.DeviceId}" tells how far it is.\n`,
  );
  const accountOnly = await run('device', 'wipe', alice.address, device.DeviceId, '--account-only');
  expect(accountOnly.err).toContain('The device speaks ActiveSync 14.1: only 16.1 knows');
  await run('device', 'wipe', alice.address, device.DeviceId);
  const allowed = await run('device', 'allow', alice.address, device.DeviceId);
  expect(allowed.out).toBe(
    `${device.DeviceId} is allowed. But it is to be wiped, and gets nothing else: ` +
      `"mailstead device wipe ${alice.address} ${device.DeviceId} --cancel" takes the wipe back.\n`,
  );
  const refused = await run(...remove);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('is not wiped yet')]);
  expect((await run('device', 'list')).out).toContain('WIPE_REQUIRED');
  expect((await run(...remove, '--force')).code).toBe(0);
  expect((await run('device', 'list')).out).not.toContain(device.DeviceId);
});
