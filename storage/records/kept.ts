/** How what is kept of an organisation beside its directory is written. */
import type { Kept } from '#directory/kept';
import type { Codec } from '../rows.ts';
import { packedCodec } from './packed.ts';

/**
 * A record of plain fields, as a tuple in the order of their positions; one that is absent is null. Fields added later come last,
 * and are absent from older rows.
 */
function fieldsCodec<T extends object>(positions: Readonly<Record<keyof T, number>>): Codec<T> {
  const fields = (Object.keys(positions) as (keyof T)[]).sort((a, b) => positions[a] - positions[b]);
  return packedCodec(
    (value: T): unknown[] => fields.map((field) => value[field] ?? null),
    (tuple) => Object.fromEntries(fields.map((field, at) => [field, tuple[at] ?? undefined])) as T,
  );
}

export const impersonationRoleCodec = fieldsCodec<Kept['impersonationRole']>({
  id: 0,
  name: 1,
  type: 2,
  description: 3,
  rules: 4,
  createdMs: 5,
  modifiedMs: 6,
});

export const impersonationTokensCodec = fieldsCodec<Kept['impersonationTokens']>({ tokens: 0 });

export const personalTokenCodec = fieldsCodec<Kept['personalToken']>({
  id: 0,
  user: 1,
  name: 2,
  hash: 3,
  createdMs: 4,
  lastUsedMs: 5,
  expiresMs: 6,
});

export const tokensOfCodec = fieldsCodec<Kept['tokensOf']>({ ids: 0 });

export const identityCenterApplicationCodec = fieldsCodec<Kept['identityCenterApplication']>({
  arn: 0,
  name: 1,
  instanceArn: 2,
  organization: 3,
});

export const identityProviderCodec = fieldsCodec<Kept['identityProvider']>({
  mode: 0,
  instanceArn: 1,
  applicationArn: 2,
  tokens: 3,
  lifetimeDays: 4,
});

export const availabilityCodec = fieldsCodec<Kept['availability']>({
  domain: 0,
  provider: 1,
  createdMs: 2,
  modifiedMs: 3,
});

export const emailMonitoringCodec = fieldsCodec<Kept['emailMonitoring']>({ roleArn: 0, logGroupArn: 1 });

export const exportJobCodec = fieldsCodec<Kept['exportJob']>({
  id: 0,
  entity: 1,
  description: 2,
  roleArn: 3,
  kmsKeyArn: 4,
  bucket: 5,
  prefix: 6,
  state: 7,
  errorInfo: 8,
  startedMs: 9,
  endedMs: 10,
});

export const lastExportCodec = fieldsCodec<Kept['lastExport']>({ startedMs: 0 });

export const retentionPolicyCodec = fieldsCodec<Kept['retentionPolicy']>({
  id: 0,
  name: 1,
  description: 2,
  rules: 3,
});
