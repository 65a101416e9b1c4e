import { domainToASCII } from 'node:url';
import { decodeHeaderText, decodeRaw } from './encoded-word.ts';

/** A mailbox of an address header; `address` is '' where the header names none, `name` is '' likewise. */
export interface MailAddress {
  readonly name: string;
  readonly address: string;
}

/** A header with more addresses than this is cut; no person's mail has them. */
const maxAddresses = 5_000;
/** Longest name and longest quoted string; they bound the time a hostile header can take. */
const maxPhrase = 1_000;

/**
 * The mailboxes of an address header (RFC 5322 §3.4, §4.4) given as raw unfolded text, one character
 * per byte. Groups are opened, comments become names where there is none, `;` and spaces also
 * separate; encoded words are decoded only after the structure is read, so that no decoded text can
 * become an address. A quoted local part stays quoted and whole. Never throws.
 */
export function parseAddressList(raw: string): MailAddress[] {
  const list: MailAddress[] = [];
  const entry = new Entry();
  const quotedStrings = new QuotedStrings(raw);
  let i = 0;
  while (i < raw.length && list.length < maxAddresses) {
    const char = raw[i] ?? '';
    switch (char) {
      case '"': {
        const end = quotedStrings.endOf(i);
        entry.text(raw.slice(i, end));
        i = end;
        break;
      }
      case '(': {
        const end = commentEnd(raw, i);
        entry.comment(raw.slice(i + 1, end - 1));
        i = end;
        break;
      }
      case '<': {
        const end = angleEnd(raw, i, quotedStrings);
        entry.angle(raw.slice(i + 1, end).replace(/>$/, ''));
        i = end;
        break;
      }
      case ',':
      case ';':
        entry.finish(list);
        i++;
        break;
      case ':':
        // RFC 5322 §3.4: what stood before it was the name of a group, and no part of an address.
        if (!entry.hasAngle && !entry.isDomainLiteral) entry.clear();
        else entry.text(char);
        i++;
        break;
      default: {
        const end = textEnd(raw, i);
        entry.text(raw.slice(i, end));
        i = end;
      }
    }
  }
  entry.finish(list);
  return list;
}

/** Collects the pieces of one mailbox until its separator comes. */
class Entry {
  #phrase = '';
  #comment = '';
  #angle: string | undefined;
  /** What stands last of the phrase is in square brackets. */
  isDomainLiteral = false;

  get hasAngle(): boolean {
    return this.#angle !== undefined;
  }

