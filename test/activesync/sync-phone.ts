/** A phone in front of alice's mailbox for tests of Sync, and what happens to that mailbox elsewhere. */

import { expect } from 'vitest';
import { blockedExtensions } from '#config/blocked-extensions';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { Delivery } from '#domain/delivery';
import type { DeviceId, FolderId, ItemId } from '#domain/ids';
import type { Item } from '#domain/item';
import { toOwner } from '#domain/mail-envelope';
import { changeMarks, type MarksChange, removeItem } from '#domain/mailbox';
import type { Clock } from '#domain/outside';
import type { MailboxTx } from '#domain/ports';
import { isAtLeast, protocolVersions } from '#protocols/activesync/protocol-version';
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import {
  type Content,
  child,
  childrenOf,
  type Element,
  el,
  textOf,
} from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import type { EasResponse } from '#test/support/eas-connection';
import { newItem } from '#test/support/new-item';
import { startEndpoint, type TestServer } from './server.ts';

export const versions = protocolVersions;
export type Version = (typeof versions)[number];
/** AirSyncBase came with 12.0, waiting and empty requests with 12.1. */
export const versionsWithBodies = versions.filter((version) => isAtLeast(version, '12.0'));
export const versionsThatWait = versions.filter((version) => isAtLeast(version, '12.1'));

/** The phone holds its folders; nothing is synchronised yet. */
export async function startPhone(
  version: Version = '14.1',
  options: { server?: TestServer; deviceId?: string; clock?: Clock; quickHeartbeat?: boolean } = {},
): Promise<{ server: TestServer; phone: EasClient; inbox: string; trash: string }> {
  const { deviceId, server: known, ...starting } = options;
  const server = known ?? (await startEndpoint(starting));
  const phone = server.phone(version, deviceId === undefined ? {} : { deviceId });
  await phone.provision();
  await phone.folderSync();
  return { server, phone, inbox: phone.folder(2), trash: phone.folder(4) };
}

/** Resolves when so many requests wait. */
export async function untilWaiting({ endpoint }: TestServer, count = 1): Promise<void> {
  while (endpoint.waiting !== count) await new Promise((resolve) => setImmediate(resolve));
}

const change = (serverId: string, ...data: readonly Content[]) =>
  el(AirSync.Change, el(AirSync.ServerId, serverId), el(AirSync.ApplicationData, ...data));

/** The commands of a client. */
export const commands = {
  change,
  read: (serverId: string, read: boolean) => change(serverId, el(Email.Read, read)),
  remove: (serverId: string) => el(AirSync.Delete, el(AirSync.ServerId, serverId)),
  fetch: (serverId: string) => el(AirSync.Fetch, el(AirSync.ServerId, serverId)),
};

/** Sync with collections as they are given, in any order and with any nonsense; the answer is still validated. */
export function syncRaw(
  phone: EasClient,
  collections: readonly Element[],
  ...rest: readonly Content[]
): Promise<EasResponse> {
  const body = el(AirSync.Sync, el(AirSync.Collections, ...collections), ...rest);
  return phone.post('Sync', body, { validateRequest: false });
}

/** Of each collection of an answer: its id, status, key, whether more is available, and how many commands. */
export function answered({ element }: EasResponse) {
  return childrenOf(child(element, AirSync.Collections), AirSync.Collection).map((one) => ({
    id: textOf(one, AirSync.CollectionId),
    status: Number(textOf(one, AirSync.Status)),
    more: child(one, AirSync.MoreAvailable) !== undefined,
    commands: child(one, AirSync.Commands)?.children.length ?? 0,
  }));
}

/** Expects an answer with nothing to say: an empty one, below 12.1 each collection with its key alone. */
export function expectNothing(phone: EasClient, { body, element }: EasResponse): void {
  if (isAtLeast(phone.version, '12.1')) {
    expect(body).toHaveLength(0);
    return;
  }
  const collections = childrenOf(child(element, AirSync.Collections), AirSync.Collection);
  expect(collections.length).toBeGreaterThan(0);
  for (const { children } of collections) {
    expect(children.map(({ tag }) => tag.name)).toEqual(['Class', 'SyncKey', 'CollectionId', 'Status']);
  }
}

/** Kind, item and names of the properties of each command of the server. */
export function told(list: Element | undefined): [string, string, ...string[]][] {
  return (list?.children ?? []).map((command) => [
    command.tag.name,
    textOf(command, AirSync.ServerId) ?? '',
    ...(child(command, AirSync.ApplicationData)?.children ?? []).map(({ tag }) => tag.name),
  ]);
}

/** Which item has which status in the Responses: `Change 1:5 7`. */
export function statuses(responses: Element | undefined): string[] {
  return (responses?.children ?? []).map((one) =>
    [
      one.tag.name,
      textOf(one, AirSync.ServerId) ?? textOf(one, AirSync.ClientId),
      textOf(one, AirSync.Status),
    ].join(' '),
  );
}

/** A BodyPreference. */
export function preference(type: number, ...rest: readonly [Tag, string | number | boolean][]): Element {
  return el(
    AirSyncBase.BodyPreference,
    el(AirSyncBase.Type, type),
    ...rest.map(([tag, value]) => el(tag, value)),
  );
}

/** What somebody else does to a message of alice; by another device, if named. */
export function elsewhere({ database, alice }: TestServer) {
  const device = 'another' as DeviceId;
  const transact = (folder: number, id: ItemId, act: (tx: MailboxTx, item: Item) => unknown) =>
    database.mail.transact([alice.mailbox], async (of) => {
      const tx = of(alice.mailbox);
      const item = await tx.item(folder as FolderId, id);
      if (item === undefined) throw new Error(`no item ${id}`);
      await act(tx, item);
    });
  return {
    mark: (id: ItemId, marks: MarksChange, folder = 1) =>
      transact(folder, id, (tx, item) => changeMarks(tx, item, marks, device)),
    move: (id: ItemId, to: number, folder = 1) =>
      transact(folder, id, (tx, item) => tx.moveItem(item, to as FolderId, device)),
    remove: (id: ItemId, folder = 1) => transact(folder, id, (tx, item) => removeItem(tx, item, true)),
  };
}

/** Puts a small message into a folder of alice as if it had come at that time. */
export async function putAt(
  { database, alice }: TestServer,
  subject: string,
  receivedMs: number,
): Promise<ItemId> {
  const item = await database.mail.transact([alice.mailbox], (of) =>
    of(alice.mailbox).addItem(1 as FolderId, newItem(subject, receivedMs)),
  );
  return item.id;
}

/** Delivers a raw message to alice's Inbox as SMTP does. */
export async function deliverRaw(
  { database, alice }: TestServer,
  raw: string | Uint8Array,
  attachments = new AttachmentPolicy({ blockedExtensions, inspectArchives: true }),
): Promise<void> {
  const clock: Clock = { now: () => Date.now(), after: () => () => undefined };
  const delivery = new Delivery({
    store: database.mail,
    outside: { clock, random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) } },
    attachments,
    limits: { maxMessageBytes: 32 * 1024 * 1024, mailboxQuotaBytes: 256 * 1024 * 1024 },
    hostname: 'mail.test',
    wakeQueue: () => undefined,
  });
  const message = delivery.begin(toOwner(alice), () => '');
  await message.write(typeof raw === 'string' ? Buffer.from(raw) : raw);
  await message.accept();
}
