import { createHash } from 'node:crypto';
import type { Account } from '#directory/account';
import { MessageIndexer } from '#mime/index-message';
import type { AttachmentPolicy } from './attachment-policy.ts';
import { BodySpool, type SpooledBody } from './body-spool.ts';
import { finishChecked } from './checked-body.ts';
import type { DeliveryParts } from './delivery-parts.ts';
import { DomainError } from './errors.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { DeviceId, MailboxRef, OrganizationId, QueueId } from './ids.ts';
import type { NewItem } from './item.ts';
import { newItem } from './new-item.ts';
import type { MailboxTx, MailStore } from './ports.ts';
import {
  checkNumber,
  checkRoom,
  type ItemsByOrganization,
  itemFor,
  mailboxesOf,
  maxDirectMailboxes,
  organizationsOf,
  queuedMessages,
} from './recipients.ts';
import { receivedField, returnPathField } from './trace.ts';

/** A message that a device wrote. MS-ASCMD, SendMail. */
export interface SendRequest {
  readonly from: Account;
  readonly device: DeviceId;
  /** MS-ASCMD, ClientId; absent below 14.0. */
  readonly clientId?: string | undefined;
  /** What the recipients get, without the trace fields. */
  readonly raw: Uint8Array;
  /** What stands in Sent Items: the same with its Bcc. */
  readonly rawForSent: Uint8Array;
  readonly saveInSent: boolean;
  readonly recipients: readonly Account[];
  /** Whoever else gets it, by the groups that were named; a group may be empty. */
  readonly groups?: readonly (readonly Account[])[];
  /** Further names of this request that mark it as done. */
  readonly dedupeKeys: readonly string[];
}

/** One raw message, indexed and ready to be named by rows. */
interface Prepared {
  readonly items: ItemsByOrganization;
  readonly body: SpooledBody;
}

const inbox = defaultFolder(FolderType.Inbox);
const sentItems = defaultFolder(FolderType.SentItems);

/** Delivers what a device sends; see Delivery.send. */
export async function send(request: SendRequest, parts: DeliveryParts): Promise<{ duplicate: boolean }> {
  const { store } = parts;
  const { from } = request;
  const markers = markersOf(request);
  if (await isMarked(store.mailbox(from.mailbox), markers)) return { duplicate: true };
  await check(request, parts);

  const atMs = parts.outside.clock.now();
  const id = idOf(request, markers, parts);
  const mailboxes = mailboxesOf([request.recipients, ...(request.groups ?? [])].flat());
  const head = headOf(request, parts.hostname, id(from.organization), atMs);
  const arrival = { receivedMs: atMs, read: false };
  const delivered = await prepare(store, mailboxes, [head, request.raw], arrival, parts.attachments);
  const sent = request.saveInSent
    ? await prepare(store, [from.mailbox], [request.rawForSent], { receivedMs: atMs, read: true })
    : undefined;

  const copies = mailboxes.length + 1;
  const all = [...delivered.items.values(), ...(sent?.items.values() ?? [])];
  const isDirect =
    copies <= maxDirectMailboxes && all.every((item) => store.fitsOneTransaction(item, copies));
  if (!isDirect) {
    // The ids follow from the request: when it is repeated because we stopped here, nothing arrives twice.
    await store.enqueue(queuedMessages(mailboxes, delivered.items, atMs, id));
    parts.wakeQueue();
  }
  const direct = isDirect ? mailboxes : [];
  const bodies = [...(isDirect ? delivered.body.stored : []), ...(sent?.body.stored ?? [])];
  return store.transact(
    [from.mailbox, ...direct.filter(({ mailbox }) => mailbox !== from.mailbox.mailbox)],
    async (of) => {
      const own = of(from.mailbox);
      if (await isMarked(own, markers)) return { duplicate: true };
      if (sent) await own.addItem(sentItems, itemFor(sent.items, from.organization));
      for (const ref of direct) await of(ref).addItem(inbox, itemFor(delivered.items, ref.organization));
      for (const marker of markers) own.putMarker(marker, id(from.organization));
      return { duplicate: false };
    },
    bodies,
  );
}

function markersOf({ device, clientId, dedupeKeys }: SendRequest): readonly string[] {
  return [...(clientId === undefined ? [] : [`send ${device} ${clientId}`]), ...dedupeKeys];
}

async function isMarked(mailbox: Pick<MailboxTx, 'marker'>, markers: readonly string[]): Promise<boolean> {
  for (const marker of markers) {
    if ((await mailbox.marker(marker)) !== undefined) return true;
  }
  return false;
}

/** Refuses what cannot go to everybody: the sender is there to be told. */
async function check(
  { from, raw, rawForSent, saveInSent, recipients, groups = [] }: SendRequest,
  parts: DeliveryParts,
): Promise<void> {
  const { maxMessageBytes } = parts.limits;
  if (recipients.length + groups.length === 0)
    throw new DomainError('message/no-recipient', 'The message has no recipient.');
  if (raw.length > maxMessageBytes) {
    throw new DomainError('message/too-large', 'The message is larger than this server takes.');
  }
  checkNumber([recipients, ...groups].flat());
  const checkOwn = (account: Account, sizeBytes: number) =>
    checkRoom([account.mailbox], sizeBytes, parts, { whose: `The mailbox of ${account.address}` });
  if (saveInSent) await checkOwn(from, rawForSent.length);
  for (const recipient of recipients) await checkOwn(recipient, raw.length);
  // One full mailbox in a group keeps nothing from the others.
  for (const group of groups)
    await checkRoom(mailboxesOf(group), raw.length, parts, { whose: 'Every mailbox of a group' });
}

/** Queue ids that follow from the request, one for each organisation; random ones when nothing names the request. */
function idOf(
  { from }: SendRequest,
  markers: readonly string[],
  { outside }: DeliveryParts,
): (organization: OrganizationId) => QueueId {
  const name = markers[0] ?? Buffer.from(outside.random.bytes(16)).toString('hex');
  return (organization) => {
    const hash = createHash('sha256').update([from.mailbox.mailbox, organization, name].join('\n'));
    return hash.digest('hex').slice(0, 32) as QueueId;
  };
}

/** RFC 5321 §4.4; the recipients are not named, some of them may be Bcc. */
function headOf({ from }: SendRequest, hostname: string, id: string, atMs: number): Uint8Array {
  const received = receivedField({ by: hostname, protocol: 'ActiveSync', id, atMs });
  return Buffer.from(returnPathField(from.address) + received);
}

async function prepare(
  store: MailStore,
  mailboxes: readonly MailboxRef[],
  chunks: readonly Uint8Array[],
  arrival: Pick<NewItem, 'receivedMs'> & { readonly read: boolean },
  attachments?: AttachmentPolicy,
): Promise<Prepared> {
  const organizations = organizationsOf(mailboxes);
  const spool = new BodySpool(store, organizations, store.inlineBodyBytes(mailboxes.length));
  const indexer = new MessageIndexer();
  for (const chunk of chunks) {
    indexer.write(chunk);
    await spool.write(chunk);
  }
  const index = indexer.end(arrival.receivedMs);
  // The sender's own copy has what the recipients' have.
  const body = attachments ? await finishChecked(spool, index, attachments) : await spool.finish();
  const items = new Map(
    organizations.map((organization) => [organization, newItem(index, body.bodyFor(organization), arrival)]),
  );
  return { items, body };
}
