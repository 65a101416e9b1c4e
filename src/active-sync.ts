/** The endpoint of ActiveSync over the parts of the domain. */

import type { SignIn } from '#directory/sign-in';
import { indexedFinder } from '#domain/search/find-indexed';
import { MailSearches } from '#domain/search/mail-searches';
import { BegunSearches } from '#protocols/activesync/begun-searches';
import { ActiveSyncEndpoint } from '#protocols/activesync/endpoint';
import { MemoryShare } from '#protocols/activesync/memory-share';
import type { Core } from './core.ts';

/** Builds it; nothing listens yet. */
export function createActiveSync(
  core: Omit<Core, 'signIn'> & { readonly signIn: Pick<SignIn, 'signIn'> },
): ActiveSyncEndpoint {
  const { config, routing, delivery, devices, provisioning, policies, signIn, database } = core;
  const { directory, outside, access, quarantine, preferences, diary, traces } = core;
  return new ActiveSyncEndpoint({
    signIn: directory.accessControl.guarding(signIn, 'ActiveSync'),
    accounts: directory,
    accessControl: directory.accessControl,
    log: core.log,
    store: database.mail,
    policies,
    quarantine,
    diary,
    traces,
    services: {
      ...outside,
      access,
      directory: routing,
      addressBook: directory.addressBook,
      people: directory.people,
      permissions: directory.permissions,
      certificates: core.certificates,
      begunSearches: new BegunSearches(),
      devices,
      provisioning,
      delivery,
      preferences,
      maxMessageBytes: config.limits.maxMessageBytes,
      maxRecipients: config.limits.maxRecipients,
      memory: new MemoryShare(2 * config.limits.maxMessageBytes),
      searches: new MailSearches(outside.clock, indexedFinder(database.indexes)),
    },
  });
}
