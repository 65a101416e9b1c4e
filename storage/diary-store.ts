/** The diaries of devices, in the partitions of their mailboxes. */
import type { DeviceId, MailboxRef } from '#domain/ids';
import type { DiaryEntry, DiaryStore } from '#domain/sync-diary';
import type { KeyRing } from './key-ring.ts';
import { mailboxPart, u8, u64 } from './keys.ts';
import { mailboxRows as rows } from './layout.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Store } from './store.ts';

interface DiaryStoreOptions {
  readonly store: Store;
  readonly keys: KeyRing;
  readonly sealer: Sealer;
}

/** Of one row: so many of the largest stay below 60 KiB. */
const entriesInRow = 25;
/** Where a row's number and its count of entries stand in its key. */
const numberAt = 17;
const countAt = 25;

export class StoredDiaries implements DiaryStore {
  readonly #o: DiaryStoreOptions;

  constructor(options: DiaryStoreOptions) {
    this.#o = options;
  }

  async append(
    ref: MailboxRef,
    device: DeviceId,
    entries: readonly DiaryEntry[],
    keep: number,
  ): Promise<void> {
    const { store, sealer } = this.#o;
    const part = mailboxPart(ref.organization, ref.mailbox);
    const name = this.#name(ref, device);
    await store.transact(
      [part],
      async (tx) => {
        if ((await tx.get(part, rows.device.key(name))) === undefined) return;
        const before = await tx.page(part, { ...rows.diary.range(name), reverse: true });
        const [newest] = before.rows;
        let number = newest === undefined ? 1 : u64.read(newest[0], numberAt) + 1;
        for (let at = 0; at < entries.length; at += entriesInRow, number++) {
          const batch = entries.slice(at, at + entriesInRow);
          const key = rows.diary.key(name, u64(number), u8(batch.length));
          tx.put(part, key, rows.diary.encode(sealer, part, key, batch));
        }
        let newer = entries.length;
        for (const [key] of before.rows) {
          if (newer >= keep) tx.del(part, key);
          newer += key[countAt] ?? 0;
        }
      },
      'soon',
    );
  }

  async newest(ref: MailboxRef, device: DeviceId, limit: number): Promise<readonly DiaryEntry[]> {
    const { store, sealer } = this.#o;
    const part = mailboxPart(ref.organization, ref.mailbox);
    const { rows: found } = await store.page(part, {
      ...rows.diary.range(this.#name(ref, device)),
      reverse: true,
    });
    const entries = found.flatMap(([key, stored]) =>
      rows.diary.decode(sealer, part, key, stored).toReversed(),
    );
    return entries.slice(0, limit);
  }

  async remove(ref: MailboxRef, device: DeviceId): Promise<void> {
    const part = mailboxPart(ref.organization, ref.mailbox);
    const range = rows.diary.range(this.#name(ref, device));
    for (let gte: Bytes | undefined = range.gte; gte !== undefined; ) {
      gte = (await this.#o.store.deleteRange(part, { ...range, gte })).next;
    }
  }

  #name(ref: MailboxRef, device: DeviceId): Bytes {
    return this.#o.keys.nameKey(ref.organization, device);
  }
}
