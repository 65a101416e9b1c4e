/** Every row of the database, on one page. Key fields are fixed-width and big-endian, so byte order is tuple order. */
import type { u8, u32, u64 } from './keys.ts';
import * as mail from './records/mail.ts';
import { plainRow, sealedRow } from './rows.ts';
import type { Bytes } from './store.ts';

type U8 = ReturnType<typeof u8>;
type U32 = ReturnType<typeof u32>;
type U64 = ReturnType<typeof u64>;

/** `M<mailbox>`: one mailbox. A device stands in keys as the HMAC of its id. */
export const mailboxRows = {
  /** f: folder. */
  folder: sealedRow<[U32], Parameters<typeof mail.folderCodec.encode>[0]>('f', mail.folderCodec),
  /** F: seq. What a transaction did to the folder tree, write-once. */
  hierarchy: plainRow<[U64], Parameters<typeof mail.hierarchyCodec.encode>[0]>('F', mail.hierarchyCodec),
  /** i: folder, item. What a list needs. */
  item: sealedRow<[U32, U64], mail.ItemRecord>('i', mail.itemCodec),
  /** p: item. The rest: part index, preview, an envelope too long for `i`. */
  detail: sealedRow<[U64], mail.DetailRecord>('p', mail.detailCodec),
  /** b: item. The raw message, if small. */
  body: sealedRow<[U64], Uint8Array>('b', mail.bytesCodec),
  /** t: folder, 2^53 - 1 - received (ms), item. The list, newest first; empty. */
  place: plainRow<[U32, U64, U64], null>('t', mail.emptyCodec),
  /** c: folder, seq. What a transaction did in the folder, write-once. */
  change: plainRow<[U32, U64], Parameters<typeof mail.changeCodec.encode>[0]>('c', mail.changeCodec),
  /** z: folder. The oldest seq from which `c` is complete. */
  trimmed: plainRow<[U32], number>('z', mail.numberCodec),
  /** d: device. */
  device: sealedRow<[Bytes], Parameters<typeof mail.deviceCodec.encode>[0]>('d', mail.deviceCodec),
  /** y: device, folder, generation (parity of the state's number). */
  syncState: sealedRow<[Bytes, U32, U8], Parameters<typeof mail.syncStateCodec.encode>[0]>(
    'y',
    mail.syncStateCodec,
  ),
  /** Y: device, generation. */
  folderSyncState: sealedRow<[Bytes, U8], Parameters<typeof mail.folderSyncStateCodec.encode>[0]>(
    'Y',
    mail.folderSyncStateCodec,
  ),
  /** k: device. The last Ping and Sync sent whole. */
  cachedRequests: sealedRow<[Bytes], Parameters<typeof mail.cachedRequestsCodec.encode>[0]>(
    'k',
    mail.cachedRequestsCodec,
  ),
  /** v: HMAC of the accept id. A delivery or SendMail that is in the mailbox, write-once, expires. */
  marker: plainRow<[Bytes], mail.MarkerRecord>('v', mail.markerCodec),
  /** q: bytes and items, and the next folder number. */
  usage: plainRow<[], mail.UsageRecord>('q', mail.usageCodec),
  /** T: due (ms), kind, ref. What is to be done in this mailbox later; empty. */
  task: plainRow<[U64, U8, Bytes], null>('T', mail.emptyCodec),
};

/** `B<org><u8>`: large bodies, by the first byte of their id. */
export const blobRows = {
  /** b: blob. */
  blob: plainRow<[Bytes], mail.BlobRecord>('b', mail.blobCodec),
  /** B: blob, mailbox or queued message that has it; empty, write-once. */
  reference: plainRow<[Bytes, Bytes], null>('B', mail.emptyCodec),
};

/** `Q<u8>`: a shard of the queue. */
export const queueRows = {
  /** m: queued message. */
  message: sealedRow<[Bytes], Parameters<typeof mail.queuedMessageCodec.encode>[0]>(
    'm',
    mail.queuedMessageCodec,
  ),
  /** d: due (ms), queued message; empty. */
  due: plainRow<[U64, Bytes], null>('d', mail.emptyCodec),
  /** t: due (ms), organisation, mailbox. Mailboxes with tasks; empty. */
  mailboxTask: plainRow<[U64, Bytes, Bytes], null>('t', mail.emptyCodec),
};
