import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { startServer } from '#test/support/start-server';

test('user list, group list and resource list: by state, by the beginning of the name or of the address', async () => {
  const server = await startServer();
  const [alice] = [await server.addUser('alice'), await server.addUser('bob')];
  const run = (...args: string[]) => runCommand(server.dataDir, args);
  const names = async (noun: string, member: string, ...args: string[]): Promise<unknown[]> => {
    const { out, err } = await run(noun, 'list', ...args, '--json');
    expect(err).toBe('');
    return JSON.parse(out)[member].map(({ Name }: { Name: string }) => Name);
  };
  await run('user', 'disable', 'bob');
  expect(await names('user', 'Users', '--state', 'disabled')).toEqual(['bob']);
  expect(await names('user', 'Users', '--name', 'al')).toEqual(['alice']);
  expect(await names('user', 'Users', '--address', 'b')).toEqual([]);
  expect(await names('user', 'Users', '--address', alice.address)).toEqual(['alice']);
  for (const address of ['staff@test.mailstead.test', 'sales@test.mailstead.test']) {
    expect((await run('group', 'create', address)).code).toBe(0);
    expect((await run('resource', 'create', address.replace('@', '-room@'))).code).toBe(0);
  }
  expect(await names('group', 'Groups', '--name', 'st')).toEqual(['staff']);
  expect(await names('group', 'Groups', '--state', 'deleted')).toEqual([]);
  expect(await names('resource', 'Resources', '--address', 'sales-r')).toEqual(['sales-room']);
  expect(await run('user', 'list', '--state', 'gone')).toMatchObject({ code: 2, out: '' });
  const two = await run('user', 'list', '--state', 'enabled', '--name', 'a');
  expect(two).toMatchObject({ code: 2, out: '', err: expect.stringContaining('cannot be used with') });
});
