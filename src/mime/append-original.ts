import { Buffer, isAscii } from 'node:buffer';
import { formatAddressList, type MailAddress } from './address.ts';
import { readBody } from './body.ts';
import { formatDate, headerBytes, type RawField, splitMessage } from './header-edit.ts';
import { textToFragment } from './html.ts';
import { MessageIndexer } from './index-message.ts';
import type { MessageAttachment, MessageIndex, MessagePart } from './message-index.ts';
import { openPart } from './open-part.ts';
import { inSlices } from './slices.ts';
import { fileLines } from './tnef/file.ts';
import { withTnef } from './tnef/with-tnef.ts';
import { Base64Encoder } from './transfer-encode.ts';

/** What of the header of a message those that answer it name, decoded. */
export interface OriginalHeader {
  readonly from: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly sentMs: number;
  /** With its angle brackets, like those of `inReplyTo` and `references`. */
  readonly messageId?: string | undefined;
  readonly inReplyTo?: string | undefined;
  readonly references: readonly string[];
  /** Of what answers it. */
  readonly threadIndex?: Uint8Array | undefined;
}

/** What is put into a client's message of the one that it replies to or forwards. */
export interface Addition {
  readonly raw: Uint8Array;
  readonly header: OriginalHeader;
  /** All files, or only the pictures that stand in the text that is added. */
  readonly files: 'all' | 'pictures';
  /** Gives a text that no message holds, another one each time. */
  readonly boundary: () => string;
}

/** A message or part in the making: header lines with their ends, and what stands below them. */
interface Entity {
  readonly lines: readonly string[];
  readonly body: readonly Uint8Array[];
}

/** A range of bytes, and what stands there instead. */
interface Replacement extends Entity {
  readonly part: MessagePart;
}

const eol = '\r\n';
const maxReferences = 50;
/** These say something of the message, not of its content. */
const messageFields = new Set(['content-class', 'content-language']);
const replacedFields = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-md5',
  'content-length',
]);

/** A client's message with the fields by which it belongs to the thread of `original`, where it has none. RFC 5322 §3.6.4. */
export function withThread(raw: Uint8Array, original: OriginalHeader): readonly Uint8Array[] {
  const { fields, eol: ownEol, body } = splitMessage(raw);
  const lines = fields.map(({ line }) => line);
  return [headerBytes([...lines, ...threadLines(fields, original, ownEol)], ownEol), body];
}

function threadLines(
  fields: readonly RawField[],
  { messageId = '', inReplyTo = '', references, threadIndex }: OriginalHeader,
  ownEol: string,
): readonly string[] {
  const has = (wanted: string) => fields.some(({ name }) => name === wanted);
  const index =
    threadIndex === undefined || has('thread-index')
      ? []
      : [`Thread-Index: ${Buffer.from(threadIndex).toString('base64')}${ownEol}`];
  if (!isMessageId(messageId)) return index;
  const before = references.length > 0 ? references : [inReplyTo];
  const chain = before.filter(isMessageId).slice(-maxReferences);
  return [
    ...index,
    ...(has('in-reply-to') ? [] : [`In-Reply-To: ${messageId}${ownEol}`]),
    ...(has('references') ? [] : [`References: ${[...chain, messageId].join(`${ownEol} `)}${ownEol}`]),
  ];
}

function isMessageId(text: string): boolean {
  return /^<[!-;=?-~]{1,500}>$/.test(text);
}

/**
 * A client's message with another one below its text: in its plain text and in its HTML, whichever it has, under lines that
 * say whose it was, and with the files asked for as they stand in it (MS-ASCMD, SmartReply, SmartForward). The client's other
 * parts keep their bytes. What is signed or encrypted is given back as it is. Never throws on broken input.
 */
export async function withOriginal(raw: Uint8Array, addition: Addition): Promise<readonly Uint8Array[]> {
  const own = await indexOf(raw);
  if (isSealed(own)) return [raw];
  const original = await withTnef(await indexOf(addition.raw), (start, end) =>
    inSlices([addition.raw.subarray(start, end)]),
  );
  const entitiesOf = (some: readonly MessagePart[]) => filesAsParts(some, original, addition.raw);
  const targets = targetsOf(own);
  const html = targets.html && (await textOf(original, 'html', addition.raw));
  const pictures = html === undefined ? [] : picturesIn(html, original);
  const replacements: Replacement[] = [];
  if (targets.plain) {
    const text =
      (await textOf(onlyPart(targets.plain), 'plain', raw)) + (await quotedText(original, addition));
    replacements.push({ part: targets.plain, ...textEntity('plain', text, keptLines(targets.plain, raw)) });
  }
  if (targets.html && html !== undefined) {
    const text = joinHtml(
      await textOf(onlyPart(targets.html), 'html', raw),
      quotedHtml(html, addition.header),
    );
    const kept = keptLines(targets.html, raw);
    const entity =
      pictures.length === 0
        ? textEntity('html', text, kept)
        : multipart('related', addition.boundary(), [
            { lines: kept, body: [] },
            textEntity('html', text, []),
            ...(await entitiesOf(pictures)),
          ]);
    replacements.push({ part: targets.html, ...entity });
  }
  const files =
    addition.files === 'all' ? original.attachments.flatMap(({ part }) => original.parts[part] ?? []) : [];
  const lead =
    replacements.length === 0 ? [textEntity('plain', await quotedText(original, addition), [])] : [];
  const others = await entitiesOf(files.filter((part) => !pictures.includes(part)));
  return assemble(raw, replacements, { lead, others, boundary: addition.boundary });
}

