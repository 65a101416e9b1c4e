/** What must be true of the rows of mailboxes and their bodies, whatever happened to the process that wrote them. */
import { ChangeKind } from '#domain/change';
import type { FolderId, ItemId, MailboxRef } from '#domain/ids';
import type { Item } from '#domain/item';
import { recipientCacheFolder } from '#domain/recipient-cache';
import { conversationKey, conversationName } from '#storage/conversations';
import type { Database } from '#storage/database';
import { blobPart, idBytes, mailboxPart, queuePart, queueShards, u32, u64 } from '#storage/keys';
import { blobRows, queueRows, mailboxRows as rows } from '#storage/layout';
import { placeTime } from '#storage/place-time';
import type { Bytes, Part, Range } from '#storage/store';
import { decodeFolders, pointerKey, TaskKind, taskShard } from '#storage/tasks';

/** Faults that were found, each with the mailbox it is of. */
type Complain = (fault: string) => void;

const hex = (bytes: Bytes) => Buffer.from(bytes).toString('hex');

async function allOf({ store }: Database, part: Part, { gte, lt }: Range): Promise<[Bytes, Bytes][]> {
  const found: [Bytes, Bytes][] = [];
  for (let from: Bytes | undefined = gte; from !== undefined; ) {
    const page: Awaited<ReturnType<typeof store.page>> = await store.page(part, { gte: from, lt });
    for (const [key, value] of page.rows) found.push([key, value]);
    from = page.next;
  }
  return found;
}

/** What is wrong with these mailboxes, and with all large bodies. `isTended`: all maintenance was done that may be due. */
export async function storeFaults(
  database: Database,
  mailboxes: readonly MailboxRef[],
  isTended: boolean,
): Promise<string[]> {
  const faults: string[] = [];
  const named = new Map<string, Set<string>>();
  for (const ref of mailboxes) {
    const bodies = await mailboxFaults(database, ref, isTended, (fault) =>
      faults.push(`${ref.mailbox}: ${fault}`),
    );
    named.set(hex(idBytes(ref.mailbox)), bodies);
  }
  for (const organization of new Set(mailboxes.map((ref) => ref.organization)))
    await bodyFaults(database, organization, named, isTended, (fault) => faults.push(fault));
  return faults;
}

/** Gives the large bodies that the mailbox names. */
async function mailboxFaults(
  database: Database,
  ref: MailboxRef,
  isTended: boolean,
  complain: Complain,
): Promise<Set<string>> {
  const part = mailboxPart(ref.organization, ref.mailbox);
  const reader = database.mail.mailbox(ref);
  const folders = new Set<number>((await reader.folders()).map(({ id }) => id));
  const { emptying, unlinking } = await tasksOf(database, ref, isTended, complain);
  const items = await itemsOf(database, ref);
  for (const { folder, id } of items)
    if (!folders.has(folder) && !emptying.has(folder)) complain(`item ${id} is in no folder (${folder})`);
  await rowsOfItems(database, ref, items, complain);
  const { bytes, items: count } = await reader.usage();
  const sum = items.reduce((all, { size }) => all + size, 0);
  if (bytes !== sum || count !== items.length)
    complain(`counts ${count} items of ${bytes} bytes, and has ${items.length} of ${sum}`);
  for (const { parent, id } of await reader.folders())
    if (parent !== 0 && !folders.has(parent)) complain(`folder ${id} stands in none (${parent})`);
  for (const row of [rows.change, rows.trimmed])
    for (const [key] of await allOf(database, part, row.range()))
      if (!folders.has(u32.read(key, 1)) && !emptying.has(u32.read(key, 1)))
        complain(`a row ${row.kind} of folder ${u32.read(key, 1)}, which there is not`);
  for (const [key] of await allOf(database, part, rows.syncState.range())) {
    const folder = u32.read(key, 17);
    if (!folders.has(folder) && !emptying.has(folder) && folder !== recipientCacheFolder)
      complain(`a device's state of folder ${folder}, which there is not`);
  }
  await logFaults(database, ref, folders, items, complain);
  const bodies = items.flatMap(({ body }) => (body.kind === 'blob' ? [hex(body.id)] : []));
  if (new Set(bodies).size !== bodies.length) complain('a large body is of two items');
  return new Set([...bodies, ...unlinking]);
}

