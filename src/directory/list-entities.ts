import type { EntityId, OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import { activeOrganization } from './decide-organization.ts';
import { type EntityFilter, isMatching } from './entity-filter.ts';
import type { DirectoryStore } from './ports.ts';
import type { Entity } from './user.ts';

const entitiesPerPage = 100;

/** The entities of a kind in order of id, after `after`. Throws DomainError for an organisation that is not active. */
export async function listEntities<Kind extends Entity['kind']>(
  store: DirectoryStore,
  organization: OrganizationId,
  kind: Kind,
  filter: EntityFilter,
  { after, limit }: { readonly after: EntityId | undefined; readonly limit: number },
): Promise<PageOf<Extract<Entity, { readonly kind: Kind }>, EntityId>> {
  await activeOrganization(store, organization);
  const isOfKind = (entity: Entity): entity is Extract<Entity, { readonly kind: Kind }> =>
    entity.kind === kind;
  const rows: Extract<Entity, { readonly kind: Kind }>[] = [];
  let from = after;
  do {
    const page = await store.entities(organization, from, entitiesPerPage);
    for (const entity of page.rows) {
      if (!isOfKind(entity) || !isMatching(entity, filter)) continue;
      const last = rows.at(-1);
      if (rows.length === limit && last !== undefined) return { rows, next: last.id };
      rows.push(entity);
    }
    from = page.next;
  } while (from !== undefined);
  return { rows };
}
