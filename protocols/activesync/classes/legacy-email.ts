/** What a message has in place of AirSyncBase in 2.5: a body of plain text or MIME, and attachments by name. */
import { refOf } from '#domain/draft';
import type { Attachment, Item } from '#domain/item';
import type { Mailbox } from '#domain/mailbox';
import type { Message } from '#domain/sync';
import { countCharacters, truncateCharacters } from '#mime/truncate';
import { fileReferenceOf } from '../ids.ts';
import { Email } from '../wbxml/code-pages/email.ts';
import { type Element, el } from '../wbxml/element.ts';
import { type BodyRequest, bytesWithoutPreference, mimeBody, readText, takesMime } from './body.ts';
import { type BodyOptions, BodyType } from './body-options.ts';

/** MS-ASCMD, Truncation, in characters: 9 is everything. */
const truncations = [0, 512, 1024, 2048, 5120, 10_240, 20_480, 51_200, 102_400, Number.POSITIVE_INFINITY];

/** MIMEData where the client takes MIME, else Body; each with its size and whether it was cut. */
export function legacyBodyElements(
  mailbox: Mailbox,
  message: Message,
  request: BodyRequest,
): Promise<readonly Element[]> {
  return takesMime(message, request)
    ? mimeElements(mailbox, message, request)
    : textElements(mailbox, message, request);
}

/** Stands for a body that cannot be read: there is one, and nothing of it is here. */
export function missingLegacyBody(size: number): readonly Element[] {
  return [el(Email.BodyTruncated, true), el(Email.BodySize, size)];
}

/** The attachments of a message; AttName is what GetAttachment asks for. */
export function legacyAttachmentsElement(item: Item): Element {
  return el(Email.Attachments, ...item.attachments.map((one) => attachmentElement(item, one)));
}

/** About how many bytes a message's body takes in an answer. */
export function legacyBodyCost(
  { mimeSupport, mimeTruncation, truncation }: BodyOptions,
  size: number,
): number {
  const text = charactersOf(truncation, bytesWithoutPreference);
  const mime = mimeSupport === 0 ? 0 : (mimeTruncation ?? size);
  return Math.min(size, Math.max(1024, text, mime)) + 1024;
}

async function mimeElements(
  mailbox: Mailbox,
  message: Message,
  { options }: BodyRequest,
): Promise<readonly Element[]> {
  const { data, size, truncated } = await mimeBody(mailbox, message, options.mimeTruncation);
  return [
    el(Email.MIMETruncated, truncated),
    ...(data === undefined ? [] : [el(Email.MIMEData, data)]),
    el(Email.MIMESize, size),
  ];
}

async function textElements(
  mailbox: Mailbox,
  message: Message,
  { options, truncationWithoutPreference, maxBytes }: BodyRequest,
): Promise<readonly Element[]> {
  // MS-ASPROV, MaxEmailBodyTruncationSize: a bound of bytes or characters, as the body is counted.
  const most = Math.min(
    charactersOf(options.truncation, truncationWithoutPreference),
    maxBytes?.[BodyType.Plain] ?? Number.POSITIVE_INFINITY,
  );
  // A character is at most four bytes.
  const { text, isWhole, estimatedBytes } = await readText(mailbox, message, 'plain', 4 * most);
  const cut = truncateCharacters(text, most);
  const truncated = !isWhole || cut.length < text.length;
  const size = isWhole ? countCharacters(text) : Math.max(most + 1, estimatedBytes);
  return [
    el(Email.BodyTruncated, truncated),
    el(Email.BodySize, size),
    ...(truncated && cut === '' ? [] : [el(Email.Body, cut)]),
  ];
}

function charactersOf(truncation: number | undefined, without: number | undefined): number {
  const most = truncation === undefined ? without : truncations[truncation];
  return most ?? Number.POSITIVE_INFINITY;
}

function attachmentElement(item: Item, attachment: Attachment): Element {
  const { name, size, method, contentId } = attachment;
  return el(
    Email.Attachment,
    el(Email.AttMethod, method),
    el(Email.AttSize, size),
    el(Email.DisplayName, name),
    el(Email.AttName, fileReferenceOf(item.folder, item.id, refOf(attachment))),
    contentId === undefined ? undefined : el(Email.Att0Id, contentId),
  );
}
