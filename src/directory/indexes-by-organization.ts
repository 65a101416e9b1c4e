import type { EntityId, OrganizationId } from '#domain/ids';
import type { DirectoryReader, EntityRef } from './ports.ts';
import type { Entity } from './user.ts';

/** Of what indexes are made, and how. */
interface IndexParts<I> {
  readonly store: Pick<DirectoryReader, 'entities' | 'entitiesOf'>;
  nowMs(): number;
  /** How many entries there may be in all indexes together, but for the one in use. */
  readonly maxEntries: number;
  /** Makes the index of an organisation of all its entities, in order of id. */
  build(entities: AsyncIterable<Entity>): Promise<I>;
  /** The index once these have changed, those that are gone undefined; undefined to have it built anew. */
  update(index: I, changed: ReadonlyMap<EntityId, Entity | undefined>): I | undefined;
}

/** The index of one organisation, and who is to be read again before it is asked. */
interface Held<I> {
  index: Promise<I>;
  readonly changed: Set<EntityId>;
  /** Of the index, once it is built. */
  size: number;
  usedMs: number;
}

const entitiesPerPage = 500;
/** What nobody has asked for so long is dropped. */
const idleMs = 60 * 60 * 1000;
/** Of so many that are to be read again it costs less to read them all. */
const maxChanged = 2000;

/**
 * IndexesByOrganization keeps an index in memory for each organisation that is asked for. It is built when it is asked for first, kept in
 * step by `changed`, and dropped when nobody asks for it any more, or others are asked for and there is too much.
 */
export class IndexesByOrganization<I extends { readonly size: number }> {
  readonly #parts: IndexParts<I>;
  /** The one asked for last is last. */
  readonly #held = new Map<OrganizationId, Held<I>>();

  constructor(parts: IndexParts<I>) {
    this.#parts = parts;
  }

  /** How many entries are in memory. */
  get size(): number {
    return [...this.#held.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Call when a change of an entity is durable. */
  changed({ organization, id }: EntityRef): void {
    this.#dropIdle();
    const held = this.#held.get(organization);
    if (held === undefined) return;
    held.changed.add(id);
    if (held.changed.size > maxChanged) this.#held.delete(organization);
  }

  /** The index of an organisation as it is now. Throws what the store throws, and is built again then. */
  async of(organization: OrganizationId): Promise<I> {
    this.#dropIdle();
    const held = this.#held.get(organization) ?? this.#open(organization);
    held.usedMs = this.#parts.nowMs();
    this.#held.delete(organization);
    this.#held.set(organization, held);
    if (held.changed.size > 0) this.#refresh(organization, held);
    try {
      const index = await held.index;
      held.size = index.size;
      this.#shrink(organization);
      return index;
    } catch (error) {
      if (this.#held.get(organization) === held) this.#held.delete(organization);
      throw error;
    }
  }

  #open(organization: OrganizationId): Held<I> {
    // It is there before the first row is read: what changes from now on is read again.
    return { index: this.#build(organization), changed: new Set(), size: 0, usedMs: 0 };
  }

  #build(organization: OrganizationId): Promise<I> {
    return this.#parts.build(entitiesIn(this.#parts.store, organization));
  }

  #refresh(organization: OrganizationId, held: Held<I>): void {
    const ids = [...held.changed];
    held.changed.clear();
    held.index = held.index.then(async (index) => {
      const found = await this.#parts.store.entitiesOf(organization, ids);
      const byId = new Map(found.map((entity) => [entity.id, entity]));
      const changed = new Map(ids.map((id) => [id, byId.get(id)]));
      return this.#parts.update(index, changed) ?? this.#build(organization);
    });
  }

  #dropIdle(): void {
    const sinceMs = this.#parts.nowMs() - idleMs;
    for (const [organization, { usedMs }] of this.#held) {
      if (usedMs > sinceMs) return;
      this.#held.delete(organization);
    }
  }

  /** Drops those that were not asked for longest, as long as there is too much. */
  #shrink(inUse: OrganizationId): void {
    for (const organization of this.#held.keys()) {
      if (this.size <= this.#parts.maxEntries || organization === inUse) return;
      this.#held.delete(organization);
    }
  }
}

async function* entitiesIn(
  store: Pick<DirectoryReader, 'entities'>,
  organization: OrganizationId,
): AsyncGenerator<Entity> {
  let after: EntityId | undefined;
  do {
    const page = await store.entities(organization, after, entitiesPerPage);
    yield* page.rows;
    after = page.next;
  } while (after !== undefined);
}
