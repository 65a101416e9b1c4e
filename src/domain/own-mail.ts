import { isAscii } from 'node:buffer';
import { BodySpool } from './body-spool.ts';
import type { NewBody } from './item.ts';
import { type NewOutboundMail, type OutboundEnvelope, outboundMails } from './outbound.ts';
import type { Outside } from './outside.ts';
import type { MailStore } from './ports.ts';
import type { Routing } from './routing.ts';

interface OwnMailParts {
  readonly store: Pick<MailStore, 'writeBody' | 'readBody' | 'discardBody' | 'inlineBodyBytes'>;
  readonly routing: Pick<Routing, 'destinationOf'>;
  readonly outside: Outside;
}

/** What the recipients of a letter get: in memory, or as a body that is stored or framed already. */
type LetterContent =
  | { readonly raw: Uint8Array }
  | {
      readonly body: NewBody;
      /** Of the whole message, of which the first `skip` bytes (a Return-Path) are not sent. */
      readonly size: number;
      readonly skip: number;
      readonly is8bit: boolean;
      /** Our signature may vouch for its From: not for that of a message that came from elsewhere (see OutboundMail). */
      readonly isAuthenticated: boolean;
    };

/** A message that this server makes: a forward, a redirect, an automatic reply, a report. */
interface Letter extends OutboundEnvelope {
  readonly content: LetterContent;
  /** From this its queue ids follow, so that a letter that is made again is put once; random if absent. */
  readonly acceptId?: string | undefined;
}

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
   * The mails that carry a letter, due at once. Put every one of them (OutboundTx.put) in the transaction that decides on
   * the letter, which lists them too, and give them to wakeRelay when it is durable; a large body is durable already.
   */
  async make({ content, acceptId, ...envelope }: Letter): Promise<readonly NewOutboundMail[]> {
    const { routing, outside } = this.#parts;
    const destinations = new Map<string, string>();
    for (const { address } of envelope.recipients) {
      if (!destinations.has(address)) destinations.set(address, await routing.destinationOf(address));
    }
    const stored = 'raw' in content ? await this.#store(envelope, content.raw) : content;
    return outboundMails(
      envelope,
      {
        ...stored,
        acceptId: acceptId ?? Buffer.from(outside.random.bytes(16)).toString('hex'),
        acceptedMs: outside.clock.now(),
      },
      (address) => destinations.get(address) ?? address,
    );
  }

  async #store({ organization, recipients }: OutboundEnvelope, raw: Uint8Array) {
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
}
