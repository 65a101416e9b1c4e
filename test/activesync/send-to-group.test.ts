import { expect, test } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { childrenOf } from '#protocols/activesync/wbxml/element';
import { EasClient } from '#test/support/eas-client';
import { startServer, type TestUser } from '#test/support/start-server';

/** A server, and phones of its users that count what comes into their Inbox. */
async function serve() {
  const server = await startServer();
  const call = (operation: string, input: object) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  const phoneOf = async ({ address, password }: TestUser) => {
    const { baseUrl, ca } = server;
    const phone = new EasClient({ baseUrl, ca, user: address, password, version: '16.1' });
    await phone.provision();
    await phone.folderSync();
    const inbox = phone.folder(2);
    await phone.sync(inbox);
    let seen = 0;
    const received = async () => {
      const { commands } = await phone.sync(inbox);
      seen += childrenOf(commands, AirSync.Add).length;
      return seen;
    };
    return { phone, received };
  };
  const mail = (to: string) => `To: ${to}\r\nSubject: Hello\r\n\r\nHi\r\n`;
  return { ...server, call, phoneOf, mail };
}

test('a phone sends to a group, its owner in it, once to each; a repeated request after a change sends nothing', async () => {
  const { call, addUser, phoneOf, mail } = await serve();
  const [alice, bob, carol] = [await addUser('alice'), await addUser('bob'), await addUser('carol')];
  const Email = 'staff@test.mailstead.test';
  const { GroupId } = await call('CreateGroup', { Name: 'staff' });
  await call('RegisterToWorkMail', { EntityId: GroupId, Email });
  const [ofAlice, ofBob] = [await phoneOf(alice), await phoneOf(bob)];
  const send = (to: string, clientId?: string) =>
    ofAlice.phone.sendMail(mail(to), clientId === undefined ? {} : { clientId });
  // Nobody is in it.
  expect((await send(Email)).body.length).toBe(0);
  for (const MemberId of [alice.id, bob.id]) await call('AssociateMemberToGroup', { GroupId, MemberId });
  expect((await send(`${Email}, ${bob.address}`, 'one')).body.length).toBe(0);
  await call('AssociateMemberToGroup', { GroupId, MemberId: carol.id });
  expect((await send(`${Email}, ${bob.address}`, 'one')).body.length).toBe(0);
  expect([await ofAlice.received(), await ofBob.received()]).toEqual([1, 1]);
  expect(await (await phoneOf(carol)).received()).toBe(0);
});

test('a phone sends to postmaster and to a catch-all as other servers do', async () => {
  const { call, addUser, phoneOf, mail } = await serve();
  const [alice, bob] = [await addUser('alice'), await addUser('bob')];
  const { phone, received } = await phoneOf(alice);
  const send = async (to: string) => (await phone.sendMail(mail(to))).rootStatus;
  const unresolved = 116;
  expect(await send('abuse@test.mailstead.test')).toBe(unresolved);
  const CatchAlls = [{ DomainName: 'test.mailstead.test', EntityId: bob.id }];
  await call('Mailstead.PutMailRouting', { Administrator: alice.id, CatchAlls });
  for (const to of ['postmaster', 'abuse', 'nobody']) {
    expect(await send(`${to}@test.mailstead.test`)).toBeUndefined();
  }
  expect(await received()).toBe(2);
  expect(await (await phoneOf(bob)).received()).toBe(1);
});

test('a phone sends to a colleague who is disabled and to others: they get it, and its user a report', async () => {
  const { call, addUser, phoneOf, mail } = await serve();
  const [alice, bob, carol] = [await addUser('alice'), await addUser('bob'), await addUser('carol')];
  await call('DeregisterFromWorkMail', { EntityId: bob.id });
  const ofAlice = await phoneOf(alice);
  const send = () => ofAlice.phone.sendMail(mail(`${bob.address}, ${carol.address}`), { clientId: 'one' });
  for (let n = 0; n < 2; n++) expect((await send()).body.length).toBe(0);
  expect(await (await phoneOf(carol)).received()).toBe(1);
  await expect.poll(() => ofAlice.received(), { timeout: 10_000 }).toBe(1);
  expect((await call('Mailstead.ListQueue', {}))['Messages']).toEqual([]);
});
