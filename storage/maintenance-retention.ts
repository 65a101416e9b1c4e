/**
 * Retention policies: once a day, mail that has lain in a folder for as long as its organisation keeps it there goes. An item knows by
 * their numbers when it came into its folder and when it was changed last, so each day the newest number of each mailbox is
 * noted. The list is in order of when mail was received, which is never after: what is younger than the period is not looked at.
 */
import type { RetentionRule } from '#directory/kept';
import { hasMailbox } from '#directory/user';
import { listEnd, type Position } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import {
  type EntityId,
  type FolderId,
  type ItemId,
  type MailboxRef,
  mailboxOf,
  type OrganizationId,
} from '#domain/ids';
import type { Item } from '#domain/item';
import { removeItem } from '#domain/mailbox';
import { isJunk } from '#domain/placement';
import type { MailboxReader } from '#domain/ports';
import { StoredDirectory } from './directory-store.ts';
import { mailboxPart } from './keys.ts';
import { mailboxRows } from './layout.ts';
import { type MaintenanceRun, onceADay, organizationsWithKeys, pagesOf } from './maintenance-context.ts';
import { runMailboxTasks, taskOf } from './maintenance-tasks.ts';
import { decodeNotes, encodeNotes, type LogNote, TaskKind } from './tasks.ts';

const dayMs = 24 * 3_600_000;
/** The longest period there is, and a day. */
const keepNotesMs = 731 * dayMs;
const longestGapMs = 31 * dayMs;
const itemsAtOnce = 100;
const entitiesAtOnce = 100;
const retentionKind = 3;
/** Of those known by their type. */
const folderTypes = {
  INBOX: FolderType.Inbox,
  DELETED_ITEMS: FolderType.DeletedItems,
  SENT_ITEMS: FolderType.SentItems,
  DRAFTS: FolderType.Drafts,
} as const;

/**
 * Does what the policies of all organisations ask, if that was last done a day ago. A mailbox that fails is logged. A clock that has leapt
 * by more than a month is more often wrong than the server was off for so long: then it is done a day later, and the log says so.
 */
export async function applyRetention(run: MaintenanceRun): Promise<void> {
  await onceADay(run, retentionKind, async (passedMs) => {
    if (passedMs > longestGapMs) {
      run.log.warn('maintenance.retention.postponed', { days: Math.floor(passedMs / dayMs) });
      return;
    }
    for (const organization of await organizationsWithKeys(run)) await applyPolicy(run, organization);
  });
}

async function applyPolicy(run: MaintenanceRun, organization: OrganizationId): Promise<void> {
  const directory = new StoredDirectory(run);
  if ((await rulesOf(directory, organization)).length === 0) return;
  let after: EntityId | undefined;
  do {
    run.signal.throwIfAborted();
    const page = await directory.entities(organization, after, entitiesAtOnce);
    for (const entity of page.rows) {
      if (!hasMailbox(entity) || entity.state !== 'ENABLED') continue;
      // Many mailboxes take long: a policy that is taken back meanwhile deletes nothing more.
      const rules = await rulesOf(directory, organization);
      if (rules.length === 0) return;
      await applyTo(run, { organization, mailbox: mailboxOf(entity.id) }, rules);
    }
    after = page.next;
  } while (after !== undefined);
}

/** What is to be done in an organisation now; nothing in one that is deleted. */
async function rulesOf(
  directory: StoredDirectory,
  organization: OrganizationId,
): Promise<readonly RetentionRule[]> {
  const policy = await directory.kept(organization, 'retentionPolicy', '');
  const rules = policy?.rules.filter(({ action }) => action !== 'NONE') ?? [];
  if (rules.length === 0) return rules;
  return (await directory.organization(organization))?.state === 'Active' ? rules : [];
}

async function applyTo(run: MaintenanceRun, ref: MailboxRef, rules: readonly RetentionRule[]): Promise<void> {
  try {
    const notes = await notesOf(run, ref);
    let removed = 0;
    for (const rule of rules) removed += await applyRule(run, ref, notes, rule);
    if (removed === 0) return;
    run.log.info('maintenance.retention.applied', { mailbox: ref.mailbox, removed });
    // What this left to do, and others meanwhile, need not wait for all mailboxes.
    await runMailboxTasks({ ...run, nowMs: Math.max(run.nowMs, run.clock.now()) });
  } catch (err) {
    run.signal.throwIfAborted();
    run.log.error('maintenance.task.failed', { err }, { mailbox: ref.mailbox });
  }
}

