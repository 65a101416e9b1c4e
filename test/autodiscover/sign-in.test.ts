import { expect, test } from 'vitest';
import { autodiscover, autodiscoverRequest, elementText } from '#test/support/autodiscover-client';
import { startServer } from '#test/support/start-server';

test('in the whole server, a user is found by address, alias, name and DOMAIN\\name, and led by http to https', async () => {
  const server = await startServer();
  const { baseUrl, ca, organization } = server;
  const alice = await server.addUser('alice');
  const bob = await server.addUser('bob');
  const alias = 'ally@test.mailstead.test';
  await server.admin('CreateAlias', { OrganizationId: organization, EntityId: alice.id, Alias: alias });
  const ask = (user: string, address: string, password = alice.password) =>
    autodiscover({ baseUrl, ca, credentials: `${user}:${password}`, body: autodiscoverRequest(address) });

  for (const user of [alice.address, alias, 'alice', 'test\\alice', `test\\${alice.address}`]) {
    const { status, text } = await ask(user, alias.toUpperCase());
    expect([user, status, elementText(text, 'EMailAddress')]).toEqual([user, 200, alice.address]);
    expect(elementText(text, 'DisplayName')).toBe('Alice');
    const port = new URL(baseUrl).port;
    expect(elementText(text, 'Url')).toBe(`https://localhost:${port}/Microsoft-Server-ActiveSync`);
  }
  expect((await ask(alice.address, alice.address, bob.password)).status).toBe(401);
  expect(elementText((await ask(alice.address, bob.address)).text, 'ErrorCode')).toBe('500');
  expect(elementText((await ask(bob.address, bob.address, bob.password)).text, 'EMailAddress')).toBe(
    bob.address,
  );

  const led = await autodiscover({ baseUrl: `http://${server.server.addresses['http']}`, method: 'GET' });
  expect([led.status, new URL(String(led.headers['location'])).pathname]).toEqual([
    302,
    '/autodiscover/autodiscover.xml',
  ]);
  const { pathname, port } = new URL(String(led.headers['location']));
  expect((await autodiscover({ baseUrl: `https://127.0.0.1:${port}`, ca, path: pathname })).status).toBe(401);
});
