/** What the domain asks of storage about mailboxes and their bodies, over one Store and one BlobStore. */

import { ChangeKind } from '#domain/change';
import { defaultFolders, rootFolder } from '#domain/folder';
import type { FolderId, MailboxRef, OrganizationId } from '#domain/ids';
import type { Item, NewItem } from '#domain/item';
import type { NewOutboundMail, OutboundMail } from '#domain/outbound';
import type {
  BodyWriter,
  MailboxReader,
  MailboxTx,
  MailboxWatcher,
  MailStore,
  OutboundTx,
  QueuedMessage,
  StoredBody,
} from '#domain/ports';
import type { MailboxGrowth } from '#domain/quota-notices';
import { frameOf, openFramed } from './body-frame.ts';
import { putConversationsWhole } from './conversations.ts';
import type { KeyRing } from './key-ring.ts';
import { blobPart, mailboxPart, uniqueParts } from './keys.ts';
import { type MailboxContext, StoredMailbox } from './mailbox-reader.ts';
import { mailboxTopic, NeedsTaskShard, StoredMailboxTx } from './mailbox-tx.ts';
import { MessageQueue } from './message-queue.ts';
import { OutboundQueue } from './outbound-queue.ts';
import { pack } from './records/packed.ts';
import type { Sealer } from './rows.ts';
import type { BlobStore, Bytes, Part, Store, Tx } from './store.ts';
import { encodeNotes, putTask, TaskKind, taskShard, tidyIntervalMs } from './tasks.ts';

/** Stays far below the port's 2 MiB a transaction with room for the log and the heads. */
const transactionBytes = 900 * 1024;
const inlineInAllBytes = 512 * 1024;
const rowOverheadBytes = 600;
/** A detail larger than this would not fit its row. */
const largestRowBytes = 60 * 1024;

interface LevelMailStoreOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
  readonly now: () => number;
  /** Bodies up to this many bytes are kept in rows. */
  readonly inlineBodyBytes: number;
}

export class StoredMail implements MailStore {
  readonly #o: LevelMailStoreOptions;
  readonly #queue: MessageQueue;
  /** Mail for other servers. */
  readonly outbound: OutboundQueue;
  #onGrowth: ((growths: readonly MailboxGrowth[]) => void) | undefined;

  constructor(options: LevelMailStoreOptions) {
    this.#o = options;
    this.outbound = new OutboundQueue(options);
    this.#queue = new MessageQueue(options.store, options.sealer, options.now);
  }

  /** Calls back when mailboxes hold more than before, and that is durable; it must not throw. There is one listener. */
  onGrowth(listener: (growths: readonly MailboxGrowth[]) => void): void {
    this.#onGrowth = listener;
  }

  mailbox(ref: MailboxRef): MailboxReader {
    return this.#mailbox(ref);
  }

  #mailbox(ref: MailboxRef): StoredMailbox {
    const context = this.#context(ref);
    return new StoredMailbox(context, this.#o.store, () => this.#o.store.lastSeq(context.part));
  }

