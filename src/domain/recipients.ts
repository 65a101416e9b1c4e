import type { Account } from '#directory/account';
import type { DeliveryParts } from './delivery-parts.ts';
import { DomainError } from './errors.ts';
import type { MailboxRef, OrganizationId, QueueId } from './ids.ts';
import type { NewItem } from './item.ts';
import type { MailArrival } from './mail-arrival.ts';
import type { OutboundEnvelope } from './outbound.ts';
import type { MailboxReader, QueuedMessage } from './ports.ts';
import type { InBcc } from './received-as-bcc.ts';

/** A message goes to at most so many mailboxes in one transaction (storage design, section 6). */
export const maxDirectMailboxes = 64;

/** A message goes to at most so many mailboxes in all, however few groups stand for them. */
const maxMailboxes = 20_000;

/** Throws limit/exceeded for more mailboxes than a message goes to; somebody named twice counts once. */
export function checkNumber(recipients: readonly Account[]): void {
  // Counting each once is worth it only when they could be too many.
  if (recipients.length <= maxMailboxes || mailboxesOf(recipients).length <= maxMailboxes) return;
  throw new DomainError('limit/exceeded', 'The message has too many recipients.');
}

/** A message as each organisation's mailboxes get it: their bodies are under different keys. */
export type ItemsByOrganization = ReadonlyMap<OrganizationId, NewItem>;

/** The recipients' mailboxes, each once, however many of its addresses were named. */
export function mailboxesOf(recipients: readonly Account[]): readonly MailboxRef[] {
  return [...new Map(recipients.map(({ mailbox }) => [mailbox.mailbox, mailbox])).values()];
}

export function organizationsOf(mailboxes: readonly MailboxRef[]): readonly OrganizationId[] {
  return [...new Set(mailboxes.map(({ organization }) => organization))];
}

/** The organisations whose keys a message is stored under: those of its mailboxes, and its sender's if it leaves. */
export function organizationsWith(
  mailboxes: readonly MailboxRef[],
  outbound: OutboundEnvelope | undefined,
): readonly OrganizationId[] {
  const own = outbound === undefined ? [] : [outbound.organization];
  return [...new Set([...organizationsOf(mailboxes), ...own])];
}

/** The item made for this organisation. */
export function itemFor(items: ItemsByOrganization, organization: OrganizationId): NewItem {
  const item = items.get(organization);
  if (!item) throw new TypeError('no item was made for an organisation of the recipients');
  return item;
}

/** One message in the queue for each organisation. */
export function queuedMessages(
  mailboxes: readonly MailboxRef[],
  items: ItemsByOrganization,
  acceptedMs: number,
  idFor: (organization: OrganizationId) => QueueId,
  { arrival, inBcc }: { readonly arrival: MailArrival | undefined; readonly inBcc: InBcc },
): readonly QueuedMessage[] {
  return organizationsOf(mailboxes).map((organization) => {
    const own = mailboxes.filter((ref) => ref.organization === organization);
    const named = own.filter(({ mailbox }) => !inBcc.has(mailbox));
    const others = own.filter(({ mailbox }) => inBcc.has(mailbox));
    return {
      id: idFor(organization),
      organization,
      acceptedMs,
      recipients: [...named, ...others].map(({ mailbox }) => mailbox),
      ...(others.length > 0 && { named: named.length }),
      item: itemFor(items, organization),
      arrival,
    };
  });
}

/** Whether a mailbox is full, or would be with so many bytes more. */
function isOverQuota(usedBytes: number, sizeBytes: number, quotaBytes: number): boolean {
  return usedBytes >= quotaBytes || usedBytes + sizeBytes > quotaBytes;
}

interface RoomOptions {
  /** Reads a mailbox in a transaction. */
  readonly of?: (ref: MailboxRef) => Pick<MailboxReader, 'usage'>;
}

/**
 * Whether there is room in one of these mailboxes for `sizeBytes` more: one full mailbox in a group keeps nothing from the
 * others. There is always room for nobody.
 */
export async function isRoomFor(
  mailboxes: readonly MailboxRef[],
  sizeBytes: number,
  { store, limits, quotaOf }: Pick<DeliveryParts, 'store' | 'limits' | 'quotaOf'>,
  { of = (ref) => store.mailbox(ref) }: RoomOptions = {},
): Promise<boolean> {
  for (const ref of mailboxes) {
    const { bytes } = await of(ref).usage();
    const quotaBytes = (await quotaOf?.(ref)) ?? limits.mailboxQuotaBytes;
    if (!isOverQuota(bytes, sizeBytes, quotaBytes)) return true;
  }
  return mailboxes.length === 0;
}

/** Throws mailbox/over-quota when there is no room. */
export async function checkRoom(
  mailboxes: readonly MailboxRef[],
  sizeBytes: number,
  parts: DeliveryParts,
  options?: RoomOptions,
): Promise<void> {
  if (await isRoomFor(mailboxes, sizeBytes, parts, options)) return;
  throw new DomainError('mailbox/over-quota', 'The mailbox is full.');
}
