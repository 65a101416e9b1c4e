/** Messages accepted for mailboxes that get them one by one: rows in the queue's shards. */
import { type MailboxId, mailboxOf, type QueueId } from '#domain/ids';
import type { NewBody, NewItem } from '#domain/item';
import type { QueuedMessage } from '#domain/ports';
import { fileBytes, frameOf } from './body-frame.ts';
import { blobPart, entityIdOf, idBytes, queuePart, queueShards, u16, u64 } from './keys.ts';
import { blobRows, queueRows as rows } from './layout.ts';
import type { BodyFrame } from './records/mail.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Page, Part, Store, Tx } from './store.ts';

const idOf = (id: QueueId): Buffer => Buffer.from(id, 'hex');
/** Recipients in the message's own row; more would not fit a value. */
const recipientsInMessage = 500;
const recipientsInRow = 2_000;

const shardOf = (id: QueueId): Part => queuePart((idOf(id)[0] ?? 0) % queueShards);

export class MessageQueue {
  readonly #store: Store;
  readonly #sealer: Sealer;
  readonly #now: () => number;

  constructor(store: Store, sealer: Sealer, now: () => number) {
    this.#store = store;
    this.#sealer = sealer;
    this.#now = now;
  }

  /** What a transaction that enqueues these messages locks. */
  partsOf(messages: readonly QueuedMessage[]): readonly Part[] {
    return messages.flatMap((message) => [shardOf(message.id), ...bodyParts(message)]);
  }