  async transact<T>(
    mailboxes: readonly MailboxRef[],
    decide: (of: (ref: MailboxRef) => MailboxTx, outbound: OutboundTx) => Promise<T>,
    bodies: readonly StoredBody[] = [],
    mails: readonly (OutboundMail | NewOutboundMail)[] = [],
    messages: readonly QueuedMessage[] = [],
  ): Promise<T> {
    const others = [...this.outbound.partsOf(mails), ...this.#queue.partsOf(messages)];
    const run = (of: (ref: MailboxRef) => MailboxTx, tx: Tx) => decide(of, this.#queues(tx));
    try {
      return await this.#transact(mailboxes, run, bodies, others, false);
    } catch (error) {
      if (error instanceof NeedsTaskShard) {
        return this.#transact(mailboxes, run, bodies, others, true);
      }
      throw error;
    }
  }

  fitsOneTransaction(item: NewItem, mailboxes: number): boolean {
    const frame = frameOf(item.body);
    const around = frame === undefined ? 0 : frame.before.length + frame.after.length;
    const body = item.body.kind === 'inline' ? item.body.raw.length : around;
    const rest = pack([item.envelope, item.attachments, item.detail, item.verdicts ?? null]).length;
    return rest <= largestRowBytes && (body + rest + rowOverheadBytes) * mailboxes <= transactionBytes;
  }

  watch(ref: MailboxRef, watcher: MailboxWatcher): () => void {
    return this.#o.store.watch([mailboxPart(ref.organization, ref.mailbox)], (_part, topic) =>
      watcher(topic === mailboxTopic ? undefined : (topic as FolderId)),
    );
  }

  async *openBody(
    ref: MailboxRef,
    item: Item,
    range: readonly [number, number] = [0, item.size],
  ): AsyncIterable<Uint8Array> {
    const mailbox = this.#mailbox(ref);
    if (item.body.kind === 'blob') {
      const { id, isFramed } = item.body;
      const frame = isFramed === true ? await mailbox.frame(item.id) : undefined;
      yield* openFramed(item.size, frame, range, (size, part) =>
        this.#o.blobs.open(ref.organization, { id, size }, part),
      );
      return;
    }
    const [raw] = await mailbox.inlineBodies([item.id]);
    if (raw !== undefined) {
      yield raw.subarray(range[0], range[1]);
    }
  }

  writeBody(organization: OrganizationId): BodyWriter {
    const writer = this.#o.blobs.write(organization);
    return {
      append: (chunk) => writer.append(chunk),
      finish: async () => ({ organization, ...(await writer.finish()) }),
      abort: () => writer.abort(),
    };
  }

  readBody(
    { organization, id, size }: StoredBody,
    range: readonly [number, number],
  ): AsyncIterable<Uint8Array> {
    return this.#o.blobs.open(organization, { id, size }, range);
  }

  discardBody({ id, size }: StoredBody): Promise<void> {
    return this.#o.blobs.remove({ id, size });
  }

  inlineBodyBytes(mailboxes: number): number {
    return Math.min(this.#o.inlineBodyBytes, Math.floor(inlineInAllBytes / Math.max(1, mailboxes)));
  }

  async createMailbox(ref: MailboxRef): Promise<void> {
    const create = async (of: (ref: MailboxRef) => MailboxTx, tx: Tx) => {
      const mailbox = of(ref);
      if ((await mailbox.folders()).length > 0) {
        return;
      }
      const seq = await mailbox.seq();
      for (const { type, name } of defaultFolders) {
        const id = await mailbox.nextFolderId();
        mailbox.putFolder({ id, parent: rootFolder, type, name, created: seq, changed: seq });
        await mailbox.logHierarchy(ChangeKind.Add, id);
      }
      const nowMs = this.#o.now();
      putConversationsWhole(tx, this.#o.sealer, mailboxPart(ref.organization, ref.mailbox), nowMs);
      const about = encodeNotes([{ atMs: nowMs, seq }]);
      putTask(tx, this.#o.sealer, ref, { kind: TaskKind.Tidy, about, dueMs: nowMs + tidyIntervalMs });
    };
    await this.#transact([ref], create, [], [], true);
  }

  enqueue(messages: readonly QueuedMessage[], mails: readonly NewOutboundMail[] = []): Promise<void> {
    const parts = [...this.#queue.partsOf(messages), ...this.outbound.partsOf(mails)];
    return this.#o.store.transact(uniqueParts(parts), async (tx) => {
      this.#queue.enqueue(tx, messages);
      const outbound = this.#queues(tx);
      for (const mail of mails) {
        await outbound.put(mail);
      }
    });
  }

  claimQueued(nowMs: number, leaseMs: number, limit: number): Promise<readonly QueuedMessage[]> {
    return this.#queue.claim(nowMs, leaseMs, limit);
  }

  dequeue(message: QueuedMessage): Promise<void> {
    return this.#queue.dequeue(message);
  }

  #queues(tx: Tx): OutboundTx {
    return { ...this.outbound.tx(tx), enqueue: (messages) => this.#queue.enqueue(tx, messages) };
  }

  async #transact<T>(
    mailboxes: readonly MailboxRef[],
    decide: (of: (ref: MailboxRef) => MailboxTx, tx: Tx) => Promise<T>,
    bodies: readonly StoredBody[],
    others: readonly Part[],
    hasTaskShard: boolean,
  ): Promise<T> {
    const contexts = new Map(mailboxes.map((ref) => [ref.mailbox, this.#context(ref)]));
    const parts: Part[] = [...contexts.values()].map(({ part }) => part);
    parts.push(...others, ...bodies.map(({ organization, id }) => blobPart(organization, id[0] ?? 0)));
    if (hasTaskShard) {
      parts.push(...mailboxes.map(taskShard));
    }
    const nowMs = this.#o.now();
    let open = new Map<string, StoredMailboxTx>();
    const done = await this.#o.store.transact(uniqueParts(parts), async (tx: Tx) => {
      open = new Map();
      const of = (ref: MailboxRef): MailboxTx => {
        const context = contexts.get(ref.mailbox);
        if (context === undefined) {
          throw new Error('a transaction touches only the mailboxes it lists');
        }
        const known = open.get(ref.mailbox);
        if (known !== undefined) {
          return known;
        }
        const mailbox = new StoredMailboxTx(ref, context, tx, { nowMs, hasTaskShard });
        open.set(ref.mailbox, mailbox);
        return mailbox;
      };
      const result = await decide(of, tx);
      for (const mailbox of open.values()) {
        await mailbox.flush();
      }
      return result;
    });
    this.#tellGrowth(open.values());
    return done;
  }

  #tellGrowth(mailboxes: Iterable<StoredMailboxTx>): void {
    const growths = [...mailboxes].flatMap(({ growth }) => growth ?? []);
    if (growths.length > 0) this.#onGrowth?.(growths);
  }

  #context(ref: MailboxRef): MailboxContext {
    return {
      part: mailboxPart(ref.organization, ref.mailbox),
      sealer: this.#o.sealer,
      epoch: this.#o.store.epoch,
      nameKey: (name: string): Bytes => this.#o.keys.nameKey(ref.organization, name),
    };
  }
}
