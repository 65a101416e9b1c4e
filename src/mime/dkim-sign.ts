/** DKIM signatures: RFC 6376, with the algorithms of RFC 8301 and RFC 8463. */
import { createHash, type KeyObject, sign } from 'node:crypto';
import { domainToUnicode } from 'node:url';
import { promisify } from 'node:util';
import { envelopeAddress, parseAddressList } from './address.ts';
import { RelaxedBodyHash } from './dkim-body.ts';
import { type DkimField, DkimHeader, relaxedField } from './dkim-header.ts';
import { unfold } from './header-fields.ts';

/** A key that signs: its record is at `<selector>._domainkey.<domain>`. */
export interface DkimSigningKey {
  /** A-label in lower case. */
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256';
  readonly privateKey: KeyObject;
}

/** What signatures are made from. */
export interface DkimDigest {
  readonly fields: readonly DkimField[];
  /** SHA-256 of the body in the relaxed canonicalization, in base64. */
  readonly bodyHash: string;
}

/** Signed even where there are none, and once more than there are: nobody may add one. RFC 6376 §8.15. */
const sealedFields = ['from', 'reply-to', 'to', 'cc', 'subject', 'content-type'];

/** Signed once more than there are, if there are any. */
const guardedFields = [
  'sender',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-transfer-encoding',
];

/** Signed where there are any; others may add some, as mailing lists do. */
const coveredFields = [
  'resent-date',
  'resent-from',
  'resent-to',
  'resent-cc',
  'list-id',
  'list-help',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-subscribe',
  'list-post',
  'list-owner',
  'list-archive',
];

/** More fields of one name than this are not signed. */
const maxOfOneName = 50;

const signAsync = promisify<string, Uint8Array, KeyObject, Buffer>(sign);

/**
 * Reads a message once, in chunks; no further than its header if the hash of its body is known. Throws RangeError for a
 * header that is too large.
 */
export async function digestMessage(
  content: AsyncIterable<Uint8Array>,
  knownBodyHash?: string,
): Promise<DkimDigest> {
  const header = new DkimHeader();
  const body = new RelaxedBodyHash();
  for await (const chunk of content) {
    const rest = header.take(chunk);
    if (knownBodyHash === undefined && rest.length > 0) body.update(rest);
    if (knownBodyHash !== undefined && header.isEnded) {
      return { fields: header.fields(), bodyHash: knownBodyHash };
    }
  }
  return { fields: header.fields(), bodyHash: knownBodyHash ?? body.digest().toString('base64') };
}

/** A DKIM-Signature field with its line end, to be put in front of the message. `atMs` is when it is made. */
export async function dkimSignatureField(
  { fields, bodyHash }: DkimDigest,
  key: DkimSigningKey,
  atMs: number,
): Promise<string> {
  const { signed, names } = signedFields(fields);
  const unsigned = [
    ` v=1; a=${key.algorithm}; c=relaxed/relaxed; d=${key.domain};`,
    `s=${key.selector}; t=${Math.floor(atMs / 1000)};`,
    `bh=${bodyHash};`,
    `${foldedList(names)};`,
    'b=',
  ].join('\r\n\t');
  const own = relaxedField({ name: 'dkim-signature', value: unsigned });
  const text = [...signed.map(relaxedField), own].join('\r\n');
  const value = await signatureOf(Buffer.from(text, 'latin1'), key);
  return `DKIM-Signature:${unsigned}${value.replace(/.{72}(?=.)/g, '$&\r\n\t')}\r\n`;
}

/** The domains of the From field's mailboxes as A-labels; undefined for a mailbox that has none. RFC 5322 §3.6.2. */
export function authorDomains({ fields }: DkimDigest): readonly (string | undefined)[] {
  return fields
    .filter(({ name }) => name === 'from')
    .flatMap(({ value }) => {
      const domains = parseAddressList(unfold(value)).map(({ address }) => domainOf(address));
      return domains.length === 0 ? [undefined] : domains;
    });
}

/**
 * Whether somebody may read a domain (an A-label in lower case) in a From field, with or without the comments, blanks and
 * quotes in it: parsers do not agree on addresses that are written oddly.
 */
export function isInAuthors({ fields }: DkimDigest, domain: string): boolean {
  const names = [domain, domainToUnicode(domain)].filter((name) => name !== '');
  return fields
    .filter(({ name }) => name === 'from')
    .some(({ value }) => {
      const text = Buffer.from(value, 'latin1')
        .toString()
        .normalize('NFKC')
        .toLowerCase()
        .replaceAll('\u3002', '.');
      const readings = [text, withoutComments(text)].map((one) => one.replace(/[\s"\\\p{C}]+/gu, ''));
      return readings.some((reading) => names.some((name) => reading.includes(name)));
    });
}

/** RFC 5322 §3.2.2: comments may stand in each other. */
function withoutComments(text: string): string {
  let depth = 0;
  let kept = '';
  for (const char of text) {
    if (char === '(') depth++;
    else if (char === ')' && depth > 0) depth--;
    else if (depth === 0) kept += char;
  }
  return kept;
}

/** The names of the records that the signatures in the message refer to: `<s=>._domainkey.<d=>` in lower case. */
export function signatureRecords({ fields }: DkimDigest): readonly string[] {
  return fields
    .filter(({ name }) => name === 'dkim-signature')
    .map(({ value }) => {
      const tags = new Map(value.split(';').map((tag) => tagOf(tag)));
      return `${tags.get('s') ?? ''}._domainkey.${tags.get('d') ?? ''}`.toLowerCase();
    });
}

function tagOf(text: string): [string, string] {
  const [name = '', ...value] = text.replace(/\s+/g, '').split('=');
  return [name, value.join('=')];
}

function domainOf(address: string): string | undefined {
  return envelopeAddress(address)?.split('@').at(-1);
}

/** RFC 6376 §5.4.2: of several fields of one name the last comes first. */
function signedFields(fields: readonly DkimField[]): {
  readonly signed: readonly DkimField[];
  readonly names: readonly string[];
} {
  const byName = Map.groupBy(fields, ({ name }) => name);
  const signed: DkimField[] = [];
  const names: string[] = [];
  for (const name of [...sealedFields, ...guardedFields, ...coveredFields]) {
    const found = (byName.get(name) ?? []).slice(-maxOfOneName).reverse();
    signed.push(...found);
    names.push(...found.map(() => name));
    if (sealedFields.includes(name) || (guardedFields.includes(name) && found.length > 0)) names.push(name);
  }
  return { signed, names };
}

/** RFC 6376 §3.5: white space may stand around the colons of h=. */
function foldedList(names: readonly string[]): string {
  let line = 'h=';
  const lines: string[] = [];
  for (const [n, name] of names.entries()) {
    const piece = n === names.length - 1 ? name : `${name}:`;
    if (line.length + piece.length > 74) {
      lines.push(line);
      line = ' ';
    }
    line += piece;
  }
  return [...lines, line].join('\r\n\t');
}

/** RFC 8463 §3: Ed25519 signs the hash; that takes less than handing it to a thread. */
async function signatureOf(text: Uint8Array, { algorithm, privateKey }: DkimSigningKey): Promise<string> {
  const signature =
    algorithm === 'rsa-sha256'
      ? await signAsync('sha256', text, privateKey)
      : sign(null, createHash('sha256').update(text).digest(), privateKey);
  return signature.toString('base64');
}
