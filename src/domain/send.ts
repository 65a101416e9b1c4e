import { isAscii } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Account } from '#directory/account';
import { sizeOf } from '#mime/slices';
import { Changed } from './change.ts';
import type { DeliveryParts } from './delivery-parts.ts';
import type { Device } from './device.ts';
import { DomainError } from './errors.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { FolderId, ItemId, OrganizationId, QueueId } from './ids.ts';
import { deliverItem, fitBeside, mailsOf, noPlans } from './inbox-rules.ts';
import { mailArrival } from './mail-arrival.ts';
import type { LocalRecipient } from './mail-envelope.ts';
import { domainOfAddress, type NewOutboundMail, type OutboundEnvelope, outboundMails } from './outbound.ts';
import type { MailboxTx } from './ports.ts';
import { type Prepared, prepare } from './prepare.ts';
import { asReceivedBy, mailboxesInBcc } from './received-as-bcc.ts';
import { rememberRecipients } from './recipient-cache.ts';
import {
  checkNumber,
  checkRoom,
  itemFor,
  mailboxesOf,
  maxDirectMailboxes,
  organizationsWith,
  queuedMessages,
} from './recipients.ts';
import { localDestination } from './routing.ts';
import { byRoom } from './send-recipients.ts';
import { StaleDraftError } from './stale-draft-error.ts';
import { receivedField, returnPathBytes, returnPathField } from './trace.ts';

/** By these a device is told from itself before it was removed and came back: it may count its ClientIds from 1 again. */
type Partnership = Pick<Device, 'id' | 'firstSyncMs'>;

/** A message that a device wrote. MS-ASCMD, SendMail. */
export interface SendRequest {
  readonly from: Account;
  /** Where what comes back goes, if not to `from`: it is sent by the right of somebody else. */
  readonly reversePath?: string | undefined;
  readonly device: Partnership;
  /** MS-ASCMD, ClientId; absent below 14.0. */
  readonly clientId?: string | undefined;
  /** Tells another message by the same ClientId from a repeated one: the same for every attempt. */
  readonly identity?: string | undefined;
  /** What the recipients get, without the trace fields, in pieces. */
  readonly raw: readonly Uint8Array[];
  /** What stands in Sent Items: the same with its Bcc. */
  readonly rawForSent: readonly Uint8Array[];
  readonly saveInSent: boolean;
  /** Those whose mailbox is full, or disabled, get it from the queue when it can be, or the sender a report. */
  readonly recipients: readonly LocalRecipient[];
  /** Addresses on other servers. */
  readonly elsewhere?: readonly string[] | undefined;
  /** Further names of this request that mark it as done. */
  readonly dedupeKeys: readonly string[];
  /** The message of the sender that this one replies to or forwards. */
  readonly source?: SendSource | undefined;
  /** The draft that it was: it is gone when the message is sent, and the message is not sent when it is gone. */
  readonly draft?: SentDraft | undefined;
}

/** A draft as it was written into the message. */
export interface SentDraft {
  readonly folder: FolderId;
  readonly item: ItemId;
  /** Item.changed. */
  readonly changed: number;
}

/** A message, and what is done with it: MS-ASEMAIL, LastVerbExecuted. */
export interface SendSource {
  readonly folder: FolderId;
  readonly item: ItemId;
  readonly verb: 1 | 2 | 3;
}

const sentItems = defaultFolder(FolderType.SentItems);

/** What became of a message: `duplicate`, it was sent before; `other`, another one was sent by its ClientId, and it was not. */
export type SendOutcome = 'sent' | 'duplicate' | 'other';

