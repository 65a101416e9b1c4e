/** Messages that their author is still writing: kept as messages like all others, and rewritten with each change. */
import type { Account } from '#directory/account';
import type { MailAddress } from '#mime/address';
import { nativeBodyKind, readBody } from '#mime/body';
import {
  type DraftBody,
  type DraftFile,
  draftMessage,
  inOrder,
  type MimeContent,
  mimeContent,
  takeApart,
} from '#mime/draft';
import { MessageIndexer } from '#mime/index-message';
import type { MessageIndex } from '#mime/message-index';
import { contentOfPart } from '#mime/open-part';
import { inSlices, joined } from '#mime/slices';
import { withTnef } from '#mime/tnef/with-tnef';
import type { DeliveryParts } from './delivery-parts.ts';
import { DomainError } from './errors.ts';
import type { Attachment, NewItem } from './item.ts';
import type { Random } from './outside.ts';
import type { StoredBody } from './ports.ts';
import { prepare } from './prepare.ts';
import { checkRoom, itemFor } from './recipients.ts';

/** A file that an author adds. */
export interface AddedFile extends DraftFile {
  /** By this its device knows it until it learns our name for it. */
  readonly clientId: string;
}

/** What an author changes; what is absent stays. */
export interface DraftChange {
  readonly to?: readonly MailAddress[] | undefined;
  readonly cc?: readonly MailAddress[] | undefined;
  readonly bcc?: readonly MailAddress[] | undefined;
  readonly replyTo?: readonly MailAddress[] | undefined;
  readonly subject?: string | undefined;
  readonly importance?: 0 | 1 | 2 | undefined;
  readonly body?: DraftBody | undefined;
  /** The whole message, in the place of everything but what else is changed. */
  readonly mime?: Uint8Array | undefined;
  readonly addedFiles: readonly AddedFile[];
  /** Attachment.ref of the files that go. */
  readonly removedFiles: readonly string[];
}

/** A file that was added, and the name it has now (Attachment.ref). */
export interface StoredFile {
  readonly clientId: string;
  readonly ref: string;
}

/** A draft as a message. `refs` are those of its attachments, in their order. */
export interface WrittenDraft {
  readonly raw: Uint8Array;
  readonly refs: readonly (string | undefined)[];
  readonly added: readonly StoredFile[];
}

/** A draft that waits for the row that names it. */
export interface PreparedDraft {
  readonly item: NewItem;
  readonly stored: readonly StoredBody[];
  /** Its bytes. */
  read(): AsyncIterable<Uint8Array>;
  /** Forgets it. */
  discard(): Promise<void>;
}

interface Author {
  readonly from: MailAddress;
  readonly nowMs: number;
  /** For a new draft, with angle brackets; undefined: it gets one when it is sent. */
  readonly messageId: string | undefined;
  readonly random: Random;
}

/** A file with its name. */
type NamedFile = DraftFile & { readonly ref: string };

/**
 * Writes a draft anew. `base` is what it was before, undefined for a new one. Throws request/invalid when files are added to
 * what is signed or encrypted.
 */
export async function writeDraft(
  base: Pick<WrittenDraft, 'raw' | 'refs'> | undefined,
  change: DraftChange,
  author: Author,
): Promise<WrittenDraft> {
  const before = change.mime === undefined ? base : { raw: change.mime, refs: [] };
  const index = before && (await indexOf(before.raw));
  const old = index?.headers;
  const { content: oldContent, others } = before === undefined ? emptyMessage : takeApart(before.raw);
  const { content, refs, added } = await contentOf(before, index, oldContent, change, author.random);
  const header = {
    from: author.from,
    to: change.to ?? old?.to ?? [],
    cc: change.cc ?? old?.cc ?? [],
    bcc: change.bcc ?? old?.bcc ?? [],
    replyTo: change.replyTo ?? old?.replyTo ?? [],
    subject: change.subject ?? old?.subject ?? '',
    importance: change.importance ?? old?.importance ?? 1,
    date: author.nowMs,
    messageId: (await messageIdOf(base, change)) || old?.messageId || author.messageId,
    others,
  };
  return { raw: await joined(draftMessage(header, content)), refs, added };
}

const emptyMessage = { content: { lines: [], body: Buffer.alloc(0) }, others: [] } as const;

/** A draft keeps its Message-ID, whatever its author makes of it: by that it stays in its conversation. */
async function messageIdOf(
  base: Pick<WrittenDraft, 'raw'> | undefined,
  { mime }: DraftChange,
): Promise<string | undefined> {
  return base === undefined || mime === undefined ? undefined : (await indexOf(base.raw)).headers.messageId;
}

