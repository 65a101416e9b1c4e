import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { startServer } from '#test/support/start-server';

/** A server with alice and bob, and the command line on it. */
async function serve() {
  const server = await startServer();
  const [alice, bob] = [await server.addUser('alice'), await server.addUser('bob')];
  const run = (...args: string[]) => runCommand(server.dataDir, args);
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
  expect((await run('group', 'add', 'staff', 'bob')).out).toBe('bob is in staff.\n');
  expect((await run('group', 'remove', 'staff', 'bob')).out).toBe('bob is no longer in staff.\n');
  expect((await run('group', 'add', staff, bob.address, 'alice')).out).toBe(
    `${bob.address}, alice are in ${staff}.\n`,
  );
  const shown = await json('group', 'show', 'staff');
  expect(shown).toMatchObject({ Name: 'Staff', Email: staff, HiddenFromGlobalAddressList: false });
  expect(shown.Members.map(({ Id }: { Id: string }) => Id).sort()).toEqual([alice.id, bob.id].sort());
  expect((await run('group', 'show', staff)).out).toMatch(/MEMBER +TYPE +STATE +ID\n/);
  expect((await run('group', 'remove', 'staff', 'alice', 'bob')).code).toBe(0);
  expect((await run('group', 'show', staff)).out).toMatch(/\nNobody is in it\.\n$/);
  expect((await run('group', 'disable', staff)).code).toBe(0);
  expect((await run('group', 'enable', 'staff', `all-${staff}`)).out).toBe(`all-${staff} is enabled.\n`);
  expect((await run('group', 'disable', `all-${staff}`)).code).toBe(0);
  expect((await run('group', 'enable', staff, staff)).code).toBe(0);
  expect((await run('group', 'disable', staff)).code).toBe(0);
  expect((await run('group', 'delete', staff)).out).toBe(`${staff} is deleted.\n`);
  expect(await json('group', 'list')).toEqual({ Groups: [] });
});

test('aliases --primary: an alias becomes the primary address, which the list marks, and the one before an alias', async () => {
  const { alice, run, json } = await serve();
  const al = 'al@test.mailstead.test';
  expect((await run('user', 'aliases', 'alice', '--add', al)).out).toBe(
    `${al}\n${alice.address} (primary)\n`,
  );
  expect((await run('user', 'aliases', 'alice', '--primary', al)).out).toBe(
    `${al} (primary)\n${alice.address}\n`,
  );
  expect(await json('user', 'show', 'alice')).toMatchObject({ Email: al });
  const renamed = 'alice.smith@test.mailstead.test';
  const swapped = await run('user', 'aliases', al, '--primary', renamed, '--remove', al, alice.address);
  expect(swapped).toEqual({ code: 0, err: '', out: `${renamed} (primary)\n` });
  expect((await run('user', 'aliases', renamed, '--primary', 'bob@test.mailstead.test')).err).toMatch(
    /^EmailAddressInUseException: /,
  );
  await run('group', 'create', 'staff@test.mailstead.test');
  expect((await run('group', 'aliases', 'staff', '--primary', 'all@test.mailstead.test')).out).toBe(
    'all@test.mailstead.test (primary)\nstaff@test.mailstead.test\n',
  );
});

test('what goes wrong is one sentence on stderr', async () => {
  const { alice, run } = await serve();
  expect(await run('group', 'create', 'staff')).toMatchObject({ code: 2, out: '' });
  const half = await run('group', 'create', alice.address, '--name', 'half');
  expect(half).toMatchObject({ code: 1, out: '' });
  expect(half.err).toContain('mailstead group delete');
  expect(await run('group', 'add', 'half', 'half')).toMatchObject({ code: 1, out: '' });
  expect(await run('group', 'show', 'nobody')).toMatchObject({ code: 1, out: '' });
  expect((await run('group', 'aliases', 'half', '--add', 'h@test.mailstead.test')).err).toMatch(
    /^EntityStateException: .* is DISABLED\. Enable it first\.\n$/,
  );
  expect(await run('group', 'delete', 'half')).toMatchObject({ code: 0 });
  expect((await run('user', 'delete', 'alice')).err).toBe(
    'EntityStateException: The user is ENABLED. Disable it first.\n',
  );
  expect(await run('queue', 'show', 'nothing')).toEqual({
    code: 1,
    out: '',
    err: '"nothing" is no id of a message. "mailstead queue list" shows them.\n',
  });
  expect((await run('queue', 'retry', '0'.repeat(32))).err).toMatch(/ "mailstead queue list", /);
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
