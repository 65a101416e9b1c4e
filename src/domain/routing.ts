import type { Account } from '#directory/account';
import type { Directory } from '#directory/directory';
import type { EntityId, OrganizationId } from './ids.ts';
import { domainOfAddress } from './outbound.ts';
import type { Routes } from './routes.ts';

/** What becomes of mail for an address. */
type Destination =
  | { readonly kind: 'mailbox'; readonly account: Account }
  | { readonly kind: 'group'; readonly group: EntityId; readonly accounts: readonly Account[] }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'unknown' }
  /** An address in a domain of ours whose mail another server has; whose domain it is. */
  | { readonly kind: 'routed'; readonly organization: OrganizationId }
  /** Another domain: only for those who may send from here. */
  | { readonly kind: 'elsewhere' };

/** Routing resolves recipients by the directory and by the routes of the configuration. */
export class Routing {
  readonly #directory: Pick<Directory, 'resolveRecipient' | 'organizationOf'>;
  readonly #routes: Routes;

  constructor(directory: Pick<Directory, 'resolveRecipient' | 'organizationOf'>, routes: Routes) {
    this.#directory = directory;
    this.#routes = routes;
  }

  async resolveRecipient(address: string): Promise<Destination> {
    const found = await this.#directory.resolveRecipient(address);
    if (found.kind === 'elsewhere') return found;
    const routed = this.#routes.routed(address);
    const isRouted = routed === 'all' || (routed === 'unknown' && found.kind === 'unknown');
    const organization = isRouted
      ? await this.#directory.organizationOf(domainOfAddress(address))
      : undefined;
    return organization === undefined ? found : { kind: 'routed', organization };
  }
}
