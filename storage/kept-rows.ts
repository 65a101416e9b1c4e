/** The rows of what is kept of an organisation beside its directory: a kind of row for each, found by the HMAC of its id, or by the id where its order counts. */
import type { Kept, KeptKind, ListedKind } from '#directory/kept';
import type { PageOf } from '#domain/ports';
import { firstRows } from './first-rows.ts';
import type { KeyRing } from './key-ring.ts';
import { organizationRows as rows, systemRows } from './layout.ts';
import type { Row, Sealer } from './rows.ts';
import type { Bytes, Part, Reader, Tx } from './store.ts';

interface Options {
  readonly keys: KeyRing;
  readonly sealer: Sealer;
}

const rowOf: { readonly [Kind in KeptKind]: Row<[Bytes], Kept[Kind]> } = {
  impersonationRole: rows.impersonationRole,
  impersonationTokens: rows.impersonationTokens,
  personalToken: rows.personalToken,
  tokensOf: rows.tokensOf,
  identityCenterApplication: systemRows.identityCenterApplication,
  identityProvider: rows.identityProvider,
  availability: rows.availability,
  emailMonitoring: rows.emailMonitoring,
  exportJob: rows.exportJob,
  lastExport: rows.lastExport,
  retentionPolicy: rows.retentionPolicy,
};

const idOf: { readonly [Kind in ListedKind]: (value: Kept[Kind]) => string } = {
  impersonationRole: ({ id }) => id,
  personalToken: ({ id }) => id,
  availability: ({ domain }) => domain,
  exportJob: ({ id }) => id,
};

export async function kept<Kind extends KeptKind>(
  reader: Reader,
  options: Options,
  part: Part,
  kind: Kind,
  id: string,
): Promise<Kept[Kind] | undefined> {
  const key = keyOf(options, part, kind, id);
  const stored = await reader.get(part, key);
  return stored === undefined ? undefined : rowOf[kind].decode(options.sealer, part, key, stored);
}

/** In the order of their keys. */
export async function keptPage<Kind extends ListedKind>(
  reader: Reader,
  options: Options,
  part: Part,
  kind: Kind,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<PageOf<Kept[Kind], string>> {
  const row: Row<[Bytes], Kept[Kind]> = rowOf[kind];
  const range = row.range();
  const gte =
    after === undefined ? range.gte : Buffer.concat([keyOf(options, part, kind, after), Buffer.of(0)]);
  const found = await firstRows(reader, part, { ...range, gte }, limit + 1);
  const values = found.slice(0, limit).map(([key, stored]) => row.decode(options.sealer, part, key, stored));
  const last = values.at(-1);
  return found.length > limit && last !== undefined
    ? { rows: values, next: idOf[kind](last) }
    : { rows: values };
}

export function putKept<Kind extends KeptKind>(
  tx: Tx,
  options: Options,
  part: Part,
  kind: Kind,
  id: string,
  value: Kept[Kind],
): void {
  const key = keyOf(options, part, kind, id);
  tx.put(part, key, rowOf[kind].encode(options.sealer, part, key, value));
}

export function deleteKept(tx: Tx, options: Options, part: Part, kind: KeptKind, id: string): void {
  tx.del(part, keyOf(options, part, kind, id));
}

function keyOf({ keys }: Options, part: Part, kind: KeptKind, id: string): Bytes {
  const isInOrder = kind === 'exportJob';
  return rowOf[kind].key(isInOrder ? Buffer.from(id) : keys.nameKey(part.organization, id));
}
