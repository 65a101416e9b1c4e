import { DomainError } from '#domain/errors';
import { canonicalAddress } from './canonical-name.ts';
import { isDomainName } from './domain.ts';

/** What the API takes as an EmailAddress, as a whole: the model's pattern with a bounded local part (RFC 5321 §4.5.3.1.1). */
const form = /^[a-z0-9_%+-]+(?:\.[a-z0-9_%+-]+)*@([a-z0-9.-]+)$/;
const maxLocalPart = 64;
const maxAddress = 254;

/**
 * ownableAddress gives the canonical form of an address somebody is to have, local part and domain in lower case.
 * Throws DomainError address/invalid for what cannot be one here: quoted local parts, dots at an end or in a row,
 * domain literals.
 */
export function ownableAddress(text: string): { readonly address: string; readonly domain: string } {
  const address = canonicalAddress(text.trim());
  const domain = form.exec(address)?.[1];
  if (domain === undefined || address.length > maxAddress || !isDomainName(domain)) throw invalid();
  if (address.indexOf('@') > maxLocalPart) throw invalid();
  return { address, domain };
}

function invalid(): DomainError {
  return new DomainError('address/invalid', 'The address is not valid.');
}

/** domainOf is what stands behind the last @ of a canonical address; undefined if there is no such thing. */
export function domainOf(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  return at < 1 || at === address.length - 1 ? undefined : address.slice(at + 1);
}

/** withoutTag is `user@domain` for `user+tag@domain` (RFC 5233 §4); undefined for an address without a tag. */
export function withoutTag(address: string): string | undefined {
  const plus = address.indexOf('+');
  const at = address.lastIndexOf('@');
  return plus > 0 && plus < at ? address.slice(0, plus) + address.slice(at) : undefined;
}