/** Delivers what a device sends; see Delivery.send. */
export async function send(request: SendRequest, parts: DeliveryParts): Promise<SendOutcome> {
  const { store, destinationOf = domainOfAddress } = parts;
  const { from } = request;
  const markers = markersOf(request);
  const before = await sentBefore(store.mailbox(from.mailbox), request);
  if (before !== undefined) return before;
  await check(request, parts);

  const atMs = parts.outside.clock.now();
  const id = idOf(request, markers, parts);
  const { ready, waiting } = await byRoom(request.recipients, sizeOf(request.raw), parts);
  const mailboxes = mailboxesOf(ready.flatMap(({ accounts }) => accounts));
  const acceptId = id(from.organization);
  const head = headOf(request, parts.hostname, acceptId, atMs);
  const queued = waiting.map(({ address }) => address);
  const outbound = envelopeOf(request, queued);
  const is8bit = is8bitIn(request);
  const content = { mailboxes, outbound, chunks: [Buffer.from(head), ...request.raw] };
  const delivered = await prepare(store, content, { receivedMs: atMs, read: false }, parts.attachments);
  const sent = request.saveInSent
    ? await prepare(
        store,
        { mailboxes: [from.mailbox], outbound: undefined, chunks: request.rawForSent },
        { receivedMs: atMs, read: true },
      )
    : undefined;
  const outgoing = outbound
    ? outboundMails(
        outbound,
        {
          acceptId,
          acceptedMs: atMs,
          size: delivered.body.size,
          skip: returnPathBytes(head),
          is8bit,
          isAuthenticated: true,
          body: delivered.body.bodyFor(from.organization),
        },
        (address) => (queued.includes(address) ? localDestination : destinationOf(address)),
      )
    : [];

  const stored = organizationsWith(mailboxes, outbound);
  const records = await recordsOf(request, delivered, stored, atMs, parts);
  const mails = [...outgoing, ...records];
  const arrival = mailArrival(
    { reversePath: reversePathOf(request), isAuthenticated: true, skip: returnPathBytes(head), is8bit },
    delivered.index.headers,
  );
  const all = [...delivered.items.values(), ...(sent?.items.values() ?? [])];
  const copies = mailboxes.length + mails.length + 1;
  const mayBeDirect =
    copies <= maxDirectMailboxes && all.every((item) => store.fitsOneTransaction(item, copies));
  const plans =
    mayBeDirect && parts.rules
      ? await parts.rules.plans(mailboxes, (organization) => ({
          acceptId,
          item: itemFor(delivered.items, organization),
          arrival,
        }))
      : noPlans;
  const planned = mailsOf(plans.values());
  const isDirect =
    mayBeDirect && copies + planned.length <= maxDirectMailboxes && fitBeside([...planned, ...records]);
  const inBcc = mailboxesInBcc(request.recipients, delivered.index.headers);
  const messages = isDirect ? [] : queuedMessages(mailboxes, delivered.items, atMs, id, { arrival, inBcc });
  const direct = isDirect ? mailboxes : [];
  const allMails = isDirect ? [...mails, ...planned] : mails;
  const bodies = [...(isDirect ? delivered.body.stored : []), ...(sent?.body.stored ?? [])];
  const done = await store.transact(
    [from.mailbox, ...direct.filter(({ mailbox }) => mailbox !== from.mailbox.mailbox)],
    async (of, queue): Promise<SendOutcome | undefined> => {
      const own = of(from.mailbox);
      const meanwhile = await sentBefore(own, request);
      if (meanwhile !== undefined) return meanwhile;
      if (sent) {
        const item = itemFor(sent.items, from.organization);
        await own.addItem(sentItems, item);
        await rememberRecipients(own, item.envelope, atMs);
      }
      for (const ref of direct) {
        const item = asReceivedBy(itemFor(delivered.items, ref.organization), ref.mailbox, inBcc);
        await deliverItem(of(ref), queue, item, plans.get(ref.mailbox));
      }
      queue.enqueue(messages);
      for (const mail of mails) await queue.put(mail);
      if (request.source) await markSource(own, request.source, atMs);
      if (request.draft) await removeDraft(own, request.draft);
      for (const marker of markers) own.putMarker(marker, request.identity ?? '');
      return undefined;
    },
    bodies,
    allMails,
    messages,
  );
  if (done !== undefined) {
    // The other one of two at once has bodies of its own.
    await delivered.body.discard();
    await sent?.body.discard();
    return done;
  }
  if (messages.length > 0) parts.wakeQueue();
  parts.wakeRelay?.(allMails);
  return 'sent';
}

/** What is said to a message that was sent before, or whose ClientId was used for another one; undefined for a new one. */
async function sentBefore(
  mailbox: Pick<MailboxTx, 'marker'>,
  { device, clientId, identity, dedupeKeys }: SendRequest,
): Promise<SendOutcome | undefined> {
  if (await isMarked(mailbox, dedupeKeys)) return 'duplicate';
  const known = clientId === undefined ? undefined : await mailbox.marker(clientIdMarker(device, clientId));
  if (known === undefined) return undefined;
  // Marks of earlier releases have something of another length, which tells nothing.
  const isOther = identity !== undefined && known.length === identity.length && known !== identity;
  return isOther ? 'other' : 'duplicate';
}