async function itemsOf(database: Database, ref: MailboxRef): Promise<Item[]> {
  const part = mailboxPart(ref.organization, ref.mailbox);
  const reader = database.mail.mailbox(ref);
  const found: Item[] = [];
  for (const [key] of await allOf(database, part, rows.item.range())) {
    const item = await reader.item(u32.read(key, 1) as FolderId, u64.read(key, 5) as ItemId);
    if (item !== undefined) found.push(item);
  }
  return found;
}

/** Each item has its place, conversation, detail and body, and there are none of others. */
async function rowsOfItems(
  database: Database,
  ref: MailboxRef,
  items: readonly Item[],
  complain: Complain,
): Promise<void> {
  const part = mailboxPart(ref.organization, ref.mailbox);
  const name = (id: Uint8Array) => database.keys.nameKey(ref.organization, conversationName(id));
  const inline = items.filter(({ body }) => body.kind === 'inline');
  const framed = items.filter(({ body }) => body.kind === 'blob' && body.isFramed === true);
  const expected = [
    [
      rows.place,
      items.map((one) => rows.place.key(u32(one.folder), u64(placeTime(one.receivedMs)), u64(one.id))),
    ],
    [rows.conversation, items.map((one) => conversationKey(name(one.conversationId), one))],
    [rows.detail, items.map(({ id }) => rows.detail.key(u64(id)))],
    [rows.body, inline.map(({ id }) => rows.body.key(u64(id)))],
    [rows.frame, framed.map(({ id }) => rows.frame.key(u64(id)))],
  ] as const;
  for (const [row, keys] of expected) {
    const there = new Set((await allOf(database, part, row.range())).map(([key]) => hex(key)));
    const wanted = new Set(keys.map(hex));
    const missing = [...wanted].filter((key) => !there.has(key));
    const left = [...there].filter((key) => !wanted.has(key));
    if (missing.length > 0) complain(`${missing.length} rows ${row.kind} are missing`);
    if (left.length > 0) complain(`${left.length} rows ${row.kind} are of no item`);
    if (wanted.size !== keys.length) complain('an item is in two folders');
  }
}

/** The logs tell of each item and folder what is so, and nothing twice. */
async function logFaults(
  database: Database,
  ref: MailboxRef,
  folders: ReadonlySet<number>,
  items: readonly Item[],
  complain: Complain,
): Promise<void> {
  const reader = database.mail.mailbox(ref);
  for (const folder of folders) {
    if ((await reader.changesCompleteFrom(folder as FolderId)) > 0) continue;
    const present = new Map<number, { readonly added: number; readonly changed: number }>();
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page: Awaited<ReturnType<typeof reader.changes>> = await reader.changes(
        folder as FolderId,
        after,
        500,
      );
      for (const { seq, changes } of page.rows)
        for (const { kind, item } of changes) {
          const isThere = present.has(item);
          if (isThere === (kind === ChangeKind.Add))
            complain(`the log of folder ${folder} has ${kind} of item ${item} out of turn, at ${seq}`);
          if (kind === ChangeKind.Delete) present.delete(item);
          else present.set(item, { added: present.get(item)?.added ?? seq, changed: seq });
        }
      after = page.next;
    }
    const inFolder = items.filter((one) => one.folder === folder);
    for (const { id, added, changed } of inFolder) {
      const said = present.get(id);
      // What came from another folder may have been changed before.
      if (said?.added !== added || said.changed !== Math.max(added, changed))
        complain(
          `item ${id} came at ${added} and changed at ${changed}, and the log says ${JSON.stringify(said)}`,
        );
    }
    if (present.size !== inFolder.length)
      complain(`the log of folder ${folder} leaves ${present.size} items of ${inFolder.length}`);
  }
  const known = new Set<number>();
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page: Awaited<ReturnType<typeof reader.hierarchyChanges>> = await reader.hierarchyChanges(after);
    for (const { kind, folder } of page.rows.flatMap(({ changes }) => changes)) {
      if (known.has(folder) === (kind === ChangeKind.Add))
        complain(`the log of the tree has ${kind} of folder ${folder} out of turn`);
      if (kind === ChangeKind.Delete) known.delete(folder);
      else known.add(folder);
    }
    after = page.next;
  }
  if (known.size !== folders.size || [...folders].some((folder) => !known.has(folder)))
    complain('the log of the tree leaves other folders');
}

