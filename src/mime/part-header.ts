import { canonicalCharset } from './charset.ts';
import { decodeHeaderText } from './encoded-word.ts';
import { endingsOf } from './file-ending.ts';
import { forEachField, unfold } from './header-fields.ts';
import { namesIn, parseParameterized } from './params.ts';

/** What the Content-* headers of one part say, defaults filled in. */
export interface PartHeader {
  type: string;
  params: ReadonlyMap<string, string>;
  charset: string | undefined;
  encoding: string;
  disposition: string | undefined;
  filename: string | undefined;
  /** Every name that any reader may find in it, one for each ending, at most `maxNames`; undefined when there is none. */
  names: readonly string[] | undefined;
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

/** Reads the Content-* fields of a header block; of repeated fields the first counts. */
export function readPartHeader(block: string, defaultType: string): PartHeader {
  let contentType: string | undefined;
  let encoding: string | undefined;
  let disposition: string | undefined;
  let contentId: string | undefined;
  let contentLocation: string | undefined;
  const names = new Map<string, string>();
  forEachField(
    block,
    (name, raw) => {
      if (!name.startsWith('content-')) return;
      switch (name) {
        case 'content-type':
          contentType ??= unfold(raw);
          addNames(names, raw);
          break;
        case 'content-transfer-encoding':
          encoding ??= unfold(raw);
          break;
        case 'content-disposition':
          disposition ??= unfold(raw);
          addNames(names, raw);
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
  const { value, params } = parseParameterized(contentType ?? defaultType);
  const type = mediaType(value, defaultType);
  const placed = disposition === undefined ? undefined : parseParameterized(disposition);
  const charset = params.get('charset');
  return {
    type,
    params,
    charset: charset ? canonicalCharset(charset) : undefined,
    encoding: transferEncoding(encoding),
    disposition: placed?.value || undefined,
    filename: placed?.params.get('filename') || params.get('name') || undefined,
    names: names.size === 0 ? undefined : [...names.values()],
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
function addNames(names: Map<string, string>, raw: string): void {
  for (const name of namesIn(raw.replace(/[\r\n]+/g, ''))) {
    if (names.size >= maxNames) return;
    const key = [...endingsOf(name)].join();
    if (!names.has(key)) names.set(key, name);
  }
}

/** RFC 2045 §5.2: a type that cannot be read is text/plain; one that lacks its subtype is as good as none. */
function mediaType(value: string, defaultType: string): string {
  if (/^[^\s/]+\/[^\s/]+$/.test(value)) return value;
  return value === 'text' || value === '' ? defaultType : 'text/plain';
}

function flowedOf(params: ReadonlyMap<string, string>): 'flowed' | 'delsp' | undefined {
  if (params.get('format')?.toLowerCase() !== 'flowed') return undefined;
  return params.get('delsp')?.toLowerCase() === 'yes' ? 'delsp' : 'flowed';
}

function transferEncoding(raw: string | undefined): string {
  if (raw === undefined) return '7bit';
  const { value } = parseParameterized(raw);
  const encoding = /["'\s]/.test(value) ? value.replace(/["'\s]/g, '') : value.slice(0, 32);
  return encoding === '' ? '7bit' : encoding;
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
