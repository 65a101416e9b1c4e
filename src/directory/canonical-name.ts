import { domainToASCII } from 'node:url';

/** The form of a name under which it is looked up: NFC and lower case. */
export function canonicalName(name: string): string {
  return name.normalize('NFC').toLowerCase().normalize('NFC');
}

/** The form of an address under which it is looked up: NFC, lower case, the domain as A-label (RFC 5890 §2.3.2.1). */
export function canonicalAddress(address: string): string {
  const at = address.lastIndexOf('@');
  if (at < 0) return canonicalName(address);
  return `${canonicalName(address.slice(0, at))}@${canonicalDomain(address.slice(at + 1))}`;
}

/** The form of a domain under which it is looked up: its A-label in lower case; one that has none stays as it is. */
export function canonicalDomain(domain: string): string {
  const name = canonicalName(domain);
  // Only letters beyond ASCII go to domainToASCII: it parses a URL's host, which drops what follows a slash, decodes
  // percent signs and reads numbers as IPv4 addresses, and so would make one name of several.
  if (!/[^\0-\x7f]/.test(name) || /[\0-\x7f]/.test(name.replace(/[a-z0-9._-]/g, ''))) return name;
  return domainToASCII(name) || name;
}
