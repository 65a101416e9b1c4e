/** How the rows of the queues are written. */
import type { OutboundMail } from '#domain/outbound';
import type { QueuedMessage } from '#domain/ports';
import type { Codec } from '../rows.ts';
import { packedCodec, plainObject } from './packed.ts';

export const queuedMessageCodec: Codec<QueuedMessage> = plainObject();
/** The id stands in the key. */
export type OutboundRecord = Omit<OutboundMail, 'id'>;
/** What was queued before signatures says nothing of who sent it: nothing vouches for its From then. */
export const outboundCodec: Codec<OutboundRecord> = packedCodec(
  (mail: OutboundRecord): Omit<OutboundRecord, 'isAuthenticated'> & { readonly isAuthenticated?: boolean } =>
    mail,
  (stored) => ({ isAuthenticated: false, ...stored }),
);
