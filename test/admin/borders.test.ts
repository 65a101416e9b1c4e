import { expect, test } from 'vitest';
import type { Clock } from '#domain/outside';
import { createKey } from '#test/support/aws-client';
import {
  type Belongings,
  belongingsOf,
  elsewhere,
  ews,
  furnishedOrganization,
  instanceArn,
  photo,
} from '#test/support/furnished-organization';
import { type ModelOperation, modelOperations } from '#test/support/model-inputs';
import { startNextServer } from '#test/support/next-server';
import { type SignedAnswer, signedClient } from '#test/support/signed-client';
import { startServer, type TestServer } from '#test/support/start-server';
import { systemOutside } from '../../src/outside.ts';

type Input = Readonly<Record<string, unknown>>;
type Name = (has: Belongings) => readonly string[];

const users: Name = ({ user, userName, userAddress }) => [user, userName, userAddress];
const groups: Name = ({ group, groupName, groupAddress }) => [group, groupName, groupAddress];
const resources: Name = ({ resource, resourceName, resourceAddress }) => [
  resource,
  resourceName,
  resourceAddress,
];
const entities: Name = (has) => [...users(has), has.group, has.groupName, has.resource];
const addresses: Name = ({ alias, groupAddress }) => [alias, groupAddress];
const names: Name = ({ accessRule, userName }) => [accessRule, userName];
const prefixes: Name = ({ userName, groupName, resourceName }) => [userName, groupName, resourceName];

/** Members that name something, by their last name, and every form in which they can. */
const naming: Readonly<Record<string, Name>> = {
  OrganizationId: ({ organization }) => [organization],
  ResourceARN: ({ arn }) => [arn],
  AccessKeyId: ({ accessKey }) => [accessKey],
  UserId: users,
  UserIds: ({ user }) => [user],
  NotUserIds: ({ user }) => [user],
  GroupId: groups,
  ResourceId: resources,
  EntityId: entities,
  MemberId: entities,
  GranteeId: entities,
  Administrator: entities,
  Alias: addresses,
  Email: addresses,
  JournalingAddress: addresses,
  ReportAddress: addresses,
  NotifyAddresses: addresses,
  ForwardTo: addresses,
  RedirectTo: addresses,
  PrimaryEmailPrefix: addresses,
  Name: names,
  NamePrefix: prefixes,
  UsernamePrefix: prefixes,
  DisplayNamePrefix: prefixes,
  GroupNamePrefix: prefixes,
  Key: ({ tag }) => [tag],
  TagKeys: ({ tag }) => [tag],
  IdentityProviderUserId: ({ identity }) => [identity],
  IdentityProviderUserIdPrefix: ({ identity }) => [identity],
  DomainName: ({ domain, testDomain }) => [domain, testDomain],
  DeviceId: ({ device }) => [device],
  MobileDeviceAccessRuleId: ({ deviceRule }) => [deviceRule],
  QueueId: ({ queued }) => [queued],
  Fingerprint: ({ fingerprint }) => [fingerprint],
  ClientToken: ({ clientToken }) => [clientToken],
  ImpersonationRoleId: ({ role }) => [role],
  ImpersonationRoleIds: ({ role }) => [role],
  NotImpersonationRoleIds: ({ role }) => [role],
  TargetUser: users,
  TargetUsers: ({ user }) => [user],
  NotTargetUsers: ({ user }) => [user],
  PersonalAccessTokenId: ({ personalToken }) => [personalToken],
  JobId: ({ job }) => [job],
  ApplicationArn: ({ application }) => [application],
  Id: ({ retention }) => [retention],
};

