/** MS-ASCMD, Sync: the client's changes and ours, at once or when there are any. */
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { isAtLeast } from '../../protocol-version.ts';
import { CommonStatus } from '../../status.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { type Element, el } from '../../wbxml/element.ts';
import { completed, keep, repeated } from './cached.ts';
import { everyCollectionAnswered, serveForVersion } from './old-versions.ts';
import { type CollectionRequest, largestWindow, readSync, SyncError, type SyncRequest } from './read.ts';
import { waitForChanges } from './wait.ts';

/** An answer is cut at about so many bytes; more is available then. Phones give up on long ones. */
const answerBytes = 4 * 1024 * 1024;

type Read = SyncRequest | SyncError | 'repeat';

export const sync = defineCommand({
  name: 'Sync',
  code: 0,
  quarantine: 'served',
  // What is repeated or completed may be one that waited.
  waits: (read: Read) => read === 'repeat' || (!(read instanceof SyncError) && mayWait(read)),
  read: (body, line): Read => orError(() => readSync(body, line.protocolVersion)),
  readEmpty: (line): Read => {
    // MS-ASCMD, Empty Sync Request: since 12.1.
    if (isAtLeast(line.protocolVersion, '12.1')) return 'repeat';
    throw new CommandError(CommonStatus.InvalidContent, 'no body');
  },
  run: (request, context) => run(request, context),
  write: (result) => (result instanceof SyncError ? errorElement(result) : result),
});

/** What brings drafts holds its bytes until they are stored, and is answered at once. */
function mayWait({ partial, waitSeconds, collections }: SyncRequest): boolean {
  const hasDrafts = collections.some(({ commands }) => commands.some((one) => 'written' in one));
  return (partial || waitSeconds > 0) && !hasDrafts;
}

function orError<T>(read: () => T): T | SyncError {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyncError) {
      return error;
    }
    throw error;
  }
}

async function run(read: Read, context: CommandContext): Promise<Element | SyncError | undefined> {
  if (read instanceof SyncError) {
    return read;
  }
  try {
    const request = read === 'repeat' ? await repeated(context) : await completed(read, context);
    if (read !== 'repeat') {
      await keep(request, context);
    }
    return await serve(request, context);
  } catch (error) {
    if (error instanceof SyncError) {
      return error;
    }
    throw error;
  }
}

async function serve(request: SyncRequest, context: CommandContext): Promise<Element | undefined> {
  if (request.waitSeconds === 0 || request.collections.some(({ commands }) => commands.length > 0)) {
    return serveOnce(request, context, false);
  }
  return waitForChanges(request, context, (hasWaited) => serveOnce(request, context, hasWaited));
}

/** Serves the collections in their order until the window or the answer is full. */
async function serveOnce(
  request: SyncRequest,
  context: CommandContext,
  hasWaited: boolean,
): Promise<Element | undefined> {
  const elements: Element[] = [];
  let window = request.windowSize ?? largestWindow;
  let bytes = answerBytes;
  for (const collection of request.collections) {
    const hasRoom = window > 0 && bytes > 0;
    if (!hasRoom && !asksMore(collection) && !everyCollectionAnswered(context.version)) {
      continue;
    }
    const answer = await serveForVersion(
      hasRoom ? collection : { ...collection, getChanges: false },
      context,
      {
        windowSize: Math.max(1, Math.min(window, collection.windowSize)),
        bytes,
        hasWaited,
        isPutOff: collection.getChanges && !hasRoom,
      },
    );
    window -= answer.changes;
    bytes -= answer.bytes;
    if (answer.element !== undefined) {
      elements.push(answer.element);
    }
  }
  return elements.length === 0 ? undefined : el(AirSync.Sync, el(AirSync.Collections, ...elements));
}

/** Whether something is asked for beside changes; Options are in force from now on, and need not be sent again. */
function asksMore({ commands, syncKey, options, byConversation }: CollectionRequest): boolean {
  return commands.length > 0 || syncKey === '0' || options !== undefined || byConversation !== undefined;
}

function errorElement({ status, limit }: SyncError): Element {
  return el(
    AirSync.Sync,
    el(AirSync.Status, status),
    limit === undefined ? undefined : el(AirSync.Limit, limit),
  );
}
