import { expect, test } from 'vitest';
import type { EntityId } from '#domain/ids';
import { acme, startDirectorySite } from './directory-site.ts';

const accepted = /^250 2\.0\.0 /;
const at = (name: string) => `${name}@${acme}`;

test('a group of groups with 300 users gives each of them one copy, however often it is reached', async () => {
  const { user, group, send, inbox } = await startDirectorySite();
  const users = await Promise.all(Array.from({ length: 300 }, (_, n) => user(`user${n}`)));
  const inner = await group('inner', users.slice(100, 200));
  const other = await group('other', users.slice(150, 300));
  await group('all', [...users.slice(0, 120), inner, other]);
  // The limit of recipients of this server is 3: it counts what is named.
  expect(await send([at('all'), at('inner'), at('user7')])).toMatch(accepted);
  const found = await Promise.all(users.map(inbox));
  expect(found.filter((count) => count !== 1)).toEqual([]);
});

test('a group that is in itself, which no operation makes, is cut', async () => {
  const { user, group, send, inbox, store, organization } = await startDirectorySite();
  const [alice, bob] = [await user('alice'), await user('bob')];
  const inner = await group('inner', [bob]);
  const outer = await group('outer', [alice, inner]);
  await store.transact(organization, async (tx) => {
    tx.putMember(organization, inner, outer);
    tx.putMember(organization, outer, outer);
  });
  for (const name of ['inner', 'outer']) expect(await send([at(name)])).toMatch(accepted);
  expect([await inbox(alice), await inbox(bob)]).toEqual([2, 2]);
});

test('every change of a group counts for the next message', async () => {
  const { directory, organization, enable, user, group, send, inbox } = await startDirectorySite();
  const [alice, bob] = [await user('alice'), await user('bob')];
  const inner = await group('inner', [bob]);
  const outer = await group('outer', [alice]);
  const { groups } = directory;
  const counts = async () => {
    expect(await send([at('outer')])).toMatch(accepted);
    return [await inbox(alice), await inbox(bob)];
  };
  expect(await counts()).toEqual([1, 0]);
  await groups.associateMember(organization, outer, inner);
  expect(await counts()).toEqual([2, 1]);
  await directory.deregisterFromWorkMail(organization, alice);
  expect(await counts()).toEqual([2, 2]);
  await directory.deregisterFromWorkMail(organization, inner);
  expect(await counts()).toEqual([2, 2]);
  await enable(alice, at('alice'));
  await enable(inner, at('inner2'));
  expect(await counts()).toEqual([3, 3]);
  await groups.disassociateMember(organization, outer, inner);
  expect(await counts()).toEqual([4, 3]);
  await directory.deregisterFromWorkMail(organization, outer);
  expect(await send([at('outer')])).toMatch(/^550 5\.2\.1 /);
  await groups.delete(organization, outer);
  expect(await send([at('outer')])).toMatch(/^550 5\.1\.1 /);
});

test('a message to a group in which is nobody is taken, and its alias and tag reach it too', async () => {
  const { directory, organization, user, group, send, inbox } = await startDirectorySite();
  const empty = await group('empty');
  expect(await send([at('empty')], `Subject: x\r\n\r\n${'y'.repeat(60)}\r\n`.repeat(2_000))).toMatch(
    accepted,
  );
  const alice = await user('alice');
  expect(await send([at('empty'), at('alice')])).toMatch(accepted);
  await directory.groups.associateMember(organization, empty, alice);
  await directory.createAlias(organization, empty, at('staff'));
  expect(await send([at('Staff+News')])).toMatch(accepted);
  expect(await inbox(alice)).toBe(2);
});

test('a full mailbox in a group keeps nothing from the others; a group of full ones is refused', async () => {
  const { user, group, send, inbox } = await startDirectorySite({ mailboxQuotaBytes: 2_000 });
  const [alice, bob] = [await user('alice'), await user('bob')];
  await group('both', [alice, bob]);
  const large = `Subject: x\r\n\r\n${'y'.repeat(70)}\r\n`.repeat(30);
  expect(await send([at('alice')], large)).toMatch(/^452 4\.2\.2 /);
  expect(await send([at('alice')], large.slice(0, 1_500))).toMatch(accepted);
  for (let n = 0; n < 3 && (await send([at('alice')])).startsWith('250'); n++);
  expect(await send([at('alice')])).toMatch(/^452 4\.2\.2 /);
  expect(await send([at('both')])).toMatch(accepted);
  expect(await inbox(bob)).toBe(1);
  for (let n = 0; n < 9 && (await send([at('bob')])).startsWith('250'); n++);
  expect(await send([at('both')])).toMatch(/^452 4\.2\.2 /);
});

