import { type Folder, folderNameKey, rootFolder } from './folder.ts';
import type { FolderId } from './ids.ts';
import type { Envelope, Mailbox5322 } from './item.ts';

/** Somebody whom the owner of a mailbox wrote to. */
export interface CachedRecipient extends Mailbox5322 {
  /** Never used again: one that changes is another one. */
  readonly id: number;
  /** The hour, counted since 1970, in which he was last written to: the higher, the more relevant. */
  readonly rank: number;
}

/** Whom the owner wrote to lately: the latest first, each address once. MS-ASCMD, recipient information cache. */
export interface RecipientCache {
  /** The id that was given last. */
  readonly lastId: number;
  readonly recipients: readonly CachedRecipient[];
}

/** By this number devices' states of the cache are kept; no folder has it. */
export const recipientCacheFolder = 0xffff_ffff as FolderId;

/** Devices are told of it by this name, in the root. */
export const recipientCacheName = 'RecipientInfo';

/** Whether a folder there would have the name of the cache. */
export function isRecipientCacheName({ parent, name }: Pick<Folder, 'parent' | 'name'>): boolean {
  return parent === rootFolder && folderNameKey(name) === folderNameKey(recipientCacheName);
}

export const emptyRecipientCache: RecipientCache = { lastId: 0, recipients: [] };

const maxRecipients = 100;
/** Of one message: a mail to everybody says nothing of anybody, and would leave nobody else. */
const maxOfMessage = 20;
const maxNameLength = 64;
const maxAddressLength = 254;
/** The row has its place in a transaction that a message may fill. */
const maxBytes = 16 * 1024;
const hourMs = 3_600_000;

/** What of a mailbox in a transaction remembers them. */
interface Remembering {
  recipientCache(): Promise<RecipientCache>;
  putRecipientCache(cache: RecipientCache): void;
}

/** Remembers whom a message goes to that its owner sends: in the transaction that puts it into Sent Items. */
export async function rememberRecipients(
  tx: Remembering,
  envelope: Pick<Envelope, 'to' | 'cc' | 'bcc'>,
  nowMs: number,
): Promise<void> {
  const cache = await tx.recipientCache();
  const next = withRecipients(cache, envelope, nowMs);
  if (next !== cache) tx.putRecipientCache(next);
}

/** The cache after a message; the same one if it says nothing new. */
function withRecipients(
  cache: RecipientCache,
  { to, cc, bcc }: Pick<Envelope, 'to' | 'cc' | 'bcc'>,
  nowMs: number,
): RecipientCache {
  const rank = Math.floor(nowMs / hourMs);
  const known = new Map(cache.recipients.map((one) => [one.address.toLowerCase(), one]));
  const written = new Map<string, CachedRecipient>();
  let { lastId } = cache;
  for (const { address, name } of [...to, ...cc, ...bcc].slice(0, maxOfMessage)) {
    const key = address.toLowerCase();
    if (!address.includes('@') || address.length > maxAddressLength || written.has(key)) continue;
    const before = known.get(key);
    const called = name.slice(0, maxNameLength) || (before?.name ?? '');
    const isSame = before?.rank === rank && before.name === called;
    written.set(key, isSame ? before : { id: ++lastId, address, name: called, rank });
  }
  if (lastId === cache.lastId) return cache;
  const others = cache.recipients.filter(({ address }) => !written.has(address.toLowerCase()));
  return { lastId, recipients: withinRow([...written.values(), ...others]) };
}

function withinRow(recipients: readonly CachedRecipient[]): readonly CachedRecipient[] {
  let bytes = 0;
  return recipients.slice(0, maxRecipients).filter(({ address, name }) => {
    bytes += 30 + Buffer.byteLength(address) + Buffer.byteLength(name);
    return bytes <= maxBytes;
  });
}
