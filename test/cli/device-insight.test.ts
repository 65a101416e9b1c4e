import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdminOperation } from '#protocols/admin/endpoint';
import { listenOnAdminSocket } from '#protocols/admin/socket';
import type { HttpListener } from '#protocols/http/listener';
import { silentLogger } from '#telemetry/log';
import { runCommand } from '#test/support/command-line';
import { unguardedAdmin } from '../support/unguarded-admin.ts';

const OrganizationId = `m-${'0'.repeat(31)}1`;
const UserId = '11111111-2222-3333-4444-555555555555';
const device = { OrganizationId, UserId, DeviceId: 'd1' };
const names = ['alice@example.com', 'd1'];

let dir: string;
let listener: HttpListener | undefined;
let calls: [operation: string, input: unknown][];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mailstead-cli-'));
  calls = [];
});
afterEach(async () => {
  await listener?.stop(0);
  listener = undefined;
  await rm(dir, { recursive: true });
});

type Computed = (input: Record<string, unknown>) => object;
type Answer = Readonly<Record<string, unknown>> | Computed;

const isComputed = (answer: Answer): answer is Computed => typeof answer === 'function';

/** Serves operations on an admin socket; inputs pass the real model. */
async function serve(operations: Record<string, Answer>) {
  const all: Record<string, Answer> = {
    'WorkMailService.ListOrganizations': { OrganizationSummaries: [{ OrganizationId, Alias: 'acme' }] },
    'WorkMailService.DescribeUser': { UserId },
    ...operations,
  };
  const recorded = Object.entries(all).map(([name, answer]): [string, AdminOperation] => [
    name,
    async (input) => {
      calls.push([name, input]);
      return isComputed(answer) ? answer({ ...input }) : answer;
    },
  ]);
  const endpoint = unguardedAdmin(Object.fromEntries(recorded));
  listener = await listenOnAdminSocket(join(dir, 'admin.sock'), endpoint, silentLogger);
}

const run = (...args: readonly string[]) => runCommand(dir, ['device', ...args]);

test('device show lists the last requests below the device, newest first', async () => {
  await serve({
    'Mailstead.DescribeMobileDevice': {
      DeviceId: 'd1',
      RecentRequests: [
        {
          Time: 60,
          Command: 'Sync',
          ProtocolVersion: '14.1',
          HttpStatus: 200,
          PolicyKey: 'CURRENT',
          DurationMs: 7,
          BytesIn: 10,
          BytesOut: 2000,
          Collections: [
            {
              CollectionId: '1',
              KeyIn: '…x.7',
              KeyOut: '…x.8',
              Status: 1,
              ItemsReceived: 3,
              ItemsSent: 5,
              MoreAvailable: true,
            },
            { CollectionId: '4' },
          ],
          MoreCollections: 2,
        },
        {
          Time: 0,
          Command: 'Ping',
          ProtocolVersion: '14.1',
          PolicyKey: 'NONE',
          DurationMs: 9,
          WaitedMs: 8,
          BytesIn: 0,
          BytesOut: 0,
          Collections: [],
          Error: 'ended: client-gone',
        },
      ],
    },
  });
  const { out } = await run('show', ...names);
  expect(out).toMatch(/^DeviceId {2}d1\n\nTIME +COMMAND +VERSION/);
  expect(out).toContain('1 (…x.7 > …x.8, 3 in, 5 out, more); 4; 2 more folders\n');
  expect(out).toMatch(
    /1970-01-01 00:00:00 UTC {2}Ping +14\.1 +- +- +NONE +9 \(held 8\) +0\/0 +ended: client-gone\n$/,
  );
});

test('device trace on and off say until when, and who asked', async () => {
  await serve({
    'Mailstead.PutDeviceTrace': ({ Enabled }) => ({
      Enabled,
      StartTime: 0,
      EndTime: 3600,
      RequestedBy: 'root',
    }),
  });
  expect((await run('trace', 'on', ...names, '--minutes', '90')).out).toBe(
    'Trace  on\nFrom   1970-01-01 00:00:00 UTC\nUntil  1970-01-01 01:00:00 UTC\nBy     root\n',
  );
  const by = { RequestedBy: expect.stringMatching(/./) };
  expect(calls.at(-1)).toEqual([
    'Mailstead.PutDeviceTrace',
    { ...device, Enabled: true, Minutes: 90, ...by },
  ]);
  expect((await run('trace', 'off', ...names)).out).toMatch(/^Trace {2}off\n/);
  expect(calls.at(-1)).toEqual(['Mailstead.PutDeviceTrace', { ...device, Enabled: false, ...by }]);
});

test.each(['0', '1441', 'x', '1.5'])('device trace on --minutes %s is refused', async (minutes) => {
  await serve({});
  const { code, err } = await run('trace', 'on', ...names, '--minutes', minutes);
  expect([code, err.split('\n')[0]]).toEqual([2, '--minutes is a whole number from 1 to 1440.']);
});

test('device trace show prints every request of all pages, and nothing that steers the terminal', async () => {
  const traced = {
    Time: 60,
    DurationMs: 5,
    WaitedMs: 4,
    Command: 'Ping',
    ProtocolVersion: '16.1',
    HttpStatus: 200,
    Missed: 2,
    Url: '/Microsoft-Server-ActiveSync?Cmd=Ping',
    RequestHeaders: { host: 'mail' },
    Request: '<Ping>\u001b\u202e[2J</Ping>',
    AnswerHeaders: { 'Content-Type': 'x' },
    Answer: '<Ping/>',
  };
  await serve({
    'Mailstead.GetDeviceTrace': ({ NextToken }) => ({
      Enabled: true,
      EndTime: 3600,
      Requests: [
        NextToken === undefined
          ? traced
          : { ...traced, Missed: undefined, HttpStatus: undefined, Error: 'gone' },
      ],
      ...(NextToken === undefined && { NextToken: 'more' }),
    }),
  });
  const { out } = await run('trace', 'show', ...names);
  expect(out).toContain('Trace  on\nUntil  1970-01-01 01:00:00 UTC\n');
  expect(out).toContain(
    '\n(2 requests before were not kept)\n=== 1970-01-01 00:01:00 UTC  Ping 16.1, 5 ms, of which 4 held\n' +
      '> /Microsoft-Server-ActiveSync?Cmd=Ping\n> host: mail\n<Ping>[2J</Ping>\n< 200\n< Content-Type: x\n<Ping/>\n',
  );
  expect(out).toContain(', gone\n');
  expect(out).toContain('< no answer\n');
  const json = JSON.parse((await run('trace', 'show', ...names, '--json')).out);
  expect(json).toMatchObject({ Enabled: true, Requests: [{ Command: 'Ping' }, { Command: 'Ping' }] });
  expect(json).not.toHaveProperty('NextToken');
});

test('device recovery-password shows it, or says when there would be one', async () => {
  let answer: Record<string, unknown> = { RecoveryPassword: '1234', SetTime: 0 };
  await serve({ 'Mailstead.GetDeviceRecoveryPassword': () => answer });
  expect((await run('recovery-password', ...names)).out).toBe(
    'Recovery password  1234\nGiven              1970-01-01 00:00:00 UTC\n',
  );
  expect(calls.at(-1)?.[1]).toMatchObject({ ...device, RequestedBy: expect.stringMatching(/./) });
  answer = {};
  expect((await run('recovery-password', ...names)).out).toContain('PasswordRecoveryEnabled');
});
