/** How the rows about who calls the admin API are written. */
import type { AccessGrant, AccessKey } from '#directory/access-keys';
import type { AuditCaller, AuditEvent } from '#directory/audit-log';
import type { OrganizationId } from '#domain/ids';
import type { Codec } from '../rows.ts';
import { packedCodec } from './packed.ts';

type KeyTuple = [
  string,
  string | null,
  string,
  string,
  AccessGrant,
  number,
  number | null,
  (readonly AccessGrant[])?,
];
export const accessKeyCodec: Codec<AccessKey> = packedCodec(
  (key): KeyTuple => [
    key.id,
    key.organization ?? null,
    key.name,
    key.secretAccessKey,
    key.grant,
    key.createdMs,
    key.lastUsedMs ?? null,
    key.within,
  ],
  ([id, organization, name, secretAccessKey, grant, createdMs, lastUsedMs, within = []]) => ({
    id,
    organization: (organization ?? undefined) as OrganizationId | undefined,
    name,
    secretAccessKey,
    grant,
    within,
    createdMs,
    lastUsedMs: lastUsedMs ?? undefined,
  }),
);

/** An event without what its key says. */
export type AuditRecord = Omit<AuditEvent, 'atMs' | 'organization'>;

type EventTuple = [string, string, AuditCaller, string | null, string | null, string, string, string | null];
export const auditCodec: Codec<AuditRecord> = packedCodec(
  (event): EventTuple => [
    event.requestId,
    event.operation,
    event.caller,
    event.sourceAddress ?? null,
    event.userAgent ?? null,
    event.input,
    event.outcome,
    event.message ?? null,
  ],
  ([requestId, operation, caller, sourceAddress, userAgent, input, outcome, message]) => ({
    requestId,
    operation,
    caller,
    sourceAddress: sourceAddress ?? undefined,
    userAgent: userAgent ?? undefined,
    input,
    outcome,
    message: message ?? undefined,
  }),
);
