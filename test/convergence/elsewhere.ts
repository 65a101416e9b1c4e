/** What happens to the mailbox elsewhere: mail that comes, what an administrator or a rule does, time that passes. */
import { DomainError } from '#domain/errors';
import { changeFolders } from '#domain/folder-commands';
import type { FolderId, ItemId } from '#domain/ids';
import { changeMarks, type Mailbox, removeItem } from '#domain/mailbox';
import type { MailboxTx } from '#domain/ports';
import type { FolderCommand } from '#domain/sync-state';
import { collectionIdOf, parseServerId } from '#protocols/activesync/ids';
import type { Choices } from '#test/support/choices';
import { gone, type TrueItem } from './model.ts';
import type { Operation } from './operation.ts';
import { truthOf, type World } from './world.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const inbox = '1';
const trash = '3';

/** Mail that comes by the way of all mail; false when nobody knows whether it did. */
export async function deliver(world: World): Promise<boolean> {
  const subject = world.nextSubject();
  const isSure = await world.home.deliver(
    `From: sender@elsewhere.example\r\nTo: ${world.home.user}\r\nSubject: ${subject}\r\n\r\nText of ${subject}.\r\n`,
  );
  world.model.add(subject, world.nowMs(), isSure ? [inbox] : [inbox, gone]);
  world.note(`${subject} comes${isSure ? '' : ', perhaps'}`);
  return isSure;
}

/** A row of something that only a server in this process can be asked for. */
function inside(
  name: string,
  weight: number,
  run: (world: World, choices: Choices, mailbox: Mailbox) => Promise<void>,
): Operation {
  return {
    name,
    weight,
    isInside: true,
    run: async (world, choices) => {
      const { inside: here } = world.home;
      if (here !== undefined) await run(world, choices, here.mailbox);
    },
  };
}

export const elsewhere: readonly Operation[] = [
  { name: 'mail', weight: 8, run: async (world) => void (await deliver(world)) },
  {
    name: 'several mails',
    weight: 2,
    run: async (world, choices) => {
      for (let n = 2 + choices.below(5); n > 0; n--) await deliver(world);
    },
  },
  inside('mail of the past', 4, deliverAgo),
  inside('time', 3, async (world, choices) => {
    world.home.inside?.clock.set(world.nowMs() + choices.below(60) * hourMs);
    world.note(`it is ${new Date(world.nowMs()).toISOString()}`);
  }),
  inside('a mark', 4, mark),
  inside('a removal', 3, remove),
  inside('a move', 3, move),
  inside('several moves', 1, async (world, choices, mailbox) => {
    for (let n = 2 + choices.below(4); n > 0; n--) await move(world, choices, mailbox);
  }),
  inside('a burst', 3, async (world, choices, mailbox) => {
    for (let n = 4 + choices.below(10); n > 0; n--) {
      const act = choices.of([mark, mark, move, remove, deliverAgo]);
      await act?.(world, choices, mailbox);
    }
  }),
  inside('a new folder', 2, createFolder),
  inside('a folder has another name or place', 2, updateFolder),
  inside('a folder is deleted', 1, deleteFolder),
  inside('a restart', 1, async (world) => {
    await world.home.inside?.restart();
    for (const phone of world.phones) phone.disconnect();
    world.note('-- the server starts anew');
  }),
];

async function deliverAgo(world: World, choices: Choices): Promise<void> {
  const { clock } = world.home.inside ?? {};
  const nowMs = world.nowMs();
  clock?.set(nowMs - choices.below(20) * dayMs - choices.below(24) * hourMs);
  await deliver(world);
  clock?.set(nowMs);
}

async function anyItem(mailbox: Mailbox, choices: Choices): Promise<TrueItem | undefined> {
  return choices.of((await truthOf(mailbox)).items);
}

/** Does something to a message, in a transaction. */
function withItem(
  mailbox: Mailbox,
  { serverId }: TrueItem,
  act: (tx: MailboxTx, id: ItemId, folder: FolderId) => Promise<unknown>,
) {
  const place = parseServerId(serverId);
  if (place === undefined) throw new Error(`no ServerId: ${serverId}`);
  return mailbox.transact((tx) => act(tx, place.item, place.folder));
}

