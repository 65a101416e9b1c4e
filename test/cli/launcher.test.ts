import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const launcher = fileURLToPath(new URL('../../bin/mailstead.js', import.meta.url));
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
let dir: string;

beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'mailstead-launcher-')));
});
afterEach(() => rm(dir, { recursive: true }));

/** The environment of a shell: nothing of the npm that runs the tests. */
function start(args: readonly string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, args, { cwd: dir, env: { PATH: process.env['PATH'] ?? '', ...env } });
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = start(args, env);
  child.stdin.end();
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, out, err };
}

test('the launcher runs the Node that is installed with the package', async () => {
  expect(await run([launcher, 'version'])).toEqual({
    code: 0,
    out: expect.stringMatching(/^mailstead \d+\.\d+\.\d+ \(Node 24\.\d+\.\d+\)\n$/),
    err: '',
  });
});

test('relative paths count from where the user stands, and the exit code is passed on', async () => {
  await writeFile(join(dir, 'mine.toml'), 'nope = 1');
  expect(await run([launcher, 'config', 'check', '--config', 'mine.toml'])).toEqual({
    code: 2,
    out: '',
    err: '✖ Unrecognized key: "nope"\n',
  });
  expect((await run([launcher, 'org', 'list', '--data', 'there'])).err).toContain(
    join(dir, 'there', 'admin.sock'),
  );
});

test('under npm run they count from where npm was called', async () => {
  const env = { npm_lifecycle_event: 'mailstead', INIT_CWD: '/somewhere' };
  expect((await run([main, 'org', 'list'], env)).err).toContain('/somewhere/data/admin.sock');
  const nested = { npm_lifecycle_event: 'test', INIT_CWD: '/somewhere' };
  expect((await run([main, 'org', 'list'], nested)).err).toContain(join(dir, 'data', 'admin.sock'));
});

test('a signal reaches the program behind the launcher, and its death is the launcher’s', async () => {
  const child = start([launcher, 'api', 'DescribeOrganization', '-']);
  // It waits for its standard input; once it is there, it has a child of its own.
  await until(async () => (await childrenOf(child.pid)) !== '');
  child.kill('SIGTERM');
  const [code, signal] = await once(child, 'exit');
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGTERM' });
});

async function childrenOf(pid: number | undefined): Promise<string> {
  return readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

test('a reader that has seen enough ends the command without noise', async () => {
  const child = start([launcher, 'config', 'show', '--json']);
  child.stdout.destroy();
  const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
});
