import { envelopeAddress, parseAddressList } from './address.ts';
import { splitMessage } from './header-edit.ts';
import { unfold } from './header-fields.ts';

/**
 * The addresses in From and Sender, as an envelope takes them in lower case; undefined for an entry that is none.
 * RFC 5322 §3.6.2. Never throws.
 */
export function authorAddresses(header: Uint8Array): readonly (string | undefined)[] {
  return splitMessage(header)
    .fields.filter(({ name }) => name === 'from' || name === 'sender')
    .flatMap(({ value }) => {
      const mailboxes = parseAddressList(unfold(value));
      return mailboxes.length === 0
        ? [undefined]
        : mailboxes.map(({ address }) => envelopeAddress(address)?.toLowerCase());
    });
}
