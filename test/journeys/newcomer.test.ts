import { access, mkdir, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SmtpClient } from '#test/support/smtp-client';
import { tempFolder } from '#test/support/temp-store';
import { type ProcessOptions, ServerProcess } from './server-process.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const launcher = join(repository, 'bin', 'mailstead.js');
const stopped = { code: 0, signal: null };

/** What a newcomer types, and in which folder. */
const waysToStart = {
  'npm start': { command: ['npm', 'start'], cwd: repository },
  'the command mailstead, on the Node of the machine': {
    command: [await nodeOfTheMachine(), launcher, 'serve'],
  },
  'the sources': {},
} satisfies Record<string, Partial<ProcessOptions>>;

test.each(Object.entries(waysToStart))(
  '%s sets up an organisation, says how to reach it, and stops with exit code 0',
  async (_way, how) => {
    const dataDir = join(await tempFolder(), 'data');
    const server = await ServerProcess.start({ dataDir, ...how });
    const { output } = server;
    expect(output.at(-1)).toMatch(
      /^ready \{.*"smtp":"127\.0\.0\.1:\d+".*"https":"127\.0\.0\.1:\d+".*"http":"127\.0\.0\.1:\d+".*\}$/,
    );
    const passwords = output.filter((line) => / password {2}\S+/.test(line));
    expect(passwords.map((line) => line.trim().split(' ')[0])).toEqual([
      'alice@quickstart.mailstead.test',
      'bob@quickstart.mailstead.test',
    ]);
    const client = await SmtpClient.greeted(await server.address('smtp'));
    const reply = await client.mail('you@elsewhere.example', ['alice@quickstart.mailstead.test'], 'Hi\r\n');
    expect(reply.line).toMatch(/^250 2\.0\.0 /);
    client.close();
    expect(await server.end('SIGTERM')).toEqual(stopped);
  },
);

test('the first start prints the passwords, the second none; it says where things are', async () => {
  const dataDir = join(await tempFolder(), 'data');
  const first = await ServerProcess.start({ dataDir });
  const secrets = [...first.output.join('\n').matchAll(/ password {2}(\S+)/g)].map(
    ([, secret = '']) => secret,
  );
  expect(secrets).toHaveLength(2);
  await first.end('SIGTERM');
  const second = await ServerProcess.start({ dataDir });
  const text = second.output.join('\n');
  expect(text).toContain('serves the organisation quickstart');
  expect(text).toContain(dataDir);
  for (const secret of secrets) expect(text).not.toContain(secret);
  for (const { complaints } of [first, second]) {
    for (const secret of secrets) expect(complaints.join('\n')).not.toContain(secret);
  }
});

test('a signal that reaches the process group twice within 2 ms is one', async () => {
  const dataDir = join(await tempFolder(), 'data');
  const server = await ServerProcess.start({ dataDir, ownGroup: true });
  server.child.kill('SIGTERM');
  await pause(2);
  server.child.kill('SIGTERM');
  expect(await server.exited).toEqual(stopped);
});

test('a signal to the process group of the launcher ends it with the exit code of the server', async () => {
  const dataDir = join(await tempFolder(), 'data');
  const how = waysToStart['the command mailstead, on the Node of the machine'];
  const server = await ServerProcess.start({ dataDir, ownGroup: true, ...how });
  process.kill(-(server.child.pid ?? 0), 'SIGINT');
  expect(await server.exited).toEqual(stopped);
});

test('a data directory that another server has open ends the second start with 3', async () => {
  const dataDir = join(await tempFolder(), 'data');
  const first = await ServerProcess.start({ dataDir });
  const second = new ServerProcess({ dataDir });
  expect(await second.exited).toEqual({ code: 3, signal: null });
  expect(second.complaints.at(-1)).toContain(`the data directory ${dataDir} cannot be used`);
  expect(second.output).toEqual([]);
  // The first goes on.
  const client = await SmtpClient.greeted(await first.address('smtp'));
  expect((await client.command('NOOP')).code).toBe(250);
  client.close();
});

test('a data directory that is a file ends the start with 3', async () => {
  const dataDir = join(await tempFolder(), 'data');
  await writeFile(dataDir, '');
  const server = new ServerProcess({ dataDir });
  expect(await server.exited).toEqual({ code: 3, signal: null });
});

test('a configuration with faults ends the start with 2 and every fault', async () => {
  const folder = await tempFolder();
  await writeFile(join(folder, 'mailstead.toml'), 'hostnam = "x"\n[limits]\nmessage_size = "big"\n');
  const settings = { MAILSTEAD_LISTEN_SMTP: 'nowhere' };
  const server = new ServerProcess({ dataDir: join(folder, 'data'), cwd: folder, settings });
  expect(await server.exited).toEqual({ code: 2, signal: null });
  const told = server.complaints.join('\n');
  expect(told).toContain('"hostnam"');
  expect(told).toContain('limits.message_size');
  expect(told).toContain('MAILSTEAD_LISTEN_SMTP');
  await expect(access(join(folder, 'data'))).rejects.toThrow('ENOENT');
});

test('files are for their owner alone, whatever the umask', async () => {
  const folder = await tempFolder();
  await mkdir(join(folder, 'run'));
  const dataDir = join(folder, 'data');
  const command = ['sh', '-c', `umask 000; exec "${process.execPath}" "${repository}/src/main.ts" serve`];
  await ServerProcess.start({ dataDir, command, cwd: join(folder, 'run') });
  const modes = Object.fromEntries(
    await Promise.all(
      ['.', 'admin.sock', 'master.key', 'store', 'blobs', 'tls', 'tls/key.pem', 'tls/ca-key.pem'].map(
        async (name) => [name, ((await stat(join(dataDir, name))).mode & 0o777).toString(8)],
      ),
    ),
  );
  expect(modes).toEqual({
    '.': '700',
    'admin.sock': '600',
    'master.key': '600',
    store: expect.any(String),
    blobs: '700',
    tls: '700',
    'tls/key.pem': '600',
    'tls/ca-key.pem': '600',
  });
});

/** The Node that a shell finds, rather than the one that is installed with the package. */
async function nodeOfTheMachine(): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(folder, 'node');
    if (folder.includes('node_modules')) continue;
    if (
      await access(node).then(
        () => true,
        () => false,
      )
    )
      return node;
  }
  return process.execPath;
}
