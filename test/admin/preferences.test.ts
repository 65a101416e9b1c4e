import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { startServer, type TestServer, type TestUser } from '#test/support/start-server';

async function start() {
  const server = await startServer();
  const alice = await server.addUser('alice');
  const call = (operation: string, input: object = {}) =>
    server.admin(`Mailstead.${operation}`, {
      OrganizationId: server.organization,
      UserId: alice.address,
      ...input,
    });
  return { server, alice, call };
}

const cli = ({ dataDir }: TestServer, args: readonly string[], stdin = '') =>
  runCommand(dataDir, args, { stdin });

const never = {
  State: 'DISABLED',
  InternalMessage: '',
  InternalBodyType: 'TEXT',
  InternalEnabled: true,
  ExternalMessage: '',
  ExternalBodyType: 'TEXT',
  ExternalAudience: 'NONE',
};

test('a reply is put and given as it was put, also after another start of its schedule', async () => {
  const { call } = await start();
  expect(await call('GetAutomaticReply')).toEqual(never);
  const put = {
    State: 'SCHEDULED',
    StartTime: 1_800_000_000,
    EndTime: 1_800_086_400.5,
    InternalMessage: '<b>Away</b>',
    InternalBodyType: 'HTML',
    InternalEnabled: false,
    ExternalMessage: 'Away'.padEnd(32_768, '.'),
    ExternalBodyType: 'TEXT',
    ExternalAudience: 'KNOWN',
  };
  expect(await call('PutAutomaticReply', put)).toEqual(put);
  expect(await call('GetAutomaticReply')).toEqual(put);
  const { StartTime: _start, EndTime: _end, ...on } = { ...put, State: 'ENABLED' };
  expect(await call('PutAutomaticReply', { ...put, State: 'ENABLED' })).toEqual(on);
  expect(await call('PutAutomaticReply', { State: 'DISABLED' })).toEqual(never);
});

test.each<[fault: string, input: object, told: string]>([
  ['no times', { State: 'SCHEDULED', StartTime: 5 }, 'needs a start and an end'],
  ['times the wrong way round', { State: 'SCHEDULED', StartTime: 5, EndTime: 5 }, 'not after the start'],
  ['no time', { State: 'SCHEDULED', StartTime: 5, EndTime: 1e300 }, 'no time'],
  ['an unknown state', { State: 'ON' }, 'DISABLED, ENABLED, SCHEDULED'],
  ['an unknown member', { State: 'ENABLED', Message: 'x' }, "Unknown member 'Message'"],
  ['a long message', { State: 'ENABLED', InternalMessage: 'ä'.repeat(16_385) }, 'longer than 32 KiB'],
])('a reply with %s is refused', async (_fault, input, told) => {
  const { call } = await start();
  await expect(call('PutAutomaticReply', input)).rejects.toThrow(told);
  expect(await call('GetAutomaticReply')).toEqual(never);
});

const invoices = {
  Name: 'Invoices',
  Enabled: true,
  Conditions: { FromContains: ['billing@'], SubjectContains: ['invoice', 'Rechnung'], HasAttachment: true },
  Exceptions: { SizeOver: 1_000_000 },
  Actions: { MoveToFolder: 'Inbox/Invoices/2026', MarkAsRead: true, RedirectTo: ['books@one.example'] },
  StopProcessing: true,
};

test('rules are put and given as they were put; the folder they name is made', async () => {
  const { call } = await start();
  expect(await call('GetMailRules')).toEqual({ Rules: [] });
  const short = { Name: 'Copies', Actions: { ForwardTo: ['me@home.example'] } };
  const expected = {
    Rules: [invoices, { ...short, Enabled: true, Conditions: {}, Exceptions: {}, StopProcessing: false }],
  };
  expect(await call('PutMailRules', { Rules: [invoices, short] })).toEqual(expected);
  expect(await call('GetMailRules')).toEqual(expected);
  // Again, with the folder there.
  expect(await call('PutMailRules', expected)).toEqual(expected);
  expect(await call('PutMailRules', { Rules: [] })).toEqual({ Rules: [] });
});

const moves = { MoveToFolder: 'Inbox' };

