import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const fakeServer = fileURLToPath(new URL('fake-server.ts', import.meta.url));

/** Starts a process around a fake server; its lines on standard output are awaited one by one. */
function start(behaviour: string) {
  const child = spawn(process.execPath, [fakeServer, behaviour], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const nextLine = async () => (await lines.next()).value;
  return { child, nextLine, exited: exitOf(child), complaints: text(child.stderr) };
}

async function exitOf(child: ChildProcess): Promise<unknown> {
  const [code] = await once(child, 'exit');
  return code;
}

test('the setup text comes first, then one ready line with every address', async () => {
  const { child, nextLine, exited } = start('first-start');
  expect(await nextLine()).toBe('Welcome');
  expect(await nextLine()).toBe('ready {"smtp":"127.0.0.1:2525"}');
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s stops the server and the process exits with 0',
  async (signal) => {
    const { child, nextLine, exited } = start('');
    expect(await nextLine()).toMatch(/^ready /);
    child.kill(signal);
    expect(await nextLine()).toBe('stopping');
    expect(await exited).toBe(0);
  },
);

test('a signal that arrives twice at once is one; another over a second later exits at once', async () => {
  const { child, nextLine, exited } = start('slow-stop');
  await nextLine();
  child.kill('SIGTERM');
  expect(await nextLine()).toBe('stopping');
  child.kill('SIGTERM');
  child.kill('SIGINT');
  await pause(1_100);
  expect(child.exitCode).toBeNull();
  child.kill('SIGTERM');
  expect(await exited).toBe(1);
});

test.each([
  ['in-use', 3, 'mailstead: the data directory /fake/data cannot be used: another server has it open'],
  ['unwritable', 3, 'mailstead: the data directory /fake/data cannot be used: EACCES'],
  ['no-certificate', 2, '✖ No such file → at tls.cert'],
  ['no-port', 1, 'mailstead: listen EADDRINUSE'],
])('a start that fails by "%s" exits with %i', async (behaviour, code, sentence) => {
  const { exited, complaints } = start(behaviour);
  expect(await exited).toBe(code);
  const lines = (await complaints).trimEnd().split('\n');
  expect(lines.at(-1)).toBe(sentence);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', event: 'server.failed' });
});
