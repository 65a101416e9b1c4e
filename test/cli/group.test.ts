import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { startServer } from '#test/support/start-server';
import { runCli } from '../../src/cli/program.ts';

/** A server with alice and bob, and the command line on it. */
async function serve() {
  const server = await startServer();
  const [alice, bob] = [await server.addUser('alice'), await server.addUser('bob')];
  const run = async (...args: string[]) => {
    const written = { out: '', err: '' };
    const code = await runCli(args, {
      stdin: Readable.from([]),
      print: (text) => {
        written.out += text;
      },
      complain: (text) => {
        written.err += text;
      },
      env: { MAILSTEAD_DATA: server.dataDir },
      cwd: server.dataDir,
      serve: () => Promise.reject(new Error('not here')),
    });
    return { code, ...written };
  };
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out);
  return { alice, bob, run, json };
}

test('a group is created with members, shown, changed and deleted', async () => {
  const { alice, bob, run, json } = await serve();
  const staff = 'staff@test.mailstead.test';
  const created = await run('group', 'create', staff, '--name', 'Staff', '--member', alice.address);
  expect(created).toMatchObject({ code: 0, err: '' });
  expect(created.out).toMatch(/^staff@test\.mailstead\.test is created and enabled \([0-9a-f-]{36}\)\.\n$/);
  expect((await run('group', 'list')).out).toMatch(
    /ADDRESS +NAME +STATE +ID\nstaff@test\S+ +Staff +ENABLED /,
  );
  expect((await run('group', 'add', staff, bob.address, 'alice')).out).toBe(
    `${bob.address}, alice are in ${staff}.\n`,
  );
  const shown = await json('group', 'show', 'staff');
  expect(shown).toMatchObject({ Name: 'Staff', Email: staff, HiddenFromGlobalAddressList: false });
  expect(shown.Members.map(({ Id }: { Id: string }) => Id).sort()).toEqual([alice.id, bob.id].sort());
  expect((await run('group', 'show', staff)).out).toMatch(/MEMBER +TYPE +STATE +ID\n/);
  expect((await run('group', 'remove', 'staff', 'alice', 'bob')).code).toBe(0);
  expect((await run('group', 'show', staff)).out).toMatch(/\nNobody is in it\.\n$/);
  expect((await run('group', 'disable', 'staff')).code).toBe(0);
  expect((await run('group', 'enable', 'staff', `all-${staff}`)).out).toBe(`all-${staff} is enabled.\n`);
  expect((await run('group', 'delete', 'staff')).out).toBe('staff is deleted.\n');
  expect(await json('group', 'list')).toEqual({ Groups: [] });
});

test('what goes wrong is one sentence on stderr', async () => {
  const { alice, run } = await serve();
  expect(await run('group', 'create', 'staff')).toMatchObject({ code: 2, out: '' });
  const half = await run('group', 'create', alice.address, '--name', 'half');
  expect(half).toMatchObject({ code: 1, out: '' });
  expect(half.err).toContain('mailstead group delete');
  expect(await run('group', 'add', 'half', 'half')).toMatchObject({ code: 1, out: '' });
  expect(await run('group', 'show', 'nobody')).toMatchObject({ code: 1, out: '' });
  expect(await run('group', 'delete', 'half')).toMatchObject({ code: 0 });
  for (const args of [
    ['routing', 'administrator'],
    ['routing', 'administrator', 'alice', '--off'],
    ['routing', 'catch-all', 'test.mailstead.test'],
  ]) {
    expect((await run(...args)).code).toBe(2);
  }
});

test('the administrator and a catch-all are chosen, shown and taken back', async () => {
  const { alice, bob, run, json } = await serve();
  const domain = 'test.mailstead.test';
  expect((await run('routing', 'show')).out).toBe('Mail for nobody is refused.\n');
  expect((await run('routing', 'administrator', 'alice')).code).toBe(0);
  expect((await run('routing', 'catch-all', domain.toUpperCase(), bob.address)).code).toBe(0);
  const { out } = await run('routing', 'show');
  expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['MAIL TO', 'GOES TO', 'ID'],
    ['postmaster@, abuse@', alice.address, alice.id],
    [`*@${domain}`, bob.address, bob.id],
    [''],
  ]);
  expect(await json('routing', 'administrator', '--off')).toEqual({
    CatchAlls: [{ DomainName: domain, EntityId: bob.id }],
  });
  expect(await json('routing', 'catch-all', domain, '--off')).toEqual({ CatchAlls: [] });
});
