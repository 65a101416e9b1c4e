import {
  authorDomains,
  type DkimDigest,
  type DkimSigningKey,
  digestMessage,
  dkimSignatureField,
  isInAuthors,
  signatureRecords,
} from '#mime/dkim-sign';

/** The domains of a message's authors; undefined for one that has none. */
export type Authors = readonly (string | undefined)[];

/** SigningKeys is who signs a mail: plain data, which may go to another thread. */
export interface SigningKeys {
  /** The message's authors, for whom these keys are; absent: for any. */
  readonly authors?: Authors | undefined;
  /** None: the mail goes unsigned. */
  readonly keys: readonly DkimSigningKey[];
  /** When it is signed. */
  readonly atMs: number;
  /** Nothing is signed that could pass for mail of this domain. */
  readonly unlessOf?: string | undefined;
}

/** MailSigning answers for one mail who signs it. */
export interface MailSigning {
  /** By the domains of its authors. Rejects when that cannot be told. */
  keysFor(authors: Authors): Promise<SigningKeys>;
  /** Takes note of why the mail could not be signed. */
  failed(err: unknown): void;
}

/**
 * The fields that sign a message whose bytes are final, to be put in front of it: it is read once, in chunks, no further
 * than its header if the hash of its body is known. None ('') for what would vouch for somebody else's From, and for what
 * we have signed before. Rejects, and tells `signing` why, when it cannot be signed.
 */
export async function dkimFields(
  signing: MailSigning,
  content: AsyncIterable<Uint8Array>,
  bodyHash?: string,
): Promise<string> {
  try {
    const digest = await digestMessage(content, bodyHash);
    const authors = authorDomains(digest);
    const { keys, atMs, unlessOf } = await signing.keysFor(authors);
    if (unlessOf !== undefined && mayVouch(digest, authors, unlessOf)) return '';
    const signed = new Set(signatureRecords(digest));
    const missing = keys.filter(({ selector, domain }) => !signed.has(`${selector}._domainkey.${domain}`));
    return (await Promise.all(missing.map((key) => dkimSignatureField(digest, key, atMs)))).join('');
  } catch (err) {
    signing.failed(err);
    throw new Error('The message could not be signed', { cause: err });
  }
}

/** Whether keys are for a message with these authors. */
export function areFor(keys: SigningKeys, authors: Authors): boolean {
  const { authors: theirs } = keys;
  return (
    theirs === undefined ||
    (theirs.length === authors.length && theirs.every((author, n) => author === authors[n]))
  );
}

/**
 * Whether a signature of our domain could pass for one of an author's (RFC 7489 §3.1.1). They have a registered domain in
 * common only if they end with the same two labels; for some that do, as under co.uk, this says so of strangers.
 */
function mayVouch(digest: DkimDigest, authors: Authors, ours: string): boolean {
  const ending = lastLabels(ours);
  return (
    authors.length === 0 ||
    authors.some((author) => author === undefined || lastLabels(author) === ending) ||
    isInAuthors(digest, ending)
  );
}

function lastLabels(domain: string): string {
  return domain.split('.').slice(-2).join('.');
}
