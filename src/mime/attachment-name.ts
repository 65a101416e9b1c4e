import { withoutAtEnd } from './trim-end.ts';

/** Longest name kept, in characters. */
const maxName = 200;

/** The ending of a file whose sender gave it no name. */
const endings: Readonly<Record<string, string>> = {
  'text/plain': '.txt',
  'text/html': '.htm',
  'text/calendar': '.ics',
  'text/vcard': '.vcf',
  'text/x-vcard': '.vcf',
  'text/csv': '.csv',
  'text/rfc822-headers': '.txt',
  'message/rfc822': '.eml',
  'message/global': '.eml',
  'message/news': '.eml',
  'message/delivery-status': '.txt',
  'message/global-delivery-status': '.txt',
  'message/disposition-notification': '.txt',
  'message/feedback-report': '.txt',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/gif': '.gif',
  'image/svg+xml': '.svg',
  'image/webp': '.webp',
  'image/heic': '.heic',
  'image/tiff': '.tif',
  'image/bmp': '.bmp',
  'audio/mpeg': '.mp3',
  'audio/wav': '.wav',
  'video/mp4': '.mp4',
  'application/hta': '.hta',
  'application/javascript': '.js',
  'application/x-javascript': '.js',
  'application/x-ms-shortcut': '.lnk',
  'application/x-msdos-program': '.exe',
  'application/x-msdownload': '.exe',
  'text/javascript': '.js',
  'text/vbscript': '.vbs',
  'application/pdf': '.pdf',
  'application/zip': '.zip',
  'application/json': '.json',
  'application/xml': '.xml',
  'application/pgp-signature': '.asc',
  'application/pgp-encrypted': '.asc',
  'application/pgp-keys': '.asc',
};

/** Names that S/MIME and TNEF parts go by (RFC 8551 §3.2.1), whatever the sender forgot. */
const fixedNames: Readonly<Record<string, string>> = {
  'application/pkcs7-mime': 'smime.p7m',
  'application/x-pkcs7-mime': 'smime.p7m',
  'application/pkcs7-signature': 'smime.p7s',
  'application/x-pkcs7-signature': 'smime.p7s',
  'application/ms-tnef': 'winmail.dat',
  'application/vnd.ms-tnef': 'winmail.dat',
};

/**
 * What an attachment is called: its file name without path and control characters, an embedded
 * message by its subject and always with `.eml`, and `ATT00001.ext` where there is nothing to go by.
 */
export function attachmentName(
  type: string,
  filename: string | undefined,
  subject: string | undefined,
  order: number,
): string {
  const fallback = `ATT${String(order).padStart(5, '0')}`;
  if (endings[type] === '.eml') {
    const base = safeName(filename ?? '') || safeName(subject ?? '') || fallback;
    return /\.eml$/i.test(base) ? base : `${base}.eml`;
  }
  return safeName(filename ?? '') || (fixedNames[type] ?? `${fallback}${endings[type] ?? '.bin'}`);
}

/** A name that no file system takes for a path or a command; its ending survives when it is cut. */
function safeName(name: string): string {
  const clean = withoutAtEnd(
    '. ',
    name
      .replace(unsafe, '_')
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/^\.+(?=.)/, '_'),
  );
  if (clean.length <= maxName) return clean;
  const ending = /\.[^.]{1,16}$/.exec(clean)?.[0] ?? '';
  return `${clean.slice(0, maxName - ending.length).toWellFormed()}${ending}`.replaceAll('\ufffd', '');
}

/** Path and shell characters, controls, and the marks that make a name read backwards. */
const unsafe = /[\p{Cc}"*/:<>?\\|\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
