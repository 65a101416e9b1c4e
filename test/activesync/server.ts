/** An ActiveSync endpoint over TLS with a real store and two users, without the rest of the server. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { blockedExtensions } from '#config/blocked-extensions';
import type { Account } from '#directory/account';
import { AddressBook } from '#directory/address-book';
import { Lookups } from '#directory/lookups';
import type { SenderRight } from '#directory/mailbox-permissions';
import { People } from '#directory/people';
import { SignInThrottled } from '#directory/sign-in';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { BodySpool } from '#domain/body-spool';
import { ChangeKind, listEnd, listStart } from '#domain/change';
import { Delivery } from '#domain/delivery';
import { DeviceTraces } from '#domain/device-trace';
import { Devices } from '#domain/devices';
import { DomainError } from '#domain/errors';
import { defaultFolder, type FolderType, rootFolder } from '#domain/folder';
import {
  type DeviceId,
  type EntityId,
  type FolderId,
  type ItemId,
  mailboxOf,
  type OrganizationId,
} from '#domain/ids';
import { MailboxPreferences } from '#domain/mailbox-preferences';
import { newItem as newItemOf } from '#domain/new-item';
import type { Clock, Outside } from '#domain/outside';
import { Policies } from '#domain/policy';
import { Provisioning } from '#domain/provisioning';
import { indexedFinder } from '#domain/search/find-indexed';
import { MailSearches } from '#domain/search/mail-searches';
import { SyncDiary } from '#domain/sync-diary';
import { MessageIndexer } from '#mime/index-message';
import { BegunSearches } from '#protocols/activesync/begun-searches';
import { ActiveSyncEndpoint } from '#protocols/activesync/endpoint';
import { MemoryShare } from '#protocols/activesync/memory-share';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { loadOrCreateCertificate } from '#protocols/http/certificate';
import { createHttpsListener } from '#protocols/http/listener';
import { createRouter } from '#protocols/http/router';
import { StoredDiaries } from '#storage/diary-store';
import { StoredDirectory } from '#storage/directory-store';
import { StoredPolicies } from '#storage/policy-store';
import { StoredTraces } from '#storage/trace-store';
import { createLogger, silentLogger } from '#telemetry/log';
import { testDeviceAccess } from '#test/support/device-access';
import { EasClient } from '#test/support/eas-client';
import { newItem } from '#test/support/new-item';
import { noGroups } from '#test/support/no-groups';
import { tempDatabase, tempFolder, tempOrganization } from '#test/support/temp-store';
import { systemOutside } from '../../src/outside.ts';

const { clock: wallClock } = systemOutside;

/** Hours pass in no time, but for whoever asks how late it is. */
const quickClock: Clock = { ...wallClock, after: (_delayMs, callback) => wallClock.after(20, callback) };

export const password = 'correct horse';
export const maxMessageBytes = 1024 * 1024;
export const maxRecipients = 50;

export type TestServer = Awaited<ReturnType<typeof startEndpoint>>;

