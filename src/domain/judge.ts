import type { SpooledBody } from './body-spool.ts';
import type { ContentScanner } from './content-scanner.ts';
import { DomainError } from './errors.ts';
import type { OrganizationId } from './ids.ts';
import type { MailEnvelope } from './mail-envelope.ts';
import { type Authentication, dmarcAction, type ScanVerdict, type Verdicts } from './verdicts.ts';

interface JudgeParts {
  readonly scanner?: ContentScanner | undefined;
  /** Whether an organisation has failures of DMARC refused or put aside; absent: every one has. */
  readonly isDmarcEnforced?: ((organization: OrganizationId) => Promise<boolean>) | undefined;
}

/** A message, and who gets it. */
interface Case {
  readonly acceptId: string;
  readonly envelope: MailEnvelope;
  /** Of its recipients. */
  readonly organizations: readonly OrganizationId[];
  readonly body: Pick<SpooledBody, 'size' | 'read'>;
  readonly authentication: Authentication | undefined;
}

/** What was decided of a message that is taken. */
export interface Judgement {
  /** Fields that tell of it, to be put in front. */
  readonly fields: string;
  /** What is kept with the items of an organisation. */
  verdictsFor(organization: OrganizationId): Verdicts | undefined;
}

/**
 * Judges a message that is whole, by where it comes from and what is in it. Throws message/unauthenticated when the policy
 * of its author's domain is to reject it and all organisations of its recipients want that; message/unwanted,
 * message/deferred and scanner/unavailable when the scanner says so.
 */
export async function judge(message: Case, parts: JudgeParts): Promise<Judgement> {
  const { authentication, envelope } = message;
  const enforcing = authentication ? await enforcingDmarc(message, authentication, parts) : new Set();
  const scan = await scanned(message, parts.scanner);
  const isScanJunk = scan?.action === 'junk' && !envelope.isAuthenticated;
  const isKept = authentication !== undefined || scan !== undefined;
  return {
    fields: (authentication?.field ?? '') + (scan && !envelope.isAuthenticated ? spamStatusField(scan) : ''),
    verdictsFor: (organization) => {
      if (!isKept) return undefined;
      const junk = enforcing.has(organization) ? 'dmarc' : isScanJunk ? 'scanner' : undefined;
      return { ...authentication?.verdicts, ...(scan ? { scan } : {}), ...(junk ? { junk } : {}) };
    },
  };
}

/** The organisations for whom it is junk by DMARC. */
async function enforcingDmarc(
  { organizations }: Case,
  { verdicts }: Authentication,
  { isDmarcEnforced = async () => true }: JudgeParts,
): Promise<ReadonlySet<OrganizationId>> {
  const action = dmarcAction(verdicts);
  if (action === 'none') return new Set();
  const enforcing = new Set<OrganizationId>();
  for (const organization of organizations) {
    if (await isDmarcEnforced(organization)) enforcing.add(organization);
  }
  // One that wants it all the same gets it: the reply is the same for all recipients.
  if (action === 'reject' && enforcing.size > 0 && enforcing.size === organizations.length) {
    throw new DomainError('message/unauthenticated', refusalOf(verdicts.dmarc.domain));
  }
  return enforcing;
}

function refusalOf(domain: string): string {
  return domain === ''
    ? 'The message names authors of several domains.'
    : `The message is not authenticated as the policy of ${domain} demands.`;
}

async function scanned(
  { acceptId, envelope, body }: Case,
  scanner: ContentScanner | undefined,
): Promise<ScanVerdict | undefined> {
  const { client, reversePath } = envelope;
  if (scanner === undefined || client === undefined) return undefined;
  const elsewhere = envelope.outbound?.recipients ?? [];
  const recipients = [...envelope.recipients, ...elsewhere].map(({ address }) => address);
  const open = () => body.read(0, body.size);
  const decision = await scanner.scan({ acceptId, client, reversePath, recipients, size: body.size, open });
  switch (decision.kind) {
    case 'pass':
      return decision.verdict;
    case 'refuse':
      throw new DomainError('message/unwanted', decision.text ?? 'The message is not wanted.');
    case 'defer':
      throw new DomainError('message/deferred', decision.text ?? 'The message is not taken now.');
    case 'unavailable':
      throw new DomainError('scanner/unavailable', 'The message cannot be scanned.');
  }
}

/** As SpamAssassin writes it, for programs that sort mail by it. */
function spamStatusField({ action, score, required }: ScanVerdict): string {
  if (action === 'not-scanned') return 'X-Spam-Status: No, not scanned\r\n';
  const numbers = [
    ...(score === undefined ? [] : [`score=${score.toFixed(2)}`]),
    ...(required === undefined ? [] : [`required=${required.toFixed(2)}`]),
  ];
  return `X-Spam-Status: ${[action === 'junk' ? 'Yes' : 'No', ...numbers].join(', ')}\r\n`;
}