/** Folders that are being emptied, and bodies that are let go. */
async function tasksOf(database: Database, ref: MailboxRef, isTended: boolean, complain: Complain) {
  const part = mailboxPart(ref.organization, ref.mailbox);
  const emptying = new Set<number>();
  const unlinking = new Set<string>();
  for (const [key] of await allOf(database, part, rows.task.range())) {
    const [dueMs, kind, about] = [u64.read(key, 1), key[9], key.subarray(10)];
    if ((await database.store.get(taskShard(ref), pointerKey(dueMs, ref))) === undefined)
      complain(`nothing leads to a task of kind ${kind}`);
    if (kind === TaskKind.EmptyFolders) for (const folder of decodeFolders(about)) emptying.add(folder);
    if (kind === TaskKind.UnlinkBlob) unlinking.add(hex(about));
  }
  if (isTended && emptying.size + unlinking.size > 0)
    complain(`${emptying.size} folders and ${unlinking.size} bodies are left to be let go`);
  return { emptying, unlinking };
}

/** `named`: the bodies of each mailbox, by the hexadecimal digits of its id. */
async function bodyFaults(
  database: Database,
  organization: MailboxRef['organization'],
  named: ReadonlyMap<string, ReadonlySet<string>>,
  isTended: boolean,
  complain: Complain,
): Promise<void> {
  const files = new Set<string>();
  for (let after: Bytes | undefined; ; ) {
    const page = await database.blobs.list(after);
    after = page.at(-1)?.id;
    if (after === undefined) break;
    for (const { id } of page) files.add(hex(id));
  }
  const queued = await queuedIds(database);
  const referenced = new Map<string, Set<string>>();
  const rowsOfBodies = new Set<string>();
  for (let first = 0; first < 256; first++) {
    const part = blobPart(organization, first);
    for (const [key] of await allOf(database, part, blobRows.blob.range()))
      rowsOfBodies.add(hex(key.subarray(1)));
    for (const [key] of await allOf(database, part, blobRows.reference.range())) {
      const [blob, holder] = [hex(key.subarray(1, 33)), hex(key.subarray(33))];
      referenced.set(blob, (referenced.get(blob) ?? new Set()).add(holder));
      const isNamed = named.get(holder)?.has(blob) ?? (queued.has(holder) || !isTended);
      if (!isNamed) complain(`${holder} has body ${blob}, and does not name it`);
      if (!rowsOfBodies.has(blob)) complain(`body ${blob} has no row`);
    }
  }
  for (const [holder, bodies] of named)
    for (const blob of bodies)
      if (referenced.get(blob)?.has(holder) !== true)
        complain(`${holder} names body ${blob}, and has it not`);
  for (const blob of referenced.keys()) if (!files.has(blob)) complain(`body ${blob} has no file`);
  if (!isTended) return;
  for (const blob of rowsOfBodies) if (!referenced.has(blob)) complain(`body ${blob} is kept for nobody`);
  for (const blob of files) if (!rowsOfBodies.has(blob)) complain(`file ${blob} is kept for nobody`);
}

async function queuedIds(database: Database): Promise<Set<string>> {
  const found = new Set<string>();
  for (let shard = 0; shard < queueShards; shard++)
    for (const row of [queueRows.message, queueRows.outbound])
      for (const [key] of await allOf(database, queuePart(shard), row.range()))
        found.add(hex(key.subarray(1)));
  return found;
}
