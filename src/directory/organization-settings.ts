import type { Outside } from '#domain/outside';
import { Impersonation } from './impersonation.ts';
import type { DirectoryStore } from './ports.ts';

/** OrganizationSettings are what an organisation has beside who there is. */
export interface OrganizationSettings {
  readonly impersonation: Impersonation;
}

/** organizationSettings builds them over one store. */
export function organizationSettings(store: DirectoryStore, outside: Outside): OrganizationSettings {
  const newId = () => uuid(outside.random.bytes(16));
  return { impersonation: new Impersonation({ store, outside, newId }) };
}

/** RFC 9562 §5.4. */
function uuid(random: Uint8Array): string {
  const bytes = Buffer.from(random);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
