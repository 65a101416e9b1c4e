import { Buffer } from 'node:buffer';
import { domainToASCII } from 'node:url';
import { type MailAddress, parseAddressList } from './address.ts';
import { decodeHeaderText } from './encoded-word.ts';
import { encodedWords, encodeMailbox } from './header-edit.ts';
import { fieldEnd, unfold } from './header-fields.ts';
import { parseParameterized } from './params.ts';

/** RFC 5321 §4.5.3.1.6, without the line end. */
export const maxLine = 998;

/** What is to be changed in the header of a part. */
interface HeaderChange {
  /** The Content-Transfer-Encoding that the body has now; undefined leaves it. */
  readonly encoding: string | undefined;
  /** Characters beyond ASCII are written in ASCII. */
  readonly isAscii: boolean;
  /** The header of the message itself, which must say that it is MIME for the encoding to count. */
  readonly isMessage?: boolean;
}

/** AsciiError: a header that says something only UTF-8 can: an address with another local part. RFC 6532. */
export class AsciiError extends Error {
  override readonly name = 'AsciiError';
}

const addressFields: ReadonlySet<string> = new Set(
  ['from', 'sender', 'reply-to', 'to', 'cc', 'bcc']
    .flatMap((name) => [name, `resent-${name}`])
    .concat(
      'disposition-notification-to',
      'return-receipt-to',
      'errors-to',
      'mail-followup-to',
      'mail-reply-to',
    ),
);
const parameterFields: ReadonlySet<string> = new Set(['content-type', 'content-disposition']);
/** Fields whose values are neither text nor addresses: what is not ASCII in them is a fault or a comment. */
const tokenFields =
  /^(?:received|return-path|delivered-to|date|mime-version|dkim-signature|authentication-results|content-(?:transfer-encoding|id|location|md5)|(?:resent-)?(?:message-id|date)|references|in-reply-to|arc-.*|list-.*)$/;

/**
 * The header block of a part (one character per byte, with the empty line at its end) with what has to change for its
 * next hop; fields that need no change stay as they are. Throws AsciiError.
 */
export function changeHeader(withNul: string, change: HeaderChange): string {
  const lines: string[] = [];
  let isEncodingSaid = false;
  let position = 0;
  const block = withNul.replaceAll('\0', '');
  while (position < block.length && !/^\r?\n/.test(block.slice(position, position + 2))) {
    const end = fieldEnd(block, position);
    const field = block.slice(position, end);
    position = end;
    const isEncoding = /^content-transfer-encoding[ \t]*:/i.test(field);
    if (isEncoding && change.encoding !== undefined) {
      if (!isEncodingSaid) lines.push(`Content-Transfer-Encoding: ${change.encoding}\r\n`);
      isEncodingSaid = true;
      continue;
    }
    const ascii = change.isAscii && beyondAscii.test(field) ? asciiField(field) : field;
    lines.push(hasLongLine(ascii) ? shortField(ascii) : ascii);
  }
  if (lines.length > 0 && lines.at(-1)?.endsWith('\n') === false) lines.push('\r\n');
  if (change.encoding !== undefined && !isEncodingSaid) {
    lines.push(`Content-Transfer-Encoding: ${change.encoding}\r\n`);
  }
  if (change.isMessage === true && change.encoding !== undefined && !/^mime-version[ \t]*:/im.test(block)) {
    lines.push('MIME-Version: 1.0\r\n');
  }
  return `${lines.join('')}\r\n`;
}

const beyondAscii = /[\u0080-\u00ff]/;

function hasLongLine(field: string): boolean {
  return field.length > maxLine && field.split('\n').some((line) => line.length > maxLine + 1);
}

function asciiField(field: string): string {
  const colon = field.indexOf(':');
  const name = field.slice(0, colon).trimEnd();
  const raw = unfold(field.slice(colon + 1));
  const key = name.toLowerCase();
  // What is no field: nobody reads it.
  if (colon < 1 || beyondAscii.test(name) || tokenFields.test(key))
    return field.replace(/[\u0080-\u00ff]+/g, '?');
  if (addressFields.has(key)) return `${name}: ${asciiMailboxes(raw)}\r\n`;
  if (parameterFields.has(key)) return `${name}: ${asciiParameters(raw)}\r\n`;
  return `${name}: ${encodedWords(decodeHeaderText(raw).replace(/\p{Cc}+/gu, ' '), '\r\n')}\r\n`;
}

function asciiMailboxes(raw: string): string {
  return parseAddressList(raw)
    .map((mailbox) => asciiMailbox(mailbox))
    .join(',\r\n ');
}

function asciiMailbox({ name, address }: MailAddress): string {
  if (address === '') return encodedWords(name, '\r\n');
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  const ascii = isAsciiText(domain) ? domain : domainToASCII(domain);
  if (!isAsciiText(local) || (ascii === '' && domain !== '')) {
    throw new AsciiError('An address in the header has characters beyond ASCII');
  }
  return encodeMailbox({ name, address: at < 0 ? address : `${local}@${ascii}` }, '\r\n');
}

function isAsciiText(text: string): boolean {
  return !/\P{ASCII}/u.test(text);
}

/** RFC 2231: in pieces that fit on a line. */
function asciiParameters(raw: string): string {
  const { value, params } = parseParameterized(raw);
  const pieces = [...params].flatMap(([name, text]) => {
    if (!/^[!-~]+$/.test(name)) return [];
    if (isAsciiText(text)) return [`${name}="${text.replace(/(["\\])/g, '\\$1')}"`];
    const encoded = `utf-8''${percentEncoded(text)}`.match(/(?:%..|[^%]){1,20}/g) ?? [];
    return encoded.length === 1
      ? [`${name}*=${encoded[0]}`]
      : encoded.map((piece, n) => `${name}*${n}*=${piece}`);
  });
  return [value.replace(/\P{ASCII}/gu, '?'), ...pieces].join(';\r\n ');
}

/** RFC 2231 §7, attribute-char. */
function percentEncoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => String.fromCharCode(byte))
    .map((char) =>
      /[\w.-]/.test(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
}

/** RFC 5322 §2.2.3: folded before white space, which changes nothing; addresses and ids also between two of them. */
function shortField(field: string): string {
  const colon = field.indexOf(':');
  const name = field.slice(0, colon).trimEnd();
  const folded = field.split('\r\n').map(foldLine).join('\r\n');
  if (!hasLongLine(folded)) return folded;
  const key = name.toLowerCase();
  if (key === 'references' || key === 'in-reply-to') return field.replace(/>[ \t\r\n]*</g, '>\r\n <');
  if (!addressFields.has(key) || beyondAscii.test(field)) return folded;
  const mailboxes = parseAddressList(unfold(field.slice(colon + 1)));
  return `${name}: ${mailboxes.map((mailbox) => encodeMailbox(mailbox, '\r\n')).join(',\r\n ')}\r\n`;
}

function foldLine(line: string): string {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > maxLine) {
    const at = Math.max(rest.lastIndexOf(' ', maxLine), rest.lastIndexOf('\t', maxLine));
    // A line of white space alone would be the end of the header to some; the field's name alone helps nobody.
    if (at < 1 || /^(?:\s*|[^\s:]+:\s*)$/.test(rest.slice(0, at))) break;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at);
  }
  return [...lines, rest].join('\r\n');
}
