import type { Item } from '#domain/item';
import { wasSent } from '#domain/send';
import { type OriginalHeader, withOriginal, withThread } from '#mime/append-original';
import { threadIndexOfAnswer } from '#mime/conversation';
import { joined, sizeOf } from '#mime/slices';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { serverIdOf } from '../../ids.ts';
import { isAtLeast } from '../../protocol-version.ts';
import type { RequestLine } from '../../request-line.ts';
import { CommonStatus } from '../../status.ts';
import { ComposeMail } from '../../wbxml/code-pages/compose-mail.ts';
import { RightsManagement } from '../../wbxml/code-pages/rights-management.ts';
import { child, childrenOf, type Element, has, textOf } from '../../wbxml/element.ts';
import { inItsTurn } from '../send-mail/in-its-turn.ts';
import { readClientId, readComposed, refuseAccountId } from '../send-mail/read.ts';
import { submit } from '../send-mail/submit.ts';
import { findSource, readSource, type SourceName, sourceOfLine } from './source.ts';

interface SmartRequest {
  /** None below 14.0. */
  readonly clientId: string | undefined;
  readonly saveInSent: boolean;
  /** Undefined: Forwardees are there in its place. */
  readonly mime: Uint8Array | undefined;
  /** MS-ASCMD, ReplaceMime: nothing of the source is added. */
  readonly replacesMime: boolean;
  readonly source: SourceName;
}

/** How the two differ. */
interface SmartKind {
  readonly files: 'all' | 'pictures';
  /** What it is answered when its source is there and cannot be read. */
  readonly failed: CommonStatus;
  /** MS-ASEMAIL, LastVerbExecuted. */
  readonly verb: (source: Item, recipients: readonly string[], own: readonly string[]) => 1 | 2 | 3;
}

const forward: SmartKind = { files: 'all', failed: CommonStatus.MailSubmissionFailed, verb: () => 3 };
const reply: SmartKind = { files: 'pictures', failed: CommonStatus.MessageReplyFailed, verb: replyVerb };

/** SmartForward: sends a message with one of the mailbox below its text, and all files of that one (MS-ASCMD). */
export const smartForward = defineCommand({
  name: 'SmartForward',
  code: 2,
  read: (body, line) => (hasForwardees(body, line) ? readForwardees(body, line) : readSmart(body, line)),
  readMessage,
  run: (request, context) => runSmart(forward, request, context),
  write: () => undefined,
});

/** SmartReply: sends a message with the one that it replies to below its text (MS-ASCMD). */
export const smartReply = defineCommand({
  name: 'SmartReply',
  code: 3,
  read: readSmart,
  readMessage,
  run: (request, context) => runSmart(reply, request, context),
  write: () => undefined,
});

function readSmart(body: Element, line: RequestLine): SmartRequest {
  const replacesMime = has(body, ComposeMail.ReplaceMime);
  return { ...readComposed(body, line), replacesMime, source: readSource(body) };
}

function readMessage(mime: Uint8Array, line: RequestLine): SmartRequest {
  const { saveInSent } = line;
  return { clientId: undefined, saveInSent, mime, replacesMime: false, source: sourceOfLine(line) };
}

function hasForwardees(body: Element, { protocolVersion }: RequestLine): boolean {
  return isAtLeast(protocolVersion, '16.0') && has(body, ComposeMail.Forwardees);
}

/** MS-ASCMD, Forwardees: the server makes the message, of a meeting. */
function readForwardees(body: Element, line: RequestLine): SmartRequest {
  const { Mime, SaveInSentItems, ReplaceMime, Forwardees, Forwardee, Email } = ComposeMail;
  const excluded = [Mime, SaveInSentItems, ReplaceMime, RightsManagement.TemplateID];
  if (excluded.some((tag) => has(body, tag))) {
    throw new CommandError(CommonStatus.InvalidMimeBodyCombination, 'Forwardees beside a message');
  }
  const forwardees = childrenOf(child(body, Forwardees), Forwardee);
  if (forwardees.length === 0 || forwardees.some((one) => (textOf(one, Email) ?? '') === '')) {
    throw new CommandError(CommonStatus.InvalidSmartForwardParameters, 'a Forwardee without address');
  }
  const clientId = readClientId(body);
  refuseAccountId(body, line);
  return { clientId, saveInSent: false, mime: undefined, replacesMime: false, source: readSource(body) };
}