  /** A large body gets a reference of the queued message's own. */
  enqueue(tx: Tx, messages: readonly QueuedMessage[]): void {
    for (const message of messages) {
      const shard = shardOf(message.id);
      const id = idOf(message.id);
      const key = rows.message.key(id);
      const recipients = message.recipients.slice(0, recipientsInMessage);
      const first = {
        ...message,
        recipients,
        item: { ...message.item, body: withoutFrame(message.item.body) },
      };
      tx.put(shard, key, rows.message.encode(this.#sealer, shard, key, first));
      for (const [number, some] of furtherRecipients(message).entries()) {
        const furtherKey = rows.recipients.key(id, u16(number));
        const ids = Buffer.concat(some.map(idBytes));
        tx.put(shard, furtherKey, rows.recipients.encode(this.#sealer, shard, furtherKey, ids));
      }
      this.#putDue(tx, shard, message.acceptedMs, id);
      const frame = frameOf(message.item.body);
      if (frame !== undefined) {
        const frameKey = rows.frame.key(id);
        tx.put(shard, frameKey, rows.frame.encode(this.#sealer, shard, frameKey, frame));
      }
      this.#refer(tx, message, frame);
    }
  }

  /**
   * Takes up to `limit` messages that are due, in the order of their time; they are due again after the lease. Fewer than
   * `limit` are all there are.
   */
  async claim(nowMs: number, leaseMs: number, limit: number): Promise<readonly QueuedMessage[]> {
    const claimed: QueuedMessage[] = [];
    for (let n = 0; n < queueShards && claimed.length < limit; n++) {
      const shard = queuePart(n);
      const range = {
        gte: rows.due.key(u64(0), new Uint8Array(0)),
        lt: rows.due.key(u64(nowMs + 1), new Uint8Array(0)),
      };
      if ((await this.#store.page(shard, { ...range, limit: 1 })).rows.length === 0) {
        continue;
      }
      for (let isMore = true; isMore && claimed.length < limit; ) {
        const some = await this.#claimIn(shard, range, nowMs + leaseMs, limit - claimed.length);
        claimed.push(...some.found);
        isMore = some.isMore;
      }
    }
    return claimed;
  }

  /** Forgets a message; nothing happens if it is gone. */
  async dequeue(message: QueuedMessage): Promise<void> {
    const shard = shardOf(message.id);
    const id = idOf(message.id);
    await this.#store.transact([shard, ...bodyParts(message)], async (tx) => {
      tx.del(shard, rows.message.key(id));
      for (const number of furtherRecipients(message).keys())
        tx.del(shard, rows.recipients.key(id, u16(number)));
      const { body } = message.item;
      if (body.kind === 'blob') {
        tx.del(blobPart(message.organization, body.id[0] ?? 0), blobRows.reference.key(body.id, id));
        tx.del(shard, rows.frame.key(id));
      }
    });
  }

  #claimIn(
    shard: Part,
    range: { gte: Bytes; lt: Bytes },
    untilMs: number,
    limit: number,
  ): Promise<{ found: QueuedMessage[]; isMore: boolean }> {
    return this.#store.transact([shard], async (tx) => {
      const due = await tx.page(shard, { ...range, limit });
      const found: QueuedMessage[] = [];
      for (const [key] of due.rows) {
        const id = key.subarray(9);
        tx.del(shard, key);
        const messageKey = rows.message.key(id);
        const stored = await tx.get(shard, messageKey);
        if (stored !== undefined) {
          const message = rows.message.decode(this.#sealer, shard, messageKey, stored);
          const further = await this.#furtherRecipients(tx, shard, id);
          const item = await this.#withFrame(tx, shard, id, message.item);
          found.push({ ...message, item, recipients: [...message.recipients, ...further] });
          this.#putDue(tx, shard, untilMs, id);
        }
      }
      // Messages that were dequeued have left their due rows: a page may hold nothing, and more come behind it.
      return { found, isMore: due.next !== undefined || due.rows.length === limit };
    });
  }

  async #withFrame(tx: Tx, shard: Part, id: Bytes, item: NewItem): Promise<NewItem> {
    const { body } = item;
    if (body.kind === 'inline') return item;
    const key = rows.frame.key(id);
    const stored = await tx.get(shard, key);
    if (stored === undefined) return item;
    return { ...item, body: { ...body, ...rows.frame.decode(this.#sealer, shard, key, stored) } };
  }

  async #furtherRecipients(tx: Tx, shard: Part, id: Bytes): Promise<MailboxId[]> {
    const found: MailboxId[] = [];
    const range = rows.recipients.range(id);
    for (let gte: Bytes | undefined = range.gte; gte !== undefined; ) {
      const page: Page = await tx.page(shard, { ...range, gte });
      for (const [key, stored] of page.rows) {
        const ids = rows.recipients.decode(this.#sealer, shard, key, stored);
        for (let at = 0; at < ids.length; at += 16)
          found.push(mailboxOf(entityIdOf(ids.subarray(at, at + 16))));
      }
      gte = page.next;
    }
    return found;
  }

  #putDue(tx: Tx, shard: Part, dueMs: number, id: Bytes): void {
    const key = rows.due.key(u64(dueMs), id);
    tx.put(shard, key, rows.due.encode(this.#sealer, shard, key, null));
  }

  #refer(tx: Tx, message: QueuedMessage, frame: BodyFrame | undefined): void {
    const { body } = message.item;
    if (body.kind !== 'blob') {
      return;
    }
    const size = fileBytes(message.item.size, frame);
    const part = blobPart(message.organization, body.id[0] ?? 0);
    const blobKey = blobRows.blob.key(body.id);
    const createdMs = this.#now();
    tx.put(part, blobKey, blobRows.blob.encode(this.#sealer, part, blobKey, { size, createdMs }));
    const key = blobRows.reference.key(body.id, idOf(message.id));
    tx.put(part, key, blobRows.reference.encode(this.#sealer, part, key, null));
  }
}

/** The recipients that have rows of their own, row by row. */
function furtherRecipients({ recipients }: QueuedMessage): MailboxId[][] {
  const found: MailboxId[][] = [];
  for (let at = recipientsInMessage; at < recipients.length; at += recipientsInRow) {
    found.push(recipients.slice(at, at + recipientsInRow));
  }
  return found;
}

/** What the message's own row keeps of a body. */
function withoutFrame(body: NewBody): NewBody {
  return body.kind === 'inline' ? body : { kind: 'blob', id: body.id };
}

function bodyParts(message: QueuedMessage): Part[] {
  const { body } = message.item;
  return body.kind === 'blob' ? [blobPart(message.organization, body.id[0] ?? 0)] : [];
}
