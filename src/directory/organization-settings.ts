import type { Outside } from '#domain/outside';
import { Availability } from './availability.ts';
import type { Directory } from './directory.ts';
import { EmailMonitoringSettings } from './email-monitoring.ts';
import { IdentityProviders } from './identity-providers.ts';
import { Impersonation } from './impersonation.ts';
import { MailboxExports } from './mailbox-exports.ts';
import { PersonalTokens } from './personal-tokens.ts';
import type { DirectoryStore } from './ports.ts';
import { RetentionPolicies } from './retention.ts';

/** OrganizationSettings are what an organisation has beside who there is. */
export interface OrganizationSettings {
  readonly availability: Availability;
  readonly emailMonitoring: EmailMonitoringSettings;
  readonly exports: MailboxExports;
  readonly identityProviders: IdentityProviders;
  readonly impersonation: Impersonation;
  readonly personalTokens: PersonalTokens;
  readonly retention: RetentionPolicies;
}

/** organizationSettings builds them over the store of the directory. */
export function organizationSettings(
  store: DirectoryStore,
  outside: Outside,
  directory: Pick<Directory, 'signOut' | 'removal'>,
): OrganizationSettings {
  const newId = () => uuid(outside.random.bytes(16));
  return {
    availability: new Availability(store, () => outside.clock.now()),
    emailMonitoring: new EmailMonitoringSettings(store),
    exports: new MailboxExports(store, outside),
    identityProviders: new IdentityProviders({
      store,
      outside,
      signOutAll: (organization) => directory.removal.signOutAll(organization),
    }),
    impersonation: new Impersonation({ store, outside, newId }),
    personalTokens: new PersonalTokens({ store, outside, signOut: (user) => directory.signOut(user) }),
    retention: new RetentionPolicies(store, newId),
  };
}

/** RFC 9562 §5.4. */
function uuid(random: Uint8Array): string {
  const bytes = Buffer.from(random);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