/** Puts the replacements into the message, and what is added beside it into a multipart around it. */
function assemble(
  raw: Uint8Array,
  replacements: readonly Replacement[],
  added: {
    readonly lead: readonly Entity[];
    readonly others: readonly Entity[];
    readonly boundary: () => string;
  },
): readonly Uint8Array[] {
  const { fields, body } = splitMessage(raw);
  const ofContent = fields.filter(({ name }) => name.startsWith('content-') && !messageFields.has(name));
  const isOfContent = new Set(ofContent);
  const top = fields.filter((field) => !isOfContent.has(field)).map(({ line }) => line);
  const root = replacements.find(({ part }) => part.parent < 0);
  const content: Entity = root ?? {
    lines: ofContent.map(({ line }) => line),
    body: spliced(raw, raw.length - body.length, replacements),
  };
  const { lead, others, boundary } = added;
  const whole =
    lead.length + others.length === 0
      ? content
      : multipart('mixed', boundary(), [{ lines: [], body: [] }, ...lead, content, ...others]);
  return [headerBytes([...top, ...whole.lines], eol), ...whole.body];
}

function spliced(raw: Uint8Array, from: number, replacements: readonly Replacement[]): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let position = from;
  for (const { part, ...entity } of [...replacements].sort((a, b) => a.part.start - b.part.start)) {
    pieces.push(raw.subarray(position, part.headerStart), ...bytesOf(entity));
    position = part.end;
  }
  return [...pieces, raw.subarray(position)];
}

/** A multipart of all entities but the first, whose lines stand in its header. */
function multipart(
  kind: 'mixed' | 'related',
  boundary: string,
  [outer, ...parts]: readonly [Entity, ...Entity[]],
): Entity {
  const pieces = parts.flatMap((part, n) => [
    Buffer.from(`${n === 0 ? '' : eol}--${boundary}${eol}`),
    ...bytesOf(part),
  ]);
  const type = kind === 'related' ? ' type="text/html";' : '';
  const is8bit = pieces.some((piece) => !isAscii(piece));
  return {
    lines: [
      ...outer.lines,
      `Content-Type: multipart/${kind};${type}${eol}\tboundary="${boundary}"${eol}`,
      ...(is8bit ? [`Content-Transfer-Encoding: 8bit${eol}`] : []),
    ],
    body: [...pieces, Buffer.from(`${eol}--${boundary}--${eol}`)],
  };
}

function bytesOf({ lines, body }: Entity): readonly Uint8Array[] {
  return [headerBytes(lines, eol), ...body];
}

/** Base64: no line of it can be taken for a delimiter of the client's. */
function textEntity(subtype: 'plain' | 'html', text: string, kept: readonly string[]): Entity {
  const encoder = new Base64Encoder();
  return {
    lines: [
      ...kept,
      `Content-Type: text/${subtype}; charset=utf-8${eol}`,
      `Content-Transfer-Encoding: base64${eol}`,
    ],
    body: [encoder.write(Buffer.from(text, 'utf8')), encoder.end()],
  };
}

/** A part as it stands in its message; of a message that is one part only what speaks of its content. */
function partOf(part: MessagePart, raw: Uint8Array): Entity {
  const { fields, body } = splitMessage(raw.subarray(part.headerStart, part.end));
  const ofContent = fields.filter(({ name }) => name.startsWith('content-') && !messageFields.has(name));
  return { lines: ofContent.map(({ line }) => line), body: [body] };
}

/** What the header of a text says beside how it is written, such as its Content-ID. */
function keptLines(part: MessagePart, raw: Uint8Array): readonly string[] {
  return partOf(part, raw).lines.filter(
    (line) => !replacedFields.has(line.slice(0, line.indexOf(':')).trimEnd().toLowerCase()),
  );
}

async function indexOf(raw: Uint8Array): Promise<MessageIndex> {
  const indexer = new MessageIndexer();
  for await (const slice of inSlices([raw])) indexer.write(slice);
  return indexer.end();
}

