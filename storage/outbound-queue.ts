/** Mail for other servers: rows in the queue's shards, in the order in which each destination's mail is due. */
import type { OrganizationId, QueueId } from '#domain/ids';
import { destinationByte, type NewOutboundMail, type OutboundMail } from '#domain/outbound';
import type { DueDestination, OutboundStore, OutboundTx, PageOf } from '#domain/ports';
import { bodyRef, fileBytes, frameOf, openFramed } from './body-frame.ts';
import { firstRows } from './first-rows.ts';
import type { KeyRing } from './key-ring.ts';
import { blobPart, queuePart, queueShards, u64, uniqueParts } from './keys.ts';
import { blobRows, queueRows as rows } from './layout.ts';
import type { BodyFrame } from './records/mail.ts';
import type { Sealer } from './rows.ts';
import type { BlobStore, Bytes, Part, Store, Tx } from './store.ts';

interface OutboundQueueParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
  readonly now: () => number;
}

/** kind, destination (16 bytes), due (8 bytes), mail (16 bytes). */
const dueOffset = 17;
const idOffset = 25;
const nobody = new Uint8Array(0);
/** Mails of one claim, and their recipients: rows of them all stay well within a transaction. */
const maxClaimed = 16;
const maxClaimedRecipients = 400;
/** The configuration's bound of outbound.expire. */
const longestLifeMs = 5 * 86_400_000;

/**
 * The mail of one destination is in one shard, which the first byte of its id names. A claim moves a row of `h` to `H`, with
 * the owner: there a start finds what an earlier life held, without reading the others. Done is a delete.
 */
export class OutboundQueue implements OutboundStore {
  readonly #p: OutboundQueueParts;

  constructor(parts: OutboundQueueParts) {
    this.#p = parts;
  }

  /** What a transaction that does something to these mails locks. */
  partsOf(mails: readonly (OutboundMail | NewOutboundMail)[]): readonly Part[] {
    return mails.flatMap((mail) => [
      shardOf(mail.id),
      ...(mail.body.kind === 'blob' ? [blobPart(mail.organization, mail.body.id[0] ?? 0)] : []),
    ]);
  }

  tx(tx: Tx): Omit<OutboundTx, 'enqueue'> {
    return {
      put: (mail) => this.#put(tx, mail),
      replace: (mail, next) => this.#replace(tx, mail, next),
      hasten: (mail, dueMs) => this.#hasten(tx, mail, dueMs),
    };
  }

