import { canonicalAddress } from '#directory/canonical-name';
import { RecentMap } from '#directory/recent-map';
import { listEnd, listStart, type Position } from './change.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { ItemId, MailboxId, MailboxRef } from './ids.ts';
import type { Envelope, Mailbox5322 } from './item.ts';
import type { Clock } from './outside.ts';
import type { MailboxReader, MailStore } from './ports.ts';

interface Remembered {
  readonly addresses: Promise<ReadonlySet<string>>;
  readonly untilMs: number;
}

const sentItems = defaultFolder(FolderType.SentItems);
const looked = 500;
const atOnce = 50;
const maxAddresses = 5_000;
const maxMailboxes = 200;
const rememberMs = 5 * 60_000;

/**
 * WrittenTo knows whom the owners of mailboxes have written to: the recipients of the newest 500 messages in Sent Items. That
 * is kept for five minutes, so that a flood of mail does not read them each time.
 */
export class WrittenTo {
  readonly #store: Pick<MailStore, 'mailbox'>;
  readonly #clock: Clock;
  readonly #remembered = new RecentMap<MailboxId, Remembered>(maxMailboxes);

  constructor(store: Pick<MailStore, 'mailbox'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async has(ref: MailboxRef, address: string): Promise<boolean> {
    const nowMs = this.#clock.now();
    const known = this.#remembered.get(ref.mailbox);
    if (known !== undefined && nowMs < known.untilMs) {
      return (await known.addresses).has(canonicalAddress(address));
    }
    const addresses = recipientsOf(this.#store.mailbox(ref));
    this.#remembered.set(ref.mailbox, { addresses, untilMs: nowMs + rememberMs });
    addresses.catch(() => this.#remembered.delete(ref.mailbox));
    return (await addresses).has(canonicalAddress(address));
  }
}

async function recipientsOf(mailbox: Pick<MailboxReader, 'list' | 'items'>): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  let from: Position = listStart;
  for (let left = looked; left > 0 && found.size < maxAddresses; left -= atOnce) {
    const places = await mailbox.list(sentItems, { from, to: listEnd, limit: atOnce });
    const last = places.at(-1);
    if (last === undefined) break;
    const items = await mailbox.items(
      sentItems,
      places.map(({ item }) => item as ItemId),
    );
    for (const { address } of items.flatMap((item) => recipientsIn(item?.envelope))) {
      if (found.size < maxAddresses) found.add(canonicalAddress(address));
    }
    from = { receivedMs: last.receivedMs, item: last.item + 1 };
  }
  return found;
}

function recipientsIn(envelope: Envelope | undefined): readonly Mailbox5322[] {
  return envelope === undefined ? [] : [...envelope.to, ...envelope.cc, ...envelope.bcc];
}
