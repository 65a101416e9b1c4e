/** Who may come, over a real store, for tests without a directory. */
import { randomBytes } from 'node:crypto';
import { DeviceAccess } from '#domain/device-access';
import type { OrganizationId } from '#domain/ids';
import type { Clock } from '#domain/outside';
import type { OwnMail } from '#domain/own-mail';
import type { Policies } from '#domain/policy';
import { Quarantine } from '#domain/quarantine';
import type { Database } from '#storage/database';
import { StoredDeviceAccess } from '#storage/device-access-store';
import { silentLogger } from '#telemetry/log';

type Letter = Parameters<OwnMail['make']>[0];

/** The rules of an organisation's devices and its quarantine; `letters` are those that would have left. */
export function testDeviceAccess(database: Database, policies: Policies, clock: Clock) {
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const stored = new StoredDeviceAccess(database);
  const describeOrganization = async (id: OrganizationId) =>
    ({
      id,
      alias: 'test',
      state: 'Active',
      testDomain: 'example.test',
      defaultDomain: 'example.test',
      createdMs: 0,
    }) as const;
  const access = new DeviceAccess({ store: stored, policies, describeOrganization, ...outside });
  const letters: Letter[] = [];
  const quarantine = new Quarantine({
    store: database.mail,
    access,
    removals: stored,
    directory: { describeOrganization, resolveRecipient: async () => ({ kind: 'unknown' }) },
    ownMail: {
      make: async (letter) => {
        letters.push(letter);
        return [];
      },
    },
    outside,
    hostname: 'mail.test',
    log: silentLogger,
    sign: (organization, text) => database.keys.nameKey(organization, text),
    wakeRelay: () => undefined,
  });
  return { access, quarantine, letters };
}