/** Members that name nothing, and what is sent for those that are required. NextToken has a test of its own. */
const plain: Readonly<Record<string, string>> = {
  Action: 'ActiveSync',
  Certificates: 'x',
  Description: 'A text',
  DisplayName: 'A text',
  IpAddress: '192.0.2.7',
  Password: 'Pässw0rd!',
  Folder: '/x',
  Photo: photo,
  Value: 'A text',
  ImpersonationRuleId: 'r',
  InstanceArn: instanceArn,
  LambdaArn: 'arn:aws:lambda:eu-west-1:123456789012:function:free',
  ...elsewhere,
  ...ews,
};
const others =
  /^(?:Not)?(?:Actions|Device(?:Type|Model|OperatingSystem|UserAgent)s?|IpRanges)$|^(?:NextToken|DirectoryId|HostedZoneId|FirstName|LastName|Initials|Telephone|Street|JobTitle|City|Company|ZipCode|Department|Country|Office|InternalMessage|ExternalMessage|FromContains|RecipientContains|ToContains|CcContains|SubjectContains|BodyContains|ListIdContains|MoveToFolder|RequestedBy|PolicyDocument|Operation)$/;
/** What the model does not require and the operation does. */
const more: Readonly<Record<string, object>> = {
  'Mailstead.CreateAccessKey': { ManagedPolicy: 'AmazonWorkMailReadOnlyAccess' },
  'Mailstead.PutMailRules': { Rules: [] },
  'WorkMailService.CreateOrganization': { Alias: 'third' },
  'WorkMailService.CreateMobileDeviceAccessRule': { DeviceTypes: ['A'] },
  'WorkMailService.CreateAvailabilityConfiguration': { EwsProvider: ews },
  'WorkMailService.UpdateAvailabilityConfiguration': { EwsProvider: ews },
};
/** Its own members, of which none names anything. */
const settings = /^Policy\./;

const lastOf = (path: string) => path.split('.').at(-1) ?? '';
const isNaming = (path: string) => Object.hasOwn(naming, lastOf(path)) && !settings.test(path);
const isClassified = (path: string) =>
  isNaming(path) || settings.test(path) || Object.hasOwn(plain, lastOf(path)) || others.test(lastOf(path));

/** What is made has a name that nothing had before, unless it is the name that is tried. */
let made = 0;

/** An input in which what is named is `own`; but for `path`, or all of it if there is none, where it is `foreign`. */
function inputOf(operation: ModelOperation, own: Belongings, foreign?: readonly [string, string]): Input {
  const input = operation.make(['OrganizationId', foreign?.[0] ?? ''], (path) => {
    if (path === foreign?.[0]) return foreign[1];
    if (path === 'Name' && operation.target.includes('.Create')) return `new-${++made}`;
    return isNaming(path) ? naming[lastOf(path)]?.(own)[0] : plain[lastOf(path)];
  });
  return { ...input, ...more[operation.target] };
}

/** Pairs of inputs under `own`'s OrganizationId: what is `theirs`, and the same of what there is not. */
function* pairsOf(
  operation: ModelOperation,
  own: Belongings,
  theirs: Belongings,
  none: Belongings,
): Generator<readonly [Input, Input]> {
  const paths = operation.texts.filter((path) => isNaming(path) && path !== 'OrganizationId');
  for (const path of paths) {
    const forms = naming[lastOf(path)];
    for (const [n, form] of (forms?.(theirs) ?? []).entries()) {
      const other = forms?.(none)[n] ?? '';
      yield [inputOf(operation, own, [path, form]), inputOf(operation, own, [path, other])] as const;
      // What was changed has its own name again.
      const input = inputOf(operation, own, [path, forms?.(own)[0] ?? '']);
      if (operation.target.includes('.Update')) yield [input, input];
    }
  }
  if (paths.length > 1 && operation.members.includes('OrganizationId')) {
    const OrganizationId = own.organization;
    yield [
      { ...inputOf(operation, theirs), OrganizationId },
      { ...inputOf(operation, none), OrganizationId },
    ] as const;
  }
}

