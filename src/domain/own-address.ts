import type { Account } from '#directory/account';
import { withoutTag } from '#directory/address';
import { canonicalAddress } from '#directory/canonical-name';

/** Tells of an address, as a header or an envelope has it, whether it is the account's: any of its own, with a tag or without. */
export function ownAddress({ addresses }: Pick<Account, 'addresses'>): (address: string) => boolean {
  const own = new Set(addresses.map(canonicalAddress));
  return (address) => {
    const canonical = canonicalAddress(address);
    if (own.has(canonical)) return true;
    const plain = withoutTag(canonical);
    return plain !== undefined && own.has(plain);
  };
}
