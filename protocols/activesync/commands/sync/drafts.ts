/** Drafts that a client writes and sends by Sync, from 16.0 on. MS-ASCMD, Sync; MS-ASEMAIL, Send. */
import { authorshipOf, ownAuthorship } from '#domain/authorship';
import { type PreparedDraft, refOf, type WrittenDraft, writeDraft } from '#domain/draft';
import { DomainError } from '#domain/errors';
import type { FolderId, ItemId } from '#domain/ids';
import type { Item } from '#domain/item';
import { wasSent } from '#domain/send';
import { rememberedAdd, rememberedEdit, type Standing } from '#domain/sync';
import { authorsIn } from '#mime/authors';
import { withoutDate } from '#mime/draft';
import { joined } from '#mime/slices';
import type { CommandContext } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { CommonStatus } from '../../status.ts';
import { inItsTurn } from '../send-mail/in-its-turn.ts';
import { submit } from '../send-mail/submit.ts';
import type { CollectionRequest, PlainCommand, RequestCommand } from './read.ts';
import type { WrittenByClient } from './read-draft.ts';
import { SyncStatus } from './status.ts';

/** Where drafts are written. */
export interface DraftsFolder {
  readonly folder: FolderId;
  readonly syncKey: string;
  readonly standing: Standing;
}

type DraftCommand = Extract<RequestCommand, { written: WrittenByClient }>;

/** A draft as this request has left it so far: as stored, for a request may change many large ones. */
interface Rewritten extends Pick<WrittenDraft, 'refs'> {
  readonly draft: PreparedDraft;
  readonly bytesBefore: number;
}

/** The same with its bytes, held for a command. */
interface Current extends Pick<WrittenDraft, 'raw' | 'refs'> {
  readonly bytesBefore: number;
  /** Undefined: a command before made it. */
  readonly basis: number | undefined;
}

/**
 * Makes the drafts of a request ready for the domain, in their order, and sends those that are to be sent; what fails is
 * answered. Throws what is to be tried again later.
 */
export async function readyCommands(
  { commands }: Pick<CollectionRequest, 'commands'>,
  where: DraftsFolder,
  context: CommandContext,
): Promise<readonly PlainCommand[]> {
  const written = commands.filter((one) => 'written' in one).length;
  const desk = new Desk(where, context, written);
  try {
    for (const command of commands) {
      if ('written' in command) await desk.take(command);
      else desk.pass(command);
    }
  } catch (error) {
    await discardDrafts(desk.ready);
    throw error;
  }
  return desk.ready;
}

/** What a folder other than Drafts makes of commands of drafts: marks are taken, other content of mail is the server's. */
export function withoutDrafts(commands: readonly RequestCommand[]): readonly PlainCommand[] {
  return commands.map((command) => {
    if (!('written' in command)) return command;
    const { kind, serverId, clientId, item, written } = command;
    if (item === undefined || serverId === undefined || written.isSent) {
      return { kind, serverId, clientId, refused: SyncStatus.ConversionError };
    }
    return { serverId, command: { kind: 'change', item, marks: written.marks } };
  });
}

/** Forgets what was made ready and is of no use. */
async function discardDrafts(commands: readonly PlainCommand[]): Promise<void> {
  for (const one of commands) {
    if ('command' in one && 'draft' in one.command) await one.command.draft?.discard();
  }
}

/** Does the commands of one request one after the other. */
class Desk {
  readonly ready: PlainCommand[] = [];
  readonly #where: DraftsFolder;
  readonly #context: CommandContext;
  readonly #inAll: number;
  readonly #rewritten = new Map<ItemId, Rewritten>();
  readonly #deleted = new Set<ItemId>();

  /** `inAll`: how many drafts there are to be taken. */
  constructor(where: DraftsFolder, context: CommandContext, inAll: number) {
    this.#where = where;
    this.#context = context;
    this.#inAll = inAll;
  }