async function filesAsParts(
  files: readonly MessagePart[],
  original: MessageIndex,
  raw: Uint8Array,
): Promise<readonly Entity[]> {
  const entities: Entity[] = [];
  for (const part of files) entities.push(await fileOf(part, original, raw));
  return entities;
}

/** A file of the original as a part: what stands in TNEF becomes one of its own. */
async function fileOf(
  part: MessagePart,
  { parts, attachments }: MessageIndex,
  raw: Uint8Array,
): Promise<Entity> {
  const attachment = attachments.find((one) => parts[one.part] === part);
  if (part.inside === undefined || attachment === undefined) return partOf(part, raw);
  const encoder = attachment.method === 5 ? undefined : new Base64Encoder();
  const body: Uint8Array[] = [];
  for await (const piece of openPart(part, (start, end) => inSlices([raw.subarray(start, end)]))) {
    body.push(encoder?.write(piece) ?? piece);
  }
  return { lines: fileLines(attachment), body: encoder ? [...body, encoder.end()] : body };
}

/** Its text cannot be changed: a signature covers it, or nobody here can read it. */
function isSealed({ parts, text, html }: MessageIndex): boolean {
  const isSigned = (at: number): boolean => {
    const { type = '', parent = -1 } = parts[at] ?? {};
    return sealedType.test(type) || (parent >= 0 && isSigned(parent));
  };
  return [0, ...text, ...html].some(isSigned);
}

const sealedType = /^(?:multipart\/(?:signed|encrypted)|application\/(?:x-)?pkcs7-mime)$/;

/** The parts that what is added goes below: the last of each kind, the plain one only if it is not read with the HTML. */
function targetsOf({ parts, text, html }: MessageIndex): {
  readonly plain: MessagePart | undefined;
  readonly html: MessagePart | undefined;
} {
  const isOf = (type: string) => (at: number) => parts[at]?.type === type;
  const plain = text.filter(isOf('text/plain')).findLast((at) => !html.includes(at));
  const rich = html.findLast(isOf('text/html'));
  return {
    plain: plain === undefined ? undefined : parts[plain],
    html: rich === undefined ? undefined : parts[rich],
  };
}

type TextIndex = Pick<MessageIndex, 'parts' | 'text' | 'html'>;

function onlyPart(part: MessagePart): TextIndex {
  return part.type === 'text/html'
    ? { parts: [part], text: [], html: [0] }
    : { parts: [part], text: [0], html: [] };
}

async function textOf(index: TextIndex, kind: 'plain' | 'html', raw: Uint8Array): Promise<string> {
  const { text } = await readBody(index, kind, async ({ start, end }) => raw.subarray(start, end));
  return text;
}

/** The pictures that a text shows by their Content-ID. RFC 2392. */
function picturesIn(html: string, { parts, attachments }: MessageIndex): MessagePart[] {
  // Some programs do not say what their pictures are.
  const pictures = attachments.filter(
    ({ type, isInline }) => type.startsWith('image/') || (isInline && type === 'application/octet-stream'),
  );
  const idsOf = ({ contentId = '' }: MessageAttachment) => [
    contentId,
    encodeURIComponent(contentId.toWellFormed()),
  ];
  const wanted = new Set(pictures.flatMap(idsOf));
  const shown = new Set<string>();
  for (const [, id = ''] of html.matchAll(/\bcid:([^\s"'<>)]{1,500})/gi)) if (wanted.has(id)) shown.add(id);
  return pictures
    .filter((picture) => idsOf(picture).some((id) => shown.has(id)))
    .flatMap(({ part }) => parts[part] ?? []);
}

async function quotedText(original: MessageIndex, { raw, header }: Addition): Promise<string> {
  const lines = ['', '', '-----Original Message-----', ...headLines(header), '', ''];
  return lines.join(eol) + (await textOf(original, 'plain', raw));
}

function quotedHtml(html: string, header: OriginalHeader): string {
  // Only one document can be around both.
  const inner = html.replace(/<(?:!doctype|\/?(?:html|head|body))\b[^<>]{0,1000}>/gi, '');
  return `<br><hr>${textToFragment(headLines(header).join(eol))}<br>${eol}${inner}`;
}

function headLines({ from, to, cc, subject, sentMs }: OriginalHeader): readonly string[] {
  return [
    `From: ${formatAddressList(from)}`,
    `Sent: ${formatDate(sentMs)}`,
    `To: ${formatAddressList(to)}`,
    ...(cc.length > 0 ? [`Cc: ${formatAddressList(cc)}`] : []),
    `Subject: ${subject}`,
  ];
}

function joinHtml(own: string, added: string): string {
  let end = own.length;
  for (const { index } of own.matchAll(/<\/body\b/gi)) end = index;
  return own.slice(0, end) + added + own.slice(end);
}
