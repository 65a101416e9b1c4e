import { parseAddressList } from '#mime/address';
import { forEachField, unfold } from '#mime/header-fields';

/** The authors that readers of a message see. */
interface ShownAuthors {
  readonly addresses: readonly string[];
  /** From fields. */
  readonly fields: number;
}

/** A longer From names nobody. */
export const maxAuthorBytes = 8 * 1024;

/**
 * The authors of a header as our own reader finds them, whose word is shown to users. What is broken can be read in two
 * ways: a line that is no field belongs to the one above for mailauth, and is passed over here; a blank line in a fold
 * hides a field from mailauth alone.
 */
export function shownAuthors(header: Buffer): ShownAuthors {
  const addresses: string[] = [];
  let fields = 0;
  forEachField(header.toString('latin1'), (name, raw) => {
    if (name !== 'from') return;
    fields++;
    if (raw.length > maxAuthorBytes) return;
    for (const { address } of parseAddressList(unfold(raw)))
      if (address.includes('@')) addresses.push(address);
  });
  return { addresses, fields };
}
