import { Buffer } from 'node:buffer';
import { attachmentName } from '../attachment-name.ts';
import type { TnefAttachment } from './scan.ts';

/** Types of files whose sender gave none, by the ending of their name. */
const types: Readonly<Record<string, string>> = {
  bmp: 'image/bmp',
  csv: 'text/csv',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  gif: 'image/gif',
  heic: 'image/heic',
  htm: 'text/html',
  html: 'text/html',
  ics: 'text/calendar',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  pdf: 'application/pdf',
  png: 'image/png',
  ppt: 'application/vnd.ms-powerpoint',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  rtf: 'application/rtf',
  svg: 'image/svg+xml',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  txt: 'text/plain',
  vcf: 'text/vcard',
  wav: 'audio/wav',
  webp: 'image/webp',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xml: 'application/xml',
  zip: 'application/zip',
};

/** What a file of a TNEF stream is called, and its media type; `order` counts from 1. */
export function describeFile(
  attachment: Pick<TnefAttachment, 'name' | 'type' | 'isMessage'>,
  order: number,
): { readonly name: string; readonly type: string } {
  const type = attachment.isMessage ? 'message/rfc822' : typeOf(attachment);
  return { name: attachmentName(type, attachment.name, undefined, order), type };
}

/** Whether HTML beside it is to show a file by its Content-ID. */
export function isShownInside({ contentId, isHidden, type, isMessage }: TnefAttachment): boolean {
  return !isMessage && contentId !== undefined && (isHidden || (type ?? '').startsWith('image/'));
}

const eol = '\r\n';

/** What the header of a file says. */
interface FileHeader {
  readonly name: string;
  readonly type: string;
  readonly isInline: boolean;
  readonly contentId?: string | undefined;
  readonly contentLocation?: string | undefined;
}

/** The header of a file as a part of a message: in base64, unless it is a message itself. RFC 2183, RFC 2231. */
export function fileLines({
  name,
  type,
  isInline,
  contentId,
  contentLocation,
}: FileHeader): readonly string[] {
  const bytes = Buffer.from(name.toWellFormed(), 'utf8').toString('latin1');
  const isPlain = /^[ !#-[\]-~]{1,60}$/.test(name);
  const filename = isPlain ? `filename="${name}"` : `filename*=utf-8''${bytes.replace(/[^\w.-]/g, escaped)}`;
  return [
    `Content-Type: ${type}${eol}`,
    `Content-Disposition: ${isInline ? 'inline' : 'attachment'};${eol}\t${filename}${eol}`,
    ...(contentId === undefined ? [] : [`Content-ID: <${clean(contentId)}>${eol}`]),
    ...(contentLocation === undefined ? [] : [`Content-Location: ${clean(contentLocation)}${eol}`]),
    `Content-Transfer-Encoding: ${type === 'message/rfc822' ? '8bit' : 'base64'}${eol}`,
  ];
}

function escaped(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function clean(text: string): string {
  return text.replace(/[^!-;=?-~]/g, '').slice(0, 500);
}

/** What is said if it is a type that a file can have, else by the name. */
function typeOf({ name = '', type = '' }: Pick<TnefAttachment, 'name' | 'type'>): string {
  const said = type.trim().toLowerCase();
  if (/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/.test(said) && !/^(?:message|multipart)\//.test(said)) {
    return said;
  }
  const [, ending = ''] = /\.([a-z0-9]{1,5})$/i.exec(name) ?? [];
  return (
    (Object.hasOwn(types, ending.toLowerCase()) && types[ending.toLowerCase()]) || 'application/octet-stream'
  );
}
