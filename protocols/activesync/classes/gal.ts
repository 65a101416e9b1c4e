import type { AddressBookEntry } from '#directory/address-book-entry';
import { GAL } from '../wbxml/code-pages/gal.ts';
import { type Element, el } from '../wbxml/element.ts';

/** galProperties gives what Search and Find say of an entry (MS-ASCMD, Properties); what is empty is left out. */
export function galProperties(entry: AddressBookEntry, picture: Element | undefined): readonly Element[] {
  const { displayName, alias, firstName, lastName, address, details = {} } = entry;
  const property = (tag: (typeof GAL)[keyof typeof GAL], value: string | undefined) =>
    value === undefined || value === '' ? [] : [el(tag, value)];
  return [
    ...property(GAL.DisplayName, displayName),
    ...property(GAL.Phone, details.telephone),
    ...property(GAL.Office, details.office),
    ...property(GAL.Title, details.jobTitle),
    ...property(GAL.Company, details.company),
    ...property(GAL.Alias, alias),
    // Nokia's Mail for Exchange takes no entry without one.
    el(GAL.FirstName, firstName ?? ''),
    ...property(GAL.LastName, lastName),
    ...property(GAL.EmailAddress, address),
    ...(picture === undefined ? [] : [picture]),
  ];
}
