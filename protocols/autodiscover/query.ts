import { canonicalAddress, canonicalDomain } from '#directory/canonical-name';

/** queryOf gives a parameter of a request target, its name in any case of its letters; undefined if it is not there, or empty. */
export function queryOf(target: string, name: string): string | undefined {
  const at = target.indexOf('?');
  if (at < 0) return undefined;
  // Nothing that is asked here has blanks, and people who write an address leave its plus as it is.
  for (const [key, value] of new URLSearchParams(target.slice(at + 1).replaceAll('+', '%2B'))) {
    if (key.toLowerCase() === name && value.trim() !== '') return value.trim();
  }
  return undefined;
}

/** isAddressOf tells whether an address, in any case, is one of these. */
export function isAddressOf(addresses: readonly string[], address: string): boolean {
  const wanted = canonicalAddress(address);
  return addresses.some((one) => canonicalAddress(one) === wanted);
}

/** hostedDomain gives the canonical form of a domain if it gives addresses here. */
export async function hostedDomain(
  domain: string | undefined,
  isOurs: (domain: string) => Promise<boolean>,
): Promise<string | undefined> {
  if (domain === undefined || domain.length > maxDomain) return undefined;
  const name = canonicalDomain(domain);
  return (await isOurs(name)) ? name : undefined;
}

/** RFC 1035 §2.3.4. */
const maxDomain = 253;
