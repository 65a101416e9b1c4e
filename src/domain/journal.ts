import type { Directory } from '#directory/directory';
import type { JournalingFacts } from '#directory/journaling';
import { decodeRaw } from '#mime/encoded-word';
import { journalReport, type ReportFrame } from '#mime/journal-report';
import { addressedMails } from './addressed-mails.ts';
import { BodySpool } from './body-spool.ts';
import type { OrganizationId } from './ids.ts';
import type { NewBody } from './item.ts';
import { type JournaledHeaders, journaledRecipients } from './journaled-recipients.ts';
import type { MailEnvelope } from './mail-envelope.ts';
import { domainOfAddress, type NewOutboundMail } from './outbound.ts';
import type { Outside } from './outside.ts';
import type { MailStore } from './ports.ts';
import type { Routing } from './routing.ts';

interface JournalParts {
  readonly directory: Pick<Directory, 'organizationOf'> & {
    readonly journaling: Pick<Directory['journaling'], 'facts'>;
  };
  readonly routing: Pick<Routing, 'destinationOf'>;
  readonly store: Pick<MailStore, 'writeBody' | 'readBody' | 'discardBody' | 'inlineBodyBytes'>;
  readonly outside: Outside;
  /** Our own name, in ids. */
  readonly hostname: string;
  /** What only we can tell of a text, by the organisation's key: 16 bytes. */
  readonly sign: (organization: OrganizationId, text: string) => Uint8Array;
}

/** The message that records are of. */
export interface JournaledContent {
  /** Bytes of all of it. */
  readonly size: number;
  readonly is8bit: boolean;
  headers(): JournaledHeaders | Promise<JournaledHeaders>;
  /** How it is stored for an organisation; undefined if it is not. */
  bodyFor(organization: OrganizationId): NewBody | undefined;
  /** All of it. */
  read(): AsyncIterable<Uint8Array>;
}

interface JournalOptions {
  readonly atMs: number;
  /** Who had the message sent on: its recipients got it in place of this address. */
  readonly forwardedFor?: string | undefined;
}

/** An organisation that wants a record. */
interface Archive extends JournalingFacts {
  readonly organization: OrganizationId;
  readonly to: string;
}

/** What the records of one message may add to its transaction, all together. */
const maxRowBytes = 112 * 1024;
/** What stands around a shared body is one row. */
const maxFrameBytes = 55 * 1024;

/**
 * Journal makes the journal records of messages: one for each organisation concerned that wants them, however many
 * recipients there are. They are put in the transaction that accepts the message, so that neither is there without the
 * other.
 */
export class Journal {
  readonly #parts: JournalParts;

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  /** The records of a message, ready to be put; none of one that comes out of our own queue, which had its records then. */
  async records(
    envelope: MailEnvelope,
    content: JournaledContent,
    options: JournalOptions,
  ): Promise<readonly NewOutboundMail[]> {
    if (envelope.queued !== undefined) return [];
    const archives = await this.#archives(envelope);
    const limit = Math.min(maxFrameBytes, Math.floor(maxRowBytes / Math.max(1, archives.length)));
    const records: NewOutboundMail[] = [];
    for (const archive of archives) {
      records.push(...(await this.#record(archive, envelope, content, { ...options, limit })));
    }
    return records;
  }

  /** Who is told of an organisation's records that cannot be delivered. */
  async reportTo(organization: OrganizationId): Promise<string | undefined> {
    return (await this.#parts.directory.journaling.facts(organization))?.reportTo;
  }

  /** A new Message-ID for a record or what is told of one: by it we know our own, wherever it has been. */
  messageId(organization: OrganizationId): string {
    const name = this.#randomHex();
    return `<${name}.${this.#signature(organization, name)}@${this.#parts.hostname}>`;
  }

  /** Of those there is no record: whoever sends records back to the organisation would have them for ever. */
  #isOurs(organization: OrganizationId, messageId: string): boolean {
    const [, name = '', signature] = /^<([0-9a-f]{32})\.([0-9a-f]{32})@/.exec(messageId) ?? [];
    return signature !== undefined && signature === this.#signature(organization, name);
  }

  #signature(organization: OrganizationId, name: string): string {
    return Buffer.from(this.#parts.sign(organization, `journal ${name}`)).toString('hex');
  }

  async #archives(envelope: MailEnvelope): Promise<readonly Archive[]> {
    const found: Archive[] = [];
    for (const organization of await this.#concerned(envelope)) {
      const facts = await this.#parts.directory.journaling.facts(organization);
      const to = facts?.journalingAddress;
      if (facts?.enabled === true && to !== undefined) found.push({ ...facts, organization, to });
    }
    return found;
  }

  /** The sender's organisation and the recipients'. */
  async #concerned({ sender, outbound, recipients }: MailEnvelope): Promise<ReadonlySet<OrganizationId>> {
    const concerned = new Set<OrganizationId>();
    if (sender !== undefined) concerned.add(sender);
    if (outbound !== undefined) concerned.add(outbound.organization);
    for (const { address, accounts } of recipients) {
      for (const { organization } of accounts) concerned.add(organization);
      if (accounts.length > 0) continue;
      // An empty group is its domain's.
      const owner = await this.#parts.directory.organizationOf(domainOfAddress(address));
      if (owner !== undefined) concerned.add(owner);
    }
    return concerned;
  }

