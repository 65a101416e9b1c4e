import type { DeviceId, FolderId } from './ids.ts';
import type { MailboxReader } from './ports.ts';
import { syncKeyOf } from './sync-state.ts';

/** A request that has waited, by the key it came with. */
interface Waited {
  readonly device: DeviceId;
  readonly folder: FolderId;
  readonly key: string;
}

/**
 * Whether a device has gone on from its key, or started over, while its request waited: nobody waits for what is said to that
 * key any more, and a device that heard that it is unknown would start over once more.
 */
export async function hasGoneOn(
  mailbox: Pick<MailboxReader, 'syncStates'>,
  { device, folder, key }: Waited,
): Promise<boolean> {
  const [newest] = await mailbox.syncStates(device, folder);
  return newest !== undefined && syncKeyOf(newest) !== key;
}
