/** How the rows about devices and their policies in an organisation are written. */
import type { DeviceEntry } from '#domain/devices';
import type { DeviceId, MailboxId } from '#domain/ids';
import type { StoredPolicy } from '#domain/policy';
import type { Codec } from '../rows.ts';
import { packedCodec } from './packed.ts';

/** Few and small: packed as it is, fields named. */
export const policyCodec: Codec<StoredPolicy> = packedCodec(
  ({ revision, policy, everSet }) => ({ revision, policy: policy ?? null, everSet }),
  ({ revision, policy, everSet }) => ({ revision, policy: policy ?? undefined, everSet }),
);

/** A device without what its organisation's key says. */
export interface DeviceEntryRecord {
  readonly mailbox: MailboxId;
  readonly device: DeviceEntry['device'];
}

export const deviceEntryCodec: Codec<DeviceEntryRecord> = packedCodec(
  (entry): [string, string] => [entry.mailbox, entry.device],
  ([mailbox, device]) => ({ mailbox: mailbox as MailboxId, device: device as DeviceId }),
);
