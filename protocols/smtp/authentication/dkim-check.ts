import { DkimVerifier, type HeaderRow } from 'mailauth/lib/dkim/dkim-verifier.js';
import { CanonicalBody } from './canonical-body.ts';
import { maxAuthorBytes } from './shown-authors.ts';

type Hasher = ReturnType<DkimVerifier['bodyHashes']['get']> & object;

/** Signatures below these are not looked at: a message of theirs has one to three. */
const maxSignatures = 10;
const maxSignatureBytes = 6 * 1024;
/** Names in h=, each of which is looked for in the whole header. */
const maxColons = 500;
/** More blanks in a row than folds come with; mailauth takes the square of their number. */
const manyBlanks = /[ \t\r\n]{100}/;
/** What an ARC sealer found, in every detail. */
const maxResultsBytes = 16 * 1024;

interface DkimOptions {
  readonly resolver: (name: string, type: string) => Promise<unknown[]>;
  readonly curTime: Date;
}

/**
 * DkimCheck is mailauth's verifier, given a message as it passes: the header at once, the body in chunks. It hashes the
 * body itself, once for all signatures; mailauth's own hashes take up to 18 seconds for one signature of 25 MB.
 */
export class DkimCheck extends DkimVerifier {
  readonly #bodies = new Map<string, CanonicalBody>();

  constructor({ resolver, curTime }: DkimOptions) {
    super({ resolver, curTime, rejectRsaSha1: true });
  }

  /** Takes the header; its signatures tell how the body is to be read. */
  async takeHeader(original: Buffer, rows: readonly HeaderRow[]): Promise<void> {
    this.headers = { parsed: withinBounds(rows), original };
    await this.messageHeaders(this.headers);
  }

  /** Where the keys of its signatures are; call behind `takeHeader`. */
  keyNames(): readonly string[] {
    return this.signatureHeaders
      .filter(({ skip, invalid }) => !skip && !invalid)
      .map(({ selector, signingDomain }) => `${selector}._domainkey.${signingDomain}`);
  }

  takeBody(chunk: Uint8Array): void {
    for (const body of this.#bodies.values()) body.write(chunk);
  }

  /** Verifies the signatures; what came of them is in `results` then. */
  async verify(): Promise<void> {
    for (const body of this.#bodies.values()) body.end();
    await this.finalChunk();
  }

  override addBodyHash(canonicalization: string, algorithm: string, maxLength: number | ''): string {
    const name = `${canonicalization}:${algorithm}`;
    const key = `${name}:${maxLength}`;
    if (this.bodyHashes.has(key)) return key;
    const body =
      this.#bodies.get(name) ??
      new CanonicalBody(
        canonicalization === 'relaxed' ? 'relaxed' : 'simple',
        algorithm === 'sha1' ? 'sha1' : 'sha256',
      );
    this.#bodies.set(name, body);
    const length = maxLength === '' ? undefined : maxLength;
    if (length !== undefined) body.expect(length);
    this.bodyHashes.set(key, hasherOf(body, length));
    return key;
  }
}

/** What mailauth asks of a body's hash. */
function hasherOf(body: CanonicalBody, length: number | undefined): Hasher {
  return {
    get byteLength() {
      return body.size;
    },
    get canonicalizedLength() {
      return body.size;
    },
    get bodyHashedBytes() {
      return Math.min(body.size, length ?? body.size);
    },
    update: (chunk) => body.write(chunk),
    digest: () => body.digest(length),
    setContentType: () => undefined,
    getMimeStructureStart: () => false,
  };
}

/** What verifying costs grows faster than the header does: what is beyond all reason is left out, and does not pass then. */
function withinBounds(rows: readonly HeaderRow[]): readonly HeaderRow[] {
  let signatures = 0;
  return rows.flatMap((row) => {
    switch (row.key) {
      case 'dkim-signature':
        return ++signatures <= maxSignatures && isPlausible(row) ? [row] : [];
      case 'arc-message-signature':
      case 'arc-seal':
        return isPlausible(row) ? [row] : [];
      case 'arc-authentication-results':
        return row.line.length <= maxResultsBytes ? [row] : [];
      // A message without a readable author is no better than one that fails.
      case 'from':
      case 'return-path':
      case 'content-type':
        return [row.line.length <= maxAuthorBytes ? row : { ...row, line: Buffer.from(`${row.key}:`) }];
      default:
        return [row];
    }
  });
}

function isPlausible({ line }: HeaderRow): boolean {
  if (line.length > maxSignatureBytes) return false;
  const text = line.toString('latin1');
  return text.split(':').length <= maxColons && !manyBlanks.test(text);
}
