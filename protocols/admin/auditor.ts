import type { AuditEvent, AuditStore } from '#directory/audit-log';
import type { OrganizationId } from '#domain/ids';
import type { Clock } from '#domain/outside';

/** What is known of a call before it is done. */
type AuditedCall = Omit<AuditEvent, 'atMs' | 'outcome' | 'message'>;

interface AuditorParts {
  readonly store: AuditStore;
  readonly clock: Clock;
  /** Whether there is such an organisation, in any state. */
  readonly isOrganization: (id: OrganizationId) => Promise<boolean>;
}

/** What an organisation's own rows might not survive stands in the log of the installation. */
const ofInstallation: ReadonlySet<string> = new Set([
  'WorkMailService.DeleteOrganization',
  'Mailstead.RestoreOrganization',
]);

/** What these do is to look: they change nothing. */
const lookingVerbs = /^\w+\.(?:Describe|Get|List|Search|Test)/;

/** What a call came to. */
interface Outcome {
  /** `Success`, or the exception's name. */
  readonly outcome: string;
  readonly message: string | undefined;
}

/** Auditor writes down every call of the admin API. */
export class Auditor {
  readonly #p: AuditorParts;

  constructor(parts: AuditorParts) {
    this.#p = parts;
  }

  /**
   * Begins a call; the result ends it. What changes something stands in the log before it is done, so that a crash leaves
   * no change that nobody is known to have made.
   */
  async begin(call: AuditedCall): Promise<(outcome: Outcome) => Promise<void>> {
    const { store, clock } = this.#p;
    const isLooking = lookingVerbs.test(call.operation);
    const organization = ofInstallation.has(call.operation) ? undefined : call.organization;
    const event = { ...call, organization: await this.#known(organization), atMs: clock.now() };
    if (!isLooking) await store.putAuditEvent({ ...event, outcome: 'Begun', message: undefined }, 'now');
    return (outcome) => store.putAuditEvent({ ...event, ...outcome }, isLooking ? 'soon' : 'now');
  }

  async #known(organization: OrganizationId | undefined): Promise<OrganizationId | undefined> {
    if (organization === undefined) return undefined;
    return (await this.#p.isOrganization(organization)) ? organization : undefined;
  }
}