test.each<[fault: string, rules: object[], told: string]>([
  ['nothing to do', [{ Name: 'a', Actions: {} }], 'does nothing'],
  ['a misspelt condition', [{ Name: 'a', Conditions: { From: ['x'] }, Actions: moves }], "member 'From'"],
  [
    'two of a name',
    [
      { Name: 'a', Actions: moves },
      { Name: 'a', Actions: moves },
    ],
    'the same name',
  ],
  ['an empty list', [{ Name: 'a', Conditions: { ToContains: [] }, Actions: moves }], 'an empty list'],
  ['a blank text', [{ Name: 'a', Conditions: { ToContains: [' '] }, Actions: moves }], 'an empty text'],
  ['move and delete', [{ Name: 'a', Actions: { ...moves, Delete: true } }], 'moves and deletes'],
  ['a bad path', [{ Name: 'a', Actions: { MoveToFolder: 'Inbox//x' } }], 'no path'],
  ['a calendar', [{ Name: 'a', Actions: { MoveToFolder: 'calendar' } }], 'does not take mail'],
  ['a name kept free', [{ Name: 'a', Actions: { MoveToFolder: 'recipientinfo/x' } }], 'cannot be called'],
  ['no address', [{ Name: 'a', Actions: { ForwardTo: ['bob at home'] } }], 'names no address'],
  ['itself', [{ Name: 'a', Actions: { RedirectTo: ['Alice+x@test.mailstead.test'] } }], 'its own mailbox'],
  [
    'many addresses',
    [1, 2, 3].map((n) => ({
      Name: `${n}`,
      Actions: { ForwardTo: Array.from({ length: 7 }, (_, i) => `u${i}@x${n}.example`) },
    })),
    'at most 20 addresses',
  ],
  [
    'too much',
    Array.from({ length: 5 }, (_, n) => ({
      Name: `${n}`,
      Conditions: { ToContains: Array.from({ length: 50 }, (_, i) => `${i}`.padEnd(250, 'x')) },
      Actions: moves,
    })),
    'larger than 48 KiB',
  ],
  ['too many', Array.from({ length: 201 }, (_, n) => ({ Name: `${n}`, Actions: moves })), 'equal to 200'],
])('rules with %s are refused, all of them', async (_fault, rules, told) => {
  const { call } = await start();
  await expect(call('PutMailRules', { Rules: rules })).rejects.toThrow(told);
  expect(await call('GetMailRules')).toEqual({ Rules: [] });
});

test('a user who was never enabled has no mailbox to put anything into', async () => {
  const { server } = await start();
  const { organization: OrganizationId } = server;
  await server.admin('CreateUser', {
    OrganizationId,
    Name: 'new',
    DisplayName: 'New',
    Password: 'Secret-12345',
  });
  const input = { OrganizationId, UserId: 'new', State: 'ENABLED', InternalMessage: 'x' };
  await expect(server.admin('Mailstead.PutAutomaticReply', input)).rejects.toThrow('enable the user first');
});

test('the command turns a reply on for a time and off, and keeps its texts', async () => {
  const { server, alice } = await start();
  const set = ['user', 'reply', 'set', alice.address, '--internal', 'In Rome', '--external', 'Away'];
  const shown = await cli(server, [...set, '--from', '2026-12-24T18:00Z', '--until', '2027-01-02T06:00Z']);
  expect(shown).toEqual({
    code: 0,
    err: '',
    out: `State            SCHEDULED
From             2026-12-24 18:00:00 UTC
Until            2027-01-02 06:00:00 UTC
Others answered  ALL

Inside the organisation:
  In Rome

Others:
  Away
`,
  });
  await cli(server, ['user', 'reply', 'off', alice.address]);
  await writeFile(join(server.dataDir, 'text.html'), '<p>Away</p>');
  await cli(server, ['user', 'reply', 'set', alice.address, '--internal-file', 'text.html', '--html']);
  const { out } = await cli(server, ['user', 'reply', 'show', alice.address, '--json']);
  expect(JSON.parse(out)).toMatchObject({
    State: 'ENABLED',
    InternalMessage: '<p>Away</p>',
    InternalBodyType: 'HTML',
    ExternalMessage: 'Away',
    ExternalBodyType: 'TEXT',
    ExternalAudience: 'ALL',
  });
  expect(await cli(server, ['user', 'reply', 'set', alice.address, '--from', 'now'])).toMatchObject({
    code: 2,
  });
});

test('the command sets rules from a file or standard input, and shows them', async () => {
  const { server, alice } = await start();
  await writeFile(join(server.dataDir, 'rules.json'), JSON.stringify({ Rules: [invoices] }));
  const { code, out } = await cli(server, ['user', 'rules', 'set', alice.address, 'rules.json']);
  expect(code).toBe(0);
  expect(out).toContain(
    'Invoices  on  FromContains=billing@; SubjectContains=invoice,Rechnung; HasAttachment',
  );
  expect(out).toContain('MoveToFolder=Inbox/Invoices/2026; MarkAsRead; RedirectTo=books@one.example; stop');
  const { out: json } = await cli(server, ['user', 'rules', 'show', alice.address, '--json']);
  expect(JSON.parse(json)).toEqual({ Rules: [invoices] });
  expect(await again(server, alice, json)).toMatchObject({ code: 0 });
  expect(await again(server, alice, '[]')).toMatchObject({ code: 0, out: 'There are no rules.\n' });
  expect(await again(server, alice, '{"rules":[]}')).toMatchObject({ code: 2 });
});

function again(server: TestServer, { address }: TestUser, stdin: string) {
  return cli(server, ['user', 'rules', 'set', address, '-'], stdin);
}
