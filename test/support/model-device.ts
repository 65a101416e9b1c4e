/** A mailbox in front of which model devices synchronise; they do as they are told, and complain of what no server may tell. */
import { randomBytes } from 'node:crypto';
import { defaultFolder, FolderType } from '#domain/folder';
import type { DeviceId, FolderId, ItemId } from '#domain/ids';
import { Mailbox } from '#domain/mailbox';
import { type ClientCommand, FolderSync, type SyncAnswer } from '#domain/sync';
import { newItem } from './new-item.ts';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from './temp-store.ts';

export const inbox = defaultFolder(FolderType.Inbox);
export const trash = defaultFolder(FolderType.DeletedItems);
export const dayMs = 24 * 3_600_000;
export const startMs = Date.UTC(2026, 10, 22, 12);

export async function mailboxForTest() {
  const clock = fixedClock(startMs);
  const database = await tempDatabase({ clock });
  const mailbox = new Mailbox(database.mail, await tempMailbox(database, tempOrganization(database)));
  const sync = new FolderSync(mailbox, clock, { bytes: (n) => randomBytes(n) });
  const deliver = (subject: string, receivedMs = clock.now()) =>
    mailbox.transact((tx) => tx.addItem(inbox, newItem(subject, receivedMs)));
  return { clock, mailbox, sync, deliver };
}

export type Setup = Awaited<ReturnType<typeof mailboxForTest>>;

/** A device that does as it is told, and complains of what a server must never tell it. */
export class ModelDevice {
  readonly id: DeviceId;
  readonly folder: FolderId;
  readonly held = new Map<ItemId, { read: boolean; subject: string }>();
  /** What it moved to another folder: what happened to it before may come all the same, and is passed over. */
  readonly movedAway = new Set<ItemId>();
  readonly complaints: string[] = [];
  windowSize = 100;
  filterDays = 0;
  serverWins = true;
  key = '0';
  /** Answers in a row that did not arrive; after some more than these a server may pass an item over. */
  #lost = 0;
  readonly #setup: Setup;

  constructor(setup: Setup, id: string, folder = inbox) {
    this.#setup = setup;
    this.id = id as DeviceId;
    this.folder = folder;
  }

  async prime(): Promise<void> {
    this.held.clear();
    this.movedAway.clear();
    this.key = await this.#setup.sync.prime(this.id, this.folder, '');
  }

  /** One exchange; with `lose` the answer never arrives. */
  async sync(commands: readonly ClientCommand[] = [], lose = false): Promise<SyncAnswer> {
    const answer = await this.ask({ commands });
    this.#lost = lose && this.#lost < 3 ? this.#lost + 1 : 0;
    if (this.#lost === 0) {
      this.take(commands, answer);
    }
    return answer;
  }

  /** A request whose answer nobody takes. */
  ask(request: Partial<Parameters<FolderSync['sync']>[0]> = {}): Promise<SyncAnswer> {
    return this.#setup.sync.sync({
      device: this.id,
      folder: this.folder,
      key: this.key,
      options: undefined,
      rules: () => ({ filterDays: this.filterDays, serverWins: this.serverWins, cost: () => 1 }),
      windowSize: this.windowSize,
      answerBytes: 1_000_000,
      getChanges: true,
      commands: [],
      ...request,
    });
  }

  take(commands: readonly ClientCommand[], answer: SyncAnswer): void {
    this.key = answer.key;
    this.#apply(commands, answer);
  }

  async syncAll(): Promise<void> {
    while ((await this.sync()).moreAvailable) {}
  }

  #apply(commands: readonly ClientCommand[], answer: SyncAnswer): void {
    for (const command of commands) {
      if (command.kind === 'delete') {
        this.held.delete(command.item);
      } else if (command.kind === 'change' && command.marks.read !== undefined) {
        const one = this.held.get(command.item);
        if (one) {
          one.read = command.marks.read;
        }
      }
    }
    for (const change of answer.changes) {
      const has = this.held.has(change.id);
      if (!has && change.kind !== 'add' && this.movedAway.has(change.id)) {
        continue;
      }
      if (change.kind === 'add' || change.kind === 'change') {
        if (has !== (change.kind === 'change')) {
          this.complaints.push(`${change.kind} of ${change.id}, held: ${has}`);
        }
        if (change.message === undefined) {
          this.complaints.push(`${change.kind} of ${change.id} without its message`);
        }
        this.movedAway.delete(change.id);
        const { marks, envelope } = change.item;
        this.held.set(change.id, { read: marks.read, subject: envelope.subject });
      } else {
        if (!has) {
          this.complaints.push(`${change.kind} of ${change.id}, not held`);
        }
        this.held.delete(change.id);
      }
    }
  }
}

/** What is in the folder from that time on. */
export async function serverView(setup: Setup, folder = inbox, fromMs = 0) {
  const { reader } = setup.mailbox;
  const list = await reader.list(folder, {
    from: { receivedMs: Number.MAX_SAFE_INTEGER, item: 0 },
    to: { receivedMs: -1, item: 0 },
    limit: 100_000,
  });
  const items = await reader.items(
    folder,
    list.map(({ item }) => item as ItemId),
  );
  return new Map(
    items.flatMap((item) =>
      item && item.receivedMs >= fromMs
        ? [[item.id, { read: item.marks.read, subject: item.envelope.subject }] as const]
        : [],
    ),
  );
}
