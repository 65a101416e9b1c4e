import type { EntityId, OrganizationId } from '#domain/ids';
import type { PageOf } from '#domain/ports';
import { activeOrganization } from './decide-organization.ts';
import { type ListedEntity, listed, matching, type UserFilter } from './entity-filter.ts';
import { IndexesByOrganization } from './indexes-by-organization.ts';
import type { DirectoryStore, EntityRef } from './ports.ts';
import type { Entity } from './user.ts';

type OfKind<Kind extends Entity['kind']> = Extract<Entity, { readonly kind: Kind }>;

/** In all lists together, but for the one in use: about 300 bytes each. */
const maxEntries = 100_000;
/** So many rows are read at least, where some are not what is listed. */
const minRows = 50;

/**
 * EntityLists lists the entities of an organisation. What lists are filtered by is kept in memory for organisations that are asked, so that who
 * does not belong into a page is not read.
 */
export class EntityLists {
  readonly #store: DirectoryStore;
  readonly #indexes: IndexesByOrganization<EntityIndex>;

  constructor(store: DirectoryStore, nowMs: () => number) {
    this.#store = store;
    this.#indexes = new IndexesByOrganization({
      store,
      nowMs,
      maxEntries,
      build: EntityIndex.build,
      update: (index, changed) => index.changedBy(changed),
    });
  }

  /** Call when a change of an entity is durable. */
  changed(entity: EntityRef): void {
    this.#indexes.changed(entity);
  }

  /**
   * The entities of a kind in order of id, after `after`. Throws DomainError organization/not-found and organization/state.
   */
  async list<Kind extends Entity['kind']>(
    organization: OrganizationId,
    kind: Kind,
    filter: UserFilter,
    asked: { readonly after: EntityId | undefined; readonly limit: number },
  ): Promise<PageOf<OfKind<Kind>, EntityId>> {
    await activeOrganization(this.#store, organization);
    const isFiltered = Object.values(filter).some((value) => value !== undefined);
    // Nearly all there are are users.
    if (kind === 'user' && !isFiltered) return this.#walk(organization, kind, asked);
    const isMatching = matching(filter);
    const index = await this.#indexes.of(organization);
    const found = index.find(kind, isMatching, asked.after, asked.limit + 1);
    const ids = found.slice(0, asked.limit);
    const entities = await this.#store.entitiesOf(organization, ids);
    // What has changed since the index was asked is as it is now.
    const byId = new Map(entities.map((entity) => [entity.id, entity]));
    const rows = ids
      .flatMap((id) => byId.get(id) ?? [])
      .filter((entity): entity is OfKind<Kind> => entity.kind === kind && isMatching(listed(entity)));
    const last = ids.at(-1);
    return found.length > ids.length && last !== undefined ? { rows, next: last } : { rows };
  }

  async #walk<Kind extends Entity['kind']>(
    organization: OrganizationId,
    kind: Kind,
    { after, limit }: { readonly after: EntityId | undefined; readonly limit: number },
  ): Promise<PageOf<OfKind<Kind>, EntityId>> {
    const rows: OfKind<Kind>[] = [];
    const isOfKind = (entity: Entity): entity is OfKind<Kind> => entity.kind === kind;
    let from = after;
    do {
      const atOnce = Math.max(limit + 1 - rows.length, minRows);
      const page = await this.#store.entities(organization, from, atOnce);
      for (const entity of page.rows) {
        if (!isOfKind(entity)) continue;
        const last = rows.at(-1);
        if (rows.length === limit && last !== undefined) return { rows, next: last.id };
        rows.push(entity);
      }
      from = page.next;
    } while (from !== undefined);
    return { rows };
  }
}

/** What lists of one organisation are filtered by, in order of id. */
class EntityIndex {
  readonly #entities: readonly ListedEntity[];

  private constructor(entities: readonly ListedEntity[]) {
    this.#entities = entities;
  }

  static async build(entities: AsyncIterable<Entity>): Promise<EntityIndex> {
    const all: ListedEntity[] = [];
    for await (const entity of entities) all.push(listed(entity));
    return new EntityIndex(all.sort(byId));
  }

  get size(): number {
    return this.#entities.length;
  }

  changedBy(changed: ReadonlyMap<EntityId, Entity | undefined>): EntityIndex {
    const others = this.#entities.filter(({ id }) => !changed.has(id));
    const present = [...changed.values()].flatMap((entity) => (entity === undefined ? [] : [listed(entity)]));
    return new EntityIndex([...others, ...present].sort(byId));
  }

  /** The ids of at most `limit` that belong into a list. */
  find(
    kind: Entity['kind'],
    isMatching: (entity: ListedEntity) => boolean,
    after: EntityId | undefined,
    limit: number,
  ): EntityId[] {
    const found: EntityId[] = [];
    for (let at = this.#firstAfter(after); at < this.#entities.length && found.length < limit; at++) {
      const entity = this.#entities[at];
      if (entity?.kind === kind && isMatching(entity)) found.push(entity.id);
    }
    return found;
  }

  #firstAfter(after: EntityId | undefined): number {
    if (after === undefined) return 0;
    let [low, high] = [0, this.#entities.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entities[middle]?.id ?? '') <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Ids of one kind stand as their bytes do: digits of the same case in the same places. */
function byId(a: ListedEntity, b: ListedEntity): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
