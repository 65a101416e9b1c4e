import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { createLogger, type LogFields } from './log.ts';

function lines() {
  const written: Record<string, unknown>[] = [];
  return { written, stream: { write: (line: string) => void written.push(JSON.parse(line)) } };
}

test('an event is one JSON line with its level, time and fields', () => {
  const { written, stream } = lines();
  createLogger('info', stream).child({ connection: 'c1' }).info('http.request.refused', { status: 413 });
  expect(written).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      event: 'http.request.refused',
      connection: 'c1',
      status: 413,
    },
  ]);
});

test('an error carries its stack and its cause', () => {
  const { written, stream } = lines();
  const err = new Error('outer', { cause: new Error('inner') });
  createLogger('info', stream).error('http.request.failed', { err }, { path: '/x' });
  expect(written[0]).toMatchObject({ level: 'error', path: '/x', err: { message: 'outer: inner' } });
  expect(JSON.stringify(written[0])).toContain('log.test.ts');
});

test('a field that would carry a secret is not written, whoever forced it past the types', () => {
  const { written, stream } = lines();
  const fields = { password: 'hunter2', token: 't', body: 'b', authorization: 'Basic x', user: 'alice' };
  createLogger('info', stream).info('admin.operation.done', fields as unknown as LogFields);
  expect(JSON.stringify(written)).not.toMatch(/hunter2|Basic|"token"|"body"/);
  expect(written[0]).toMatchObject({ user: 'alice' });
});

test('levels below the chosen one are not written', () => {
  const { written, stream } = lines();
  const log = createLogger('warn', stream);
  log.debug('server.starting');
  log.info('server.starting');
  log.warn('server.stopping');
  expect(written.map(({ event }) => event)).toEqual(['server.stopping']);
});

test.each([
  ['the end of the turn', 'setTimeout(() => process.kill(process.pid, "SIGKILL"), 50)', ['server.starting']],
  ['an exit', 'process.exit(3)', ['server.starting']],
  ['an error nobody caught', 'throw new Error("oh")', ['server.starting']],
  [
    'a warning',
    'log.warn("server.stopping"); process.kill(process.pid, "SIGKILL")',
    ['server.starting', 'server.stopping'],
  ],
])('lines are on standard error with %s', (_name, end, expected) => {
  const url = pathToFileURL(join(import.meta.dirname, 'log.ts')).href;
  const script = `import { createLogger } from '${url}'; const log = createLogger('info'); log.info('server.starting'); ${end};`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const events = stderr.split('\n').filter((line) => line.startsWith('{"level"'));
  expect(events.map((line) => JSON.parse(line).event)).toEqual(expected);
});
