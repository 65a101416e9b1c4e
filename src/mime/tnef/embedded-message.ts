import { Buffer } from 'node:buffer';
import type { MailAddress } from '../address.ts';
import { decodeTextInside } from '../decode-part.ts';
import { encodeMailbox, encodeText, formatDate, headerBytes } from '../header-edit.ts';
import { declareUtf8 } from '../html.ts';
import { sliceOf } from '../slices.ts';
import { Base64Encoder } from '../transfer-encode.ts';
import { Cursor, TnefError } from './cursor.ts';
import { describeFile, fileLines, isShownInside } from './file.ts';
import { numberOf, type Properties, textOf, timeOf } from './properties.ts';
import { messageId, recipientId, scanTnef, type TnefAttachment, type TnefContent } from './scan.ts';
import { textsOf } from './texts.ts';

/** Gives a stream from its beginning, each time anew. */
type Open = () => AsyncIterable<Uint8Array>;

const eol = '\r\n';
/** A message in a message, so deep; what is deeper is given as it is. */
const maxDepth = 3;
/** So many messages are written anew in all, and what stands in front of them is read for so many bytes. */
const maxMessages = 16;
const maxReadBytes = 96 * 1024 * 1024;
/** To see what is in a message, for its text, and for its files. */
const readings = 3;
/** PidTagRecipientType: the primary ones, and those who get a copy. */
const fields = { 1: 'To', 2: 'Cc' } as const;
/** Who has only a name inside his organisation. */
const noAddress = 'unknown@unknown.invalid';

/**
 * A message that is embedded in another one as TNEF, as the message it was: MIME with its header, its text and its files. Comes
 * out the same each time, in pieces; what is no TNEF is given as it is. Rejects when reading `open` does.
 */
export async function* embeddedMessage(open: Open): AsyncGenerator<Uint8Array, void, void> {
  const content = await contentIn(open);
  if (content === undefined) yield* open();
  else
    yield* writeMessage(content, open, {
      depth: 0,
      start: 0,
      left: { messages: maxMessages, bytes: maxReadBytes },
    });
}

/** Undefined for what is none. */
async function contentIn(open: Open): Promise<TnefContent | undefined> {
  try {
    return await scanTnef(open());
  } catch (error) {
    if (error instanceof TnefError) return undefined;
    throw error;
  }
}

interface Nesting {
  readonly depth: number;
  /** Where the message stands in the outermost one. */
  readonly start: number;
  /** What may still be spent on messages in it. */
  readonly left: { messages: number; bytes: number };
}

async function* writeMessage(
  content: TnefContent,
  open: Open,
  nesting: Nesting,
): AsyncGenerator<Uint8Array, void, void> {
  const boundary = `=_tnef_${nesting.depth}`;
  const text = await textEntity(content, open);
  const lines = [...headerLines(content), `MIME-Version: 1.0${eol}`];
  if (content.attachments.length === 0) {
    yield headerBytes([...lines, ...text.lines], eol);
    yield text.body;
    return;
  }
  yield headerBytes([...lines, `Content-Type: multipart/mixed; boundary="${boundary}"${eol}`], eol);
  yield Buffer.from(`--${boundary}${eol}`);
  yield headerBytes(text.lines, eol);
  yield text.body;
  yield* writeFiles(content.attachments, open, { ...nesting, boundary });
  yield Buffer.from(`${eol}--${boundary}--${eol}`);
}

/** One pass over the stream: the files stand in it in their order. */
async function* writeFiles(
  attachments: readonly TnefAttachment[],
  open: Open,
  { boundary, ...nesting }: Nesting & { readonly boundary: string },
): AsyncGenerator<Uint8Array, void, void> {
  const cursor = new Cursor(open());
  try {
    for (const [n, one] of attachments.entries()) {
      yield Buffer.from(`${eol}--${boundary}${eol}`);
      const inner = one.isMessage ? await innerOf(one, open, nesting) : undefined;
      const file = describeFile({ ...one, isMessage: inner !== undefined }, n + 1);
      yield headerBytes(fileLines({ ...one, ...file, isInline: isShownInside(one) }), eol);
      if (inner !== undefined) {
        yield* writeMessage(inner.content, inner.open, {
          depth: nesting.depth + 1,
          start: nesting.start + one.from,
          left: nesting.left,
        });
        continue;
      }
      const encoder = new Base64Encoder();
      await cursor.skipTo(one.from);
      for await (const piece of cursor.upTo(one.to)) yield encoder.write(piece);
      yield encoder.end();
    }
  } finally {
    await cursor.close();
  }
}

