import { isAscii } from 'node:buffer';
import { type ContentFacts, ContentFactsReader } from '#mime/content-facts';
import { MessageIndexer } from '#mime/index-message';
import type { LineEnds } from '#mime/line-ends';
import type { MessageIndex } from '#mime/message-index';
import { shiftIndex } from '#mime/shift-index';
import type { AttachmentPolicy } from './attachment-policy.ts';
import { BodySpool, inFrontOf, type SpooledBody } from './body-spool.ts';
import { finishChecked } from './checked-body.ts';
import { DomainError } from './errors.ts';
import type { OrganizationId } from './ids.ts';
import type { Judgement } from './judge.ts';
import type { MailStore } from './ports.ts';
import type { FinishedSentCopy, SentCopy } from './sent-copy.ts';
import { withFields } from './trace.ts';
import type { Authentication, Verdicts } from './verdicts.ts';

/** A message that is whole, with all that was learned of it while it came in. */
export interface WholeMessage {
  readonly index: MessageIndex;
  readonly body: SpooledBody;
  /** It has bytes beyond ASCII. */
  readonly is8bit: boolean;
  /** What its relay asks for, if it is to be relayed. */
  readonly facts: ContentFacts | undefined;
  /** What the sender keeps. */
  readonly sent: FinishedSentCopy | undefined;
  /** What is kept with the items of an organisation. */
  verdictsFor(organization: OrganizationId): Verdicts | undefined;
}

interface IncomingParts {
  readonly acceptId: string;
  readonly store: Pick<MailStore, 'writeBody' | 'readBody' | 'discardBody'>;
  /** Absent: they are not looked at. */
  readonly attachments: AttachmentPolicy | undefined;
  readonly organizations: readonly OrganizationId[];
  /** Larger ones are written to the store while they come in. */
  readonly inlineBytes: number;
  /** The limit of what is written to it; what is put in front does not count. */
  readonly maxBytes: number;
  /** Return-Path and Received, put in front of what comes in. */
  readonly head: string;
  readonly receivedMs: number;
  readonly sentCopy: SentCopy | undefined;
  /** It goes to other servers. */
  readonly isRelayed: boolean;
  /** Decides whether it is taken, by what is in it and where it comes from. */
  readonly judge: (body: SpooledBody, authentication: Authentication | undefined) => Promise<Judgement>;
  /** Delivers the whole message, durably. */
  readonly deliver: (message: WholeMessage) => Promise<void>;
}

/** IncomingMessage is a message on its way in: written in chunks, then accepted or aborted. */
export class IncomingMessage {
  /** What the Received field and the log know it by. */
  readonly acceptId: string;
  readonly #parts: IncomingParts;
  readonly #spool: BodySpool;
  readonly #indexer = new MessageIndexer();
  readonly #facts: ContentFactsReader | undefined;
  #size = 0;
  #is8bit = false;
  #isDone = false;

  constructor(parts: IncomingParts) {
    this.acceptId = parts.acceptId;
    this.#parts = parts;
    this.#facts = parts.isRelayed ? new ContentFactsReader() : undefined;
    this.#spool = new BodySpool(parts.store, parts.organizations, parts.inlineBytes);
  }

  /**
   * Takes the next bytes, what stands for them in the copy of the sender, and what is known of them already; resolves when
   * there is room for more. Throws message/too-large, and is aborted then.
   */
  async write(chunk: Uint8Array, sentChunk = chunk, lineEnds?: LineEnds): Promise<void> {
    if (this.#isDone) throw new TypeError('the message is accepted or aborted already');
    this.#size += chunk.length;
    if (this.#size > this.#parts.maxBytes) {
      await this.abort();
      throw new DomainError('message/too-large', 'The message is larger than this server takes.');
    }
    this.#is8bit ||= !isAscii(chunk);
    this.#indexer.write(chunk, lineEnds);
    this.#facts?.write(chunk, lineEnds);
    await this.#spool.write(chunk);
    await this.#parts.sentCopy?.write(sentChunk, sentChunk === chunk ? lineEnds : undefined);
  }

  /**
   * Resolves when the message is safe: in the mailboxes, or in the queue to them. Throws message/blocked-attachment for
   * what it carries, mailbox/over-quota when all mailboxes are full, server/busy, and as `judge` does by what was found
   * out about where it comes from.
   */
  async accept(authentication?: Authentication): Promise<{ readonly acceptId: string }> {
    if (this.#isDone) throw new TypeError('the message is accepted or aborted already');
    this.#isDone = true;
    const { attachments, sentCopy, receivedMs } = this.#parts;
    const { body, index } = await this.#finish(this.#indexer.end(receivedMs), attachments);
    const { fields, verdictsFor } = await this.#judged(body, authentication);
    const sent = await sentCopy?.finish(receivedMs);
    const head = Buffer.from(withFields(this.#parts.head, fields));
    await this.#parts.deliver({
      index: shiftIndex(index, head.length),
      body: inFrontOf(body, head),
      is8bit: this.#is8bit || !isAscii(head),
      facts: this.#facts?.end(head),
      sent,
      verdictsFor,
    });
    return { acceptId: this.acceptId };
  }

  /** Forgets the message; nothing happens if it was accepted or aborted before. */
  async abort(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    await this.#spool.abort();
    await this.#parts.sentCopy?.abort();
  }

  async #finish(index: MessageIndex, attachments: AttachmentPolicy | undefined) {
    try {
      return await finishChecked(this.#spool, index, attachments);
    } catch (error) {
      await this.#parts.sentCopy?.abort();
      throw error;
    }
  }

  async #judged(body: SpooledBody, authentication: Authentication | undefined): Promise<Judgement> {
    try {
      return await this.#parts.judge(body, authentication);
    } catch (error) {
      await body.discard();
      await this.#parts.sentCopy?.abort();
      throw error;
    }
  }
}
