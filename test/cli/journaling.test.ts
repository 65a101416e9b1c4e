import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { startServer } from '#test/support/start-server';

test('journaling is set, shown, changed and taken off from the command line', async () => {
  const server = await startServer();
  const run = (...args: string[]) => runCommand(server.dataDir, ['journaling', ...args]);
  expect((await run('show')).out).toBe('Journaling  off\n');
  const on = 'Journaling   on\nRecords to   box@archive.example\nFailures to  it@test.mailstead.test\n';
  expect(await run('set', 'box@archive.example', '--report', 'it@test.mailstead.test')).toEqual({
    code: 0,
    out: on,
    err: '',
  });
  expect((await run('set', 'box@archive.example')).out).toBe(on);
  expect(JSON.parse((await run('show', '--json')).out)).toEqual({
    Enabled: true,
    JournalingAddress: 'box@archive.example',
    ReportAddress: 'it@test.mailstead.test',
  });
  expect((await run('off')).out).toBe(on.replace(' on', ' off'));
  expect((await run('set', 'it@test.mailstead.test')).err).toContain('ReportAddress must be another one');
  expect((await run('set')).code).toBe(2);
});