/** Starts it for one test; everything is gone when the test is over. */
/** With `quickHeartbeat` everything that waits for a time waits a few milliseconds. */
export async function startEndpoint(
  options: { clock?: Clock; quickHeartbeat?: boolean; beforeSignIn?: () => Promise<void> } = {},
) {
  const clock = options.clock ?? (options.quickHeartbeat === true ? quickClock : wallClock);
  const outside: Outside = { clock, random: { bytes: (length) => randomBytes(length) } };
  const database = await tempDatabase({ clock });
  const organization = tempOrganization(database);
  const storedDirectory = new StoredDirectory(database);
  const addressBook = new AddressBook(storedDirectory, () => clock.now());
  const index = new StoredPolicies(database);
  const policies = new Policies(index, noGroups);
  const { access, quarantine, letters } = testDeviceAccess(database, policies, clock);
  const devices = new Devices(database.mail, index, policies, access, clock);
  const provisioning = new Provisioning(devices, clock, outside.random);
  const preferences = new MailboxPreferences(database.mail, outside.random);
  const logged = { clock, log: silentLogger };
  const diary = new SyncDiary({ store: new StoredDiaries(database), ...logged });
  const traces = new DeviceTraces({ store: new StoredTraces(database), ...logged });
  const delivery = new Delivery({
    store: database.mail,
    outside,
    attachments: new AttachmentPolicy({ blockedExtensions, inspectArchives: true }),
    limits: { maxMessageBytes, mailboxQuotaBytes: 8 * maxMessageBytes },
    hostname: 'mail.test',
    wakeQueue: () => undefined,
  });
  const accountOf = (name: string): Account => {
    const entity = `00000000-0000-4000-8000-0000000000${name === 'alice' ? '01' : '02'}` as EntityId;
    const address = `${name}@example.test`;
    return {
      organization,
      entity,
      mailbox: { organization, mailbox: mailboxOf(entity) },
      address,
      addresses: [address, `${name}.alias@example.test`],
      displayName: name,
    };
  };
  const accounts = [accountOf('alice'), accountOf('bob')] as const;
  for (const { mailbox } of accounts) await database.mail.createMailbox(mailbox);
  const [alice, bob] = accounts;
  const rights = new Map<string, SenderRight>();
  const accessListeners = new Set<(organization: OrganizationId) => void>();
  let isAllowed = (_account: Account) => true;
  const accountListeners = new Set<(entity: EntityId) => void>();
  const endpoint = new ActiveSyncEndpoint({
    accounts: {
      onChange: (listener) => {
        accountListeners.add(listener);
        return () => accountListeners.delete(listener);
      },
    },
    accessControl: {
      onChange: (listener) => {
        accessListeners.add(listener);
        return () => accessListeners.delete(listener);
      },
      isAllowed: async (account) => isAllowed(account),
    },
    log: silentLogger,
    signIn: {
      signIn: async (user, passwords) => {
        await options.beforeSignIn?.();
        if (user.startsWith('throttled@')) throw new SignInThrottled(900);
        if (user.startsWith('disabled@'))
          throw new DomainError('mailbox/disabled', 'The mailbox is disabled.');
        const account = accounts.find(({ addresses }) => addresses.includes(user));
        if (account !== undefined && passwords.includes(password)) return account;
        throw new DomainError('sign-in/failed', 'Wrong user or password.');
      },
    },
    store: database.mail,
    policies,
    quarantine,
    diary,
    traces,
    services: {
      access,
      clock,
      random: outside.random,
      devices,
      provisioning,
      delivery,
      preferences,
      directory: {
        resolveRecipient: async (address) => {
          const account = accounts.find(({ addresses }) => addresses.includes(address.toLowerCase()));
          if (account !== undefined) return { kind: 'mailbox', account };
          if (address.startsWith('fault@')) throw new Error('a fault of ours');
          return { kind: address.toLowerCase().endsWith('@example.test') ? 'unknown' : 'elsewhere' };
        },
      },
      permissions: { senderRight: async (_account, address) => rights.get(address) },
      addressBook,
      begunSearches: new BegunSearches(),
      certificates: { validate: () => Promise.reject(new Error('a fault of ours')) },
      people: new People({
        store: storedDirectory,
        lookups: new Lookups(storedDirectory, 'mail.test'),
        nowMs: () => clock.now(),
        change: () => Promise.reject(new Error('nobody changes users here')),
      }),
      maxMessageBytes,
      maxRecipients,
      memory: new MemoryShare(2 * maxMessageBytes),
      searches: new MailSearches(clock, indexedFinder(database.indexes)),
    },
  });
  const { cert, key, ca } = await certificate();
  const log = createLogger('silent');
  const listener = createHttpsListener({ handler: createRouter(endpoint.routes), log, cert, key });
  const address = await listener.listen({ host: '127.0.0.1', port: 0 });
  const clients: EasClient[] = [];
  onTestFinished(async () => {
    endpoint.stop();
    for (const client of clients) client.close();
    await listener.stop(1000);
    await Promise.all([diary.stop(), traces.stop()]);
  });

  return {
    organization,
    alice,
    bob,
    policies,
    access,
    letters,
    devices,
    provisioning,
    preferences,
    diary,
    traces,
    endpoint,
    listener,
    database,
    /** By these addresses alice and bob may send, beside their own. */
    rights,
    baseUrl: `https://${address}`,
    ca,
    /** Every search of the address book fails from now on. */
    breakAddressBook(): void {
      addressBook.search = () => Promise.reject(new Error('a fault of ours'));
    },
    /** Access control rules change: whoever waits and may not any more is to hear of it. */
    changeAccess(next: (account: Account) => boolean, changed = organization): void {
      isAllowed = next;
      for (const listener of accessListeners) listener(changed);
    },
    /** Tells that somebody's password, state or addresses have changed. */
    changeAccount({ entity }: Account): void {
      for (const listener of accountListeners) listener(entity);
    },
    /** A phone of alice, or of whoever is named; nothing sent yet. */
    phone(
      version: ProtocolVersion,
      extra: {
        deviceId?: string;
        deviceType?: string;
        userAgent?: string;
        model?: string;
        user?: string;
        validate?: boolean;
        base64Query?: boolean;
      } = {},
    ): EasClient {
      const client = new EasClient({
        baseUrl: `https://${address}`,
        ...(ca === undefined ? {} : { ca }),
        user: alice.address,
        password,
        version,
        ...extra,
      });
      clients.push(client);
      return client;
    },
    /** Gives alice so many more folders, behind the default ones, in the root or another one. */
    async addFolders(count: number, parent = rootFolder): Promise<void> {
      for (let from = 0; from < count; from += 500) {
        await database.mail.transact([alice.mailbox], async (of) => {
          const tx = of(alice.mailbox);
          const seq = await tx.seq();
          for (let n = from; n < Math.min(count, from + 500); n++) {
            const id = await tx.nextFolderId();
            tx.putFolder({ id, parent, type: 12, name: `Folder ${n}`, created: seq, changed: seq });
            await tx.logHierarchy(ChangeKind.Add, id);
          }
        });
      }
    },
    /** Puts a message into a folder of alice, by default the Inbox; by a device, if named. */
    async deliver(subject: string, folder = 1, device?: string): Promise<ItemId> {
      const { mailbox } = alice;
      const item = await database.mail.transact([mailbox], (of) =>
        of(mailbox).addItem(
          folder as FolderId,
          newItem(subject, clock.now()),
          device as DeviceId | undefined,
        ),
      );
      return item.id;
    },
    /** Puts a message into a folder of alice, by default the Inbox and now, past all rules; gives its ServerId. */
    async receive(
      raw: string | Uint8Array,
      {
        folder = 1,
        receivedMs = clock.now(),
        inBcc = false,
      }: { folder?: number; receivedMs?: number; inBcc?: boolean } = {},
    ): Promise<string> {
      const { mailbox } = alice;
      const bytes = Buffer.from(raw);
      const indexer = new MessageIndexer();
      indexer.write(bytes);
      const arrival = { receivedMs, read: false };
      const body = new BodySpool(database.mail, [organization], database.mail.inlineBodyBytes(1));
      await body.write(bytes);
      const spooled = await body.finish();
      const made = newItemOf(indexer.end(), spooled.bodyFor(organization), arrival);
      const item = inBcc ? { ...made, receivedAsBcc: true as const } : made;
      const { id } = await database.mail.transact(
        [mailbox],
        (of) => of(mailbox).addItem(folder as FolderId, item),
        spooled.stored,
      );
      return `${folder}:${id}`;
    },
    /** What an account has in a folder, as raw messages, the newest first. */
    async messages({ mailbox }: Account, type: FolderType): Promise<string[]> {
      const reader = database.mail.mailbox(mailbox);
      const folder = defaultFolder(type);
      const places = await reader.list(folder, { from: listStart, to: listEnd, limit: 100 });
      const items = await reader.items(
        folder,
        places.map(({ item }) => item as ItemId),
      );
      const raws: string[] = [];
      for (const item of items) {
        const chunks: Uint8Array[] = [];
        if (item !== undefined)
          for await (const chunk of database.mail.openBody(mailbox, item)) chunks.push(chunk);
        raws.push(Buffer.concat(chunks).toString());
      }
      return raws;
    },
  };
}

let made: ReturnType<typeof loadOrCreateCertificate> | undefined;

/** One certificate for all tests of a file. */
function certificate(): ReturnType<typeof loadOrCreateCertificate> {
  made ??= (async () => {
    const dir = join(await tempFolder(), 'tls');
    return await loadOrCreateCertificate({ dir, hostnames: ['localhost', '127.0.0.1'], now: new Date() });
  })();
  return made;
}
