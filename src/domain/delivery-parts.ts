import type { AttachmentPolicy } from './attachment-policy.ts';
import type { ContentScanner } from './content-scanner.ts';
import type { MailboxRef, OrganizationId } from './ids.ts';
import type { InboxRules } from './inbox-rules.ts';
import type { Journal } from './journal.ts';
import type { Outside } from './outside.ts';
import type { DueDestination, MailStore } from './ports.ts';

/** What bounds deliveries. */
interface DeliveryLimits {
  /** As transferred; the fields we put in front do not count. */
  readonly maxMessageBytes: number;
  readonly mailboxQuotaBytes: number;
}

export interface DeliveryParts {
  readonly store: MailStore;
  readonly outside: Outside;
  readonly limits: DeliveryLimits;
  readonly attachments: AttachmentPolicy;
  /** The quota that a mailbox has of its own; absent: none has one. Reads nothing but what is stored. */
  readonly quotaOf?: (ref: MailboxRef) => Promise<number | undefined>;
  /** Absent: content is not looked at. */
  readonly scanner?: ContentScanner | undefined;
  /** Whether an organisation has failures of DMARC refused or put aside; absent: every one has. */
  readonly isDmarcEnforced?: ((organization: OrganizationId) => Promise<boolean>) | undefined;
  /** Our own name in Received fields. */
  readonly hostname: string;
  /** Tells whoever empties the queue that something came into it. */
  readonly wakeQueue: () => void;
  /** The name of where mail for an address goes (Routes); absent: its domain. */
  readonly destinationOf?: (address: string) => string;
  /** Makes the journal records; absent: there are none. */
  readonly journal?: Pick<Journal, 'records'>;
  /** Tells whoever relays mail what came into the outbound queue. */
  readonly wakeRelay?: (due: readonly DueDestination[]) => void;
  /** What the owners of mailboxes want done with mail; absent: it stays in the Inbox. */
  readonly rules?: Pick<InboxRules, 'plans'>;
}
