/** How the rows about what the owner of a mailbox wants done with mail are written. */
import type { ReplyText, StoredAutomaticReply } from '#domain/automatic-reply';
import type { MailRule } from '#domain/mail-rule';
import type { RecipientCache } from '#domain/recipient-cache';
import type { Codec } from '../rows.ts';
import { packedCodec, plainObject } from './packed.ts';

/** The reply in three rows, as its texts together would not fit one. */
export type AutomaticReplyRecord =
  | ({ readonly kind: 'reply' } & Omit<StoredAutomaticReply, 'internal' | 'external'>)
  | ({ readonly kind: 'text' } & ReplyText);

/** Few and small. */
export const automaticReplyCodec: Codec<AutomaticReplyRecord> = plainObject();
export const mailRulesCodec: Codec<readonly MailRule[]> = plainObject();

/** Whom a mailbox's owner wrote to lately. */
export const recipientCacheCodec: Codec<RecipientCache> = packedCodec(
  ({ lastId, recipients }): [number, [number, string, string, number][]] => [
    lastId,
    recipients.map(({ id, name, address, rank }) => [id, name, address, rank]),
  ],
  ([lastId, recipients]) => ({
    lastId,
    recipients: recipients.map(([id, name, address, rank]) => ({ id, name, address, rank })),
  }),
);
