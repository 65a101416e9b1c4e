import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { startServer } from '#test/support/start-server';

/** A server with alice, and the command line on it. */
async function serve() {
  const server = await startServer();
  const alice = await server.addUser('alice');
  const run = (...args: string[]) => runCommand(server.dataDir, args);
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out);
  return { alice, run, json };
}

test('a resource is created, shown, changed, disabled, enabled and deleted', async () => {
  const { run, json } = await serve();
  const blue = 'blue@test.mailstead.test';
  const created = await run('resource', 'create', blue, '--name', 'Blue', '--description', 'Second floor');
  expect(created).toMatchObject({ code: 0, err: '' });
  expect(created.out).toMatch(/^blue@test\.mailstead\.test is created and enabled \(r-[0-9a-f]{32}\)\.\n$/);
  expect((await run('resource', 'list')).out).toMatch(
    /ADDRESS +NAME +TYPE +STATE +ID\nblue@test\S+ +Blue +ROOM +ENABLED +r-/,
  );
  expect((await run('resource', 'show', 'blue')).out).toMatch(/Second floor/);
  const made = { Name: 'Blue', Type: 'ROOM', Email: blue, HiddenFromGlobalAddressList: false };
  expect(await json('resource', 'show', blue)).toMatchObject(made);
  const changes = ['--name', 'Van', '--type', 'equipment', '--description', '', '--hidden'];
  expect((await run('resource', 'edit', blue, ...changes)).out).toBe(`${blue} is changed.\n`);
  const changed = { Name: 'Van', Type: 'EQUIPMENT', HiddenFromGlobalAddressList: true };
  expect(await json('resource', 'show', 'van')).toMatchObject(changed);
  expect(await json('resource', 'show', 'van')).not.toHaveProperty('Description');
  expect((await run('resource', 'edit', 'van', '--no-hidden', '--name', 'blue')).code).toBe(0);
  expect((await run('resource', 'disable', blue)).out).toBe(`${blue} is disabled.\n`);
  expect((await run('resource', 'enable', blue, blue)).out).toBe(`${blue} is enabled.\n`);
  expect(await json('resource', 'show', blue)).toMatchObject({
    ...changed,
    ...made,
    Name: 'blue',
    Type: 'EQUIPMENT',
  });
  expect((await run('resource', 'delete', blue)).out).toBe(`${blue} is deleted.\n`);
  expect(await json('resource', 'list')).toEqual({ Resources: [] });
});

test('what goes wrong is one sentence on stderr', async () => {
  const { alice, run } = await serve();
  const wanted = ['resource', 'create', 'van@test.mailstead.test'];
  expect(await run('resource', 'create', 'blue')).toMatchObject({ code: 2, out: '' });
  expect(await run(...wanted, '--type', 'car')).toMatchObject({
    code: 2,
    err: '--type is room or equipment.\nUsage: mailstead resource create [options] <address>\n',
  });
  const long = await run('resource', 'create', 'the-large-meeting-room@test.mailstead.test');
  expect(long).toMatchObject({ code: 2, out: '', err: expect.stringContaining('with --name') });
  const half = await run('resource', 'create', alice.address, '--name', 'half');
  expect(half).toMatchObject({ code: 1, out: '' });
  expect(half.err).toContain('mailstead resource delete');
  expect((await run('resource', 'show', 'nobody')).err).toContain('mailstead resource list');
  expect(await run('resource', 'delete', 'half')).toMatchObject({ code: 0 });
});
