import {
  type NewOutboundMail,
  type OutboundContent,
  type OutboundEnvelope,
  outboundMails,
} from './outbound.ts';
import type { Routing } from './routing.ts';

/** The mails that carry a message of our own, due at once: for addresses elsewhere, and for those that are here now. */
export async function addressedMails(
  envelope: OutboundEnvelope,
  content: OutboundContent,
  routing: Pick<Routing, 'destinationOf'>,
): Promise<readonly NewOutboundMail[]> {
  const destinations = new Map<string, string>();
  for (const { address } of envelope.recipients) {
    if (!destinations.has(address)) destinations.set(address, await routing.destinationOf(address));
  }
  return outboundMails(envelope, content, (address) => destinations.get(address) ?? address);
}
