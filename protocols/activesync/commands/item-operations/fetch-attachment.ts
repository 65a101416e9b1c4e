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
  const { bytes, type } = await readAttachment(fileReference, context);
  const most = settings.MaxAttachmentSize;
  if (typeof most === 'number' && bytes.length > most) {
    throw new OperationError(ItemOperationsStatus.TooLarge, 'larger than the policy allows');
  }
  const given = range && within(range, bytes.length);
  const data = given === undefined ? bytes : bytes.subarray(given.first, given.last + 1);
  return [
    // Only if it was asked for: iOS 10 was seen to fail otherwise.
    ...(given === undefined ? [] : [el(ItemOperations.Range, `${given.first}-${given.last}`)]),
    ...(given === undefined ? [] : [el(ItemOperations.Total, bytes.length)]),
    el(AirSyncBase.ContentType, type),
    parts === undefined
      ? el(ItemOperations.Data, data.toString('base64'))
      : el(ItemOperations.Part, parts.push(data)),
  ];
}

async function readAttachment(
  fileReference: string,
  { mailbox }: CommandContext,
): Promise<{ readonly bytes: Buffer; readonly type: string }> {
  const found = await findAttachment(fileReference, mailbox);
  if (found === undefined)
    throw new OperationError(ItemOperationsStatus.InvalidAttachment, 'no such attachment');
  const chunks: Uint8Array[] = [];
  for await (const chunk of found.open()) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), type: found.type };
}

/** The part of a range that there is; the answered one counts. */
function within({ first, last }: ByteRange, size: number): ByteRange {
  if (first >= size)
    throw new OperationError(ItemOperationsStatus.InvalidRange, 'the range begins behind the end');
  return { first, last: Math.min(last, size - 1) };
}
