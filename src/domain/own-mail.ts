import { isAscii } from 'node:buffer';
import { MessageIndexer } from '#mime/index-message';
import { addressedMails } from './addressed-mails.ts';
import { BodySpool } from './body-spool.ts';
import type { OrganizationId } from './ids.ts';
import type { NewBody } from './item.ts';
import type { Journal, JournaledContent } from './journal.ts';
import type { JournaledHeaders } from './journaled-recipients.ts';
import type { LocalRecipient, MailEnvelope } from './mail-envelope.ts';
import type { NewOutboundMail, OutboundEnvelope, OutboundRecipient } from './outbound.ts';
import type { Outside } from './outside.ts';
import type { MailStore } from './ports.ts';
import type { Routing } from './routing.ts';

interface OwnMailParts {
  readonly store: Pick<MailStore, 'writeBody' | 'readBody' | 'discardBody' | 'inlineBodyBytes'>;
  readonly routing: Pick<Routing, 'destinationOf' | 'resolveRecipient'>;
  readonly outside: Outside;
  readonly journal: Pick<Journal, 'records'>;
}

/** A message that is stored already, or framed. */
interface StoredLetter {
  readonly body: NewBody;
  /** Of the whole message, of which the first `skip` bytes (a Return-Path) are not sent. */
  readonly size: number;
  readonly skip: number;
  readonly is8bit: boolean;
  /** Our signature may vouch for its From: not for that of a message that came from elsewhere (see OutboundMail). */
  readonly isAuthenticated: boolean;
}

/** A message that this server makes: a forward, a redirect, an automatic reply, a report. */
interface Letter extends OutboundEnvelope {
  readonly content: { readonly raw: Uint8Array } | StoredLetter;
  /** From this its queue ids follow, so that a letter that is made again is put once; random if absent. */
  readonly acceptId?: string | undefined;
  /** A redirect: the address whose mail it was. */
  readonly forwardedFor?: string | undefined;
}

/** So much of a message is read for its header. */
const maxHeaderBytes = 256 * 1024;

/**
 * OwnMail makes mail of our own ready for the outbound queue, wherever its recipients are: those that are here get it from
 * the queue too, by LocalTransport.
 */
export class OwnMail {
  readonly #parts: OwnMailParts;

  constructor(parts: OwnMailParts) {
    this.#parts = parts;
  }

  /**
   * The mails that carry a letter, due at once, and its journal records (none of what belongs to journaling itself). Put every
   * one of them (OutboundTx.put) in the transaction that decides on the letter, which lists them too, and give them to wakeRelay
   * when it is durable; a large body is durable already.
   */
  async make({ content, acceptId, forwardedFor, ...envelope }: Letter): Promise<readonly NewOutboundMail[]> {
    const { routing, outside, journal } = this.#parts;
    const stored = 'raw' in content ? await this.#store(envelope, content.raw) : content;
    const acceptedMs = outside.clock.now();
    const mails = await addressedMails(
      envelope,
      { ...stored, acceptId: acceptId ?? this.#randomHex(), acceptedMs },
      routing,
    );
    if (envelope.kind === 'journal' || envelope.kind === 'journal-report') return mails;
    const records = await journal.records(
      await this.#envelopeOf(envelope, stored),
      this.#journaled(envelope.organization, stored),
      { atMs: acceptedMs, forwardedFor },
    );
    return [...mails, ...records];
  }

  async #store({ organization, recipients }: OutboundEnvelope, raw: Uint8Array): Promise<StoredLetter> {
    const { store } = this.#parts;
    const spool = new BodySpool(store, [organization], store.inlineBodyBytes(recipients.length));
    await spool.write(raw);
    const body = await spool.finish();
    return {
      body: body.bodyFor(organization),
      size: raw.length,
      skip: 0,
      is8bit: !isAscii(raw),
      isAuthenticated: true,
    };
  }

  /** With whoever is behind the addresses that are here. */
  async #envelopeOf(
    { recipients, ...envelope }: OutboundEnvelope,
    { isAuthenticated }: StoredLetter,
  ): Promise<MailEnvelope> {
    const local: LocalRecipient[] = [];
    const elsewhere: OutboundRecipient[] = [];
    for (const recipient of recipients) {
      const { address } = recipient;
      const found = await this.#parts.routing.resolveRecipient(address).catch(() => undefined);
      if (found?.kind === 'mailbox') local.push({ address, accounts: [found.account], isGroup: false });
      else if (found?.kind === 'group') local.push({ address, accounts: found.accounts, isGroup: true });
      else elsewhere.push(recipient);
    }
    return {
      reversePath: envelope.reversePath,
      recipients: local,
      outbound: { ...envelope, recipients: elsewhere },
      isAuthenticated,
      sender: envelope.organization,
    };
  }

  #journaled(own: OrganizationId, letter: StoredLetter): JournaledContent {
    const { body, size, is8bit } = letter;
    const read = () => this.#read(own, letter);
    return {
      size,
      is8bit,
      headers: () => headersIn(read()),
      bodyFor: (organization) => (organization === own || body.kind === 'inline' ? body : undefined),
      read,
    };
  }

  async *#read(organization: OrganizationId, { body, size }: StoredLetter): AsyncGenerator<Uint8Array> {
    if (body.kind === 'inline') {
      yield body.raw;
      return;
    }
    const { id, before = new Uint8Array(0), after = new Uint8Array(0), from = 0 } = body;
    const fileBytes = size - before.length - after.length + from;
    yield before;
    yield* this.#parts.store.readBody({ organization, id, size: fileBytes }, [from, fileBytes]);
    yield after;
  }

  #randomHex(): string {
    return Buffer.from(this.#parts.outside.random.bytes(16)).toString('hex');
  }
}

async function headersIn(message: AsyncIterable<Uint8Array>): Promise<JournaledHeaders> {
  const indexer = new MessageIndexer();
  let size = 0;
  for await (const chunk of message) {
    indexer.write(chunk);
    size += chunk.length;
    if (size > maxHeaderBytes) break;
  }
  return indexer.end().headers;
}
