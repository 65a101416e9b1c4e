/** Where the body of an item is put: into a row of its own, or into a file that its mailbox refers to. */
import type { ItemId, MailboxRef } from '#domain/ids';
import type { NewBody } from '#domain/item';
import { fileBytes, frameOf } from './body-frame.ts';
import { blobPart, idBytes, u64 } from './keys.ts';
import { blobRows, mailboxRows as rows } from './layout.ts';
import type { MailboxContext } from './mailbox-reader.ts';
import type { Tx } from './store.ts';

/** The mailbox that has it, and the time (ms since the epoch). */
interface BodyContext extends Pick<MailboxContext, 'part' | 'sealer'> {
  readonly ref: MailboxRef;
  readonly nowMs: number;
}

/** Puts the body of an item; `size` is that of the whole message in bytes. A transaction with a large one lists its partition. */
export function putBody(
  tx: Tx,
  context: BodyContext,
  { id, size, body }: { readonly id: ItemId; readonly size: number; readonly body: NewBody },
): void {
  const { part, sealer } = context;
  if (body.kind === 'inline') {
    const key = rows.body.key(u64(id));
    tx.put(part, key, rows.body.encode(sealer, part, key, body.raw));
    return;
  }
  const frame = frameOf(body);
  if (frame !== undefined) {
    const key = rows.frame.key(u64(id));
    tx.put(part, key, rows.frame.encode(sealer, part, key, frame));
  }
  refer(tx, context, body.id, fileBytes(size, frame));
}

function refer(tx: Tx, { sealer, ref, nowMs }: BodyContext, blob: Uint8Array, size: number): void {
  const part = blobPart(ref.organization, blob[0] ?? 0);
  const blobKey = blobRows.blob.key(blob);
  const referenceKey = blobRows.reference.key(blob, idBytes(ref.mailbox));
  tx.put(part, blobKey, blobRows.blob.encode(sealer, part, blobKey, { size, createdMs: nowMs }));
  tx.put(part, referenceKey, blobRows.reference.encode(sealer, part, referenceKey, null));
}
