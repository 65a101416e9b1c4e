import { expect, test } from 'vitest';
import { AdminError } from './errors.ts';
import { readInput } from './model.ts';

const OrganizationId = `m-${'0'.repeat(32)}`;
const ResourceARN = `arn:aws:workmail:local:000000000000:organization/${OrganizationId}`;
const user = { OrganizationId, Name: 'alice', DisplayName: 'Alice' };

function refusal(target: string, body: unknown): { type: string; message: string } {
  try {
    readInput(target, body);
  } catch (error) {
    if (error instanceof AdminError) return { type: error.type, message: error.message };
    throw error;
  }
  throw new Error('was accepted');
}

const one = '1 validation error detected: ';
const mustMatch = 'Member must satisfy regular expression pattern: ';

test.each<[rule: string, target: string, body: unknown, message: string]>([
  [
    'a required member',
    'WorkMailService.DescribeOrganization',
    {},
    `${one}Value null at 'organizationId' failed to satisfy constraint: Member must not be null`,
  ],
  [
    'null is absent',
    'WorkMailService.DescribeOrganization',
    { OrganizationId: null },
    `${one}Value null at 'organizationId' failed to satisfy constraint: Member must not be null`,
  ],
  [
    'a pattern',
    'WorkMailService.DescribeOrganization',
    { OrganizationId: `x-${'0'.repeat(32)}` },
    `${one}Value 'x-${'0'.repeat(32)}' at 'organizationId' failed to satisfy constraint: ${mustMatch}^m-[0-9a-f]{32}$`,
  ],
  [
    'a pattern without anchors covers the whole value',
    'WorkMailService.CreateUser',
    { ...user, Name: 'a b' },
    `${one}Value 'a b' at 'name' failed to satisfy constraint: ${mustMatch}[\\w\\-.]+(@[a-zA-Z0-9.\\-]+\\.[a-zA-Z0-9-]{2,})?`,
  ],
  [
    'a maximum length',
    'WorkMailService.CreateUser',
    { ...user, Name: 'a'.repeat(65) },
    `${one}Value '${'a'.repeat(65)}' at 'name' failed to satisfy constraint: Member must have length less than or equal to 64`,
  ],
  [
    'a minimum length',
    'WorkMailService.ResetPassword',
    { OrganizationId, UserId: 'alice', Password: 'Passw0rd!' },
    `${one}Value 'alice' at 'userId' failed to satisfy constraint: Member must have length greater than or equal to 12`,
  ],
  [
    'a sensitive value is not repeated',
    'WorkMailService.CreateUser',
    { ...user, Password: 'p\u0000w' },
    `${one}Value at 'password' failed to satisfy constraint: ${mustMatch}[\\u0020-\\u00FF]+`,
  ],
  [
    'an enumeration',
    'WorkMailService.CreateUser',
    { ...user, Role: 'KING' },
    `${one}Value 'KING' at 'role' failed to satisfy constraint: Member must satisfy enum value set: [USER, RESOURCE, SYSTEM_USER, REMOTE_USER]`,
  ],
  [
    'a minimum value',
    'WorkMailService.ListUsers',
    { OrganizationId, MaxResults: 0 },
    `${one}Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1`,
  ],
  [
    'a maximum value',
    'WorkMailService.ListUsers',
    { OrganizationId, MaxResults: 101 },
    `${one}Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100`,
  ],
  [
    'a member of a structure in a structure',
    'WorkMailService.ListUsers',
    { OrganizationId, Filters: { State: 'x' } },
    `${one}Value 'x' at 'filters.state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED, DELETED]`,
  ],
  [
    'a member of a list',
    'WorkMailService.CreateOrganization',
    { Alias: 'a', Domains: [{ DomainName: 'a.example' }, {}] },
    `${one}Value null at 'domains.2.member.domainName' failed to satisfy constraint: Member must not be null`,
  ],
  [
    'a misspelt policy setting',
    'Mailstead.PutMobilePolicy',
    { OrganizationId, Policy: { PasswordRequird: true } },
    `${one}Unknown member 'PasswordRequird' at 'policy'`,
  ],
  [
    'a policy setting out of range',
    'Mailstead.PutMobilePolicy',
    { OrganizationId, Policy: { MaxCalendarAgeFilter: 2 } },
    `${one}Value '2' at 'policy.maxCalendarAgeFilter' failed to satisfy constraint: Member must satisfy enum value set: [0, 4, 5, 6, 7]`,
  ],
])('%s is an InvalidParameterException in the words of AWS', (_rule, target, body, message) => {
  expect(refusal(target, body)).toEqual({ type: 'InvalidParameterException', message });
});