async function runSmart(kind: SmartKind, request: SmartRequest, context: CommandContext): Promise<void> {
  const { account, device, mailbox } = context;
  const { clientId, saveInSent, mime } = request;
  if (mime?.length === 0) throw new CommandError(CommonStatus.InvalidMIME, 'an empty message');
  const source = await findSource(request.source, mailbox.reader);
  if (source === undefined) {
    // A repeat may come when the source is deleted.
    if (clientId !== undefined && (await wasSent(mailbox.reader, device, clientId))) return;
    throw new CommandError(CommonStatus.ItemNotFound, 'no such message');
  }
  if (mime === undefined) throw new CommandError(CommonStatus.UnexpectedItemClass, 'no meeting');
  if (request.source.isInstance) throw new CommandError(CommonStatus.NoRecurrenceInCalendar, 'no series');
  const isAdded = !request.replacesMime;
  const heldBytes = mime.length + (isAdded ? source.size : 0);
  await inItsTurn(heldBytes, context, async () =>
    submit(
      {
        clientId,
        saveInSent,
        mime: await composed(kind, mime, { source, isAdded }, context),
        // The same words may forward one message after another.
        knownBy: [Buffer.from(`${kind.files} ${source.id}\n`), mime],
        sourceFor: (recipients) => ({
          folder: source.folder,
          item: source.id,
          verb: kind.verb(source, recipients, account.addresses),
        }),
      },
      context,
    ),
  );
}

/** The message that is sent. */
async function composed(
  { files, failed }: SmartKind,
  mime: Uint8Array,
  { source, isAdded }: { readonly source: Item; readonly isAdded: boolean },
  context: CommandContext,
): Promise<Uint8Array> {
  const { services } = context;
  const { clock, random, maxMessageBytes } = services;
  const [randomByte = 0] = random.bytes(1);
  const threadIndex = threadIndexOfAnswer(source, { atMs: clock.now(), randomByte });
  const header = { ...headerOf(source), threadIndex };
  const threaded = Buffer.concat(withThread(mime, header));
  if (!isAdded || threaded.length > maxMessageBytes) return threaded;
  const tooLarge = () =>
    new CommandError(CommonStatus.AttachmentIsTooLarge, 'too large together with its source');
  // What is larger was never accepted, but for what servers write in front of it.
  if (source.size > 2 * maxMessageBytes) throw tooLarge();
  const raw = await readRaw(source, failed, context);
  const boundary = () => `=_${Buffer.from(random.bytes(16)).toString('hex')}`;
  const pieces = await withOriginal(threaded, { raw, header, files, boundary });
  if (sizeOf(pieces) > maxMessageBytes) throw tooLarge();
  return joined(pieces);
}

/** The source as it came. One that cannot be read will not be later: a phone that is told so does not try for ever. */
async function readRaw(
  source: Item,
  failed: CommonStatus,
  { mailbox, log }: CommandContext,
): Promise<Uint8Array> {
  const raw = Buffer.allocUnsafeSlow(source.size);
  let at = 0;
  try {
    for await (const chunk of mailbox.openBody(source)) {
      raw.set(chunk, at);
      at += chunk.length;
    }
  } catch (cause) {
    log.error('activesync.item.unreadable', { err: cause }, { item: serverIdOf(source.folder, source.id) });
    throw new CommandError(failed, 'the source cannot be read', { cause });
  }
  return raw.subarray(0, at);
}

function headerOf({ envelope, receivedMs }: Item): OriginalHeader {
  return { ...envelope, sentMs: envelope.dateMs ?? receivedMs };
}

/** To all, if somebody has it who got the message beside the user. */
function replyVerb({ envelope }: Item, recipients: readonly string[], own: readonly string[]): 1 | 2 {
  const addresses = (list: readonly { readonly address: string }[]) =>
    list.map(({ address }) => address.toLowerCase());
  const authors = addresses([...envelope.from, ...envelope.replyTo]);
  const others = new Set(addresses([...envelope.to, ...envelope.cc]));
  for (const address of [...authors, ...own.map((one) => one.toLowerCase())]) others.delete(address);
  return recipients.some((address) => others.has(address.toLowerCase())) ? 2 : 1;
}
