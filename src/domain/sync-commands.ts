/** What a device asks to be done in a Sync, done in its order and in one transaction. */
import { Changed, ChangeKind, type ItemChange } from './change.ts';
import type { PreparedDraft, StoredFile } from './draft.ts';
import type { DeviceId, FolderId, ItemId } from './ids.ts';
import type { Item, NewItem } from './item.ts';
import { changedMarks, changeMarks, type MarksChange, removeItem, withMarks } from './mailbox.ts';
import type { MailboxReader, MailboxTx, StoredBody } from './ports.ts';
import { StaleDraftError } from './stale-draft-error.ts';
import { type Message, readableMessages } from './sync-messages.ts';
import type { StoredAdd, StoredEdit, SyncState } from './sync-state.ts';

/** The content of a draft that a device wrote. */
interface WrittenByDevice {
  readonly marks: MarksChange;
  /** Tells a repeated command from another one. */
  readonly fingerprint: string;
  /** Undefined: the state knows the command already. */
  readonly draft: PreparedDraft | undefined;
  readonly files: readonly StoredFile[];
}

/** A new draft. */
interface AddCommand extends WrittenByDevice {
  readonly kind: 'add';
  readonly clientId: string;
}

/** New content of a draft. */
interface EditCommand extends WrittenByDevice {
  readonly kind: 'edit';
  readonly item: ItemId;
  /** Item.changed of what was written on; undefined: what a command before it in this request made. */
  readonly basis: number | undefined;
}

type ItemCommand =
  | EditCommand
  | { readonly kind: 'change'; readonly item: ItemId; readonly marks: MarksChange }
  | { readonly kind: 'delete'; readonly item: ItemId; readonly permanently: boolean }
  | { readonly kind: 'fetch'; readonly item: ItemId };

/** What a device asks to be done, in its order. */
export type ClientCommand = AddCommand | ItemCommand;

/** What became of a command; a Delete of what is not there is done. */
export interface CommandResult {
  readonly command: ClientCommand;
  readonly outcome: 'done' | 'not-found' | 'conflict';
  /** What a Fetch gives, if it can be read. */
  readonly message?: Message | undefined;
  /** What an Add made. */
  readonly item?: ItemId | undefined;
  /** The files that were added to a draft. */
  readonly files?: readonly StoredFile[];
  /** The content that came with the command was stored. */
  readonly isStored?: boolean;
}

/** Where commands are applied. */
export interface Applying {
  readonly device: DeviceId;
  readonly folder: FolderId;
  readonly serverWins: boolean;
  /** The state that the device holds. */
  readonly since: number;
  /** What was answered to the same request before, if it is one that is repeated. */
  readonly answered: Pick<SyncState, 'adds' | 'edits'> | undefined;
  /** What others changed since then, read once for all commands; undefined: it is read for each. */
  readonly byOthers?: () => Promise<ReadonlyMap<ItemId, number>>;
}

const anything = Object.values(Changed).reduce((all, bit) => all | bit, 0);

/** Applies commands, as many of them as the transaction has room for; throws StaleDraftError, and then nothing was done. */
export async function applyCommands(
  tx: MailboxTx,
  commands: readonly ClientCommand[],
  where: Applying,
): Promise<CommandResult[]> {
  const results: CommandResult[] = [];
  const items = new Set(commands.flatMap((command) => (command.kind === 'add' ? [] : [command.item])));
  let read: Promise<ReadonlyMap<ItemId, number>> | undefined;
  const byOthers = () => {
    read ??= changedByOthers(tx, where, items);
    return read;
  };
  for (const command of commands) {
    results.push(
      command.kind === 'add'
        ? await applyAdd(tx, command, where)
        : await applyToItem(tx, command, { ...where, byOthers }),
    );
    if (!tx.hasRoom()) break;
  }
  return results;
}

/** The large bodies that commands bring. */
export function bodiesOf(commands: readonly ClientCommand[]): readonly StoredBody[] {
  return commands.flatMap((one) => ('draft' in one ? (one.draft?.stored ?? []) : []));
}

/** Forgets the drafts that no row names. */
export async function discardAllBut(
  done: readonly CommandResult[],
  commands: readonly ClientCommand[],
): Promise<void> {
  const stored = new Set(done.flatMap(({ command, isStored }) => (isStored === true ? [command] : [])));
  for (const command of commands) {
    if ('draft' in command && !stored.has(command)) await command.draft?.discard();
  }
}

/** What is kept of results, for a device that does not hear of them. */
export function toRemember(results: readonly CommandResult[]): Pick<SyncState, 'adds' | 'edits'> {
  const adds: StoredAdd[] = [];
  const edits: StoredEdit[] = [];
  for (const { command, outcome, item, files = [] } of results) {
    if (outcome !== 'done') continue;
    if (command.kind === 'add' && item !== undefined) {
      adds.push({ clientId: command.clientId, item, fingerprint: command.fingerprint, files });
    } else if (command.kind === 'edit') {
      edits.push({ item: command.item, fingerprint: command.fingerprint, files });
    }
  }
  return edits.length === 0 ? { adds } : { adds, edits };
}

