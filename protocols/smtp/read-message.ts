import type { SMTPServerDataStream } from 'smtp-server';
import type { IncomingMessage } from '#domain/incoming';
import type { LineEnds } from '#mime/line-ends';
import { ContentCheck } from './content-check.ts';
import { ReplyError } from './reply.ts';

/** Changes the header of a message as it passes; what goes on may be less or more than what came. */
interface HeaderFilter {
  write(chunk: Uint8Array): Passed | Promise<Passed>;
  /** What is left at the end. */
  end(): Passed | Promise<Passed>;
}

/** What recipients get, and what the sender keeps, if that is something else. */
interface Passed {
  readonly outgoing: Uint8Array;
  readonly kept?: Uint8Array;
}

/**
 * Reads DATA up to its end, whatever becomes of it, and writes it into the message, by way of `header` if there is one.
 * Throws what is wrong with it, and has aborted the message then.
 */
export async function readMessage(
  stream: SMTPServerDataStream,
  message: IncomingMessage,
  header?: HeaderFilter,
): Promise<void> {
  try {
    const fault = await writeAll(stream, message, header);
    if (fault !== undefined) throw fault;
  } catch (error) {
    await message.abort();
    throw isLostConnection(error) ? new ReplyError(421, '4.4.2', 'Connection lost') : error;
  }
}

/** After a fault reads on to the end, and gives the fault. */
async function writeAll(
  stream: SMTPServerDataStream,
  message: IncomingMessage,
  header: HeaderFilter | undefined,
): Promise<unknown> {
  const check = new ContentCheck();
  const pass = async ({ outgoing, kept }: Passed, lineEnds?: LineEnds) => {
    if (outgoing.length > 0) await message.write(outgoing, kept, lineEnds);
  };
  let fault: unknown;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (fault !== undefined) continue;
    try {
      const lineEnds = check.write(chunk);
      const passed = header === undefined ? { outgoing: chunk } : await header.write(chunk);
      await pass(passed, passed.outgoing === chunk ? lineEnds : undefined);
    } catch (error) {
      fault = error;
      await message.abort();
    }
  }
  if (fault === undefined && header !== undefined) await pass(await header.end());
  return fault;
}

function isLostConnection(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNECTION' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
