/** Two organisations on one server, each with an alice and her device `phone`. */
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { EasClient } from './eas-client.ts';
import { startServer, type TestServer } from './start-server.ts';

export type TestOrganization = Awaited<ReturnType<typeof organization>>;

/** Starts the server; what `one` has, `two` must not hear of. */
export async function startTwoOrganizations() {
  const server = await startServer();
  return { server, one: await organization(server, 'one'), two: await organization(server, 'two') };
}

async function organization(server: TestServer, alias: string) {
  const { OrganizationId: id } = await server.admin('CreateOrganization', { Alias: alias });
  const call = (operation: string, input: object = {}) =>
    server.admin(operation, { OrganizationId: id, ...input });
  /** An enabled user; in both organisations users may have the same names. */
  const addUser = async (name: string) => {
    const password = `Secret-${randomBytes(6).toString('hex')}`;
    const person = { Name: name, DisplayName: `${name} of ${alias}`, Password: password };
    const { UserId } = await call('CreateUser', person);
    const address = `${name}@${alias}.mailstead.test`;
    await call('RegisterToWorkMail', { EntityId: UserId, Email: address });
    return { id: String(UserId), address, password };
  };
  const alice = await addUser('alice');
  const phone = (version: ProtocolVersion, password = alice.password) => {
    const { baseUrl, ca } = server;
    const device = { version, deviceId: 'phone', validate: false };
    const client = new EasClient({ baseUrl, ca, user: alice.address, password, ...device });
    onTestFinished(() => client.close());
    return client;
  };
  return { id: String(id), call, addUser, alice, phone };
}
