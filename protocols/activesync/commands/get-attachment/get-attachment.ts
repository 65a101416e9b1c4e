import { findAttachment } from '../../attachment.ts';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import type { FileAnswer } from '../../file-answer.ts';
import { CommonStatus } from '../../status.ts';

/** What is not larger is kept from its measuring; the rest is read a second time. */
const keptBytes = 1024 * 1024;

/**
 * GetAttachment: an attachment's bytes by its AttName (MS-ASCMD, GetAttachment; up to 12.1). Whatever fails is HTTP 500,
 * also what the policy forbids: a phone takes 403 for a word about its account.
 */
export const getAttachment = defineCommand({
  name: 'GetAttachment',
  code: 4,
  until: '12.1',
  read: (): string => {
    throw new CommandError(CommonStatus.InvalidContent, 'a document where there is none');
  },
  readEmpty: ({ attachmentName }): string => {
    if (attachmentName) return attachmentName;
    throw new CommandError(CommonStatus.InvalidContent, 'no AttachmentName');
  },
  run: runGetAttachment,
  write: () => undefined,
  file: (result) => result,
});

async function runGetAttachment(name: string, context: CommandContext): Promise<FileAnswer> {
  const { settings } = context.policy;
  if (settings.AttachmentsEnabled === false) {
    throw new CommandError(CommonStatus.ServerError, 'the policy allows no attachments');
  }
  const found = await findAttachment(name, context.mailbox);
  if (found === undefined) throw new CommandError(CommonStatus.ItemNotFound, 'no such attachment');
  const { size, kept } = await measured(found.open(), context);
  const most = settings.MaxAttachmentSize;
  if (typeof most === 'number' && size > most) {
    throw new CommandError(CommonStatus.AttachmentIsTooLarge, 'larger than the policy allows');
  }
  return { type: found.type, size, open: kept === undefined ? found.open : () => inOne(kept) };
}

/** How long it is decoded, which its message says only roughly; and the bytes, if they are few. */
async function measured(
  bytes: AsyncIterable<Uint8Array>,
  { signal }: CommandContext,
): Promise<{ readonly size: number; readonly kept: Uint8Array | undefined }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    if (signal.aborted) throw new CommandError(CommonStatus.ServerErrorRetryLater, 'the client has gone');
    size += chunk.length;
    if (size <= keptBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return { size, kept: size <= keptBytes ? Buffer.concat(chunks) : undefined };
}

async function* inOne(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
