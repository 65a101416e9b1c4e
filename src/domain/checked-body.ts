import type { MessageIndex } from '#mime/message-index';
import type { AttachmentPolicy } from './attachment-policy.ts';
import type { BodySpool, SpooledBody } from './body-spool.ts';

/**
 * Finishes the body of a message that is to be delivered, if its attachments may be: every way in passes here. Throws
 * message/blocked-attachment or server/busy, and nothing of it is left then.
 */
export async function finishChecked(
  spool: BodySpool,
  index: MessageIndex,
  policy: AttachmentPolicy,
): Promise<SpooledBody> {
  try {
    policy.checkNames(index);
  } catch (error) {
    await spool.abort();
    throw error;
  }
  const body = await spool.finish();
  try {
    await policy.checkContents(index, body.read);
  } catch (error) {
    await body.discard();
    throw error;
  }
  return body;
}
