/** A message's body as a client wants it. MS-ASAIRS, Body; only what is asked for is read and decoded. */
import type { ItemDetail } from '#domain/item';
import type { Mailbox } from '#domain/mailbox';
import type { EffectivePolicy } from '#domain/policy';
import type { SettingValue } from '#domain/policy-settings';
import type { Message } from '#domain/sync';
import { type BodyKind, type BodyText, nativeBodyKind, readCleanBody } from '#mime/body';
import { truncateCharacters, truncateUtf8 } from '#mime/truncate';
import { hasLinks, withoutLinks } from '#mime/without-links';
import { isAtLeast, type ProtocolVersion } from '../protocol-version.ts';
import { AirSyncBase } from '../wbxml/code-pages/air-sync-base.ts';
import { type Element, el } from '../wbxml/element.ts';
import { type BodyOptions, type BodyPreference, BodyType } from './body-options.ts';

/** How a body is to be made. */
export interface BodyRequest {
  readonly options: BodyOptions;
  readonly version: ProtocolVersion;
  /** MS-ASPROV, AllowHTMLEmail: without it everything is plain text. */
  readonly allowHtml: boolean;
  /** False: no MIME, because the whole message would bring its attachments along (MS-ASPROV, AttachmentsEnabled). */
  readonly allowMime: boolean;
  /** Bytes of the largest attachment a MIME body may bring along (MS-ASPROV, MaxAttachmentSize); undefined: any. */
  readonly maxAttachmentBytes?: number | undefined;
  /** Bytes of a body at the most, by its type (MS-ASPROV, MaxEmailBodyTruncationSize); undefined: all. */
  readonly maxBytes?: Readonly<Partial<Record<BodyType, number | undefined>>> | undefined;
  /** Bytes of a body that no preference speaks of; undefined is all. */
  readonly truncationWithoutPreference: number | undefined;
}

/** What a policy leaves of the ways to make a body. */
export function allowedBodies({
  settings,
}: Pick<EffectivePolicy, 'settings'>): Pick<
  BodyRequest,
  'allowHtml' | 'allowMime' | 'maxAttachmentBytes' | 'maxBytes'
> {
  const allowHtml = settings.AllowHTMLEmail !== false;
  return {
    allowHtml,
    allowMime: allowHtml && settings.AttachmentsEnabled !== false,
    maxAttachmentBytes: boundOf(settings.MaxAttachmentSize),
    maxBytes: {
      [BodyType.Plain]: boundOf(settings.MaxEmailBodyTruncationSize),
      [BodyType.Html]: boundOf(settings.MaxEmailHTMLBodyTruncationSize),
    },
  };
}

/** A negative size is none. */
function boundOf(setting: SettingValue | undefined): number | undefined {
  return typeof setting === 'number' && setting >= 0 ? setting : undefined;
}

/** A body that was made. `truncated` means that there is more of it. */
export interface MadeBody {
  readonly type: BodyType;
  readonly data: string | Uint8Array | undefined;
  readonly size: number;
  readonly truncated: boolean;
}

/** The Body element, and the NativeBodyType that goes with it. */
export async function bodyElements(
  mailbox: Mailbox,
  message: Message,
  request: BodyRequest,
): Promise<readonly Element[]> {
  const native = nativeType(message.detail);
  const made = await makeBody(mailbox, message, request, native);
  const characters = Math.max(0, ...request.options.preferences.map((one) => one.preview));
  // MS-ASAIRS, Preview: since 14.0, and not beside plain text, which is one already.
  const isText = made.type === BodyType.Plain && made.data !== undefined;
  const isPreviewed = !isText && isAtLeast(request.version, '14.0');
  const preview = isPreviewed ? previewOf(message.detail, characters) : undefined;
  return [
    el(
      AirSyncBase.Body,
      el(AirSyncBase.Type, made.type),
      el(AirSyncBase.EstimatedDataSize, made.size),
      el(AirSyncBase.Truncated, made.truncated),
      made.data === undefined ? undefined : el(AirSyncBase.Data, made.data),
      preview === undefined ? undefined : el(AirSyncBase.Preview, preview),
    ),
    el(AirSyncBase.NativeBodyType, native),
  ];
}