async function innerOf(
  { from, to }: TnefAttachment,
  open: Open,
  { depth, start, left }: Nesting,
): Promise<{ readonly content: TnefContent; readonly open: Open } | undefined> {
  left.messages--;
  left.bytes -= readings * (start + to);
  if (depth >= maxDepth || left.messages < 0 || left.bytes < 0) return undefined;
  const inner: Open = () => sliceOf(open(), from, to);
  const content = await contentIn(inner);
  return content && { content, open: inner };
}

function headerLines({ properties, recipients, subject, codePage }: TnefContent): readonly string[] {
  const text = (id: number) => textOf(properties.get(id), codePage);
  const name = text(messageId.SentRepresentingName) ?? text(messageId.SenderName);
  const address = [
    messageId.SentRepresentingSmtpAddress,
    messageId.SentRepresentingAddress,
    messageId.SenderSmtpAddress,
    messageId.SenderAddress,
  ]
    .map(text)
    .find((one) => one?.includes('@'));
  const from = mailboxOf(name, address);
  const sentMs =
    timeOf(properties.get(messageId.ClientSubmitTime)) ?? timeOf(properties.get(messageId.DeliveryTime));
  const id = text(messageId.InternetMessageId);
  return [
    ...(from === undefined ? [] : [`From: ${encodeMailbox(from, eol)}${eol}`]),
    ...recipientLines(recipients, codePage),
    `Subject: ${encodeText(subject ?? '', eol)}${eol}`,
    ...(sentMs === undefined ? [] : [`Date: ${formatDate(sentMs)}${eol}`]),
    ...(id !== undefined && /^<[!-;=?-~]{1,500}>$/.test(id) ? [`Message-ID: ${id}${eol}`] : []),
  ];
}

function recipientLines(recipients: readonly Properties[], codePage: number): readonly string[] {
  return ([1, 2] as const).flatMap((type) => {
    const list = recipients
      .filter((one) => numberOf(one.get(recipientId.RecipientType)) === type)
      .flatMap((one) => {
        const text = (id: number) => textOf(one.get(id), codePage);
        const address = [text(recipientId.SmtpAddress), text(recipientId.EmailAddress)].find((known) =>
          known?.includes('@'),
        );
        return mailboxOf(text(recipientId.DisplayName), address) ?? [];
      });
    const mailboxes = list.map((one) => encodeMailbox(one, eol)).join(`,${eol} `);
    return list.length === 0 ? [] : [`${fields[type]}: ${mailboxes}${eol}`];
  });
}

function mailboxOf(name: string | undefined, address: string | undefined): MailAddress | undefined {
  if (name === undefined && address === undefined) return undefined;
  // MS-OXTNEF writes the kind of an address in front of it.
  const plain = address?.replace(/^smtp:/i, '').trim();
  return { name: name === plain ? '' : (name ?? ''), address: plain ?? noAddress };
}

/** Its HTML, else its plain text, in base64. */
async function textEntity(
  content: TnefContent,
  open: Open,
): Promise<{ readonly lines: readonly string[]; readonly body: Buffer }> {
  let held: Promise<Buffer> | undefined;
  const read = () => {
    held ??= gathered(sliceOf(open(), 0, content.textsEnd));
    return held;
  };
  const { texts } = await textsOf(content, read);
  const shown = texts.find(({ type }) => type === 'text/html') ?? texts[0];
  const { text: decoded } =
    shown === undefined
      ? { text: '' }
      : await decodeTextInside({ ...shown, encoding: 'binary' }, await read());
  const text = shown?.type === 'text/html' ? declareUtf8(decoded) : decoded;
  const encoder = new Base64Encoder();
  return {
    lines: [
      `Content-Type: ${shown?.type ?? 'text/plain'}; charset=utf-8${eol}`,
      `Content-Transfer-Encoding: base64${eol}`,
    ],
    body: Buffer.concat([encoder.write(Buffer.from(text, 'utf8')), encoder.end()]),
  };
}

async function gathered(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}
