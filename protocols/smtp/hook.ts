import type { SMTPServerSession } from 'smtp-server';
import { DomainError } from '#domain/errors';
import type { Logger } from '#telemetry/log';
import { isUtf8 } from './envelope.ts';
import { type Reply, ReplyError, replyTo } from './reply.ts';

type Done = (error?: Error | null, text?: string) => void;

/**
 * hook turns an async function into a hook of smtp-server: what it gives is the text of the positive reply, what it throws
 * becomes the reply of replyTo(). The library alone would answer a bare Error with a permanent 550 that shows its message.
 * `onRefusal` hears of every refusal; what nobody foresaw is logged in full.
 */
export function hook<Given>(
  log: Logger,
  work: (given: Given, session: SMTPServerSession) => Promise<string | undefined>,
  onRefusal: (reply: Reply, given: Given, session: SMTPServerSession, reason: string) => void,
): (given: Given, session: SMTPServerSession, done: Done) => void {
  return (given, session, done) => {
    const run = async (): Promise<readonly [Error | null, string | undefined]> => {
      try {
        return [null, await work(given, session)];
      } catch (error) {
        const reply = replyTo(error, isUtf8(session.envelope));
        if (!(error instanceof DomainError || error instanceof ReplyError)) {
          log.error('smtp.hook.failed', { err: error }, { connection: session.id });
        }
        onRefusal(reply, given, session, error instanceof DomainError ? error.code : reply.text);
        return [libraryError(reply), undefined];
      }
    };
    void run().then((outcome) => done(...outcome));
  };
}

/** What smtp-server makes this reply of. */
export function libraryError({ code, enhanced, text }: Reply): Error {
  return Object.assign(new Error(`${enhanced} ${text}`), { responseCode: code });
}
