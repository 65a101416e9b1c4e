import type { EntityId } from '#domain/ids';

/** MailRouting is where an organisation's mail goes that is for nobody: users or groups. */
export interface MailRouting {
  /** Reads postmaster@ and abuse@ of every domain, where nobody has the address. RFC 5321 §4.5.1, RFC 2142 §4 and §5. */
  readonly administrator?: EntityId | undefined;
  /** By domain: whoever gets what nobody there has the address of. A domain that is not named refuses it. */
  readonly catchAll: ReadonlyMap<string, EntityId>;
}

export const noMailRouting: MailRouting = { catchAll: new Map() };

/** The mailboxes that somebody reads at every domain, whoever has the address or nobody. */
export function isRoleAddress(address: string): boolean {
  return address.startsWith('postmaster@') || address.startsWith('abuse@');
}
