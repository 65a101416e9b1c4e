import type { MailDomains } from '#directory/mail-domains';
import type { Logger } from '#telemetry/log';
import type { Authors, MailSigning, SigningKeys } from './dkim-fields.ts';
import type { OutboundMail } from './outbound.ts';
import type { Clock } from './outside.ts';

interface DkimSignerParts {
  readonly domains: Pick<MailDomains, 'signingKeys' | 'defaultDomain'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What of a mail decides who signs it. */
type SignedMail = Pick<OutboundMail, 'id' | 'acceptId' | 'organization' | 'isAuthenticated'>;

/** DkimSigner says who signs mail that leaves this server: the organisation whose mail it is. RFC 6376. */
export class DkimSigner {
  readonly #parts: DkimSignerParts;

  constructor(parts: DkimSignerParts) {
    this.#parts = parts;
  }

  /** Who signs a mail; what fails is logged. */
  signing(mail: SignedMail): MailSigning {
    const { id, acceptId } = mail;
    return {
      keysFor: (authors) => this.#keysFor(mail, authors),
      failed: (err) => this.#parts.log.error('outbound.signing.failed', { err }, { queueId: id, acceptId }),
    };
  }

  async #keysFor({ organization, isAuthenticated }: SignedMail, authors: Authors): Promise<SigningKeys> {
    const { domains, clock } = this.#parts;
    for (const author of isAuthenticated ? authors : []) {
      const keys = author === undefined ? undefined : await domains.signingKeys(organization, author);
      if (keys !== undefined) return { authors, keys, atMs: clock.now() };
    }
    const ours = await domains.defaultDomain(organization);
    const keys = (await domains.signingKeys(organization, ours)) ?? [];
    return { keys, atMs: clock.now(), ...(isAuthenticated ? { authors } : { unlessOf: ours }) };
  }
}
