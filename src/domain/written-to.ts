import { canonicalAddress } from '#directory/canonical-name';
import { listEnd, type Position } from './change.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { ItemId } from './ids.ts';
import type { MailboxReader } from './ports.ts';

const sentItems = defaultFolder(FolderType.SentItems);
const looked = 500;
const atOnce = 50;

/** Whether one of the newest 500 messages in Sent Items is to this address. */
export async function hasWrittenTo(
  mailbox: Pick<MailboxReader, 'list' | 'items'>,
  address: string,
): Promise<boolean> {
  const wanted = canonicalAddress(address);
  let from: Position = { receivedMs: Number.MAX_SAFE_INTEGER, item: 0 };
  for (let left = looked; left > 0; left -= atOnce) {
    const places = await mailbox.list(sentItems, { from, to: listEnd, limit: atOnce });
    const last = places.at(-1);
    if (last === undefined) return false;
    const items = await mailbox.items(
      sentItems,
      places.map(({ item }) => item as ItemId),
    );
    for (const item of items) {
      if (item === undefined) continue;
      const { to, cc, bcc } = item.envelope;
      if ([...to, ...cc, ...bcc].some((one) => canonicalAddress(one.address) === wanted)) return true;
    }
    from = { receivedMs: last.receivedMs, item: last.item + 1 };
  }
  return false;
}
