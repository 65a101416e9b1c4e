import type { Buffer } from 'node:buffer';
import { readBody } from '../body.ts';
import type { MessageAttachment, MessageIndex, MessagePart } from '../message-index.ts';
import { contentOfPart, type ReadRange } from '../open-part.ts';
import { previewOfHtml, previewOfText } from '../preview.ts';
import { decodeTransfer } from '../transfer.ts';
import { TnefError } from './cursor.ts';
import { describeFile, isShownInside } from './file.ts';
import { meetingClassOf, meetingIn } from './meeting.ts';
import { scanTnef, type TnefContent } from './scan.ts';
import { type TnefText, textsOf } from './texts.ts';

/** So many streams of one message are looked into. */
const maxStreams = 4;
/** Of a message with more parts nothing is: all of them share a row. */
const maxParts = 200;
/** Texts that are longer say something, though no preview can be made of them. */
const blankBytes = 64;
/** Bytes of a text that a preview is made of. */
const previewSourceBytes = 16 * 1024;

/** A stream that was read: what is in it, and what of that a message is to show. */
interface Stream {
  readonly part: number;
  readonly content: TnefContent;
  readonly texts: readonly TnefText[];
  /** Everything in it can be shown. */
  readonly isWhole: boolean;
}

/**
 * The index of a message with what is in its TNEF (winmail.dat; MS-OXTNEF): the files stand in the place of it, and a message
 * without a text of its own has that of the TNEF, and the class of a meeting that only the TNEF is about. What cannot be read, or
 * shown whole, stays a file. The same index for a message without TNEF, at once. `read` gives bytes of the raw message; rejects when it does.
 */
export async function withTnef(index: MessageIndex, read: ReadRange): Promise<MessageIndex> {
  const candidates = index.attachments.filter(isTnef).slice(0, maxStreams);
  if (candidates.length === 0 || index.parts.length > maxParts) return index;
  const isTextWanted = !hasText(index);
  let isTextFound = false;
  const streams: Stream[] = [];
  for (const { part } of candidates) {
    const stream = await readStream(index, part, read, isTextWanted && !isTextFound);
    if (stream === undefined) continue;
    isTextFound ||= stream.texts.length > 0;
    streams.push(stream);
  }
  // What nothing would be seen of stays a file.
  const isSeen = ({ content, texts }: Stream) => content.attachments.length + texts.length > 0;
  const shown = streams.filter((one) => !isTextWanted || isSeen(one));
  const whole = withClass(index, streams);
  return shown.length === 0 ? whole : await expanded(whole, shown, read);
}

function isTnef({ type, name }: MessageAttachment): boolean {
  return /^application\/(?:vnd\.)?ms-tnef$/.test(type) || /^winmail\.dat$/i.test(name);
}

/** A calendar of its own says more. */
function withClass(index: MessageIndex, streams: readonly Stream[]): MessageIndex {
  if (index.messageClass !== 'IPM.Note' || index.calendar !== undefined) return index;
  const about = streams.find(({ content }) => meetingIn(content) !== undefined);
  const messageClass = about && meetingClassOf(about.content);
  return messageClass === undefined ? index : { ...index, messageClass };
}

function hasText({ parts, text, html, preview }: MessageIndex): boolean {
  return preview !== '' || [...text, ...html].some((at) => (parts[at]?.size ?? 0) > blankBytes);
}

/** Undefined for what cannot be read. */
async function readStream(
  { parts }: MessageIndex,
  at: number,
  read: ReadRange,
  isTextWanted: boolean,
): Promise<Stream | undefined> {
  const part = parts[at];
  if (part === undefined || part.start >= part.end) return undefined;
  let sourceBytes = 0;
  const counted = async function* () {
    for await (const piece of read(part.start, part.end)) {
      sourceBytes += piece.length;
      yield piece;
    }
  };
  try {
    const content = await scanTnef(decodeTransfer(part.encoding, counted()), () => sourceBytes);
    const held = () => bytesUpToTexts(part, content, read);
    const { texts, isWhole } = isTextWanted ? await textsOf(content, held) : { texts: [], isWhole: true };
    return { part: at, content, texts, isWhole: isWhole && content.isWhole };
  } catch (error) {
    if (error instanceof TnefError) return undefined;
    throw error;
  }
}

