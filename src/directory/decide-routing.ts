import { DomainError } from '#domain/errors';
import type { EntityId, OrganizationId } from '#domain/ids';
import { enabledOnly, entityOf } from './decide-entity.ts';
import { activeOrganization } from './decide-organization.ts';
import type { MailRouting } from './mail-routing.ts';
import type { DirectoryTx } from './ports.ts';

/** What is wanted: entities by id, address or name, domains in canonical form. */
interface WantedRouting {
  readonly administrator: string | undefined;
  readonly catchAll: readonly (readonly [domain: string, entity: string])[];
}

/**
 * Replaces where mail for nobody goes. Throws DomainError entity/not-found, entity/state, domain/not-found,
 * request/invalid for a domain named twice, and for a resource.
 */
export async function putMailRouting(
  tx: DirectoryTx,
  organization: OrganizationId,
  wanted: WantedRouting,
): Promise<MailRouting> {
  await activeOrganization(tx, organization);
  const before = await tx.mailRouting(organization);
  // One that was disabled since is no hindrance to changing something else.
  const idOf = async (given: string, known: EntityId | undefined) => {
    const entity = await entityOf(tx, organization, given);
    if (entity.kind === 'resource') {
      throw new DomainError('request/invalid', 'Mail for nobody cannot go to a resource.');
    }
    return entity.id === known ? known : enabledOnly(entity).id;
  };
  const catchAll = new Map<string, EntityId>();
  for (const [domain, entity] of wanted.catchAll) {
    if (catchAll.has(domain))
      throw new DomainError('request/invalid', `The domain ${domain} is named twice.`);
    if ((await tx.domain(organization, domain)) === undefined) {
      throw new DomainError('domain/not-found', `The domain ${domain} is not a domain of the organization.`);
    }
    catchAll.set(domain, await idOf(entity, before.catchAll.get(domain)));
  }
  const { administrator } = wanted;
  const routing = {
    administrator: administrator === undefined ? undefined : await idOf(administrator, before.administrator),
    catchAll,
  };
  await tx.putMailRouting(organization, routing);
  return routing;
}
