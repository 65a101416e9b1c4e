/** What the doctor says of listeners and queues that are ill: a server that answers as a test says. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { listenOnAdminSocket } from '#protocols/admin/socket';
import { silentLogger } from '#telemetry/log';
import { runCommand } from '#test/support/command-line';
import { startScripted } from '#test/support/scripted-server';
import { tempFolder } from '#test/support/temp-store';
import { runChecks } from '../../src/cli/doctor/finding.ts';
import { unguardedAdmin } from '../support/unguarded-admin.ts';

const OrganizationId = `m-${'0'.repeat(31)}1`;

/** The lines of the doctor about a server with these listeners and messages in its queue. */
async function examine(
  listeners: Readonly<Record<string, number>>,
  messages: readonly object[] = [],
): Promise<(check: string) => string[]> {
  const dir = await tempFolder();
  const Listeners = Object.entries(listeners).map(([Name, port]) => ({ Name, Address: `0.0.0.0:${port}` }));
  const answers = {
    'Mailstead.DescribeInstallation': {
      Hostname: 'localhost',
      PublicUrl: 'https://localhost',
      Listeners,
      OpenFiles: 900,
      OpenFilesLimit: 1024,
    },
    'WorkMailService.ListOrganizations': { OrganizationSummaries: [{ OrganizationId, Alias: 'acme' }] },
    'WorkMailService.ListMailDomains': { MailDomains: [] },
    'Mailstead.ListQueue': { Messages: messages },
    'Mailstead.ListAuditEvents': { Events: [{ Time: Date.now() / 1000 - 30 * 86_400 }] },
  };
  const operations = Object.entries(answers).map(([name, answer]) => [name, async () => answer] as const);
  const admin = unguardedAdmin(Object.fromEntries(operations));
  const listener = await listenOnAdminSocket(join(dir, 'admin.sock'), admin, silentLogger);
  onTestFinished(() => listener.stop(0));
  const { out, code } = await runCommand(dir, ['doctor', '--json'], {
    env: { MAILSTEAD_HOSTNAME: 'localhost' },
  });
  expect(code).toBe(1);
  const { Findings } = JSON.parse(out) as { Findings: { Check: string; Status: string; Found: string }[] };
  return (check) =>
    Findings.filter(({ Check }) => Check === check).map(({ Status, Found }) => `${Status} ${Found}`);
}

test('doctor: a mail listener that is ill is told by what it does', async () => {
  const port = async (script: Parameters<typeof startScripted>[0]) => (await startScripted(script)).port;
  const greeting = '220 scripted.example ESMTP\r\n';
  const bare = (command: string) => (command === '' ? greeting : '250 scripted.example\r\n');
  const refusing = (command: string) => {
    if (command === '') return greeting;
    return command === 'STARTTLS'
      ? '454 4.7.0 No certificate\r\n'
      : '250-scripted.example\r\n250 STARTTLS\r\n';
  };
  const silent: Parameters<typeof startScripted>[0] = (_command, socket) => {
    socket.destroy();
    return undefined;
  };
  const cases: readonly [smtp: Parameters<typeof startScripted>[0], found: RegExp][] = [
    [() => '554 5.3.2 Going home\r\n', /^FAIL 127\.0\.0\.1:\d+ greets with "554 5\.3\.2 Going home"$/],
    [bare, /^FAIL .* offers no STARTTLS$/],
    [refusing, /^FAIL .* refuses STARTTLS: "454 4\.7\.0 No certificate"$/],
    [silent, /^FAIL .*: the connection was cut off$/],
    [() => `220-${'x'.repeat(100_000)}\r\n`, /^FAIL .*: the reply does not end$/],
  ];
  for (const [script, found] of cases) {
    const of = await examine({ smtp: await port(script) });
    expect(of('listener smtp')).toEqual([expect.stringMatching(found)]);
  }
});

test('doctor: a listener that nobody is behind fails, and few open files are a warning', async () => {
  const of = await examine({ submission: 1, https: 1 });
  expect(of('listener submission')).toEqual(['FAIL 127.0.0.1:1: nothing listens there']);
  expect(of('listener https')).toEqual(['FAIL 127.0.0.1:1: nothing listens there']);
  expect(of('certificate')).toEqual(['FAIL nothing listens there']);
  expect(of('open files')).toEqual(['WARN 900 of at most 1024']);
  expect(of('backup')).toEqual([expect.stringMatching(/^WARN the last one is of /)]);
});

test('doctor: the queue is told by its oldest message and the destinations that fail', async () => {
  const nowS = Math.floor(Date.now() / 1000);
  const waiting = (AcceptedTime: number, Attempts: number, Address: string) => ({
    AcceptedTime,
    Attempts,
    Recipients: [{ Address, State: 'PENDING', LastReply: '451 4.7.1 Later' }],
  });
  const of = await examine({ smtp: 1 }, [
    waiting(nowS, 0, 'a@fine.example'),
    waiting(nowS - 86_400, 3, 'a@slow.example'),
    waiting(nowS - 3_600, 2, 'b@slow.example'),
  ]);
  expect(of('queue acme')).toEqual([
    expect.stringMatching(/^WARN 3 wait, the oldest since 20\d\d-/),
    'WARN slow.example: 2 tried in vain, last "451 4.7.1 Later"',
  ]);
});

test('doctor: a check that does not end is ended, and one that breaks is told; neither keeps others from theirs', async () => {
  const ended: string[] = [];
  const findings = await runChecks(
    [
      {
        name: 'slow',
        run: (signal) => {
          signal.addEventListener('abort', () => ended.push('slow'));
          return new Promise(() => undefined);
        },
      },
      { name: 'broken', run: () => Promise.reject(new Error('out of order')) },
      { name: 'well', run: async () => [{ Check: 'well', Status: 'OK', Found: 'fine' }] },
    ],
    50,
  );
  expect(findings.map(({ Check, Status, Found }) => `${Check} ${Status} ${Found}`)).toEqual([
    'slow FAIL no answer within 0.05 seconds',
    'broken FAIL out of order',
    'well OK fine',
  ]);
  expect(ended).toEqual(['slow']);
});
