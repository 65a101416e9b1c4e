import { envelopeAddress, parseAddressList } from './address.ts';
import { splitMessage } from './header-edit.ts';
import { unfold } from './header-fields.ts';

/** An address as an envelope takes it in lower case; undefined for an entry that is none. */
type Author = string | undefined;

/** Who a message says that it is from. RFC 5322 §3.6.2. */
export interface Authors {
  /** Of all From fields, each once. */
  readonly from: readonly Author[];
  /** Of all Sender fields, each once. */
  readonly sender: readonly Author[];
}

/** authorsIn reads From and Sender of a message, or of its header. Never throws. */
export function authorsIn(message: Uint8Array): Authors {
  const { fields } = splitMessage(message);
  const namedIn = (field: string) =>
    fields
      .filter(({ name }) => name === field)
      .flatMap(({ value }) => {
        const mailboxes = parseAddressList(unfold(value));
        return mailboxes.length === 0
          ? [undefined]
          : mailboxes.map(({ address }) => envelopeAddress(address)?.toLowerCase());
      });
  return { from: [...new Set(namedIn('from'))], sender: [...new Set(namedIn('sender'))] };
}