test('a group of more than 10,000 mailboxes is refused, and says why', async () => {
  const { store, organization, group, send } = await startDirectorySite();
  const crowd = await group('crowd');
  const id = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as EntityId;
  const put = (from: number, to: number) =>
    store.transact(organization, async (tx) => {
      for (let n = from; n < to; n++) {
        tx.putEntity({
          kind: 'user',
          id: id(n),
          organization,
          name: `user${n}`,
          displayName: 'User',
          hiddenFromGlobalAddressList: false,
          state: 'ENABLED',
          addresses: [at(`user${n}`)],
          createdMs: 0,
        });
        tx.putMember(organization, crowd, id(n));
      }
    });
  for (let n = 0; n < 10_200; n += 300) await put(n, n + 300);
  expect(await send([at('crowd')])).toMatch(/^554 5\.2\.4 The group has too many members/);
});

test('a catch-all gets what nobody has the address of, while it is on', async () => {
  const { directory, organization, user, group, send, inbox } = await startDirectorySite();
  const [alice, bob] = [await user('alice'), await user('bob')];
  const staff = await group('staff', [alice, bob]);
  expect(await send([at('nobody')])).toMatch(/^550 5\.1\.1 /);
  await directory.putMailRouting(organization, { catchAll: [[acme.toUpperCase(), 'alice']] });
  for (const name of ['nobody', 'nobody+tag', 'bob', 'bob+tag'])
    expect(await send([at(name)])).toMatch(accepted);
  expect([await inbox(alice), await inbox(bob)]).toEqual([2, 2]);
  // Journal records come from it; nobody gets mail to it.
  expect(await send([at('journaling')])).toMatch(/^550 5\.1\.1 /);
  await directory.deregisterFromWorkMail(organization, bob);
  expect(await send([at('bob')])).toMatch(/^550 5\.2\.1 /);
  await directory.putMailRouting(organization, { catchAll: [[acme, staff]] });
  expect(await send([at('nobody')])).toMatch(accepted);
  expect(await inbox(alice)).toBe(3);
  await directory.deregisterFromWorkMail(organization, staff);
  expect(await send([at('nobody')])).toMatch(/^550 5\.1\.1 /);
  await directory.putMailRouting(organization, {});
  expect(await send([at('nobody')])).toMatch(/^550 5\.1\.1 /);
});

test('postmaster and abuse reach whoever has the address, else the administrator, and 550 only if there is nobody', async () => {
  const { directory, organization, user, send, inbox } = await startDirectorySite();
  const [alice, bob] = [await user('alice'), await user('bob')];
  const roles = [
    at('postmaster'),
    at('ABUSE'),
    'Postmaster',
    'postmaster@mx.example.net',
    'abuse@mx.example.net',
  ];
  for (const address of roles) expect(await send([address])).toMatch(/^550 5\.1\.1 /);
  await directory.putMailRouting(organization, { administrator: at('alice') });
  for (const address of [...roles, at('postmaster+tag')]) expect(await send([address])).toMatch(accepted);
  expect(await inbox(alice)).toBe(6);
  await directory.createAlias(organization, bob, at('abuse'));
  expect(await send([at('abuse')])).toMatch(accepted);
  expect([await inbox(alice), await inbox(bob)]).toEqual([6, 1]);
  await directory.deregisterFromWorkMail(organization, bob);
  expect(await send([at('abuse')])).toMatch(accepted);
  expect(await send([at('abuse')])).toMatch(accepted);
  expect(await inbox(alice)).toBe(8);
  expect(await send(['postmaster@away.example'])).toMatch(/^550 5\.7\.1 /);
  expect(await send(['info@mx.example.net'])).toMatch(/^550 5\.7\.1 /);
  await directory.deregisterFromWorkMail(organization, alice);
  for (const address of roles.filter((one) => one !== at('ABUSE'))) {
    expect(await send([address])).toMatch(/^550 5\.1\.1 /);
  }
  expect(await send([at('abuse')])).toMatch(/^550 5\.2\.1 /);
});
