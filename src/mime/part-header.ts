import { canonicalCharset } from './charset.ts';
import { decodeHeaderText } from './encoded-word.ts';
import { endingsOf } from './file-ending.ts';
import { forEachField, unfold } from './header-fields.ts';
import type { NameReader } from './name-reader.ts';
import { parseParameterized } from './params.ts';

/** What the Content-* headers of one part say, defaults filled in. */
export interface PartHeader {
  type: string;
  params: ReadonlyMap<string, string>;
  charset: string | undefined;
  encoding: string;
  /** It names different transfer encodings: readers do not agree on what the content is. */
  isEncodedTwice: boolean;
  disposition: string | undefined;
  filename: string | undefined;
  /** Every name that any reader may find in it, one for each ending, at most `maxNames`; undefined when there is none. */
  names: readonly string[] | undefined;
  /** It has a field that was not read: there was too much of names in the message. */
  hasUnread: boolean;
  contentId: string | undefined;
  contentLocation: string | undefined;
  method: string | undefined;
  flowed: 'flowed' | 'delsp' | undefined;
}

/** Longest boundary looked for; RFC 2046 §5.1.1 allows 70. */
const maxBoundary = 250;
/** A header block has no room for more. */
const maxPartFields = 256 * 1024;
/** So many names with different endings of one part are kept. */
export const maxNames = 100;

/** Reads the Content-* fields of a header block, their names with `reader`; of repeated fields the first counts. */
export function readPartHeader(block: string, defaultType: string, reader: NameReader): PartHeader {
  let contentType: string | undefined;
  const encodings = new Set<string>();
  let description: string | undefined;
  let disposition: string | undefined;
  let contentId: string | undefined;
  let contentLocation: string | undefined;
  const names = new Map<string, string>();
  let hasUnread = false;
  const readNames = (raw: string): boolean => {
    const found = reader.read(raw);
    if (found === undefined) hasUnread = true;
    else addNames(names, found);
    return found !== undefined;
  };
  forEachField(
    block,
    (name, raw) => {
      if (!name.startsWith('content-')) return;
      switch (name) {
        case 'content-type':
          if (readNames(raw)) contentType ??= unfold(raw);
          break;
        case 'content-transfer-encoding':
          encodings.add(transferEncoding(unfold(raw)));
          break;
        case 'content-description':
          description ??= unfold(raw);
          break;
        case 'content-disposition':
          if (readNames(raw)) disposition ??= unfold(raw);
          break;
        case 'content-id':
          contentId ??= unfold(raw);
          break;
        case 'content-location':
          contentLocation ??= unfold(raw);
          break;
      }
    },
    maxPartFields,
  );
  // MS-OXCMAIL: what has no other name goes by its description; more than a word of it is a description.
  if (names.size === 0 && description !== undefined && !/\s/.test(description))
    addName(names, decodeHeaderText(description));
  const [encoding = '7bit'] = encodings;
  const { value, params } = parseParameterized(contentType ?? defaultType);
  const type = mediaType(value, defaultType);
  const placed = disposition === undefined ? undefined : parseParameterized(disposition);
  const charset = params.get('charset');
  return {
    type,
    params,
    charset: charset ? canonicalCharset(charset) : undefined,
    encoding,
    isEncodedTwice: encodings.size > 1 && [...encodings].some((one) => !isIdentity(one)),
    disposition: placed?.value || undefined,
    filename: placed?.params.get('filename') || params.get('name') || undefined,
    names: names.size === 0 ? undefined : [...names.values()],
    hasUnread,
    contentId: contentId?.replace(/^<|>$/g, '').slice(0, 998) || undefined,
    contentLocation: contentLocation
      ? decodeHeaderText(contentLocation).replace(/\s+/g, '').slice(0, 2048)
      : undefined,
    method:
      type === 'text/calendar' ? params.get('method')?.toUpperCase().slice(0, 32) || undefined : undefined,
    flowed: type === 'text/plain' ? flowedOf(params) : undefined,
  };
}

/** Names of repeated fields count too, one for each ending; NUL stays, since some readers end a name there. */
function addNames(names: Map<string, string>, found: ReadonlySet<string>): void {
  for (const name of found) {
    if (names.size >= maxNames) return;
    addName(names, name);
  }
}

function addName(names: Map<string, string>, name: string): void {
  const key = [...endingsOf(name)].join();
  if (!names.has(key)) names.set(key, name);
}

/** RFC 2045 §5.2: a type that cannot be read is text/plain; one that lacks its subtype is as good as none. */
function mediaType(value: string, defaultType: string): string {
  const isPlain = /^[a-z0-9.+-]+\/[a-z0-9.+-]+$/.test(value);
  const bare = isPlain
    ? value
    : withoutNoise(value)
        .replace(/\s+/g, ' ')
        .replace(/ ?\/ ?/, '/');
  const [type = ''] = bare.split(/[\s,]/, 1);
  if (/^[^\s/]+\/[^\s/]+$/.test(type)) return type;
  return type === 'text' || type === '' ? defaultType : 'text/plain';
}

/** Without comments (RFC 2045 §5.1) and quotes, which nobody should write there and some readers pass over. */
function withoutNoise(value: string): string {
  return value
    .replace(/\([^()]*\)/g, ' ')
    .replace(/["']/g, '')
    .trim();
}

function flowedOf(params: ReadonlyMap<string, string>): 'flowed' | 'delsp' | undefined {
  if (params.get('format')?.toLowerCase() !== 'flowed') return undefined;
  return params.get('delsp')?.toLowerCase() === 'yes' ? 'delsp' : 'flowed';
}

function transferEncoding(raw: string): string {
  const { value } = parseParameterized(raw);
  if (/^[a-z0-9-]{1,32}$/.test(value)) return value;
  const encoding = withoutNoise(value).replace(/\s/g, '');
  const known = /^(?:base64|quoted-printable)/.exec(encoding)?.[0];
  return known ?? (encoding.slice(0, 32) || '7bit');
}

/** The boundary of a multipart, undefined when there is none that could be looked for. */
export function boundaryOf(header: PartHeader): string | undefined {
  const boundary = header.params.get('boundary')?.trimEnd();
  return boundary === undefined || boundary === '' || boundary.length > maxBoundary ? undefined : boundary;
}

/** Types whose body is a message of its own. */
export function isMessageType(type: string): boolean {
  return type === 'message/rfc822' || type === 'message/global' || type === 'message/news';
}

/** Encodings that leave the bytes as they are. */
export function isIdentity(encoding: string): boolean {
  return encoding !== 'base64' && encoding !== 'quoted-printable' && !encoding.includes('uue');
}