test('a list that is too long', () => {
  const Domains = Array.from({ length: 6 }, () => ({ DomainName: 'a.example' }));
  expect(refusal('WorkMailService.CreateOrganization', { Alias: 'a', Domains }).message).toContain(
    "at 'domains' failed to satisfy constraint: Member must have length less than or equal to 5",
  );
});

test.each<[what: string, target: string, body: object, message: string]>([
  [
    'of secrets',
    'Mailstead.PutUserCertificates',
    { OrganizationId, UserId: 'alice', Certificates: Array.from({ length: 21 }, () => 'secret') },
    "Value at 'certificates' failed",
  ],
  [
    'of what is nested 100,000 deep',
    'WorkMailService.UntagResource',
    {
      ResourceARN,
      TagKeys: JSON.parse(`[${'['.repeat(100_000)}${']'.repeat(100_000)}${',1'.repeat(50)}]`),
    },
    "Value at 'tagKeys' failed",
  ],
  [
    'of texts',
    'WorkMailService.UntagResource',
    { ResourceARN, TagKeys: Array.from({ length: 51 }, () => '') },
    `Value '["",""`,
  ],
])('of a list %s that is too long no more is told than that', (_what, target, body, message) => {
  const told = refusal(target, body).message;
  expect(told.slice(one.length).startsWith(message)).toBe(true);
  expect(told).toContain('Member must have length less than or equal to');
});

test('of faults without end 100 are told: an answer is not a hundred times what was sent', () => {
  const PermissionValues = Array.from({ length: 50_000 }, () => '');
  const put = { OrganizationId, EntityId: 'alice', GranteeId: 'bob', PermissionValues };
  const policy = { OrganizationId, Policy: Object.fromEntries(PermissionValues.map((_, n) => [`x${n}`, 1])) };
  for (const [target, body] of [
    ['WorkMailService.PutMailboxPermissions', put],
    ['Mailstead.PutMobilePolicy', policy],
  ] as const) {
    const { message } = refusal(target, body);
    expect(message).toMatch(/^100 validation errors detected: /);
    expect(message.length).toBeLessThan(20_000);
  }
});

test('several faults are told at once', () => {
  expect(refusal('WorkMailService.CreateUser', { OrganizationId: 'x' }).message).toMatch(
    /^4 validation errors detected: /,
  );
});

test.each<[body: unknown, message: string]>([
  [[], 'LIST_VALUE can not be converted to a Structure'],
  [null, 'NULL_VALUE can not be converted to a Structure'],
  [{ OrganizationId: 3 }, 'NUMBER_VALUE can not be converted to a String'],
  [{ OrganizationId, MaxResults: '3' }, 'STRING_VALUE can not be converted to a Integer'],
  [{ OrganizationId, MaxResults: 1.5 }, 'NUMBER_VALUE can not be converted to a Integer'],
  [{ OrganizationId, Filters: [] }, 'LIST_VALUE can not be converted to a Structure'],
])('the wrong JSON type %j is a SerializationException', (body, message) => {
  expect(refusal('WorkMailService.ListUsers', body)).toEqual({ type: 'SerializationException', message });
});

test('null members and members nobody knows are left out, as AWS ignores them', () => {
  const input = readInput('WorkMailService.CreateUser', {
    ...user,
    FirstName: null,
    Unknown: 1,
    __proto__: { x: 1 },
  });
  expect(input).toEqual(user);
});

test('lengths are counted in characters', () => {
  expect(readInput('WorkMailService.CreateUser', { ...user, DisplayName: '😀'.repeat(256) })).toBeDefined();
});

test.each([
  'WorkMailService.Nope',
  'Nope.CreateUser',
  'CreateUser',
  '',
  'toString.x',
  'Mailstead.constructor',
])('the target "%s" is an UnknownOperationException', (target) => {
  expect(refusal(target, {}).type).toBe('UnknownOperationException');
});

test('a policy of every kind of setting passes', () => {
  const Policy = {
    PasswordRequired: true,
    MinDevicePasswordLength: 6,
    ScreenLockSeconds: 300,
    AllowBluetooth: 1,
    AllowCamera: false,
    MaxEmailBodyTruncationSize: -1,
    UnapprovedInROMApplicationList: ['calc.exe'],
    ApprovedApplicationList: ['2jmj7l5rSw0yVb/vlWAYkK/YBwk='],
    AllowNonProvisionableDevices: true,
  };
  expect(readInput('Mailstead.PutMobilePolicy', { OrganizationId, Policy })).toEqual({
    OrganizationId,
    Policy,
  });
});
