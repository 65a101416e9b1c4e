/** What phones do to the folder tree. */
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import type { Choices } from '#test/support/choices';
import type { EasResponse } from '#test/support/eas-connection';
import type { Call, Phone } from './phone.ts';
import type { World } from './world.ts';

const { FolderCreate, FolderUpdate, FolderDelete, SyncKey, ServerId, ParentId, DisplayName, Status } =
  FolderHierarchy;
/** MS-ASCMD, Type (FolderCreate): a folder of mail that a user made. */
const userMail = 12;
const inbox = '1';

/** MS-ASCMD, Status: what others did meanwhile may stand in the way. */
const foreseen: readonly number[] = [2, 4, 5];

interface FolderCall {
  readonly tag: Tag;
  /** Name and value of what is asked for, in the order of the schema. */
  readonly values: readonly (readonly [Tag, string | number])[];
  /** What it did, once it was done. */
  readonly done: (response: EasResponse) => void;
  readonly unknown?: () => void;
  readonly took: (response: EasResponse) => void;
  /** MS-ASCMD, Status 9: the phone deletes what it has not seen. */
  readonly mayStartOver?: boolean;
}

function folderCall(phone: Phone, { tag, values, done, unknown, took, mayStartOver }: FolderCall): Call {
  const element = el(tag, el(SyncKey, phone.folderKey), ...values.map(([name, value]) => el(name, value)));
  const status = ({ element: answer }: EasResponse) => integerOf(answer, Status) ?? 0;
  return {
    command: tag.name,
    bytes: encode(element),
    element,
    what: `${tag.name} key ${phone.folderKey} ${values.map(([, value]) => value).join(' ')}`,
    told: (response) =>
      [
        'Status',
        status(response),
        textOf(response.element, SyncKey),
        textOf(response.element, ServerId),
      ].join(' '),
    learn: (response) => {
      if (response === undefined) unknown?.();
      else if (status(response) === 1) done(response);
    },
    take: (response) => {
      const found = status(response);
      if (found === 1) {
        phone.folderKey = textOf(response.element, SyncKey) ?? '';
        took(response);
      } else if (found === 9) {
        if (mayStartOver !== true && !phone.isForked) phone.complain(`${tag.name} was answered Status 9`);
        phone.folderKey = '0';
      } else if (!foreseen.includes(found)) phone.complain(`${tag.name} was answered Status ${found}`);
    },
    concerns: [],
    folders: [],
  };
}

/** Folders that a phone knows, and may be changed. */
function ownFolders(phone: Phone): string[] {
  return [...phone.folders.keys()].filter((id) => Number(id) > 10);
}

export async function createFolder(phone: Phone, choices: Choices, world: World): Promise<void> {
  if (phone.folderKey === '0') return;
  const parent = choices.of([...ownFolders(phone), inbox, '0', '0']) ?? '0';
  const name = `Folder of ${phone.id}, ${choices.below(1000)}`;
  const idIn = ({ element }: EasResponse) => textOf(element, ServerId) ?? '';
  const call = folderCall(phone, {
    tag: FolderCreate,
    values: [
      [ParentId, parent],
      [DisplayName, name],
      [FolderHierarchy.Type, userMail],
    ],
    done: (response) => world.folderMade(idIn(response)),
    took: (response) => {
      if (phone.folders.has(idIn(response)))
        phone.complain(`the new folder ${idIn(response)} is held already`);
      phone.folders.set(idIn(response), { parent, name, type: userMail });
    },
  });
  await phone.exchange(call, choices.oneIn(3));
}

export async function updateFolder(phone: Phone, choices: Choices): Promise<void> {
  const id = choices.of(ownFolders(phone));
  if (id === undefined || phone.folderKey === '0') return;
  const parent = choices.of([...ownFolders(phone), '0', phone.folders.get(id)?.parent ?? '0']) ?? '0';
  const name = choices.oneIn(2)
    ? `Renamed by ${phone.id}, ${choices.below(1000)}`
    : (phone.folders.get(id)?.name ?? '');
  const call = folderCall(phone, {
    tag: FolderUpdate,
    values: [
      [ServerId, id],
      [ParentId, parent],
      [DisplayName, name],
    ],
    done: () => undefined,
    took: () => void phone.folders.set(id, { parent, name, type: userMail }),
  });
  await phone.exchange(call, choices.oneIn(3));
}

export async function deleteFolder(phone: Phone, choices: Choices, world: World): Promise<void> {
  const id = choices.of(ownFolders(phone));
  if (id === undefined || phone.folderKey === '0') return;
  const call = folderCall(phone, {
    tag: FolderDelete,
    values: [[ServerId, id]],
    done: () => {
      for (const one of world.treeOf(id)) {
        world.folders.delete(one);
        world.model.emptied(one, phone.id, 'done');
      }
    },
    unknown: () => {
      for (const one of world.treeOf(id)) world.model.emptied(one, phone.id, 'unknown');
    },
    took: () => {
      for (const one of phone.below(id)) phone.dropFolder(one);
    },
    mayStartOver: true,
  });
  await phone.exchange(call, choices.oneIn(3));
}