/** Stands for a body that cannot be read: there is one, and nothing of it is here. */
export function missingBody(size: number): Element {
  return el(
    AirSyncBase.Body,
    el(AirSyncBase.Type, BodyType.Plain),
    el(AirSyncBase.EstimatedDataSize, size),
    el(AirSyncBase.Truncated, true),
  );
}

/** The same options with nothing cut: for an item that a client fetches whole. Its part is in its Body. */
export function wholeBodies(options: BodyOptions): BodyOptions {
  const preferences = options.preferences.map((one) => ({
    ...one,
    truncationSize: undefined,
    allOrNone: false,
  }));
  return {
    ...options,
    preferences,
    part: undefined,
    mimeTruncation: undefined,
    truncation: undefined,
  };
}

/** The same options with nothing but the Preview. */
export function withoutData(options: BodyOptions): BodyOptions {
  const preferences = options.preferences.map((one) => ({ ...one, truncationSize: 0, allOrNone: false }));
  return { ...options, preferences, mimeTruncation: 0 };
}

/** Bytes of a body in a Sync for a client that asks for none. */
export const bytesWithoutPreference = 32 * 1024;

/** About how many bytes a message's body takes in an answer. */
export function bodyCost(options: BodyOptions, size: number): number {
  const sizes = options.preferences.map(({ truncationSize }) => truncationSize ?? size);
  if (sizes.length === 0) {
    sizes.push(bytesWithoutPreference);
  }
  const part = options.part && Math.min(size, options.part.truncationSize ?? size);
  return Math.min(size, Math.max(1024, ...sizes)) + (part ?? 0) + 1024;
}

function nativeType(detail: ItemDetail): typeof BodyType.Plain | typeof BodyType.Html {
  return nativeBodyKind(detail) === 'html' ? BodyType.Html : BodyType.Plain;
}

/** So many characters of plain text, if any are wanted. MS-ASAIRS, Preview. */
export function previewOf({ preview }: ItemDetail, characters: number): string | undefined {
  return characters > 0 ? truncateCharacters(preview, characters) : undefined;
}

async function makeBody(
  mailbox: Mailbox,
  message: Message,
  request: BodyRequest,
  native: BodyType,
): Promise<MadeBody> {
  let first: MadeBody | undefined;
  for (const preference of choices(message, request, native)) {
    const made = typed(await makeAs(mailbox, message, preference), message);
    if (!(made.truncated && preference.allOrNone)) {
      return made;
    }
    first ??= made;
  }
  return {
    type: first?.type ?? native,
    data: undefined,
    size: first?.size ?? message.item.size,
    truncated: true,
  };
}

/** A meeting request without a text has an empty plain one, whatever is asked for: iOS takes another for one not downloaded. */
function typed(made: MadeBody, { item }: Message): MadeBody {
  const isEmptyHtml = made.type === BodyType.Html && made.data === '' && !made.truncated;
  const isRequest = item.messageClass === 'IPM.Schedule.Meeting.Request';
  return isEmptyHtml && isRequest ? { ...made, type: BodyType.Plain } : made;
}

/** MS-ASCMD, MIMESupport: whether a message is to come as MIME, if the policy allows it. */
export function takesMime(message: Message, request: BodyRequest): boolean {
  const { mimeSupport } = request.options;
  const isSecure = /^IPM\.Note\.(?:Receipt\.)?SMIME/.test(message.item.messageClass);
  return mayBeMime(message, request) && (mimeSupport === 2 || (mimeSupport === 1 && isSecure));
}

/** The preferences to try, best first: MIME where it is wanted, then the native type, then a conversion. */
function choices(message: Message, request: BodyRequest, native: BodyType): BodyPreference[] {
  const { preferences, mimeTruncation } = request.options;
  const ordered: BodyPreference[] = [];
  const mime = preferences.find(({ type }) => type === BodyType.Mime);
  if (mime !== undefined && takesMime(message, request)) {
    ordered.push({ ...mime, truncationSize: mime.truncationSize ?? mimeTruncation });
  }
  const wanted = request.allowHtml ? [native, BodyType.Plain, BodyType.Html] : [BodyType.Plain];
  for (const type of new Set(wanted)) {
    const preference = preferences.find((one) => one.type === type);
    if (preference !== undefined) {
      ordered.push(preference);
    }
  }
  if (ordered.length === 0) {
    const truncationSize =
      preferences.length > 0 ? preferences[0]?.truncationSize : request.truncationWithoutPreference;
    const type = preferences.length > 0 || !request.allowHtml ? BodyType.Plain : native;
    ordered.push({ type, truncationSize, allOrNone: false, preview: 0 });
  }
  return ordered.map((one) => ({
    ...one,
    truncationSize: lesser(one.truncationSize, request.maxBytes?.[one.type]),
  }));
}