  /** Takes what is no content of a draft. */
  pass(command: PlainCommand): void {
    if ('command' in command && command.command.kind === 'delete') this.#deleted.add(command.command.item);
    this.ready.push(command);
  }

  async take(command: DraftCommand): Promise<void> {
    const { kind, serverId, clientId } = command;
    try {
      const done = await this.#settle(command);
      this.ready.push(typeof done === 'number' ? { kind, serverId, clientId, refused: done } : done);
    } catch (error) {
      this.ready.push({ kind, serverId, clientId, refused: statusFor(error) });
    }
  }

  /** A command for the domain, or the status of one that needs no more. */
  async #settle(command: DraftCommand): Promise<PlainCommand | number> {
    const { item: id, written } = command;
    const { mailbox, device } = this.#context;
    const { folder } = this.#where;
    if (!written.isMail) return SyncStatus.ConversionError;
    if (id === undefined)
      return written.isSent ? await this.#send(command, undefined) : await this.#add(command);
    const item = this.#deleted.has(id) ? undefined : await mailbox.reader.item(folder, id);
    if (item === undefined) {
      const isDone = written.isSent && (await wasSent(mailbox.reader, device, this.#sendName(command)));
      return isDone ? SyncStatus.Success : SyncStatus.ObjectNotFound;
    }
    if (!item.draft) return SyncStatus.ConversionError;
    return written.isSent ? await this.#send(command, item) : await this.#edit(command, item);
  }

  async #add(command: DraftCommand): Promise<PlainCommand> {
    const { clientId = '', written } = command;
    const { fingerprint, marks } = written;
    const known = rememberedAdd(this.#where.standing.answered, { clientId, fingerprint });
    const made = known === undefined ? await this.#make(written, undefined) : undefined;
    const files = known?.files ?? made?.files ?? [];
    return { clientId, command: { kind: 'add', clientId, marks, fingerprint, files, draft: made?.draft } };
  }

  async #edit(command: DraftCommand, item: Item): Promise<PlainCommand> {
    const { serverId, written } = command;
    const { fingerprint, marks } = written;
    const known = rememberedEdit(this.#where.standing.answered, { item: item.id, fingerprint });
    const made = known === undefined ? await this.#make(written, item) : undefined;
    if (made !== undefined) {
      const { draft, refs } = made;
      this.#rewritten.set(item.id, { draft, refs, bytesBefore: item.size });
    }
    const files = known?.files ?? made?.files ?? [];
    const basis = made?.basis;
    return {
      serverId,
      command: { kind: 'edit', item: item.id, basis, marks, fingerprint, files, draft: made?.draft },
    };
  }

  #make(written: WrittenByClient, item: Item | undefined) {
    const { services, account: author } = this.#context;
    return this.#inTurn(written, item, async (base) => {
      const draft = await this.#write(written, base, newMessageId(this.#context));
      const bytesBefore = base?.bytesBefore ?? 0;
      const prepared = await services.delivery.prepareDraft({
        author,
        draft,
        bytesBefore,
        inAll: this.#inAll,
      });
      return { refs: draft.refs, draft: prepared, files: draft.added, basis: base?.basis };
    });
  }

  /** Sends a draft, or what was never one; gives the status. The draft goes in the transaction that sends it. */
  async #send(command: DraftCommand, item: Item | undefined): Promise<number> {
    const { written } = command;
    const { standing, folder } = this.#where;
    if (item !== undefined && (await standing.isConflict(item))) return SyncStatus.Conflict;
    await this.#inTurn(written, item, async (base) => {
      const { raw } = written.change || !base ? await this.#write(written, base, undefined) : base;
      const name = this.#sendName(command);
      const submission = {
        clientId: name,
        saveInSent: true,
        mime: await joined(withoutDate(raw)),
        knownBy: [Buffer.from(name)],
        draft: item && { folder, item: item.id, changed: item.changed },
      };
      await submit(submission, this.#context);
    });
    if (item !== undefined) await this.#forgetEdits(item.id);
    return SyncStatus.Success;
  }

  /** What was written before in this request went out with the message. */
  async #forgetEdits(item: ItemId): Promise<void> {
    for (const [n, one] of this.ready.entries()) {
      if (!('command' in one)) continue;
      const { command } = one;
      if ((command.kind !== 'edit' && command.kind !== 'change') || command.item !== item) continue;
      if (command.kind === 'edit') await command.draft?.discard();
      this.ready[n] = { kind: 'change', serverId: one.serverId, refused: SyncStatus.Success };
    }
  }

  async #write(written: WrittenByClient, base: Current | undefined, messageId: string | undefined) {
    const { account, clock, services } = this.#context;
    const before = written.change?.mime ?? base?.raw;
    const granted = before && (await authorshipOf(account, authorsIn(before), services.permissions));
    return writeDraft(base, written.change ?? { addedFiles: [], removedFiles: [] }, {
      from: (granted ?? ownAuthorship(account)).from,
      nowMs: clock.now(),
      messageId,
      random: services.random,
    });
  }

  async #currentOf(item: Item): Promise<Current> {
    const known = this.#rewritten.get(item.id);
    const chunks: Uint8Array[] = [];
    for await (const chunk of known?.draft.read() ?? this.#context.mailbox.openBody(item)) chunks.push(chunk);
    const raw = Buffer.concat(chunks);
    if (known !== undefined) return { ...known, raw, basis: undefined };
    const refs = item.attachments.map(refOf);
    return { raw, refs, bytesBefore: item.size, basis: item.changed };
  }

  /** Holds what comes in and what was there, and the message that is made of both. */
  #inTurn<Made>(
    { bytes }: WrittenByClient,
    item: Item | undefined,
    work: (base: Current | undefined) => Promise<Made>,
  ): Promise<Made> {
    const known = item && this.#rewritten.get(item.id);
    const heldBytes = 2 * (bytes + (known?.draft.item.size ?? item?.size ?? 0));
    return inItsTurn(heldBytes, this.#context, async () => work(item && (await this.#currentOf(item))));
  }

  /** By this a repeated request is known: it comes with the same key. */
  #sendName({ serverId, clientId = '' }: DraftCommand): string {
    const { folder, syncKey } = this.#where;
    return `draft ${folder} ${syncKey} ${serverId ?? clientId}`;
  }
}