  async recover(owner: string, nowMs: number): Promise<readonly DueDestination[]> {
    const found: DueDestination[] = [];
    for (let n = 0; n < queueShards; n++) {
      const shard = queuePart(n);
      await this.#releaseAll(shard, owner, nowMs);
      const { lt, gte } = rows.destination.range();
      // The first row of a destination is the first that is due: the others are passed over.
      for (let from = gte; ; ) {
        const [first] = await firstRows(this.#p.store, shard, { gte: from, lt }, 1);
        if (first === undefined) break;
        const [key] = first;
        const mail = await this.#read(this.#p.store, shard, key.subarray(idOffset));
        if (mail === undefined) {
          from = behind(key);
          continue;
        }
        const place = key.subarray(1, dueOffset);
        const isAnyFreed = await this.#releaseStrays(shard, place, nowMs);
        const dueMs = u64.read(key, dueOffset);
        found.push({ destination: mail.destination, dueMs: isAnyFreed ? Math.min(nowMs, dueMs) : dueMs });
        from = rows.destination.range(place).lt;
      }
    }
    return found;
  }

  claim(
    destination: string,
    { nowMs, owner }: { readonly nowMs: number; readonly owner: string },
  ): Promise<{ readonly mails: readonly OutboundMail[]; readonly nextDueMs: number | undefined }> {
    const shard = queuePart(destinationByte(destination) % queueShards);
    const range = { ...rows.destination.range(this.#place(destination)), isQueue: true };
    return this.#p.store.transact(
      [shard],
      async (tx) => {
        const first = await firstRows(tx, shard, range, maxClaimed + 1);
        const due = first.slice(0, maxClaimed).filter(([key]) => u64.read(key, dueOffset) <= nowMs);
        const mails: OutboundMail[] = [];
        let [passed, recipients] = [0, 0];
        for (const [key] of due) {
          const id = key.subarray(idOffset);
          const mail = await this.#read(tx, shard, id);
          recipients += mail?.recipients.length ?? 0;
          if (mails.length > 0 && recipients > maxClaimedRecipients) break;
          passed++;
          tx.del(shard, key);
          if (mail === undefined) continue;
          const heldKey = rows.held.key(id);
          tx.put(shard, heldKey, rows.held.encode(this.#p.sealer, shard, heldKey, Buffer.from(owner)));
          mails.push(mail);
        }
        const next = first[passed]?.[0];
        return { mails, nextDueMs: next && u64.read(next, dueOffset) };
      },
      'seen',
    );
  }

  replace(mail: OutboundMail, next: OutboundMail | undefined): Promise<boolean> {
    const parts = uniqueParts(this.partsOf([mail]));
    return this.#p.store.transact(parts, (tx) => this.#replace(tx, mail, next), 'soon');
  }

  get(id: QueueId): Promise<OutboundMail | undefined> {
    return this.#read(this.#p.store, shardOf(id), Buffer.from(id, 'hex'));
  }

  async list(
    organization: OrganizationId,
    after: QueueId | undefined,
    limit: number,
  ): Promise<PageOf<OutboundMail, QueueId>> {
    const found: OutboundMail[] = [];
    const { lt, gte } = rows.outbound.range();
    for (let n = after === undefined ? 0 : shardNumber(after); n < queueShards; n++) {
      const shard = queuePart(n);
      const isResumed = after !== undefined && n === shardNumber(after);
      let from: Bytes | undefined = isResumed ? behind(rows.outbound.key(Buffer.from(after, 'hex'))) : gte;
      while (from !== undefined) {
        const page = await this.#p.store.page(shard, { gte: from, lt, limit: limit - found.length + 1 });
        for (const [key, value] of page.rows) {
          const mail = this.#decode(shard, key, value);
          if (mail.organization !== organization) continue;
          if (found.length === limit) return { rows: found, next: found.at(-1)?.id ?? mail.id };
          found.push(mail);
        }
        from = page.next;
      }
    }
    return { rows: found };
  }

  async *open(mail: OutboundMail): AsyncIterable<Uint8Array> {
    const shard = shardOf(mail.id);
    if (mail.body.kind === 'blob') {
      const { id, isFramed } = mail.body;
      const frame = isFramed === true ? await this.#frame(shard, mail.id) : undefined;
      yield* openFramed(mail.size, frame, [mail.skip, mail.size], (size, range) =>
        this.#p.blobs.open(mail.organization, { id, size }, range),
      );
      return;
    }
    const key = rows.outboundBody.key(Buffer.from(mail.id, 'hex'));
    const stored = await this.#p.store.get(shard, key);
    if (stored === undefined) throw new Error('the body of a queued mail is gone');
    yield rows.outboundBody.decode(this.#p.sealer, shard, key, stored).subarray(mail.skip);
  }

  async #put(tx: Tx, mail: NewOutboundMail): Promise<void> {
    const shard = shardOf(mail.id);
    const id = Buffer.from(mail.id, 'hex');
    if ((await tx.get(shard, rows.outbound.key(id))) !== undefined) return;
    const { body } = mail;
    if (body.kind === 'inline') {
      const key = rows.outboundBody.key(id);
      tx.put(shard, key, rows.outboundBody.encode(this.#p.sealer, shard, key, body.raw));
    } else {
      const frame = frameOf(body);
      if (frame !== undefined) this.#putFrame(tx, shard, id, frame);
      this.#refer(tx, mail, body.id, fileBytes(mail.size, frame));
    }
    this.#write(tx, shard, { ...mail, body: bodyRef(body) });
    this.#putDue(tx, shard, mail);
  }

  async #replace(tx: Tx, mail: OutboundMail, next: OutboundMail | undefined): Promise<boolean> {
    const shard = shardOf(mail.id);
    const id = Buffer.from(mail.id, 'hex');
    const stored = await this.#read(tx, shard, id);
    if (stored === undefined) return false;
    tx.del(shard, this.#dueKey(stored));
    tx.del(shard, rows.held.key(id));
    if (next !== undefined) {
      this.#write(tx, shard, next);
      this.#putDue(tx, shard, next);
      return true;
    }
    tx.del(shard, rows.outbound.key(id));
    if (mail.body.kind === 'inline') tx.del(shard, rows.outboundBody.key(id));
    else tx.del(blobPart(mail.organization, mail.body.id[0] ?? 0), blobRows.reference.key(mail.body.id, id));
    if (mail.body.kind === 'blob' && mail.body.isFramed === true) tx.del(shard, rows.frame.key(id));
    return true;
  }

  async #hasten(tx: Tx, { id }: OutboundMail, dueMs: number): Promise<OutboundMail | undefined> {
    const shard = shardOf(id);
    const mail = await this.#read(tx, shard, Buffer.from(id, 'hex'));
    if (mail === undefined) return undefined;
    if ((await tx.get(shard, rows.held.key(Buffer.from(id, 'hex')))) !== undefined) return mail;
    const due = { ...mail, dueMs };
    tx.del(shard, this.#dueKey(mail));
    this.#write(tx, shard, due);
    this.#putDue(tx, shard, due);
    return due;
  }

  /** What nobody sends any more is due at once. */
  async #releaseAll(shard: Part, owner: string, nowMs: number): Promise<void> {
    const { lt, gte } = rows.held.range();
    for (let from: Bytes | undefined = gte; from !== undefined; ) {
      const page = await this.#p.store.page(shard, { gte: from, lt });
      for (const [key, value] of page.rows) {
        const holder = Buffer.from(rows.held.decode(this.#p.sealer, shard, key, value)).toString();
        if (holder !== owner) await this.#release(shard, key.subarray(1), nowMs);
      }
      from = page.next;
    }
  }

  /** Nothing waits longer than a mail lives: what does was queued by a clock that was wrong. */
  async #releaseStrays(shard: Part, place: Bytes, nowMs: number): Promise<boolean> {
    const { lt } = rows.destination.range(place);
    let isAny = false;
    for (
      let from: Bytes | undefined = rows.destination.key(place, u64(nowMs + longestLifeMs), nobody);
      from;
    ) {
      const page = await this.#p.store.page(shard, { gte: from, lt });
      for (const [key] of page.rows) await this.#release(shard, key.subarray(idOffset), nowMs);
      isAny ||= page.rows.length > 0;
      from = page.next;
    }
    return isAny;
  }

  /** Nobody holds it any more. */
  #release(shard: Part, id: Bytes, dueMs: number): Promise<void> {
    return this.#p.store.transact([shard], async (tx) => {
      tx.del(shard, rows.held.key(id));
      const mail = await this.#read(tx, shard, id);
      if (mail === undefined) return;
      tx.del(shard, this.#dueKey(mail));
      const freed = { ...mail, dueMs };
      this.#write(tx, shard, freed);
      this.#putDue(tx, shard, freed);
    });
  }

  #write(tx: Tx, shard: Part, { id, ...record }: OutboundMail): void {
    const key = rows.outbound.key(Buffer.from(id, 'hex'));
    tx.put(shard, key, rows.outbound.encode(this.#p.sealer, shard, key, record));
  }

  #putDue(tx: Tx, shard: Part, mail: Pick<OutboundMail, 'id' | 'destination' | 'dueMs'>): void {
    const key = this.#dueKey(mail);
    tx.put(shard, key, rows.destination.encode(this.#p.sealer, shard, key, nobody));
  }

  #dueKey({ id, destination, dueMs }: Pick<OutboundMail, 'id' | 'destination' | 'dueMs'>): Bytes {
    return rows.destination.key(this.#place(destination), u64(dueMs), Buffer.from(id, 'hex'));
  }

  #place(destination: string): Bytes {
    return this.#p.keys.nameKey(undefined, destination);
  }

  async #read(reader: Pick<Store, 'get'>, shard: Part, id: Bytes): Promise<OutboundMail | undefined> {
    const key = rows.outbound.key(id);
    const stored = await reader.get(shard, key);
    return stored && this.#decode(shard, key, stored);
  }

  #decode(shard: Part, key: Bytes, stored: Bytes): OutboundMail {
    const id = Buffer.from(key.subarray(1)).toString('hex') as QueueId;
    return { ...rows.outbound.decode(this.#p.sealer, shard, key, stored), id };
  }

  #putFrame(tx: Tx, shard: Part, id: Bytes, frame: BodyFrame): void {
    const key = rows.frame.key(id);
    tx.put(shard, key, rows.frame.encode(this.#p.sealer, shard, key, frame));
  }

  async #frame(shard: Part, id: QueueId): Promise<BodyFrame> {
    const key = rows.frame.key(Buffer.from(id, 'hex'));
    const stored = await this.#p.store.get(shard, key);
    if (stored === undefined) throw new Error('what stands around the body of a queued mail is gone');
    return rows.frame.decode(this.#p.sealer, shard, key, stored);
  }

  #refer(tx: Tx, { id, organization }: NewOutboundMail, blob: Bytes, size: number): void {
    const { sealer, now } = this.#p;
    const part = blobPart(organization, blob[0] ?? 0);
    const blobKey = blobRows.blob.key(blob);
    tx.put(part, blobKey, blobRows.blob.encode(sealer, part, blobKey, { size, createdMs: now() }));
    const key = blobRows.reference.key(blob, Buffer.from(id, 'hex'));
    tx.put(part, key, blobRows.reference.encode(sealer, part, key, null));
  }
}

function shardNumber(id: QueueId): number {
  return Number.parseInt(id.slice(0, 2), 16) % queueShards;
}

function shardOf(id: QueueId): Part {
  return queuePart(shardNumber(id));
}

/** The first key behind this one. */
function behind(key: Bytes): Bytes {
  return Buffer.concat([key, Buffer.of(0)]);
}
