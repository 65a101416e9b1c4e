import { randomUUID } from 'node:crypto';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { el } from '#protocols/activesync/wbxml/element';
import type { EasClient } from './eas-client.ts';
import type { EasResponse } from './eas-connection.ts';

interface SmartMail {
  readonly mime: string | Uint8Array;
  /** The ServerId of the message that it replies to or forwards, and perhaps its folder. */
  readonly itemId: string;
  readonly folderId?: string;
  readonly clientId?: string;
  readonly saveInSent?: boolean;
  readonly replaceMime?: boolean;
}

/**
 * SmartForward or SmartReply: as WBXML from 14.0 on, as message/rfc822 below. Any HTTP status is given back; success is 200
 * and no body.
 */
export function smartMail(
  phone: EasClient,
  command: 'SmartForward' | 'SmartReply',
  { mime, itemId, folderId, clientId, saveInSent = true, replaceMime }: SmartMail,
): Promise<EasResponse> {
  const bytes = typeof mime === 'string' ? Buffer.from(mime) : mime;
  if (!isAtLeast(phone.version, '14.0')) {
    const folder = folderId === undefined ? {} : { CollectionId: folderId };
    return phone.post(command, bytes, {
      query: { ...folder, ItemId: itemId, SaveInSent: saveInSent ? 'T' : 'F' },
    });
  }
  const request = el(
    ComposeMail[command],
    el(ComposeMail.ClientId, clientId ?? randomUUID()),
    el(
      ComposeMail.Source,
      folderId === undefined ? undefined : el(ComposeMail.FolderId, folderId),
      el(ComposeMail.ItemId, itemId),
    ),
    saveInSent ? el(ComposeMail.SaveInSentItems) : undefined,
    replaceMime ? el(ComposeMail.ReplaceMime) : undefined,
    el(ComposeMail.Mime, bytes),
  );
  return phone.post(command, request);
}
