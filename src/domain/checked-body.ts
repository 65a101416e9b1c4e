import type { MessageIndex } from '#mime/message-index';
import { withTnef } from '#mime/tnef/with-tnef';
import type { AttachmentPolicy } from './attachment-policy.ts';
import type { BodySpool, SpooledBody } from './body-spool.ts';

/** A body that is whole, and what is known of it: what is in its TNEF, too. */
interface FinishedBody {
  readonly body: SpooledBody;
  readonly index: MessageIndex;
}

/**
 * Finishes the body of a message that is to be delivered, if its attachments may be: every way in passes here. Without a
 * policy they are not looked at. Throws message/blocked-attachment or server/busy, and nothing of it is left then.
 */
export async function finishChecked(
  spool: BodySpool,
  index: MessageIndex,
  policy: AttachmentPolicy | undefined,
): Promise<FinishedBody> {
  try {
    policy?.checkNames(index);
  } catch (error) {
    await spool.abort();
    throw error;
  }
  const body = await spool.finish();
  try {
    await policy?.checkContents(index, body.read);
    const whole = await withTnef(index, body.read);
    // What stands in TNEF is an attachment as others are, also where archives are not looked into.
    if (whole !== index) policy?.checkNames(whole);
    return { body, index: whole };
  } catch (error) {
    await body.discard();
    throw error;
  }
}
