import type { MailDomains } from '#directory/mail-domains';
import {
  authorDomains,
  type DkimDigest,
  type DkimSigningKey,
  digestMessage,
  dkimSignatureField,
  isInAuthors,
  signatureRecords,
} from '#mime/dkim-sign';
import type { Logger } from '#telemetry/log';
import type { OutboundMail } from './outbound.ts';
import type { Clock } from './outside.ts';

interface DkimSignerParts {
  readonly domains: Pick<MailDomains, 'signingKeys' | 'defaultDomain'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What of a mail decides who signs it. */
type SignedMail = Pick<OutboundMail, 'id' | 'acceptId' | 'organization' | 'isAuthenticated'>;

/** DkimSigner signs mail that leaves this server, in the name of the organisation whose mail it is. RFC 6376. */
export class DkimSigner {
  readonly #parts: DkimSignerParts;

  constructor(parts: DkimSignerParts) {
    this.#parts = parts;
  }

  /**
   * The fields to put in front of a message whose bytes are final: read once, in chunks, no further than its header if the
   * hash of its body is known. None ('') for what would vouch for somebody else's From, and for what we have signed before.
   * Rejects, and logs why, when it cannot be signed.
   */
  async sign(mail: SignedMail, content: AsyncIterable<Uint8Array>, bodyHash?: string): Promise<string> {
    try {
      const digest = await digestMessage(content, bodyHash);
      const keys = await this.#keysFor(mail, digest);
      return await this.#fields(digest, keys);
    } catch (err) {
      const { id, acceptId } = mail;
      this.#parts.log.error('outbound.signing.failed', { err }, { queueId: id, acceptId });
      throw new Error('The message could not be signed', { cause: err });
    }
  }

  async #fields(digest: DkimDigest, keys: readonly DkimSigningKey[]): Promise<string> {
    const signed = new Set(signatureRecords(digest));
    const missing = keys.filter(({ selector, domain }) => !signed.has(`${selector}._domainkey.${domain}`));
    const atMs = this.#parts.clock.now();
    return (await Promise.all(missing.map((key) => dkimSignatureField(digest, key, atMs)))).join('');
  }

  async #keysFor(
    { organization, isAuthenticated }: SignedMail,
    digest: DkimDigest,
  ): Promise<readonly DkimSigningKey[]> {
    const { domains } = this.#parts;
    const authors = authorDomains(digest);
    for (const author of isAuthenticated ? authors : []) {
      const keys = author === undefined ? undefined : await domains.signingKeys(organization, author);
      if (keys !== undefined) return keys;
    }
    const ours = await domains.defaultDomain(organization);
    if (!isAuthenticated && mayVouch(digest, authors, ours)) return [];
    return (await domains.signingKeys(organization, ours)) ?? [];
  }
}

/**
 * Whether a signature of our domain could pass for one of an author's (RFC 7489 §3.1.1). They have a registered domain in
 * common only if they end with the same two labels; for some that do, as under co.uk, this says so of strangers.
 */
function mayVouch(digest: DkimDigest, authors: readonly (string | undefined)[], ours: string): boolean {
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
