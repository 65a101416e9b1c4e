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
