import type { AuditEvent, AuditStore } from '#directory/audit-log';
import type { Directory } from '#directory/directory';
import { organizationIn } from '../../caller.ts';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { numberOf, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

interface Parts {
  readonly directory: Pick<Directory, 'describeOrganization'>;
  readonly audit: Pick<AuditStore, 'auditEvents'>;
}

/** auditOperations read what was called of the admin API. */
export function auditOperations(parts: Parts): Readonly<Record<string, AdminOperation>> {
  return { 'Mailstead.ListAuditEvents': (input) => listAuditEvents(parts, input) };
}

/** A page may hold fewer than asked for, or none: what is not wanted was left out of it. */
async function listAuditEvents({ directory, audit }: Parts, input: AdminInput): Promise<object> {
  const organization = organizationIn(input);
  if (organization !== undefined) await directory.describeOrganization(organization);
  const list = ['audit', organization, input['StartTime'], input['EndTime']];
  const { after, limit } = pageAsked(input, ...list);
  const period = { fromMs: msOf(input, 'StartTime') ?? 0, untilMs: msOf(input, 'EndTime') ?? latestMs };
  const page = await audit.auditEvents(organization, period, after, limit);
  return {
    Events: page.rows.filter((event) => isWanted(event, input)).map(describe),
    NextToken: nextToken(page.next, ...list),
  };
}

const latestMs = Number.MAX_SAFE_INTEGER;

function msOf(input: AdminInput, member: string): number | undefined {
  const seconds = numberOf(input, member);
  return seconds === undefined ? undefined : Math.min(Math.max(0, Math.round(seconds * 1000)), latestMs);
}

function isWanted({ operation, caller, outcome }: AuditEvent, input: AdminInput): boolean {
  const wanted = textOf(input, 'Operation');
  const key = textOf(input, 'AccessKeyId');
  const result = textOf(input, 'Outcome');
  return (
    (wanted === undefined || operation === wanted || operation.split('.')[1] === wanted) &&
    (key === undefined || (caller.kind === 'access-key' && caller.id === key)) &&
    (result === undefined || (outcome === 'Success') === (result === 'Success'))
  );
}

function describe(event: AuditEvent): object {
  const { caller } = event;
  return {
    Time: timestamp(event.atMs),
    Operation: event.operation,
    Caller: caller.kind === 'socket' ? 'ADMIN_SOCKET' : 'ACCESS_KEY',
    AccessKeyId: caller.kind === 'access-key' ? caller.id : undefined,
    AccessKeyName: caller.kind === 'access-key' ? caller.name : undefined,
    SourceAddress: event.sourceAddress,
    UserAgent: event.userAgent,
    Input: event.input,
    Outcome: event.outcome,
    Message: event.message,
    RequestId: event.requestId,
  };
}