function newMessageId({ account, services }: CommandContext): string {
  const domain = account.address.slice(account.address.lastIndexOf('@') + 1);
  return `<${Buffer.from(services.random.bytes(16)).toString('hex')}@${domain}>`;
}

/** MS-ASCMD, Status (Sync), and Common Status Codes; rethrows what is to be tried again, and what we did not foresee. */
function statusFor(error: unknown): number {
  if (error instanceof CommandError) {
    if (unsendable.has(error.status)) return CommonStatus.InvalidRecipients;
    if (error.status !== CommonStatus.ServerErrorRetryLater) return error.status;
  }
  const status = error instanceof DomainError ? statuses[error.code] : undefined;
  if (status === undefined) throw error;
  return status;
}

const unsendable: ReadonlySet<number> = new Set([
  CommonStatus.MessageRecipientUnresolved,
  CommonStatus.MessageHasNoRecipient,
]);

const statuses: Readonly<Partial<Record<DomainError['code'], number>>> = {
  'mailbox/over-quota': SyncStatus.OutOfSpace,
  'message/too-large': CommonStatus.AttachmentIsTooLarge,
  'message/blocked-attachment': CommonStatus.MailSubmissionFailed,
  'item/not-found': SyncStatus.ObjectNotFound,
  'message/no-recipient': CommonStatus.InvalidRecipients,
  'recipient/unknown': CommonStatus.InvalidRecipients,
  'address/invalid': CommonStatus.InvalidRecipients,
  'recipient/relay-denied': CommonStatus.MailSubmissionFailed,
  'group/too-large': CommonStatus.MailSubmissionFailed,
  'limit/exceeded': CommonStatus.MailSubmissionFailed,
  'request/invalid': SyncStatus.ConversionError,
};
