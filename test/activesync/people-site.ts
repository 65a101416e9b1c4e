/** A whole server with people in its address book, and phones of alice. */
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { EasClient } from '#test/support/eas-client';
import { startServer, type TestUser } from '#test/support/start-server';

/** A photo of so many bytes. */
export function photo(length: number): Buffer {
  return Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.alloc(length - 4, length % 251)]);
}

export type PeopleSite = Awaited<ReturnType<typeof startPeopleSite>>;

/** `settings` are environment variables as in the contract. */
export async function startPeopleSite(settings: Record<string, string> = {}) {
  const server = await startServer({ settings });
  const alice = await server.addUser('alice');
  const call = (operation: string, input: object) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  const phoneOf = async (version: ProtocolVersion, user: TestUser = alice) => {
    const { baseUrl, ca } = server;
    const phone = new EasClient({ baseUrl, ca, user: user.address, password: user.password, version });
    await phone.provision();
    return phone;
  };
  return {
    ...server,
    alice,
    call,
    phoneOf,
    /** An enabled user with what UpdateUser takes; gives its id. */
    async addPerson(name: string, details: object = {}): Promise<TestUser> {
      const user = await server.addUser(name);
      await call('UpdateUser', { UserId: user.id, ...details });
      return user;
    },
    putPhoto: (user: TestUser, bytes: Buffer) =>
      call('Mailstead.PutUserPhoto', { UserId: user.id, Photo: bytes.toString('base64') }),
    /** An enabled group with these members; gives its address. */
    async addGroup(name: string, members: readonly { readonly id: string }[]): Promise<string> {
      const { GroupId } = await call('CreateGroup', { Name: name });
      const Email = `${name}@test.mailstead.test`;
      await call('RegisterToWorkMail', { EntityId: GroupId, Email });
      for (const { id } of members) await call('AssociateMemberToGroup', { GroupId, MemberId: id });
      return Email;
    },
  };
}