/** Every device is told, the sender's too; a source that is gone or elsewhere by now stays as it is. */
async function markSource(own: MailboxTx, { folder, item, verb }: SendSource, atMs: number): Promise<void> {
  const source = await own.item(folder, item);
  if (source === undefined) return;
  await own.markItem(source, { ...source.marks, lastVerb: verb, lastVerbMs: atMs }, Changed.LastVerb);
}

/** Every device is told that it is gone, the one that sent it too. */
async function removeDraft(own: MailboxTx, { folder, item, changed }: SentDraft): Promise<void> {
  const draft = await own.item(folder, item);
  if (draft === undefined) throw new DomainError('item/not-found', 'The draft does not exist.');
  if (draft.changed !== changed) throw new StaleDraftError('the draft has changed since it was read');
  await own.deleteItem(draft);
}

/** Whether a device has sent a message by this ClientId. */
export async function wasSent(
  mailbox: Pick<MailboxTx, 'marker'>,
  device: Partnership,
  clientId: string,
): Promise<boolean> {
  return await isMarked(mailbox, [clientIdMarker(device, clientId)]);
}

function is8bitIn({ raw }: SendRequest): boolean {
  return !raw.every((piece) => isAscii(piece));
}

/** The journal records of the message. */
async function recordsOf(
  request: SendRequest,
  { index, body }: Prepared,
  stored: readonly OrganizationId[],
  atMs: number,
  { journal }: DeliveryParts,
): Promise<readonly NewOutboundMail[]> {
  if (journal === undefined) return [];
  const { from, recipients } = request;
  const sender = from.organization;
  const outbound = envelopeOf(request, []);
  return journal.records(
    { reversePath: reversePathOf(request), recipients, outbound, isAuthenticated: true, sender },
    {
      size: body.size,
      is8bit: is8bitIn(request),
      headers: () => index.headers,
      bodyFor: (organization) => (stored.includes(organization) ? body.bodyFor(organization) : undefined),
      read: () => body.read(0, body.size),
    },
    { atMs },
  );
}

/** Of what is not delivered at once; `queued` are addresses here. */
function envelopeOf(request: SendRequest, queued: readonly string[]): OutboundEnvelope | undefined {
  const { from, elsewhere = [] } = request;
  if (elsewhere.length + queued.length === 0) return undefined;
  return {
    organization: from.organization,
    kind: 'mail',
    reversePath: reversePathOf(request),
    recipients: [...elsewhere, ...queued].map((address) => ({ address })),
  };
}

function markersOf({ device, clientId, dedupeKeys }: SendRequest): readonly string[] {
  return [...(clientId === undefined ? [] : [clientIdMarker(device, clientId)]), ...dedupeKeys];
}

function clientIdMarker({ id, firstSyncMs }: Partnership, clientId: string): string {
  return `send ${id} since ${firstSyncMs} ${clientId}`;
}

async function isMarked(mailbox: Pick<MailboxTx, 'marker'>, markers: readonly string[]): Promise<boolean> {
  for (const marker of markers) {
    if ((await mailbox.marker(marker)) !== undefined) return true;
  }
  return false;
}

/** Refuses what cannot be sent to anybody, or not be kept by its sender. */
async function check(
  { from, raw, rawForSent, saveInSent, recipients, elsewhere = [] }: SendRequest,
  parts: DeliveryParts,
): Promise<void> {
  const { maxMessageBytes } = parts.limits;
  if (recipients.length + elsewhere.length === 0)
    throw new DomainError('message/no-recipient', 'The message has no recipient.');
  if (sizeOf(raw) > maxMessageBytes) {
    throw new DomainError('message/too-large', 'The message is larger than this server takes.');
  }
  checkNumber(recipients.flatMap(({ accounts }) => accounts));
  if (saveInSent) await checkRoom([from.mailbox], sizeOf(rawForSent), parts);
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
function headOf(request: SendRequest, hostname: string, id: string, atMs: number): string {
  const received = receivedField({ by: hostname, protocol: 'ActiveSync', id, atMs });
  return returnPathField(reversePathOf(request)) + received;
}

function reversePathOf({ from, reversePath = from.address }: SendRequest): string {
  return reversePath;
}
