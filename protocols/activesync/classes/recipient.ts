/** MS-ASCNTC: a recipient of the recipient information cache, which has these properties and no others. */
import type { CachedRecipient } from '#domain/recipient-cache';
import { formatAddressList } from '#mime/address';
import { Contacts } from '../wbxml/code-pages/contacts.ts';
import { type Element, el } from '../wbxml/element.ts';

/** The properties of a recipient. */
export function recipientProperties({ name, address, rank }: CachedRecipient): readonly Element[] {
  return [
    el(Contacts.Email1Address, formatAddressList([{ name, address }])),
    el(Contacts.FileAs, name || address),
    el(Contacts.Alias, address.slice(0, address.lastIndexOf('@'))),
    el(Contacts.WeightedRank, rank),
  ];
}