/** The whole message would bring along what may not be fetched alone. */
function mayBeMime({ item }: Message, { allowMime, maxAttachmentBytes: most }: BodyRequest): boolean {
  return allowMime && (most === undefined || item.attachments.every(({ size }) => size <= most));
}

/** The lesser of two bounds; undefined is none. */
export function lesser(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function makeAs(mailbox: Mailbox, message: Message, preference: BodyPreference): Promise<MadeBody> {
  const { truncationSize } = preference;
  switch (preference.type) {
    case BodyType.Mime:
      return mimeBody(mailbox, message, truncationSize);
    case BodyType.Html:
      return textBody(mailbox, message, 'html', truncationSize);
    default:
      return textBody(mailbox, message, 'plain', truncationSize);
  }
}

/** The message as MIME, cut at so many bytes. */
export async function mimeBody(
  mailbox: Mailbox,
  message: Message,
  truncationSize: number | undefined,
): Promise<MadeBody> {
  const { size } = message.item;
  const end = Math.min(size, truncationSize ?? size);
  const truncated = end < size;
  if (end === 0 && truncated) {
    return { type: BodyType.Mime, data: undefined, size, truncated };
  }
  const raw = await readRange(mailbox, message, 0, end);
  return { type: BodyType.Mime, data: textOrBytes(raw, truncated), size, truncated };
}

/** XML 1.0, Characters: what a string of a document may not hold, such as the escapes of ISO-2022-JP. */
const forbidden = /[^\t\n\r -\ufffd]/;

/**
 * A string if the bytes are one (a character that the cut went through is left out); the bytes as they are if not:
 * a signature covers them.
 */
function textOrBytes(raw: Uint8Array, isCut: boolean): string | Uint8Array {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw, { stream: isCut });
    return forbidden.test(text) ? raw : text;
  } catch {
    return raw;
  }
}

/** The body as text of a kind, cut at so many bytes of UTF-8. */
export async function textBody(
  mailbox: Mailbox,
  message: Message,
  kind: BodyKind,
  truncationSize: number | undefined,
): Promise<MadeBody> {
  const type = kind === 'html' ? BodyType.Html : BodyType.Plain;
  const { text, isWhole, estimatedBytes } = await readText(mailbox, message, kind, truncationSize);
  const nothingWanted = truncationSize === 0 && !isWhole;
  const isForList = kind === 'plain' && !isWhole && (truncationSize ?? previewBytes + 1) <= previewBytes;
  const shown = isForList && hasLinks(text) ? await listText(mailbox, message, truncationSize ?? 0) : text;
  return { type, data: nothingWanted ? undefined : shown, size: estimatedBytes, truncated: !isWhole };
}

/** A plain text that is cut so soon is for a list of messages: iOS asks for 500 bytes of it, and for the whole to read it. */
const previewBytes = 1024;

/** The beginning of a text without what nobody reads in a list. */
async function listText(mailbox: Mailbox, message: Message, maxBytes: number): Promise<string> {
  const { text } = await readText(mailbox, message, 'plain', 4 * previewBytes);
  return truncateUtf8(withoutLinks(text), maxBytes);
}

/** The body as text of a kind, at most so many bytes of UTF-8. */
export function readText(
  mailbox: Mailbox,
  message: Message,
  kind: BodyKind,
  maxBytes: number | undefined,
): Promise<BodyText> {
  return readCleanBody(
    message.detail,
    kind,
    ({ start, end }, bytes) => readRange(mailbox, message, start, Math.min(end, start + bytes)),
    maxBytes,
  );
}

/** The bytes [start, end) of a message. */
export async function readRange(
  mailbox: Mailbox,
  { item, raw }: Message,
  start: number,
  end: number,
): Promise<Uint8Array> {
  if (raw !== undefined) {
    return raw.subarray(start, end);
  }
  if (start >= end) {
    return new Uint8Array(0);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of mailbox.openBody(item, [start, end])) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
