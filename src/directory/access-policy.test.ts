import { describe, expect, test } from 'vitest';
import { isAllowed, managedPolicy, readAccessPolicy } from './access-policy.ts';

const organization = 'arn:aws:workmail:local:000000000000:organization/m-0123456789abcdef0123456789abcdef';
const abroad = organization.replace('local:000000000000', 'eu-west-1:123456789012');
const policyOf = (...statements: object[]) =>
  readAccessPolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }));

test.each([
  ['an action by name', { Effect: 'Allow', Action: 'workmail:CreateUser', Resource: '*' }, true],
  ['an action in another case', { Effect: 'Allow', Action: 'WorkMail:createuser', Resource: '*' }, true],
  ['a wildcard', { Effect: 'Allow', Action: ['workmail:List*', 'workmail:Create*'], Resource: '*' }, true],
  ['a question mark', { Effect: 'Allow', Action: 'workmail:CreateUse?', Resource: '*' }, true],
  ['all services', { Effect: 'Allow', Action: '*', Resource: '*' }, true],
  ['another service', { Effect: 'Allow', Action: 's3:*', Resource: '*' }, false],
  ['another action', { Effect: 'Allow', Action: 'workmail:DeleteUser', Resource: '*' }, false],
  ['NotAction of others', { Effect: 'Allow', NotAction: 'workmail:Delete*', Resource: '*' }, true],
  ['NotAction of this', { Effect: 'Allow', NotAction: 'workmail:Create*', Resource: '*' }, false],
  ['its organisation', { Effect: 'Allow', Action: 'workmail:*', Resource: organization }, true],
  ['organisations', { Effect: 'Allow', Action: '*', Resource: 'arn:aws:workmail:*:*:organization/*' }, true],
  ['its ARN as in AWS', { Effect: 'Allow', Action: '*', Resource: abroad }, true],
  ['NotResource of its ARN as in AWS', { Effect: 'Allow', Action: '*', NotResource: abroad }, false],
  [
    'a region that is none',
    { Effect: 'Allow', Action: '*', Resource: abroad.replace('eu-west-1', 'x/y') },
    false,
  ],
  ['another one', { Effect: 'Allow', Action: '*', Resource: `${organization.slice(0, -1)}0` }, false],
  [
    'a resource in another case',
    { Effect: 'Allow', Action: '*', Resource: organization.toUpperCase().replace('ARN', 'arn') },
    false,
  ],
  ['NotResource of another', { Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::b' }, true],
  ['NotResource of this', { Effect: 'Allow', Action: '*', NotResource: organization }, false],
])('a policy with %s says of workmail:CreateUser what it says', (_what, statement, expected) => {
  expect(isAllowed(policyOf(statement), 'workmail:CreateUser', organization)).toBe(expected);
});

test('an explicit Deny wins, wherever it stands; nothing said is not allowed', () => {
  const allow = { Effect: 'Allow', Action: 'workmail:*', Resource: '*' };
  const deny = { Effect: 'Deny', Action: 'workmail:Delete*', Resource: '*' };
  for (const policy of [policyOf(allow, deny), policyOf(deny, allow)]) {
    expect(isAllowed(policy, 'workmail:DeleteUser', organization)).toBe(false);
    expect(isAllowed(policy, 'workmail:CreateUser', organization)).toBe(true);
  }
  expect(isAllowed(policyOf(deny), 'workmail:CreateUser', organization)).toBe(false);
  const denyAbroad = { Effect: 'Deny', Action: '*', Resource: abroad };
  expect(isAllowed(policyOf(allow, denyAbroad), 'workmail:CreateUser', organization)).toBe(false);
});

describe('managed policies', () => {
  test.each([
    ['AmazonWorkMailFullAccess', 'workmail:DeleteOrganization', true],
    ['AmazonWorkMailFullAccess', 'mailstead:WipeMobileDevice', true],
    ['AmazonWorkMailReadOnlyAccess', 'workmail:ListUsers', true],
    ['AmazonWorkMailReadOnlyAccess', 'mailstead:GetMobilePolicy', true],
    ['AmazonWorkMailReadOnlyAccess', 'workmail:CreateUser', false],
    ['AmazonWorkMailReadOnlyAccess', 'workmail:AssumeImpersonationRole', false],
    ['AmazonWorkMailReadOnlyAccess', 'mailstead:GetDeviceRecoveryPassword', false],
    ['AmazonWorkMailReadOnlyAccess', 'mailstead:GetDeviceTrace', false],
    ['AmazonWorkMailReadOnlyAccess', 'mailstead:ListAccessKeys', false],
  ] as const)('%s: %s', (name, action, expected) => {
    expect(isAllowed(managedPolicy(name), action, organization)).toBe(expected);
  });
});

test.each([
  ['no JSON', '{', /not JSON/],
  ['a list', '[]', /structure/],
  ['no version', '{"Statement":[]}', /Version/],
  ['no statement', '{"Version":"2012-10-17","Statement":[]}', /no Statement/],
  [
    'a member that narrows',
    { Effect: 'Allow', Action: '*', Resource: '*', Condition: {} },
    /Statement 1: Condition/,
  ],
  ['a Principal', { Effect: 'Allow', Action: '*', Resource: '*', Principal: '*' }, /Principal/],
  ['a wrong effect', { Effect: 'allow', Action: '*', Resource: '*' }, /Effect/],
  ['both kinds of actions', { Effect: 'Allow', Action: '*', NotAction: '*', Resource: '*' }, /either Action/],
  ['no resource', { Effect: 'Allow', Action: '*' }, /either Resource/],
  ['an action without a service', { Effect: 'Allow', Action: 'CreateUser', Resource: '*' }, /no action/],
  ['a resource that is none', { Effect: 'Allow', Action: '*', Resource: 'organization/x' }, /no resource/],
  ['a variable', { Effect: 'Allow', Action: '*', Resource: `arn:aws:$${'{aws:username}'}` }, /variables/],
  ['a number', { Effect: 'Allow', Action: 7, Resource: '*' }, /text or a list/],
  ['an empty list', { Effect: 'Allow', Action: [], Resource: '*' }, /empty/],
  ['too much', JSON.stringify({ x: 'x'.repeat(11_000) }), /characters/],
])('a policy document with %s is refused by name', (_what, given, reason) => {
  const text =
    typeof given === 'string' ? given : JSON.stringify({ Version: '2012-10-17', Statement: given });
  expect(() => readAccessPolicy(text)).toThrow(reason);
});

test('many stars are matched in no time', () => {
  const policy = policyOf({ Effect: 'Allow', Action: '*', Resource: `arn:${'*a'.repeat(4000)}b` });
  expect(isAllowed(policy, 'workmail:CreateUser', `arn:${'a'.repeat(1000)}`)).toBe(false);
});