async function indexOf(raw: Uint8Array): Promise<MessageIndex> {
  const indexer = new MessageIndexer();
  for await (const slice of inSlices([raw])) indexer.write(slice);
  return await withTnef(indexer.end(), (start, end) => inSlices([raw.subarray(start, end)]));
}

type WrittenContent = Pick<WrittenDraft, 'refs' | 'added'> & { readonly content: MimeContent };

/** What is not changed stays byte for byte. */
async function contentOf(
  before: Pick<WrittenDraft, 'raw' | 'refs'> | undefined,
  index: MessageIndex | undefined,
  unchanged: MimeContent,
  { body, addedFiles, removedFiles }: DraftChange,
  random: Random,
): Promise<WrittenContent> {
  const isSame = body === undefined && addedFiles.length === 0 && removedFiles.length === 0;
  if (isSame && before !== undefined) return { content: unchanged, refs: before.refs, added: [] };
  if (index?.messageClass.startsWith('IPM.Note.SMIME')) {
    if (body === undefined)
      throw new DomainError('request/invalid', 'What is signed or encrypted stays as it is.');
  }
  const text = body ?? (before && index ? await bodyOf(before.raw, index) : { kind: 'plain', text: '' });
  const all = before && index ? await filesOf(before, index) : [];
  const kept = all.filter(({ ref }) => !removedFiles.includes(ref));
  const named = addedFiles.map((file) => ({ ...file, ref: newRef(random) }));
  const files = inOrder<NamedFile>(text, [...kept, ...named]);
  const added = named.map(({ clientId, ref }) => ({ clientId, ref }));
  return { content: await mimeContent(text, files), refs: files.map(({ ref }) => ref), added };
}

async function bodyOf(raw: Uint8Array, index: MessageIndex): Promise<DraftBody> {
  const kind = nativeBodyKind(index);
  const { text } = await readBody(index, kind, async ({ start, end }) => raw.subarray(start, end));
  return { kind, text };
}

/** The files of a message that become those of the next: by the names they have. */
async function filesOf(
  { raw, refs }: Pick<WrittenDraft, 'raw' | 'refs'>,
  index: MessageIndex,
): Promise<NamedFile[]> {
  const files: NamedFile[] = [];
  for (const [n, attachment] of index.attachments.entries()) {
    const part = index.parts[attachment.part];
    if (part === undefined) continue;
    const { name, type, method, isInline, contentId, contentLocation } = attachment;
    const content = await contentOfPart(part, (start, end) => inSlices([raw.subarray(start, end)]));
    const isMessage = method === 5;
    const ref = refs[n] ?? part.path;
    files.push({ name, type, content, isMessage, isInline, contentId, contentLocation, ref });
  }
  return files;
}

/** No part of a message has a 0 in its path, so that this is never taken for one. */
function newRef(random: Random): string {
  return `0.${Buffer.from(random.bytes(6)).readUIntBE(0, 6)}`;
}

/** The name by which an attachment is known outside: a draft's files keep theirs when others come and go. */
export function refOf({ ref, part }: Pick<Attachment, 'ref' | 'part'>): string {
  return ref ?? part;
}

/** How a draft is to be kept. */
interface DraftRequest {
  readonly author: Account;
  readonly draft: WrittenDraft;
  /** Of what it takes the place of; 0 for a new one. */
  readonly bytesBefore: number;
  /** How many drafts are stored in one transaction with it, itself among them. */
  readonly inAll: number;
}

/**
 * Makes a draft ready for its mailbox. Throws message/too-large, message/blocked-attachment, mailbox/over-quota, server/busy;
 * nothing of it is left then.
 */
export async function prepareDraft(
  { author, draft, bytesBefore, inAll }: DraftRequest,
  parts: DeliveryParts,
): Promise<PreparedDraft> {
  const { raw, refs } = draft;
  const { mailbox, organization } = author;
  if (raw.length > parts.limits.maxMessageBytes) {
    throw new DomainError('message/too-large', 'The message is larger than this server takes.');
  }
  const growth = raw.length - bytesBefore;
  // Who makes room must not be kept from it.
  if (growth > 0) await checkRoom([mailbox], growth, parts);
  const receivedMs = parts.outside.clock.now();
  const { items, body } = await prepare(
    parts.store,
    { mailboxes: [mailbox], outbound: undefined, chunks: [raw], inAll },
    { receivedMs, read: true },
    parts.attachments,
  );
  const item = itemFor(items, organization);
  const attachments = item.attachments.map((one, n) => withRef(one, refs[n]));
  return {
    item: { ...item, draft: true, attachments },
    stored: body.stored,
    read: () => body.read(0, body.size),
    discard: () => body.discard(),
  };
}

function withRef(attachment: Attachment, ref: string | undefined): Attachment {
  return ref === undefined || ref === attachment.part ? attachment : { ...attachment, ref };
}
