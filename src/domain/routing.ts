import type { Account } from '#directory/account';
import type { Directory } from '#directory/directory';
import { DomainError } from './errors.ts';
import type { EntityId, OrganizationId } from './ids.ts';
import { domainOfAddress } from './outbound.ts';
import type { NextHop } from './outside.ts';
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

/** The destination of mail for addresses here; with its blank it is no domain, and no server of the configuration. */
export const localDestination = 'this server';

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

  /** Where mail for this address goes now. */
  async nextHop(address: string): Promise<NextHop> {
    return (await this.#isHere(address)) ? { kind: 'local' } : this.#routes.nextHop(address);
  }

  /** The name of where mail for this address goes: as Routes.destinationOf, but that addresses here have one of their own. */
  async destinationOf(address: string): Promise<string> {
    return (await this.#isHere(address)) ? localDestination : this.#routes.destinationOf(address);
  }

  async #isHere(address: string): Promise<boolean> {
    try {
      const { kind } = await this.resolveRecipient(address);
      return kind !== 'elsewhere' && kind !== 'routed';
    } catch (error) {
      // It is somebody's here, however many are behind it.
      if (error instanceof DomainError && error.code === 'group/too-large') return true;
      throw error;
    }
  }
}