/** What was answered, without what was named, and without what every request makes anew. */
function said({ type, text }: SignedAnswer, named: Belongings): string {
  const values = Object.values(named).sort((a, b) => b.length - a.length);
  const unnamed = values.reduce((rest, name) => rest.replaceAll(name, 'NAMED'), text);
  const anew =
    /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=["-])[0-9a-f]{32}|AKIA[A-Z2-7]{16}|(?<="(?:SecretAccessKey|NextToken|Token)":")[^"]+|\d{10}(?:\.\d+)?|(?<="Revision":)\d+/g;
  return `${type} ${unnamed.replaceAll(anew, 'MADE')}`;
}

type Site = Awaited<ReturnType<typeof start>>;

/** Time stands still, and so do looks at domains and retries of the queue, which change what is shown, however long the test takes. */
function stillClock(): Clock {
  const { now, after } = systemOutside.clock;
  const startMs = now();
  return {
    now: () => startMs,
    after: (delayMs, callback) => (delayMs < 30_000 ? after(delayMs, callback) : () => undefined),
  };
}

async function start() {
  const next = await startNextServer({ onRcpt: () => '451 4.7.1 Come back later' });
  const server = await startServer({
    clock: stillClock(),
    settings: {
      MAILSTEAD_OUTBOUND_RELAY: `smtp://127.0.0.1:${next.port}`,
      MAILSTEAD_LISTEN_INSECURE_AUTH: 'true',
    },
  });
  const one = await furnishedOrganization(server, 'one');
  const two = await furnishedOrganization(server, 'two');
  const operations: ModelOperation[] = [];
  for (const operation of modelOperations()) {
    const asked = await server.admin(operation.target).then(
      () => '',
      ({ name }: Error) => name,
    );
    if (asked !== 'UnknownOperationException') operations.push(operation);
  }
  expect(operations.length).toBeGreaterThan(100);
  return { server, one, two, none: belongingsOf('six'), operations, send: signedClient(server) };
}

/** Everything that an organisation can be shown of itself, and the page tokens of its lists. */
async function dump(
  { operations, send }: Site,
  { belongings, key }: Awaited<ReturnType<typeof furnishedOrganization>>,
) {
  const shown: Record<string, string> = {};
  const tokens: Record<string, string> = {};
  for (const operation of operations) {
    if (!/\.(?:Describe|Get|List)/.test(operation.target) || operation.target.endsWith('AuditEvents'))
      continue;
    const paths = operation.texts.filter((path) => isNaming(path) && !path.includes('.'));
    const one = paths.find((path) => path !== 'OrganizationId') ?? 'OrganizationId';
    for (const form of naming[one]?.(belongings) ?? []) {
      const input = inputOf(operation, belongings, [one, form]);
      const answer = await send(key, operation.target, input);
      shown[`${operation.target} ${JSON.stringify(input)}`] = answer.text;
      if (!operation.members.includes('NextToken') || tokens[operation.target] !== undefined) continue;
      const { output } = await send(key, operation.target, {
        ...inputOf(operation, belongings),
        MaxResults: 1,
      });
      if (output['NextToken'] !== undefined) tokens[operation.target] = String(output['NextToken']);
    }
  }
  return { shown, tokens };
}

const verbs = ['Describe', 'Get', 'List'];
/** What makes things comes last: who has been made has a name. */
const orderOf = ({ target }: ModelOperation) =>
  verbs.some((verb) => target.includes(`.${verb}`)) ? 0 : target.includes('.Create') ? 2 : 1;

/** The whole audit log of an organisation. */
async function audited({ admin }: TestServer, OrganizationId: string) {
  const all: { readonly AccessKeyId?: string }[] = [];
  for (let NextToken: unknown; ; ) {
    const page = await admin('Mailstead.ListAuditEvents', { OrganizationId, NextToken });
    all.push(...(page['Events'] as { readonly AccessKeyId?: string }[]));
    NextToken = page['NextToken'];
    if (NextToken === undefined) return all;
  }
}

/** Page tokens of another organisation are as one that was made up, in every list. */
async function tryTokens({ one, operations, send }: Site, tokens: Readonly<Record<string, string>>) {
  const paged = operations.filter(
    ({ target, members }) => members.includes('NextToken') && !/Organizations$|AuditEvents$/.test(target),
  );
  expect(Object.keys(tokens).sort()).toEqual(paged.map(({ target }) => target).sort());
  for (const operation of paged) {
    const token = tokens[operation.target] ?? '';
    const madeUp = Buffer.alloc(Math.floor((token.length * 3) / 4), 7).toString('base64url');
    const input = inputOf(operation, one.belongings);
    const answers: string[] = [];
    for (const NextToken of [token, madeUp]) {
      const { type, text } = await send(one.key, operation.target, { ...input, NextToken });
      answers.push(`${type} ${text.replace(NextToken, '')}`);
    }
    expect.soft(answers[0], operation.target).toMatch(/^InvalidParameterException /);
    expect.soft(answers[0], operation.target).toBe(answers[1]);
  }
}

test('no operation reaches across the border of an organisation, by whatever it names, and nothing beyond it changes', async () => {
  const site = await start();
  const { server, one, two, none, operations, send } = site;
  for (const { target, texts } of operations) {
    const unknown = texts.filter((path) => !isClassified(path));
    expect.soft(unknown, `${target}: say above what these members name`).toEqual([]);
  }
  const before = await dump(site, two);
  expect(Object.keys(before.shown).length).toBeGreaterThan(60);
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: one.belongings.arn }],
  });
  const narrow = await createKey(server, { PolicyDocument });
  const [own, theirs] = [one.belongings, two.belongings];

  // Their OrganizationId or ARN, with all that is theirs.
  for (const operation of operations) {
    const { target } = operation;
    for (const key of [one.key, narrow]) {
      const answers: string[] = [];
      for (const has of [theirs, none])
        answers.push(said(await send(key, target, inputOf(operation, has)), has));
      expect.soft(answers[0], target).toBe(answers[1]);
      if (/\.List(?:Organizations|MobilePolicySettings)$/.test(target)) continue;
      expect
        .soft(answers[0], target)
        .toMatch(/^(?:OrganizationNotFound|ResourceNotFound|AccessDenied)Exception /);
    }
  }
  // None, where that means the installation.
  for (const operation of operations) {
    if (operation.required.includes('OrganizationId') || !operation.members.includes('OrganizationId'))
      continue;
    const { OrganizationId: _left, ...input } = inputOf(operation, theirs);
    const { type } = await send(one.key, operation.target, input);
    expect.soft(type, operation.target).toBe('AccessDeniedException');
  }
  // One's own OrganizationId, with what is theirs.
  const secrets = [theirs.user, theirs.group, theirs.resource, theirs.testDomain, theirs.accessKey];
  secrets.push(theirs.role, theirs.personalToken, theirs.job, theirs.application, theirs.retention);
  for (const operation of operations.toSorted((a, b) => orderOf(a) - orderOf(b))) {
    const { target } = operation;
    if (!operation.members.includes('OrganizationId')) continue;
    for (const [asked, compared] of pairsOf(operation, own, theirs, none)) {
      const answer = await send(one.key, target, asked);
      const request = `${target} ${JSON.stringify(asked)}`;
      expect.soft(answer.text, request).not.toMatch(/validation errors? detected|Unknown member/);
      const leaked = secrets.filter((secret) => answer.text.includes(secret) && !request.includes(secret));
      expect.soft(leaked, request).toEqual([]);
      if (target === 'WorkMailService.RegisterMailDomain' && asked['DomainName'] === theirs.domain) {
        // A domain is one organisation's in all the installation, and who has it says DNS for all to see.
        expect.soft(answer.type).toBe('MailDomainInUseException');
        continue;
      }
      const other = await send(one.key, target, compared);
      expect.soft(said(answer, theirs), request).toBe(said(other, none));
    }
  }
  await tryTokens(site, before.tokens);
  const after = await dump(site, two);
  expect(after.shown).toEqual(before.shown);
  const audit = await audited(server, theirs.organization);
  expect.soft(audit.filter(({ AccessKeyId }) => AccessKeyId === two.key.accessKeyId)).not.toEqual([]);
  expect.soft(audit.filter(({ AccessKeyId }) => AccessKeyId === one.key.accessKeyId)).toEqual([]);
}, 300_000);