/** What the newest number was when, with a note of now; the first notes are those of the weekly visit. */
async function notesOf(run: MaintenanceRun, ref: MailboxRef): Promise<readonly LogNote[]> {
  const { store, sealer, nowMs } = run;
  const part = mailboxPart(ref.organization, ref.mailbox);
  const key = mailboxRows.retentionNotes.key();
  const stored = await store.get(part, key);
  const known =
    stored === undefined
      ? await notesOfVisit(run, ref)
      : decodeNotes(mailboxRows.retentionNotes.decode(sealer, part, key, stored));
  const seq = await store.lastSeq(part);
  if (known.at(-1)?.seq === seq && stored !== undefined) return known;
  const oldest = known.findLastIndex(({ atMs }) => atMs <= nowMs - keepNotesMs);
  // A run may have begun long ago: what came meanwhile is not to pass for older than it is.
  const atMs = Math.max(nowMs, run.clock.now());
  const notes = [...known.slice(Math.max(0, oldest)), { atMs, seq }];
  const value = mailboxRows.retentionNotes.encode(sealer, part, key, encodeNotes(notes));
  await store.transact([part], async (tx) => tx.put(part, key, value));
  return notes;
}

async function notesOfVisit(run: MaintenanceRun, ref: MailboxRef): Promise<readonly LogNote[]> {
  const part = mailboxPart(ref.organization, ref.mailbox);
  for await (const page of pagesOf(run, run.store, part, mailboxRows.task.range())) {
    const visit = page.map(([key]) => taskOf(key)).find(({ kind }) => kind === TaskKind.Tidy);
    if (visit !== undefined) return decodeNotes(visit.about);
  }
  return [];
}

/** How many items went. */
async function applyRule(
  run: MaintenanceRun,
  ref: MailboxRef,
  notes: readonly LogNote[],
  { folder: name, action, periodDays = 0 }: RetentionRule,
): Promise<number> {
  const reader = run.mail.mailbox(ref);
  const folder = await folderOf(reader, name);
  if (folder === undefined) return 0;
  const beforeMs = run.nowMs - periodDays * dayMs;
  let removed = 0;
  for (let from: Position = { receivedMs: beforeMs, item: 0 }; ; ) {
    run.signal.throwIfAborted();
    const places = await reader.list(folder, { from, to: listEnd, limit: itemsAtOnce });
    const last = places.at(-1);
    if (last === undefined) return removed;
    const ids = places.map((place) => place.item as ItemId);
    const isDue = (item: Item | undefined) => item !== undefined && lastTouchedMs(item, notes) <= beforeMs;
    // Most often there is nothing to do: a look costs no transaction.
    if ((await reader.items(folder, ids)).some(isDue)) {
      removed += await run.mail.transact([ref], async (of) => {
        const due = (await of(ref).items(folder, ids)).filter((item) => item !== undefined).filter(isDue);
        for (const item of due) await removeItem(of(ref), item, action === 'PERMANENTLY_DELETE');
        return due.length;
      });
    }
    from = { receivedMs: last.receivedMs, item: last.item + 1 };
  }
}

async function folderOf(reader: MailboxReader, name: RetentionRule['folder']): Promise<FolderId | undefined> {
  if (name !== 'JUNK_EMAIL') return defaultFolder(folderTypes[name]);
  return (await reader.folders()).find(isJunk)?.id;
}

/**
 * When an item was received, came into its folder or was changed, whichever was last: not before the note below its number, and at the
 * latest at the one that has it. Of what lies before the first note only the time of receiving is known.
 */
function lastTouchedMs({ receivedMs, added, changed }: Item, notes: readonly LogNote[]): number {
  const touched = Math.max(added, changed);
  const at = notes.findIndex(({ seq }) => seq >= touched);
  if (at === 0) return receivedMs;
  return Math.max(receivedMs, notes[at]?.atMs ?? Number.POSITIVE_INFINITY);
}
