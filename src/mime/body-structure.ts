import { attachmentName } from './attachment-name.ts';
import type { MessageAttachment } from './message-index.ts';
import { isMessageType } from './part-header.ts';
import { isReadableText } from './readable-text.ts';
import type { ScannedPart } from './scanned-part.ts';

/** Which parts are read and which are files. */
export interface BodyStructure {
  readonly text: number[];
  readonly html: number[];
  readonly attachments: MessageAttachment[];
  readonly calendar?: number;
}

/** What a part found its way into: bodies by kind, and the rest. */
interface Found {
  readonly text: number[];
  readonly html: number[];
  readonly files: number[];
}

/**
 * Sorts the parts of a message into plain body, HTML body and attachments, as RFC 8621 §4.1.4
 * suggests, except that media between texts are always attachments, too. What stands inside an
 * embedded message belongs to that message.
 */
export function bodyStructure(
  parts: readonly ScannedPart[],
  embeddedSubjects: ReadonlyMap<number, string>,
): BodyStructure {
  const children = childrenOf(parts);
  const found: Found = { text: [], html: [], files: [] };
  const root = parts[0];
  if (root !== undefined)
    sortPart(0, { parts, children }, found, { multipart: 'mixed', inAlternative: false });
  const html = found.html.some((index) => parts[index]?.header.type === 'text/html') ? found.html : [];
  const calendar = parts.findIndex(
    (part, index) => part.header.type === 'text/calendar' && !isInsideMessage(parts, index),
  );
  const texts = found.text.filter((index) => parts[index]?.header.type !== 'text/html');
  // RFC 6047 §2.4: an invitation may be a calendar alone, with its words in it.
  const isCalendarAlone =
    texts.length + html.length === 0 && calendar >= 0 && parts[calendar]?.header.disposition !== 'attachment';
  const text = isCalendarAlone ? [calendar] : texts;
  const attachments = found.files.map((part, order) =>
    describe(parts, part, order, html.length > 0, embeddedSubjects.get(part)),
  );
  return calendar < 0 ? { text, html, attachments } : { text, html, attachments, calendar };
}

interface Tree {
  readonly parts: readonly ScannedPart[];
  readonly children: readonly (readonly number[])[];
}

interface Place {
  /** The subtype of the multipart around the part. */
  readonly multipart: string;
  readonly inAlternative: boolean;
}

function sortPart(index: number, tree: Tree, found: Found, place: Place): void {
  const part = tree.parts[index];
  if (part === undefined) return;
  const children = tree.children[index] ?? [];
  if (part.header.type.startsWith('multipart/')) {
    if (children.length > 0) sortMultipart(part, children, tree, found, place);
    // RFC 2046 §5.1.1 forbids a multipart without parts: its boundary is wrong. Show what is there.
    else if (part.parent < 0) found.text.push(index);
    else if (part.end > part.start) found.files.push(index);
    return;
  }
  if (!isBodyPart(index, part, tree, place)) {
    if (!isSpareAlternative(part, tree, place)) found.files.push(index);
    return;
  }
  if (part.header.type === 'text/html') found.html.push(index);
  else addPlain(index, found, place);
}

/** Outside an alternative a plain text is part of both bodies; inside it is the plain one only. */
function addPlain(index: number, found: Found, place: Place): void {
  found.text.push(index);
  if (!place.inAlternative) found.html.push(index);
}

function sortMultipart(
  part: ScannedPart,
  children: readonly number[],
  tree: Tree,
  found: Found,
  place: Place,
): void {
  const multipart = part.header.type.slice('multipart/'.length);
  const before = { text: found.text.length, html: found.html.length };
  for (const child of children) {
    sortPart(child, tree, found, {
      multipart,
      inAlternative: place.inAlternative || multipart === 'alternative',
    });
  }
  if (multipart !== 'alternative' || place.inAlternative) return;
  // An alternative that has only one of the two kinds: it serves for both (RFC 8621 §4.1.4).
  const text = found.text.slice(before.text);
  const html = found.html.slice(before.html);
  if (html.length === 0) found.html.push(...text);
}

