import type { OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';

/** Who called: an access key, or somebody on the admin socket, who is an administrator by the file's mode. */
export type AuditCaller =
  | { readonly kind: 'socket' }
  | { readonly kind: 'access-key'; readonly id: string; readonly name: string };

/** One call of the admin API: who, what, from where, outcome. */
export interface AuditEvent {
  readonly atMs: number;
  /** The answer's x-amzn-RequestId. */
  readonly requestId: string;
  /** `WorkMailService.CreateUser`. */
  readonly operation: string;
  /** Whose it is about, if there is such an organisation. */
  readonly organization: OrganizationId | undefined;
  readonly caller: AuditCaller;
  /** Undefined on the admin socket. */
  readonly sourceAddress: string | undefined;
  readonly userAgent: string | undefined;
  /** Its input as JSON, without what is secret; long ones are cut. */
  readonly input: string;
  /** `Begun`: the server ended before the operation had. Else `Success`, or the exception's name. */
  readonly outcome: string;
  /** What a refusal said. */
  readonly message: string | undefined;
}

/** Which events are asked for. */
export interface AuditPeriod {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What the audit log needs remembered. Events are kept for 90 days. */
export interface AuditStore {
  /** Of the same request the later one replaces the former; durable when it resolves, unless `soon`. */
  putAuditEvent(event: AuditEvent, urgency: 'now' | 'soon'): Promise<void>;
  /** An organisation's, or those that are about none, newest first, after `after`. */
  auditEvents(
    organization: OrganizationId | undefined,
    period: AuditPeriod,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<AuditEvent, string>>;
}
