import type { OperationClient } from '#test/support/workmail-operations';

/** Year is what an administrator has in hand: an organisation, and who and what came into it. */
export interface Year {
  readonly call: OperationClient['call'];
  /** What Amazon's client has no operation for. */
  readonly admin: (operation: string, input?: object) => Promise<Record<string, unknown>>;
  /** Publishes records of a domain in DNS. */
  readonly publish: (records: unknown) => void;
  readonly now: () => Date;
  /** So many days go by. */
  readonly pass: (days: number) => void;
  readonly OrganizationId: string;
}

/** Who works there. */
export interface Staff {
  readonly anna: string;
  readonly bert: string;
  readonly cora: string;
  readonly team: string;
  readonly room: string;
}
