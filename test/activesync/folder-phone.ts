/** Phones that change the folder tree, for tests of the folder commands. */

import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { startEndpoint, type TestServer } from './server.ts';

const { SyncKey, ParentId, DisplayName, Type, ServerId } = FolderHierarchy;

/** Every version that has the folder commands. */
export const folderVersions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;

/** A phone of alice that holds her folders. */
export async function startFolderPhone(
  version: ProtocolVersion = '14.1',
  options: { server?: TestServer; deviceId?: string } = {},
): Promise<{ server: TestServer; phone: EasClient }> {
  const server = options.server ?? (await startEndpoint());
  const phone = server.phone(version, options.deviceId === undefined ? {} : { deviceId: options.deviceId });
  await phone.provision();
  await phone.folderSync();
  return { server, phone };
}

interface ChangeAnswer {
  readonly status: number | undefined;
  readonly key: string | undefined;
  readonly serverId: string | undefined;
  /** Names of the children of the answer. */
  readonly names: readonly string[];
}

/** One of the folder commands with what is not undefined in it; `validate` false for what the schema does not allow. */
export async function changeFolder(
  phone: EasClient,
  command: 'FolderCreate' | 'FolderDelete' | 'FolderUpdate',
  sent: { key?: string; id?: string; parent?: string; name?: string; type?: number | string },
  validate = true,
): Promise<ChangeAnswer> {
  const values = [
    [SyncKey, sent.key],
    [ServerId, sent.id],
    [ParentId, sent.parent],
    [DisplayName, sent.name],
    [Type, sent.type],
  ] as const;
  const parts: Element[] = values.flatMap(([tag, value]) => (value === undefined ? [] : [el(tag, value)]));
  const body = el(FolderHierarchy[command], ...parts);
  const { element, rootStatus } = await phone.command(command, body, { validateRequest: validate });
  return {
    status: rootStatus,
    key: textOf(element, SyncKey),
    serverId: textOf(element, ServerId),
    names: element?.children.map(({ tag }) => tag.name) ?? [],
  };
}

/** The commands of a phone that goes on from the key of each answer, as a good one does. */
export function folderCommands(phone: EasClient) {
  const keeping = async (answer: Promise<ChangeAnswer>): Promise<ChangeAnswer> => {
    const got = await answer;
    phone.folderKey = got.key ?? phone.folderKey;
    return got;
  };
  return {
    async create(name: string, parent = '0', type: number = 12): Promise<string> {
      const sent = { key: phone.folderKey, parent, name, type };
      const { status, serverId } = await keeping(changeFolder(phone, 'FolderCreate', sent));
      if (status !== 1 || serverId === undefined) throw new Error(`FolderCreate was answered ${status}`);
      phone.folders.set(serverId, { parentId: parent, displayName: name, type });
      return serverId;
    },
    async update(id: string, parent: string, name: string): Promise<number | undefined> {
      const sent = { key: phone.folderKey, id, parent, name };
      const { status } = await keeping(changeFolder(phone, 'FolderUpdate', sent));
      const type = phone.folders.get(id)?.type ?? 12;
      if (status === 1) phone.folders.set(id, { parentId: parent, displayName: name, type });
      return status;
    },
    async remove(id: string): Promise<number | undefined> {
      const { status } = await keeping(changeFolder(phone, 'FolderDelete', { key: phone.folderKey, id }));
      if (status === 1) forget(phone, id);
      return status;
    },
  };
}

/** With a folder a phone drops those below it. */
function forget(phone: EasClient, id: string): void {
  phone.folders.delete(id);
  for (const [child, { parentId }] of phone.folders) if (parentId === id) forget(phone, child);
}

/** What a phone holds, as a fresh one would be told it. */
export function treeOf({ folders }: EasClient): readonly string[] {
  return [...folders]
    .map(([id, { parentId, displayName, type }]) => `${id} in ${parentId}: ${displayName} (${type})`)
    .sort();
}