/** Whether a leaf is shown as (part of) the body rather than listed as a file. */
function isBodyPart(index: number, part: ScannedPart, tree: Tree, place: Place): boolean {
  if (!isReadableText(part.header.type)) return false;
  // Beside a better form of the same it is none.
  if (place.multipart === 'alternative' && !isPlainOrHtml(part.header.type)) return false;
  if (part.header.disposition === 'attachment') return false;
  const siblings = tree.children[part.parent] ?? [index];
  // RFC 2387 §3.2: only the root of a related is shown, the others are what it refers to.
  if (place.multipart === 'related') return isRelatedRoot(index, siblings, tree);
  if (place.multipart === 'report' || place.multipart === 'signed' || place.multipart === 'encrypted') {
    return siblings[0] === index;
  }
  // RFC 8621 §4.1.4: the first text is the body even when it has a file name; a later one with a name is a file.
  return siblings[0] === index || part.header.filename === undefined;
}

/** A further rendering of the same text (AMP, enriched): of no use as a file beside one that is shown. */
function isSpareAlternative(part: ScannedPart, tree: Tree, place: Place): boolean {
  if (
    place.multipart !== 'alternative' ||
    part.header.disposition !== undefined ||
    part.header.filename !== undefined
  )
    return false;
  if (!part.header.type.startsWith('text/') || part.header.type === 'text/calendar') return false;
  return (tree.children[part.parent] ?? []).some((sibling) =>
    /^text\/(?:plain|html)$/.test(tree.parts[sibling]?.header.type ?? ''),
  );
}

function isPlainOrHtml(type: string): boolean {
  return type === 'text/plain' || type === 'text/html';
}

function isRelatedRoot(index: number, siblings: readonly number[], tree: Tree): boolean {
  const parent = tree.parts[tree.parts[index]?.parent ?? -1];
  const start = parent?.header.params.get('start')?.replace(/^<|>$/g, '');
  const named = start
    ? siblings.find((sibling) => tree.parts[sibling]?.header.contentId === start)
    : undefined;
  return index === (named ?? siblings[0]);
}

function describe(
  parts: readonly ScannedPart[],
  index: number,
  order: number,
  hasHtml: boolean,
  subject: string | undefined,
): MessageAttachment {
  const part = parts[index];
  const type = part?.header.type ?? 'application/octet-stream';
  const parent = parts[part?.parent ?? -1];
  const isRelated = parent?.header.type === 'multipart/related';
  const isInline =
    hasHtml &&
    part?.header.disposition !== 'attachment' &&
    (part?.header.contentId !== undefined || part?.header.contentLocation !== undefined)
      ? isRelated || part.header.disposition === 'inline' || type.startsWith('image/')
      : isRelated && hasHtml && part?.header.contentId !== undefined;
  return {
    part: index,
    name: attachmentName(type, part?.header.filename, subject, order + 1),
    type,
    size: part?.size ?? 0,
    method: isMessageType(type) ? 5 : 1,
    isInline,
    isCalendar: type === 'text/calendar',
    ...(part?.header.contentId === undefined ? {} : { contentId: part.header.contentId }),
    ...(part?.header.contentLocation === undefined ? {} : { contentLocation: part.header.contentLocation }),
  };
}

function childrenOf(parts: readonly ScannedPart[]): number[][] {
  const children: number[][] = parts.map(() => []);
  parts.forEach((part, index) => {
    children[part.parent]?.push(index);
  });
  return children;
}

function isInsideMessage(parts: readonly ScannedPart[], index: number): boolean {
  for (let at = parts[index]?.parent ?? -1; at >= 0; at = parts[at]?.parent ?? -1) {
    if (isMessageType(parts[at]?.header.type ?? '')) return true;
  }
  return false;
}