function bytesUpToTexts(
  { encoding, start }: MessagePart,
  { textsEnd, sourceBytes }: TnefContent,
  read: ReadRange,
): Promise<Buffer> {
  return contentOfPart(
    { encoding, start, end: start + sourceBytes, inside: { from: 0, to: textsEnd } },
    read,
  );
}

async function expanded(
  index: MessageIndex,
  streams: readonly Stream[],
  read: ReadRange,
): Promise<MessageIndex> {
  const parts = [...index.parts];
  const [text, html]: [number[], number[]] = [[...index.text], [...index.html]];
  for (const { part, content, texts } of streams) {
    if (texts.length > 0) text.length = html.length = 0;
    for (const one of texts) {
      (one.type === 'text/html' ? html : text).push(parts.length);
      parts.push(textPart(parts, part, content, one));
    }
  }
  const byPart = new Map(streams.map((stream) => [stream.part, stream]));
  const attachments = index.attachments.flatMap((attachment) => {
    const stream = byPart.get(attachment.part);
    if (stream === undefined) return [attachment];
    const files = filesOf(stream, parts, html.length > 0);
    return stream.isWhole ? files : [attachment, ...files];
  });
  const whole = { ...index, parts, text, html, attachments };
  const hasNewText = streams.some(({ texts }) => texts.length > 0);
  return hasNewText ? { ...whole, preview: await previewOf(whole, read) } : whole;
}

/** It is read up to its end only. */
function textPart(
  parts: readonly MessagePart[],
  at: number,
  { sourceBytes }: TnefContent,
  { type, charset, inside }: TnefText,
): MessagePart {
  const { path, encoding, start, headerStart } = parts[at] ?? noPart;
  const size = inside.to - inside.from;
  return {
    path: `${path}.0.0`,
    type,
    encoding,
    headerStart,
    start,
    end: start + sourceBytes,
    lines: 0,
    size,
    parent: at,
    inside,
    ...(charset === undefined ? {} : { charset }),
  };
}

/** No part of a message has a 0 in its path, so that these are never taken for one: `2.0.1` is the first file in part 2. */
function filesOf(
  { part, content }: Stream,
  parts: MessagePart[],
  hasHtml: boolean,
): readonly MessageAttachment[] {
  const { path, encoding, start, end, headerStart } = parts[part] ?? noPart;
  return content.attachments.map((one, n) => {
    const { name, type } = describeFile(one, n + 1);
    const { from, to, contentId, contentLocation, isMessage } = one;
    const bytes = to - from;
    const size = isMessage ? Math.ceil(bytes * messageGrowth) : bytes;
    const inside = isMessage ? ({ from, to, form: 'message' } as const) : { from, to };
    const place = { path: `${path}.0.${n + 1}`, encoding, headerStart, start, end, lines: 0, parent: part };
    parts.push({ ...place, type, size, inside });
    return {
      part: parts.length - 1,
      name,
      type,
      size,
      method: isMessage ? 5 : 1,
      isInline: hasHtml && isShownInside(one),
      isCalendar: false,
      ...(contentId === undefined ? {} : { contentId }),
      ...(contentLocation === undefined ? {} : { contentLocation }),
    };
  });
}

/** About how much longer a message is in MIME than in TNEF. */
const messageGrowth = 1.4;

const noPart: MessagePart = {
  path: '',
  type: 'application/ms-tnef',
  encoding: '7bit',
  headerStart: 0,
  start: 0,
  end: 0,
  lines: 0,
  size: 0,
  parent: -1,
};

async function previewOf(index: MessageIndex, read: ReadRange): Promise<string> {
  const kind = index.text.length > 0 ? 'plain' : 'html';
  const readPart = async ({ start, end }: { readonly start: number; readonly end: number }) => {
    const inFront = { encoding: '7bit', start, end, inside: undefined };
    return await contentOfPart(inFront, read);
  };
  const { text } = await readBody(index, kind, readPart, previewSourceBytes);
  return kind === 'html' ? previewOfHtml(text) : previewOfText(text);
}
