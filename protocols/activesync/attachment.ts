import { refOf } from '#domain/draft';
import type { Mailbox } from '#domain/mailbox';
import { openPart } from '#mime/open-part';
import { findItem } from './find-item.ts';
import { parseFileReference } from './ids.ts';

/** An attachment as a client asks for it. */
export interface FoundAttachment {
  /** Such as application/pdf. */
  readonly type: string;
  /** Its bytes, decoded as they are read; each call begins anew. */
  open(): AsyncIterable<Uint8Array>;
}

/**
 * The attachment that a FileReference (AttName in 2.5) names, wherever its message is now; undefined if there is none.
 * MS-ASAIRS, FileReference.
 */
export async function findAttachment(
  fileReference: string,
  mailbox: Mailbox,
): Promise<FoundAttachment | undefined> {
  const place = parseFileReference(fileReference);
  const item = place && (await findItem(mailbox.reader, place));
  const [detail] = item === undefined ? [] : await mailbox.reader.details([item.id]);
  const attachment = item?.attachments.find((one) => refOf(one) === place?.part);
  const part = detail?.parts.find(({ path }) => path === attachment?.part);
  if (item === undefined || attachment === undefined || part === undefined) return undefined;
  return {
    type: attachment.type,
    open: () => openPart(part, (start, end) => mailbox.openBody(item, [start, end])),
  };
}
