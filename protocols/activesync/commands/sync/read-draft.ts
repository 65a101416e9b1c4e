/** What a client writes of a draft (16.0): ApplicationData of an Add or a Change, read. MS-ASEMAIL, Send; MS-ASAIRS, Attachments. */
import { createHash, type Hash } from 'node:crypto';
import type { AddedFile, DraftChange } from '#domain/draft';
import type { ItemId } from '#domain/ids';
import type { MarksChange } from '#domain/mailbox';
import { type MailAddress, parseAddressList } from '#mime/address';
import { BodyType } from '../../classes/body-options.ts';
import { readMarks } from '../../classes/email.ts';
import { InvalidPropertyError } from '../../classes/email-flag.ts';
import { parseFileReference } from '../../ids.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { AirSyncBase } from '../../wbxml/code-pages/air-sync-base.ts';
import { Email } from '../../wbxml/code-pages/email.ts';
import { Email2 } from '../../wbxml/code-pages/email2.ts';
import {
  bytesOf,
  child,
  childrenOf,
  type Element,
  flagOf,
  has,
  integerOf,
  textOf,
} from '../../wbxml/element.ts';

/** An Add or Change of a draft. */
export interface WrittenByClient {
  /** Undefined: none of the message's content is changed. */
  readonly change: DraftChange | undefined;
  readonly marks: MarksChange;
  /** MS-ASEMAIL, Send: it is to be sent now. */
  readonly isSent: boolean;
  /** MS-ASCMD, Class (Sync): mail, or not said. */
  readonly isMail: boolean;
  /** Tells a repeated command from another one. */
  readonly fingerprint: string;
  /** About how many bytes it brings. */
  readonly bytes: number;
}

/** MS-ASEMAIL, From and To: the longest list, in characters; and what is taken of a Subject. */
const longestText = 32_768;
/** MS-ASCMD, ClientId: characters. */
const longestClientId = 64;
/** Files that are added to one draft. */
const mostFiles = 150;

/** Reads an Add, or a Change of an item. Throws InvalidPropertyError. */
export function readDraft(command: Element, item: ItemId | undefined): WrittenByClient {
  const data = child(command, AirSync.ApplicationData);
  const marks = readMarks(data);
  const { children = [] } = data ?? {};
  const change = children.some(({ tag }) => contentTags.has(tag)) ? readChange(data, item) : undefined;
  const hash = createHash('sha256');
  digest(hash, command);
  const files = change?.addedFiles.reduce((sum, { content }) => sum + content.length, 0) ?? 0;
  const text = change?.mime?.length ?? (change?.body?.text.length ?? 0) * 2;
  const itemClass = textOf(command, AirSync.Class) ?? '';
  return {
    change,
    marks,
    isSent: has(command, Email2.Send),
    isMail: itemClass === '' || itemClass === 'Email',
    fingerprint: hash.digest('base64url').slice(0, 22),
    bytes: files + text,
  };
}

const contentTags: ReadonlySet<Tag> = new Set([
  Email.To,
  Email.Cc,
  Email2.Bcc,
  Email.ReplyTo,
  Email.Subject,
  Email.Importance,
  AirSyncBase.Body,
  AirSyncBase.Attachments,
]);

function readChange(data: Element | undefined, item: ItemId | undefined): DraftChange {
  const bodies = childrenOf(data, AirSyncBase.Body);
  if (bodies.length > 1) throw new InvalidPropertyError('two bodies');
  const rest = { importance: importanceOf(data), ...filesOf(child(data, AirSyncBase.Attachments), item) };
  const [body] = bodies;
  const type = body && integerOf(body, AirSyncBase.Type);
  // Beside a whole message its header says who gets it and what it is about.
  if (type === BodyType.Mime) return { ...rest, mime: mimeOf(body) };
  if (body !== undefined && type !== BodyType.Plain && type !== BodyType.Html) {
    throw new InvalidPropertyError('a body is plain text, HTML or MIME');
  }
  const kind = type === BodyType.Html ? 'html' : 'plain';
  return {
    ...rest,
    to: listOf(data, Email.To),
    cc: listOf(data, Email.Cc),
    bcc: listOf(data, Email2.Bcc),
    replyTo: listOf(data, Email.ReplyTo),
    subject: boundedText(data, Email.Subject),
    body: body && { kind, text: textOf(body, AirSyncBase.Data) ?? '' },
  };
}

function importanceOf(data: Element | undefined): DraftChange['importance'] {
  const importance = integerOf(data, Email.Importance);
  if (importance === undefined || importance === 0 || importance === 1 || importance === 2) return importance;
  throw new InvalidPropertyError('Importance is 0, 1 or 2');
}

function mimeOf(body: Element | undefined): Uint8Array {
  const mime = bytesOf(body, AirSyncBase.Data);
  if (mime === undefined || mime.length === 0) throw new InvalidPropertyError('an empty message');
  return mime;
}

function boundedText(data: Element | undefined, tag: Tag): string | undefined {
  const text = textOf(data, tag);
  if (text !== undefined && text.length > longestText)
    throw new InvalidPropertyError(`${tag.name} is too long`);
  return text;
}

function listOf(data: Element | undefined, tag: Tag): readonly MailAddress[] | undefined {
  const text = boundedText(data, tag);
  // The reader of headers takes a character for a byte.
  return text === undefined ? undefined : parseAddressList(Buffer.from(text).toString('latin1'));
}

function filesOf(
  attachments: Element | undefined,
  item: ItemId | undefined,
): Pick<DraftChange, 'addedFiles' | 'removedFiles'> {
  const added = childrenOf(attachments, AirSyncBase.Add);
  if (added.length > mostFiles) throw new InvalidPropertyError('too many attachments at once');
  const removedFiles = childrenOf(attachments, AirSyncBase.Delete).flatMap((one) => {
    const place = parseFileReference(textOf(one, AirSyncBase.FileReference) ?? '');
    // The draft may have been moved since, and keeps its number; another one's files are not its own.
    return place !== undefined && place.item === item ? [place.part] : [];
  });
  return { addedFiles: added.map(readFile), removedFiles };
}

/** MS-ASAIRS, Add (Attachments). */
function readFile(element: Element): AddedFile {
  const clientId = textOf(element, AirSyncBase.ClientId) ?? '';
  const name = textOf(element, AirSyncBase.DisplayName) ?? '';
  const method = integerOf(element, AirSyncBase.Method);
  const content = bytesOf(element, AirSyncBase.Content);
  if (clientId === '' || clientId.length > longestClientId || name === '' || content === undefined) {
    throw new InvalidPropertyError('an attachment without ClientId, DisplayName or Content');
  }
  if (method !== 1 && method !== 5)
    throw new InvalidPropertyError('the Method of an added attachment is 1 or 5');
  return {
    clientId,
    name: name.slice(0, 255),
    content,
    isMessage: method === 5,
    type: textOf(element, AirSyncBase.ContentType) || undefined,
    contentId: textOf(element, AirSyncBase.ContentId) || undefined,
    contentLocation: textOf(element, AirSyncBase.ContentLocation) || undefined,
    isInline: flagOf(element, AirSyncBase.IsInline) === true,
  };
}

/** Two commands have the same digest only if they say the same. */
function digest(hash: Hash, { tag, text, opaque, children }: Element): void {
  hash.update(
    `${tag.namespace}:${tag.name} ${text.length} ${opaque?.length ?? 0} ${children.length}\n${text}`,
  );
  if (opaque !== undefined) hash.update(opaque);
  for (const one of children) digest(hash, one);
}
