/** What is kept of devices' requests: in the partitions of their mailboxes, and which devices in the installation's. */
import type { TracedRequest, TraceSetting, TraceStore } from '#domain/device-trace';
import type { DeviceId, MailboxRef } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import type { KeyRing } from './key-ring.ts';
import { idBytes, mailboxPart, systemPart, u8, u32, u64 } from './keys.ts';
import { mailboxRows as rows, systemRows } from './layout.ts';
import { tracedRequestCodec } from './records/diary.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Part, Range, Store } from './store.ts';

interface TraceStoreOptions {
  readonly store: Store;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
}

/** A request larger than this takes several rows. */
const pieceBytes = 48 * 1024;
/** Where a request's place and the number of a piece stand in its key. */
const placeAt = 17;
const pieceAt = 29;
/** An answer of the API holds about so much. */
const pageBytes = 1024 * 1024;
/** Rows taken out in one transaction. */
const rowsAtOnce = 200;
const CURSOR = /^[0-9a-f]{24}$/;

export class StoredTraces implements TraceStore {
  readonly #o: TraceStoreOptions;
  #ordinal = 0;

  constructor(options: TraceStoreOptions) {
    this.#o = options;
  }

  async settings(): Promise<readonly TraceSetting[]> {
    const part = systemPart();
    const found: TraceSetting[] = [];
    for await (const [key, value] of this.#rows(part, systemRows.deviceTrace.range())) {
      found.push(systemRows.deviceTrace.decode(this.#o.sealer, part, key, value));
    }
    return found;
  }

  async putSetting(setting: TraceSetting): Promise<void> {
    const part = systemPart();
    const key = this.#settingKey(setting.ref, setting.device);
    const value = systemRows.deviceTrace.encode(this.#o.sealer, part, key, setting);
    await this.#o.store.transact([part], async (tx) => tx.put(part, key, value));
  }

  async deleteSetting(ref: MailboxRef, device: DeviceId): Promise<void> {
    const part = systemPart();
    await this.#o.store.transact([part], async (tx) => tx.del(part, this.#settingKey(ref, device)));
  }

  async size(ref: MailboxRef, device: DeviceId): Promise<number> {
    let bytes = 0;
    for await (const [, value] of this.#rows(partOf(ref), this.#range(ref, device))) bytes += value.length;
    return bytes;
  }

  async add(ref: MailboxRef, device: DeviceId, request: TracedRequest): Promise<number> {
    const { store, sealer } = this.#o;
    const part = partOf(ref);
    const name = this.#name(ref, device);
    const whole = tracedRequestCodec.encode(request);
    const ordinal = this.#ordinal++ % 0x1_0000_0000;
    const pieces: [Bytes, Bytes][] = [];
    for (let at = 0, piece = 0; at < whole.length; at += pieceBytes, piece++) {
      const key = rows.trace.key(name, u64(request.atMs), u32(ordinal), u8(piece));
      pieces.push([key, rows.trace.encode(sealer, part, key, whole.subarray(at, at + pieceBytes))]);
    }
    await store.transact(
      [part],
      async (tx) => {
        if ((await tx.get(part, rows.device.key(name))) === undefined) return;
        for (const [key, value] of pieces) tx.put(part, key, value);
      },
      'soon',
    );
    return pieces.reduce((sum, [, value]) => sum + value.length, 0);
  }

  async removeOldest(ref: MailboxRef, device: DeviceId, bytes: number): Promise<number> {
    const part = partOf(ref);
    const range = { ...this.#range(ref, device), limit: rowsAtOnce };
    return this.#o.store.transact(
      [part],
      async (tx) => {
        let freed = 0;
        let last: Bytes | undefined;
        for (const [key, value] of (await tx.page(part, range)).rows) {
          // A request goes with all its pieces.
          if (freed >= bytes && (last === undefined || !isOfOne(last, key))) break;
          tx.del(part, key);
          freed += value.length;
          last = key;
        }
        return freed;
      },
      'soon',
    );
  }

  async read(
    ref: MailboxRef,
    device: DeviceId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<TracedRequest, string>> {
    const range = this.#range(ref, device);
    const name = this.#name(ref, device);
    const gte =
      after !== undefined && CURSOR.test(after)
        ? Buffer.concat([rows.trace.range(name).gte, Buffer.from(`${after}ff`, 'hex')])
        : range.gte;
    const found: TracedRequest[] = [];
    let bytes = 0;
    let last: Bytes | undefined;
    let pieces: Bytes[] = [];
    const end = () => {
      if (pieces.length > 0)
        found.push(tracedRequestCodec.decode(Buffer.concat(pieces), tracedRequestCodec.version));
      pieces = [];
    };
    for await (const [key, value] of this.#rows(partOf(ref), { ...range, gte })) {
      if (last !== undefined && !isOfOne(last, key)) {
        end();
        if (found.length >= limit || bytes >= pageBytes) return { rows: found, next: placeOf(last) };
      }
      // What was cut while it was read begins in its middle.
      const isWhole = pieces.length > 0 || key[pieceAt] === 0;
      if (isWhole) pieces.push(rows.trace.decode(this.#o.sealer, partOf(ref), key, value));
      bytes += value.length;
      last = key;
    }
    end();
    return { rows: found };
  }

  async remove(ref: MailboxRef, device: DeviceId): Promise<void> {
    const range = this.#range(ref, device);
    for (let gte: Bytes | undefined = range.gte; gte !== undefined; ) {
      gte = (await this.#o.store.deleteRange(partOf(ref), { ...range, gte })).next;
    }
  }

  async *#rows(part: Part, range: Range): AsyncGenerator<readonly [Bytes, Bytes]> {
    for (let gte: Bytes | undefined = range.gte; gte !== undefined; ) {
      const page: Awaited<ReturnType<Store['page']>> = await this.#o.store.page(part, { ...range, gte });
      yield* page.rows;
      gte = page.next;
    }
  }

  #range(ref: MailboxRef, device: DeviceId): Range {
    return rows.trace.range(this.#name(ref, device));
  }

  #name(ref: MailboxRef, device: DeviceId): Bytes {
    return this.#o.keys.nameKey(ref.organization, device);
  }

  #settingKey(ref: MailboxRef, device: DeviceId): Bytes {
    // The organisation's own keys may be gone before this is.
    const name = this.#o.keys.nameKey(undefined, device);
    return systemRows.deviceTrace.key(idBytes(ref.organization), idBytes(ref.mailbox), name);
  }
}

function partOf({ organization, mailbox }: MailboxRef): Part {
  return mailboxPart(organization, mailbox);
}

/** Whether two rows are pieces of one request. */
function isOfOne(a: Bytes, b: Bytes): boolean {
  return Buffer.compare(a.subarray(0, pieceAt), b.subarray(0, pieceAt)) === 0;
}

function placeOf(key: Bytes): string {
  return Buffer.from(key.subarray(placeAt, pieceAt)).toString('hex');
}
