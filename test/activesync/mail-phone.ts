/** A message as a phone of any version is told of it. */
import { createHash } from 'node:crypto';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { child, childrenOf, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { preference } from './sync-phone.ts';

/** A file of a message: what of it the version tells. */
export interface ToldFile {
  readonly name: string;
  readonly reference: string;
  readonly method: number;
  readonly size: number;
  readonly contentId: string | undefined;
  /** Undefined below 12.0. */
  readonly isInline: boolean | undefined;
}

/** A message. */
export interface ToldMail {
  readonly body: string | undefined;
  readonly native: string | undefined;
  readonly messageClass: string | undefined;
  readonly subject: string | undefined;
  readonly files: readonly ToldFile[];
}

/** Everything in a folder by its ServerId, with bodies of a type: 1, 2, or 4 for MIME (2.5 has no 2). */
export async function mailsOf(
  phone: EasClient,
  collectionId: string,
  type: 1 | 2 | 4,
): Promise<ReadonlyMap<string, ToldMail>> {
  const isOld = !isAtLeast(phone.version, '12.0');
  const mime = type === 4 ? [el(AirSync.MIMESupport, 2)] : [];
  const body = isOld ? [el(AirSync.Truncation, 9)] : [preference(type)];
  phone.collection(collectionId).reset();
  const items = await phone.syncAll(collectionId, {
    options: isOld ? [...body, ...mime] : [...mime, ...body],
  });
  return new Map([...items].map(([id, item]) => [id, isOld ? oldMail(item) : newMail(item)]));
}

function newMail(item: Element): ToldMail {
  const files = childrenOf(child(item, AirSyncBase.Attachments), AirSyncBase.Attachment);
  return {
    body: dataOf(child(item, AirSyncBase.Body, AirSyncBase.Data)),
    native: textOf(item, AirSyncBase.NativeBodyType),
    messageClass: textOf(item, Email.MessageClass),
    subject: textOf(item, Email.Subject),
    files: files.map((one) => ({
      name: textOf(one, AirSyncBase.DisplayName) ?? '',
      reference: textOf(one, AirSyncBase.FileReference) ?? '',
      method: Number(textOf(one, AirSyncBase.Method)),
      size: Number(textOf(one, AirSyncBase.EstimatedDataSize)),
      contentId: textOf(one, AirSyncBase.ContentId),
      isInline: textOf(one, AirSyncBase.IsInline) === '1',
    })),
  };
}

function oldMail(item: Element): ToldMail {
  const files = childrenOf(child(item, Email.Attachments), Email.Attachment);
  return {
    body: dataOf(child(item, Email.Body) ?? child(item, Email.MIMEData)),
    native: undefined,
    messageClass: textOf(item, Email.MessageClass),
    subject: textOf(item, Email.Subject),
    files: files.map((one) => ({
      name: textOf(one, Email.DisplayName) ?? '',
      reference: textOf(one, Email.AttName) ?? '',
      method: Number(textOf(one, Email.AttMethod)),
      size: Number(textOf(one, Email.AttSize)),
      contentId: textOf(one, Email.Att0Id),
      isInline: undefined,
    })),
  };
}

/** A string, or the bytes that are none, one character each. */
function dataOf(data: Element | undefined): string | undefined {
  return data?.opaque === undefined ? data?.text : Buffer.from(data.opaque).toString('latin1');
}

/** The bytes and the type of a file, by GetAttachment in 2.5 and by ItemOperations in all others. */
export async function openFile(
  phone: EasClient,
  fileReference: string,
): Promise<{ readonly type: string | undefined; readonly bytes: Buffer }> {
  if (phone.version === '2.5') {
    const { headers, body } = await phone.getAttachment(fileReference);
    return { type: headers['content-type'], bytes: body };
  }
  const { status, properties } = await phone.fetch({ fileReference });
  if (status !== 1) throw new Error(`Fetch of ${fileReference}: ${status}`);
  const data = textOf(properties, ItemOperations.Data) ?? '';
  return { type: textOf(properties, AirSyncBase.ContentType), bytes: Buffer.from(data, 'base64') };
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