  async #record(
    { organization, from, to }: Archive,
    envelope: MailEnvelope,
    content: JournaledContent,
    { atMs, forwardedFor, limit }: JournalOptions & { readonly limit: number },
  ): Promise<readonly NewOutboundMail[]> {
    const headers = await content.headers();
    if (!isOfUser(envelope) && this.#isOurs(organization, headers.messageId)) return [];
    const frame = journalReport({
      from,
      to,
      messageId: this.messageId(organization),
      dateMs: atMs,
      boundary: `=_${this.#randomHex()}`,
      sender: envelope.reversePath,
      subject: headers.subject,
      originalId: decodeRaw(headers.messageId),
      recipients: journaledRecipients(organization, envelope, headers, forwardedFor),
      is8bit: content.is8bit,
    });
    const body = framed(content.bodyFor(organization), frame, limit);
    return addressedMails(
      { organization, kind: 'journal', reversePath: from, recipients: [{ address: to }] },
      {
        acceptId: this.#randomHex(),
        acceptedMs: atMs,
        size: frame.before.length + content.size + frame.after.length,
        skip: 0,
        is8bit: frame.is8bit,
        isAuthenticated: true,
        body: body ?? (await this.#write(organization, frame, content, limit)),
      },
      this.#parts.routing,
    );
  }

  /** A record that does not share its message's body has one of its own. */
  async #write(
    organization: OrganizationId,
    { before, after }: ReportFrame,
    content: JournaledContent,
    limit: number,
  ): Promise<NewBody> {
    const { store } = this.#parts;
    const spool = new BodySpool(store, [organization], Math.min(limit, store.inlineBodyBytes(1)));
    try {
      await spool.write(before);
      for await (const chunk of content.read()) await spool.write(chunk);
      await spool.write(after);
    } catch (error) {
      await spool.abort();
      throw error;
    }
    return (await spool.finish()).bodyFor(organization);
  }

  #randomHex(): string {
    return Buffer.from(this.#parts.outside.random.bytes(16)).toString('hex');
  }
}

/** A user who has seen a record could send what has none, by its Message-ID. */
function isOfUser({ client, isAuthenticated, reversePath }: MailEnvelope): boolean {
  return client?.user !== undefined || (isAuthenticated && reversePath !== '');
}

/** The record around a body that is a file; undefined if it has none, or what stands around it is too long for a row. */
function framed(
  body: NewBody | undefined,
  { before, after }: ReportFrame,
  limit: number,
): NewBody | undefined {
  if (body?.kind !== 'blob') return undefined;
  const all = {
    before: Buffer.concat([before, body.before ?? Buffer.alloc(0)]),
    after: Buffer.concat([body.after ?? Buffer.alloc(0), after]),
  };
  if (all.before.length + all.after.length > limit) return undefined;
  return { kind: 'blob', id: body.id, ...all, from: body.from };
}
