import { describe, expect, test } from 'vitest';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';

const at = (name: string) => `${name}@test.mailstead.test`;

async function start() {
  const server = await startServer();
  const [alice, bob] = [await server.addUser('alice'), await server.addUser('bob')];
  const signIn = async (user: string, password: string) => {
    const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
    await client.startTls();
    await client.command('EHLO client.example');
    const credentials = Buffer.from(`\0${user}\0${password}`).toString('base64');
    return { client, line: (await client.command(`AUTH PLAIN ${credentials}`)).line };
  };
  const change = (operation: string, input: object) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  return { alice, bob, signIn, change };
}

describe('a program that is signed in sends nothing more', () => {
  test.each([
    ['a new password', 'ResetPassword', { Password: 'Another-1' }],
    ['a new primary address', 'UpdatePrimaryEmailAddress', { Email: at('alicia') }],
    ['being disabled', 'DeregisterFromWorkMail', {}],
  ])('after %s, before it has signed in again', async (_what, operation, input) => {
    const { alice, bob, signIn, change } = await start();
    const [idle, amid, other] = [
      await signIn(alice.address, alice.password),
      await signIn(alice.address, alice.password),
      await signIn(bob.address, bob.password),
    ];
    for (const { line } of [idle, amid, other]) expect(line).toMatch(/^235 /);
    expect((await amid.client.command(`MAIL FROM:<${alice.address}>`)).code).toBe(250);
    await change(operation, { EntityId: alice.id, UserId: alice.id, ...input });
    expect((await idle.client.command(`MAIL FROM:<${alice.address}>`)).line).toMatch(/^421 4\.7\.0 /);
    expect((await amid.client.command(`RCPT TO:<${bob.address}>`)).line).toMatch(/^421 4\.7\.0 /);
    await Promise.all([idle.client.ended(), amid.client.ended()]);
    const content = `From: ${bob.address}\r\n\r\nText\r\n`;
    expect((await other.client.mail(bob.address, [bob.address], content)).code).toBe(250);
    other.client.close();
  });

  test('and signed in again it sends by the new address', async () => {
    const { alice, bob, signIn, change } = await start();
    await change('UpdatePrimaryEmailAddress', { EntityId: alice.id, Email: at('alicia') });
    const { client } = await signIn(at('alicia'), alice.password);
    const mail = (from: string) => client.mail(from, [bob.address], `From: ${from}\r\n\r\nText\r\n`);
    expect((await mail(alice.address)).line).toMatch(/^553 5\.7\.1 /);
    expect((await mail(at('alicia'))).code).toBe(250);
    client.close();
  });
});