/** The same for some of the commands of a request, together with what is known of the others. */
export function toRememberSoFar(
  results: readonly CommandResult[],
  answered: Pick<SyncState, 'adds' | 'edits'> | undefined,
): Pick<SyncState, 'adds' | 'edits'> {
  const { adds, edits = [] } = toRemember(results);
  const otherAdds = answered?.adds.filter((one) => rememberedAdd({ adds }, one) === undefined) ?? [];
  const otherEdits = answered?.edits?.filter((one) => rememberedEdit({ edits }, one) === undefined) ?? [];
  return { adds: [...adds, ...otherAdds], edits: [...edits, ...otherEdits] };
}

/** The Add that a state knows by this ClientId and content. */
export function rememberedAdd(
  state: Pick<SyncState, 'adds'> | undefined,
  { clientId, fingerprint }: Pick<StoredAdd, 'clientId' | 'fingerprint'>,
): StoredAdd | undefined {
  return state?.adds.find((one) => one.clientId === clientId && one.fingerprint === fingerprint);
}

/** The Change that a state knows of this item and content. */
export function rememberedEdit(
  state: Pick<SyncState, 'edits'> | undefined,
  { item, fingerprint }: Pick<StoredEdit, 'item' | 'fingerprint'>,
): StoredEdit | undefined {
  return state?.edits?.find((one) => one.item === item && one.fingerprint === fingerprint);
}

async function applyAdd(
  tx: MailboxTx,
  command: AddCommand,
  { device, folder, answered }: Applying,
): Promise<CommandResult> {
  const known = rememberedAdd(answered, command);
  if (known !== undefined) return { command, outcome: 'done', item: known.item, files: known.files };
  const { files } = command;
  const content = contentOf(command, { read: true, categories: [] });
  // The answer to an Add was lost, and its author went on writing before it was repeated.
  const before = answered?.adds.find(({ clientId }) => clientId === command.clientId);
  const item = before && (await tx.item(folder, before.item));
  const { id } =
    item === undefined
      ? await tx.addItem(folder, content, device)
      : await tx.replaceItem(item, content, device);
  return { command, outcome: 'done', item: id, files, isStored: true };
}

async function applyToItem(tx: MailboxTx, command: ItemCommand, where: Applying): Promise<CommandResult> {
  const { device, folder } = where;
  const item = await tx.item(folder, command.item);
  if (item === undefined) {
    // What is gone already need not be deleted: a repeated request says so as well.
    return { command, outcome: command.kind === 'delete' ? 'done' : 'not-found' };
  }
  switch (command.kind) {
    case 'edit':
      return await applyEdit(tx, command, item, where);
    case 'change': {
      if (await isConflict(tx, where, item, changedMarks(item.marks, command.marks))) {
        return { command, outcome: 'conflict' };
      }
      await changeMarks(tx, item, command.marks, device);
      return { command, outcome: 'done' };
    }
    case 'delete':
      await removeItem(tx, item, command.permanently, device);
      return { command, outcome: 'done' };
    case 'fetch': {
      const [message] = await readableMessages(tx, [item]);
      return { command, outcome: 'done', message };
    }
  }
}

async function applyEdit(
  tx: MailboxTx,
  command: EditCommand,
  item: Item,
  where: Applying,
): Promise<CommandResult> {
  const { basis, files } = command;
  const known = rememberedEdit(where.answered, command);
  if (known !== undefined) return { command, outcome: 'done', files: known.files };
  const wanted = Changed.Rest | changedMarks(item.marks, command.marks);
  if (await isConflict(tx, where, item, wanted)) return { command, outcome: 'conflict' };
  if (basis !== undefined && item.changed !== basis && item.changed !== (await tx.seq())) {
    throw new StaleDraftError('the draft has changed since it was written on');
  }
  await tx.replaceItem(item, contentOf(command, item.marks), where.device);
  return { command, outcome: 'done', files, isStored: true };
}

function contentOf({ draft, marks }: WrittenByDevice, before: NewItem['marks']): NewItem {
  if (draft === undefined) throw new StaleDraftError('what the state knew is not there');
  return { ...draft.item, marks: withMarks(before, marks) };
}

/**
 * Whether the server wins, and somebody else changed, since the device's state, what it wants to change now to something
 * else; `wanted` is OR of Changed.
 */
export async function isConflict(
  mailbox: MailboxReader,
  where: Applying,
  item: Item,
  wanted: number,
): Promise<boolean> {
  if (!where.serverWins || wanted === 0 || item.changed <= where.since) {
    return false;
  }
  const changed = await (where.byOthers?.() ?? changedByOthers(mailbox, where, new Set([item.id])));
  return ((changed.get(item.id) ?? 0) & wanted) !== 0;
}

/** What others than the device changed of these items since its state: OR of Changed. */
async function changedByOthers(
  mailbox: MailboxReader,
  { device, folder, since }: Applying,
  items: ReadonlySet<ItemId>,
): Promise<ReadonlyMap<ItemId, number>> {
  const found = new Map<ItemId, number>();
  for (let after: number | undefined = since; after !== undefined; ) {
    const page = await mailbox.changes(folder, after, 200);
    const others = page.rows.filter((entry) => entry.device !== device);
    for (const change of others.flatMap(({ changes }) => changes)) {
      const { item } = change;
      if (items.has(item)) found.set(item, (found.get(item) ?? 0) | whatOf(change));
    }
    after = page.next;
  }
  return found;
}

/** What is there again was elsewhere in between: it was changed there, and nothing here tells what of it. */
function whatOf({ kind, what }: ItemChange): number {
  return kind === ChangeKind.Delete ? anything : what;
}
