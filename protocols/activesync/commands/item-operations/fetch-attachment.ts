import { findAttachment } from '../../attachment.ts';
import type { CommandContext } from '../../command.ts';
import { AirSyncBase } from '../../wbxml/code-pages/air-sync-base.ts';
import { ItemOperations } from '../../wbxml/code-pages/item-operations.ts';
import { type Element, el } from '../../wbxml/element.ts';
import type { ByteRange, Operation } from './read.ts';
import { ItemOperationsStatus, OperationError } from './status.ts';

/** Gives the properties of an attachment; its bytes go into `parts` if there are any. Throws OperationError. */
export async function fetchAttachment(
  { fileReference, range }: Operation & { readonly kind: 'attachment' },
  context: CommandContext,
  parts: Uint8Array[] | undefined,
): Promise<readonly Element[]> {
  const { settings } = context.policy;
  if (settings.AttachmentsEnabled === false) {
    throw new OperationError(ItemOperationsStatus.AccessDenied, 'the policy allows no attachments');
  }
  const { bytes, size, type } = await readAttachment(fileReference, range, context);
  const most = settings.MaxAttachmentSize;
  if (typeof most === 'number' && size > most) {
    throw new OperationError(ItemOperationsStatus.TooLarge, 'larger than the policy allows');
  }
  const given = range && within(range, size);
  return [
    // Only if it was asked for: iOS 10 was seen to fail otherwise.
    ...(given === undefined ? [] : [el(ItemOperations.Range, `${given.first}-${given.last}`)]),
    ...(range === undefined ? [] : [el(ItemOperations.Total, size)]),
    el(AirSyncBase.ContentType, type),
    parts === undefined
      ? el(ItemOperations.Data, bytes.toString('base64'))
      : el(ItemOperations.Part, parts.push(bytes)),
  ];
}

/** The bytes of a range, or all, and how many there are in all. */
async function readAttachment(
  fileReference: string,
  { first, last }: ByteRange = { first: 0, last: Number.POSITIVE_INFINITY },
  { mailbox }: CommandContext,
): Promise<{ readonly bytes: Buffer; readonly size: number; readonly type: string }> {
  const found = await findAttachment(fileReference, mailbox);
  if (found === undefined)
    throw new OperationError(ItemOperationsStatus.InvalidAttachment, 'no such attachment');
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of found.open()) {
    // A phone that asks for a large file in many parts has each of them in memory, and not the file.
    chunks.push(chunk.subarray(Math.max(0, first - size), Math.max(0, last + 1 - size)));
    size += chunk.length;
  }
  return { bytes: Buffer.concat(chunks), size, type: found.type };
}

/** The part of a range that there is; the answered one counts. Undefined: an empty file has none. */
function within({ first, last }: ByteRange, size: number): ByteRange | undefined {
  if (first === 0 && size === 0) return undefined;
  if (first >= size)
    throw new OperationError(ItemOperationsStatus.InvalidRange, 'the range begins behind the end');
  return { first, last: Math.min(last, size - 1) };
}
