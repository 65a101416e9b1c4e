import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { CommonStatus } from '../../status.ts';
import { inItsTurn } from './in-its-turn.ts';
import { type ComposedMail, readComposed } from './read.ts';
import { submit } from './submit.ts';

/**
 * SendMail: sends a message to mailboxes of this server and to other servers, with a copy in Sent Items if asked for
 * (MS-ASCMD, SendMail).
 * A repeated request is answered as done and does nothing: Android takes any status for a failure, 118 too, and would
 * send again for ever.
 */
export const sendMail = defineCommand({
  name: 'SendMail',
  code: 1,
  read: readComposed,
  readMessage: (mime, line): ComposedMail => ({ clientId: undefined, saveInSent: line.saveInSent, mime }),
  run: runSendMail,
  write: () => undefined,
});

async function runSendMail(message: ComposedMail, context: CommandContext): Promise<void> {
  if (message.mime.length === 0) throw new CommandError(CommonStatus.InvalidMIME, 'an empty message');
  await inItsTurn(message.mime.length, context, () => submit(message, context));
}
