/** A phone that writes drafts, for tests of Sync from 16.0 on. */
import { defaultFolder, FolderType } from '#domain/folder';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import {
  type Content,
  child,
  childrenOf,
  type Element,
  el,
  textOf,
} from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import type { TestServer } from './server.ts';
import { startPhone, statuses } from './sync-phone.ts';

export const draftVersions = ['16.0', '16.1'] as const;

/** A phone with its Drafts in step. */
export async function startDrafts(
  version: ProtocolVersion = '16.1',
  options: { server?: TestServer; deviceId?: string } = {},
): Promise<{ server: TestServer; phone: EasClient; drafts: string; sent: string }> {
  const { server, phone } = await startPhone(version as '16.1', options);
  const [drafts, sent] = [phone.folder(3), phone.folder(5)];
  await phone.syncAll(drafts);
  return { server, phone, drafts, sent };
}

export const send = el(Email2.Send);

export const body = (type: number, data: string | Uint8Array) =>
  el(AirSyncBase.Body, el(AirSyncBase.Type, type), el(AirSyncBase.Data, data));

/** An Add; `send` among the data stands beside it. */
export function add(clientId: string, ...data: readonly Content[]): Element {
  const isSent = data.includes(send);
  return el(
    AirSync.Add,
    el(AirSync.ClientId, clientId),
    isSent ? send : undefined,
    el(AirSync.ApplicationData, ...data.filter((one) => one !== send)),
  );
}

/** A Change; `send` among the data stands beside it. */
export function change(serverId: string, ...data: readonly Content[]): Element {
  const isSent = data.includes(send);
  const rest = data.filter((one) => one !== send);
  return el(
    AirSync.Change,
    el(AirSync.ServerId, serverId),
    isSent ? send : undefined,
    isSent && rest.length === 0 ? undefined : el(AirSync.ApplicationData, ...rest),
  );
}

/** An attachment that is added. */
export function file(clientId: string, name: string, content: string, ...more: readonly Content[]): Element {
  const isTyped = more.some(
    (one) => typeof one === 'object' && 'tag' in one && one.tag === AirSyncBase.ContentType,
  );
  return el(
    AirSyncBase.Add,
    el(AirSyncBase.ClientId, clientId),
    el(AirSyncBase.Content, Buffer.from(content)),
    el(AirSyncBase.DisplayName, name),
    el(AirSyncBase.Method, 1),
    isTyped ? undefined : el(AirSyncBase.ContentType, 'application/octet-stream'),
    ...more,
  );
}

export const attachments = (...parts: readonly Element[]) => el(AirSyncBase.Attachments, ...parts);

export const removedFile = (reference: string) =>
  el(AirSyncBase.Delete, el(AirSyncBase.FileReference, reference));

/** A draft to bob with this subject. */
export const letter = (subject: string, ...more: readonly Content[]) => [
  el(Email.To, '"Bob" <bob@example.test>'),
  el(Email.Subject, subject),
  ...more,
];

/** Adds a draft; gives its ServerId. */
export async function addDraft(
  phone: EasClient,
  drafts: string,
  ...data: readonly Content[]
): Promise<string> {
  const { responses } = await phone.sync(drafts, { commands: [add('c1', ...data)] });
  const serverId = textOf(responses, AirSync.Add, AirSync.ServerId);
  if (serverId === undefined) throw new Error(`not added: ${statuses(responses).join()}`);
  return serverId;
}

/** ClientId to FileReference, of a response. */
export function references(response: Element | undefined): Record<string, string> {
  const list = child(response, AirSync.ApplicationData, AirSyncBase.Attachments);
  return Object.fromEntries(
    childrenOf(list, AirSyncBase.Attachment).map((one) => [
      textOf(one, AirSyncBase.ClientId) ?? '',
      textOf(one, AirSyncBase.FileReference) ?? '',
    ]),
  );
}

/** Names of the files of an item that a device holds, and their references. */
export function filesOf(data: Element | undefined): [string, string][] {
  return childrenOf(child(data, AirSyncBase.Attachments), AirSyncBase.Attachment).map((one) => [
    textOf(one, AirSyncBase.DisplayName) ?? '',
    textOf(one, AirSyncBase.FileReference) ?? '',
  ]);
}

/** The raw drafts of alice, the newest first. */
export const rawDrafts = (server: TestServer) => server.messages(server.alice, FolderType.Drafts);

export const draftsFolder = defaultFolder(FolderType.Drafts);
