import { canonicalCharset } from './charset.ts';
import { decodeHeaderText } from './encoded-word.ts';
import { forEachField, unfold } from './header-fields.ts';
import { type ParameterizedValue, parseParameterized } from './params.ts';

/** What the Content-* headers of one part say, defaults filled in. */
export interface PartHeader {
  type: string;
  params: ReadonlyMap<string, string>;
  charset?: string;
  encoding: string;
  disposition?: string;
  filename?: string;
  contentId?: string;
  contentLocation?: string;
  method?: string;
  flowed?: 'flowed' | 'delsp';
}

/** Longest boundary looked for; RFC 2046 §5.1.1 allows 70. */
const maxBoundary = 250;

/** Reads the Content-* fields of a header block; of repeated fields the first counts. */
export function readPartHeader(block: string, defaultType: string): PartHeader {
  let contentType: string | undefined;
  let encoding: string | undefined;
  let disposition: string | undefined;
  let contentId: string | undefined;
  let contentLocation: string | undefined;
  forEachField(block, (name, raw) => {
    if (!name.startsWith('content-')) return;
    switch (name) {
      case 'content-type':
        contentType ??= unfold(raw);
        break;
      case 'content-transfer-encoding':
        encoding ??= unfold(raw);
        break;
      case 'content-disposition':
        disposition ??= unfold(raw);
        break;
      case 'content-id':
        contentId ??= unfold(raw);
        break;
      case 'content-location':
        contentLocation ??= unfold(raw);
        break;
    }
  });
  const type = parseParameterized(contentType ?? defaultType);
  const header = typedHeader(type, defaultType);
  header.encoding = transferEncoding(encoding);
  const placed = disposition === undefined ? undefined : parseParameterized(disposition);
  if (placed !== undefined && placed.value !== '') header.disposition = placed.value;
  const filename = placed?.params.get('filename') || type.params.get('name');
  if (filename !== undefined && filename !== '') header.filename = filename;
  if (contentId) header.contentId = contentId.replace(/^<|>$/g, '').slice(0, 998);
  if (contentLocation)
    header.contentLocation = decodeHeaderText(contentLocation).replace(/\s+/g, '').slice(0, 2048);
  return header;
}

/** RFC 2045 §5.2: a type that cannot be read is text/plain; one that lacks its subtype is as good as none. */
function typedHeader({ value, params }: ParameterizedValue, defaultType: string): PartHeader {
  const type = /^[^\s/]+\/[^\s/]+$/.test(value)
    ? value
    : value === 'text' || value === ''
      ? defaultType
      : 'text/plain';
  const header: PartHeader = { type, params, encoding: '7bit' };
  const charset = params.get('charset');
  if (charset) header.charset = canonicalCharset(charset);
  if (type === 'text/calendar') {
    const method = params.get('method');
    if (method) header.method = method.toUpperCase().slice(0, 32);
  }
  if (type === 'text/plain' && params.get('format')?.toLowerCase() === 'flowed') {
    header.flowed = params.get('delsp')?.toLowerCase() === 'yes' ? 'delsp' : 'flowed';
  }
  return header;
}

function transferEncoding(raw: string | undefined): string {
  if (raw === undefined) return '7bit';
  const { value } = parseParameterized(raw);
  const encoding = value.replace(/["'\s]/g, '').slice(0, 32);
  return encoding === '' ? '7bit' : encoding;
}

/** The boundary of a multipart, undefined when there is none that could be looked for. */
export function boundaryOf(header: PartHeader): string | undefined {
  const boundary = header.params.get('boundary')?.trimEnd();
  return boundary === undefined || boundary === '' || boundary.length > maxBoundary ? undefined : boundary;
}