async function mark(world: World, choices: Choices, mailbox: Mailbox): Promise<void> {
  const { model } = world;
  const found = await anyItem(mailbox, choices);
  if (found === undefined) return;
  const read = choices.oneIn(2);
  const flag = choices.of([undefined, null, { status: 2, type: 'Flag for follow up' } as const]);
  const categories = choices.of([undefined, [], ['Yellow']]);
  await withItem(mailbox, found, async (tx, id, folder) => {
    const item = await tx.item(folder, id);
    if (item !== undefined) await changeMarks(tx, item, { read, flag, categories });
  });
  const marks = {
    read,
    flag: flag === undefined ? undefined : (flag?.status ?? 0),
    categories: categories?.join('|'),
  };
  model.mark(found.subject, found.folder, marks, 'elsewhere', 'done');
  world.note(`elsewhere ${found.serverId} (${found.subject}) ${JSON.stringify(marks)}`);
}

async function remove(world: World, choices: Choices, mailbox: Mailbox): Promise<void> {
  const { model } = world;
  const found = await anyItem(mailbox, choices);
  if (found === undefined) return;
  const isForGood = choices.oneIn(2);
  await withItem(mailbox, found, async (tx, id, folder) => {
    const item = await tx.item(folder, id);
    if (item !== undefined) await removeItem(tx, item, isForGood);
  });
  const to = isForGood || found.folder === trash ? gone : trash;
  model.move(found.subject, found.folder, to, 'elsewhere', 'done');
  world.note(`elsewhere ${found.serverId} (${found.subject}) goes to ${to}`);
}

async function move(world: World, choices: Choices, mailbox: Mailbox): Promise<void> {
  await moveFound(world, choices, mailbox, await anyItem(mailbox, choices));
}

/** Moves or removes one of these, wherever it is. */
export async function moveOn(
  world: World,
  choices: Choices,
  items: readonly { readonly subject: string }[],
): Promise<void> {
  const mailbox = world.home.inside?.mailbox;
  if (mailbox === undefined) return;
  const found = (await truthOf(mailbox)).items.find(({ subject }) =>
    items.some((one) => one.subject === subject),
  );
  await moveFound(world, choices, mailbox, found);
}

async function moveFound(
  world: World,
  choices: Choices,
  mailbox: Mailbox,
  found: TrueItem | undefined,
): Promise<void> {
  const { model, folders } = world;
  const to = choices.of([...folders].filter((id) => isForMail(id) && id !== found?.folder));
  if (found === undefined || to === undefined) return;
  await withItem(mailbox, found, async (tx, id, folder) => {
    const item = await tx.item(folder, id);
    if (item !== undefined) await tx.moveItem(item, Number(to) as FolderId);
  });
  model.move(found.subject, found.folder, to, 'elsewhere', 'done');
  world.note(`elsewhere ${found.serverId} (${found.subject}) goes to ${to}`);
}

/** The folders that phones synchronise. */
function isForMail(id: string): boolean {
  return ['1', '3', '4', '6'].includes(id) || Number(id) > 10;
}

/** Tries to do something to the folder tree; undefined when it cannot be done. */
async function tried(mailbox: Mailbox, command: FolderCommand): Promise<string | undefined> {
  try {
    return collectionIdOf(await changeFolders(mailbox, command));
  } catch (error) {
    if (error instanceof DomainError) return undefined;
    throw error;
  }
}

function ownFolders({ folders }: World): string[] {
  return [...folders].filter((id) => Number(id) > 10);
}

async function createFolder(world: World, choices: Choices, mailbox: Mailbox): Promise<void> {
  const parent = choices.of([...ownFolders(world), inbox, '0']) ?? '0';
  const name = `Folder ${choices.below(1000)}`;
  const id = await tried(mailbox, { kind: 'create', parent: Number(parent) as FolderId, name, type: 12 });
  if (id === undefined) return;
  world.folderMade(id);
  world.note(`elsewhere the folder ${id} is made in ${parent}`);
}

async function updateFolder(world: World, choices: Choices, mailbox: Mailbox): Promise<void> {
  const id = choices.of(ownFolders(world));
  const parent = choices.of([...ownFolders(world), '0']);
  if (id === undefined || parent === undefined) return;
  const name = `Renamed ${choices.below(1000)}`;
  const place = { folder: Number(id) as FolderId, parent: Number(parent) as FolderId };
  const done = await tried(mailbox, { kind: 'update', ...place, name });
  if (done !== undefined) world.note(`elsewhere the folder ${id} is called ${name}, and is in ${parent}`);
}

/** With what is in it and below it. */
async function deleteFolder(world: World, choices: Choices, mailbox: Mailbox): Promise<void> {
  const id = choices.of(ownFolders(world));
  if (id === undefined) return;
  const tree = world.treeOf(id);
  await changeFolders(mailbox, { kind: 'delete', folder: Number(id) as FolderId });
  for (const one of tree) {
    world.folders.delete(one);
    world.model.emptied(one, 'elsewhere', 'done');
  }
  world.note(`elsewhere the folder ${id} is deleted`);
}
