/**
 * The rows by which organisations are found that something may be about, so that nobody asks each: those of users by what they sign
 * in with when they give no domain, and those that have an administrator for mail.
 */
import { canonicalName } from '#directory/canonical-name';
import type { Organization } from '#directory/organization';
import type { Namesake } from '#directory/ports';
import type { User } from '#directory/user';
import type { OrganizationId } from '#domain/ids';
import { firstRows } from './first-rows.ts';
import type { KeyRing } from './key-ring.ts';
import { entityIdOf, idBytes, organizationIdOf, systemPart, u8, u64 } from './keys.ts';
import { systemRows as rows } from './layout.ts';
import type { Sealer } from './rows.ts';
import type { Bytes, Reader, Tx } from './store.ts';

interface Options {
  readonly keys: KeyRing;
  readonly sealer: Sealer;
}

const system = systemPart();
/** Since when (ms) every organisation has its rows (migrations/0002-directory-indexes.ts). */
export const indexedSince = rows.lastDone.key(u8(4));

async function isComplete(reader: Reader): Promise<boolean> {
  return (await reader.get(system, indexedSince)) !== undefined;
}

/** Enabled users with a name, at most `limit`; undefined while it is not known of all. */
export async function namesakes(
  reader: Reader,
  { keys }: Options,
  name: string,
  limit: number,
): Promise<readonly Namesake[] | undefined> {
  if (!(await isComplete(reader))) return undefined;
  const found = await firstRows(reader, system, rows.signInName.range(nameKey(keys, name)), limit);
  return found.map(([key]) => ({
    organization: organizationIdOf(key.subarray(17, 33)),
    user: entityIdOf(key.subarray(33)),
  }));
}

/** Writes what a user is found by: nothing unless it is enabled. */
export function putSignInNames(tx: Tx, { keys, sealer }: Options, user: User): void {
  for (const name of signInNames(user)) {
    const key = signInNameKey(keys, user, name);
    if (user.state === 'ENABLED') tx.put(system, key, rows.signInName.encode(sealer, system, key, null));
    else tx.del(system, key);
  }
}

/** Of a user who goes, or of some of its names that do. */
export function deleteSignInNames(
  tx: Tx,
  { keys }: Options,
  user: User,
  names: Iterable<string> = signInNames(user),
): void {
  for (const name of names) tx.del(system, signInNameKey(keys, user, name));
}

/** What an address gives to sign in with: what stands before its @. */
export function localPartOf(address: string): string {
  return address.slice(0, address.lastIndexOf('@'));
}

/** One that was never enabled has no rows, and those that are deleted would be read over by whoever looks for others. */
function signInNames({ name, addresses, state, enabledMs }: User): ReadonlySet<string> {
  if (state !== 'ENABLED' && enabledMs === undefined) return new Set();
  return new Set([canonicalName(name), ...addresses.map(localPartOf)]);
}

function signInNameKey(keys: KeyRing, { organization, id }: User, name: string): Bytes {
  return rows.signInName.key(nameKey(keys, name), idBytes(organization), idBytes(id));
}

/** Another one than that of an address or an alias. */
function nameKey(keys: KeyRing, name: string): Bytes {
  return keys.nameKey(undefined, `sign-in ${name}`);
}

/** Organisations with an administrator for mail, the oldest first; undefined while it is not known of all. */
export async function administeredOrganizations(
  reader: Reader,
  limit: number,
): Promise<readonly OrganizationId[] | undefined> {
  if (!(await isComplete(reader))) return undefined;
  const found = await firstRows(reader, system, rows.administered.range(), limit);
  return found.map(([key]) => organizationIdOf(key.subarray(9)));
}

/** Notes whether an organisation has an administrator for mail. */
export function putAdministered(
  tx: Tx,
  { sealer }: Options,
  organization: Organization,
  isAdministered: boolean,
): void {
  const key = administeredKey(organization);
  if (isAdministered) tx.put(system, key, rows.administered.encode(sealer, system, key, null));
  else tx.del(system, key);
}

/** The row that says that an organisation has one. */
export function administeredKey({ id, createdMs }: Organization): Bytes {
  return rows.administered.key(u64(createdMs), idBytes(id));
}