  text(piece: string): void {
    if (this.#phrase.length >= maxPhrase) return;
    const kept = piece.slice(0, maxPhrase);
    this.#phrase += kept;
    const [open, close] = [kept.lastIndexOf('['), kept.lastIndexOf(']')];
    if (open !== close) this.isDomainLiteral = open > close;
  }

  comment(piece: string): void {
    this.#comment ||= piece.slice(0, maxPhrase).trim();
    this.text(' ');
  }

  angle(piece: string): void {
    // `<a@b> <c@d>` or `<a> <b@c>`: the one with an @ is the address.
    if (this.#angle === undefined || (!this.#angle.includes('@') && piece.includes('@'))) this.#angle = piece;
  }

  clear(): void {
    this.#phrase = '';
    this.#comment = '';
    this.#angle = undefined;
    this.isDomainLiteral = false;
  }

  finish(list: MailAddress[]): void {
    const phrase = this.#phrase.trim();
    if (this.#angle !== undefined) {
      const address = cleanAddress(this.#angle);
      const name = displayName(phrase) || displayName(this.#comment);
      if (address !== '' || name !== '') list.push({ name, address });
    } else if (phrase !== '') {
      pushBare(list, phrase, this.#comment);
    }
    this.clear();
  }
}

/** A mailbox without angle brackets: an address, several with spaces between, or a name alone. */
function pushBare(list: MailAddress[], phrase: string, comment: string): void {
  const words = splitWords(phrase);
  const addresses = words.filter(isAddress);
  if (addresses.length === 0) {
    // RFC 5322 §4.4 lets white space stand around the @.
    const joined = cleanAddress(phrase.replace(/\s*([@.])\s*/g, '$1'));
    if (isAddress(joined) && !/\s/.test(joined)) list.push({ name: displayName(comment), address: joined });
    else list.push({ name: displayName(phrase), address: '' });
  } else if (addresses.length === words.length) {
    for (const address of addresses)
      list.push({ name: displayName(comment), address: cleanAddress(address) });
  } else {
    const [address = ''] = addresses;
    const name = words.filter((word) => word !== address).join(' ');
    list.push({ name: displayName(name), address: cleanAddress(address) });
  }
}

/** Words separated by white space outside quotes. */
function splitWords(text: string): string[] {
  return text.match(/(?:"(?:[^"\\]|\\.)*"|[^\s"]|")+/g) ?? [];
}

function isAddress(word: string): boolean {
  const at = word.lastIndexOf('@');
  return at > 0 && at < word.length - 1;
}

/** An addr-spec without white space around it, source route (RFC 5322 §4.4), `mailto:` and stray quotes. */
function cleanAddress(raw: string): string {
  let text = decodeRaw(raw).trim();
  if (text.startsWith('@') && text.includes(':')) text = text.slice(text.lastIndexOf(':') + 1).trim();
  text = text.replace(/^mailto:/i, '');
  const isQuoted = text.startsWith("'") && text.indexOf("'", 1) === text.length - 1;
  if (isQuoted && text.includes('@')) text = text.slice(1, -1);
  text = text.replace(/[\r\n\0]/g, '');
  const at = text.lastIndexOf('@');
  return at < 0 ? text : `${text.slice(0, at).trimEnd()}@${text.slice(at + 1).trimStart()}`;
}

/** A phrase as people read it: quotes removed, escapes undone, encoded words decoded. */
function displayName(phrase: string): string {
  const text = phrase.trim();
  if (text === '') return '';
  const bare = text.includes('"')
    ? text.replace(/"((?:[^"\\]|\\.)*)"/g, (_, inner: string) => unescapeQuoted(inner))
    : text;
  const name = decodeHeaderText(bare)
    .replace(/\p{Cc}+/gu, ' ')
    .replace(/\s{2,}/g, ' ')
    .trim();
  return name.startsWith("'") && name.endsWith("'") ? name.slice(1, -1) : name;
}

function unescapeQuoted(quoted: string): string {
  return quoted.includes('\\') ? quoted.replace(/\\(.)/g, '$1') : quoted;
}

/** Finds where quoted strings end; asked from the beginning of a header to its end. */
class QuotedStrings {
  readonly #raw: string;
  /** Up to here stand no quotes but escaped ones behind the last that had no end. */
  #seen = 0;

  constructor(raw: string) {
    this.#raw = raw;
  }

  endOf(from: number): number {
    const raw = this.#raw;
    let i = Math.max(from + 1, this.#seen);
    for (; i < raw.length && i < from + maxPhrase; i++) {
      if (raw[i] === '\\') i++;
      else if (raw[i] === '"') return i + 1;
    }
    this.#seen = i;
    // No closing quote: the quote alone is text, what follows keeps its structure.
    return from + 1;
  }
}

function commentEnd(raw: string, from: number): number {
  let depth = 0;
  for (let i = from; i < raw.length; i++) {
    if (raw[i] === '\\') i++;
    else if (raw[i] === '(') depth++;
    else if (raw[i] === ')' && --depth === 0) return i + 1;
  }
  return raw.length;
}

/** The end of `<...>`; a quoted local part may hold `>`, a missing bracket ends at the separator. */
function angleEnd(raw: string, from: number, quotedStrings: QuotedStrings): number {
  for (let i = from + 1; i < raw.length; i++) {
    if (raw[i] === '"') i = quotedStrings.endOf(i) - 1;
    else if (raw[i] === '>') return i + 1;
    else if (raw[i] === ',' && raw[from + 1] !== '@') return i;
    else if (raw[i] === '<') return i;
  }
  return raw.length;
}

const special = /[",;:<(]/g;

function textEnd(raw: string, from: number): number {
  special.lastIndex = from + 1;
  return special.exec(raw)?.index ?? raw.length;
}

/**
 * Mailboxes as MS-ASEMAIL wants To, Cc and From: `"Name" <address>` in readable UTF-8, separated by
 * a comma and a space (or by `separator`); never folded.
 */
export function formatAddressList(list: readonly MailAddress[], separator = ', '): string {
  return list.map(formatAddress).join(separator);
}

function formatAddress({ name, address }: MailAddress): string {
  const quoted = `"${name.replace(/(["\\])/g, '\\$1')}"`;
  if (address === '') return quoted;
  return name === '' ? address : `${quoted} <${address}>`;
}

/**
 * A parsed address as an envelope takes it: the domain as lower-case A-label, the local part as
 * written; undefined when it is no address that SMTP could carry (RFC 5321 §4.1.2).
 */
export function envelopeAddress(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  if (at < 1 || local.length > 64 || unsafe.test(address)) return undefined;
  if (!/^"(?:[^"\\]|\\.)*"$/.test(local) && /[\s"(),:;<>@[\\\]]/.test(local)) return undefined;
  const domain = address.slice(at + 1).replace(/\.$/, '');
  if (/^\[[\da-fA-F.:IPv]+\]$/.test(domain)) return `${local}@${domain}`;
  const ascii = domainToASCII(domain);
  return ascii === '' || ascii.length > 255 || !/^[\w.-]+$/.test(ascii)
    ? undefined
    : `${local}@${ascii.toLowerCase()}`;
}

const unsafe = /\p{Cc}/u;
