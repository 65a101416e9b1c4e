import type { EntityId, OrganizationId } from '#domain/ids';
import { type AddressBookEntry, entryOf } from './address-book-entry.ts';
import {
  AddressBookIndex,
  type AddressBookPage,
  type PageAsked,
  rowOf,
  type WordedRow,
} from './address-book-index.ts';
import { canonicalAddress } from './canonical-name.ts';
import { chunksOf, fold } from './fold.ts';
import { IndexesByOrganization } from './indexes-by-organization.ts';
import type { DirectoryStore, EntityRef } from './ports.ts';
import type { Entity } from './user.ts';

/** A longer query has no more meaning. */
const maxQuery = 256;
const maxQueryWords = 16;
/** From so many changes on the index is built anew. */
const maxChanges = 2000;
/** In all indexes together, but for the one in use: about 1 KB each. */
const maxEntries = 100_000;

/**
 * AddressBook finds the people, groups and resources of an organisation that are enabled and not hidden, by an index in memory of each
 * that is searched.
 */
export class AddressBook {
  readonly #store: DirectoryStore;
  readonly #indexes: IndexesByOrganization<AddressBookIndex>;

  constructor(store: DirectoryStore, nowMs: () => number, limit = maxEntries) {
    this.#store = store;
    this.#indexes = new IndexesByOrganization({ store, nowMs, maxEntries: limit, build, update });
  }

  /** How many entries are in memory. */
  get size(): number {
    return this.#indexes.size;
  }

  /** Call when a change of an entity is durable. */
  changed(entity: EntityRef): void {
    this.#indexes.changed(entity);
  }

  /**
   * Those who have every word of the query at the beginning of a word of their display name, first or last name, user name,
   * addresses, job title, company, department or office, whatever the case and the accents; in the order of their
   * display names. Nobody is found by a query without a word.
   */
  async search(organization: OrganizationId, query: string, asked: PageAsked): Promise<AddressBookPage> {
    const words = [...new Set(chunksOf(fold(query.slice(0, maxQuery))))].slice(0, maxQueryWords);
    if (words.length === 0) return { entries: [], total: 0 };
    return (await this.#indexes.of(organization)).search(words, asked);
  }

  /** Whose address it is, in any case; undefined if it is nobody's in the organisation, or of one who is not listed. */
  async find(organization: OrganizationId, address: string): Promise<AddressBookEntry | undefined> {
    const holder = await this.#store.addressHolder(canonicalAddress(address));
    if (holder === undefined || holder.organization !== organization || holder.released) return undefined;
    const entity = await this.#store.entity(organization, holder.entity);
    return entity === undefined ? undefined : entryOf(entity);
  }
}

async function build(entities: AsyncIterable<Entity>): Promise<AddressBookIndex> {
  const rows: WordedRow[] = [];
  for await (const entity of entities) {
    const row = rowOf(entity);
    if (row !== undefined) rows.push(row);
  }
  return AddressBookIndex.build(rows);
}

function update(
  index: AddressBookIndex,
  changed: ReadonlyMap<EntityId, Entity | undefined>,
): AddressBookIndex | undefined {
  if (index.changes + changed.size > maxChanges) return undefined;
  for (const [id, entity] of changed) index.change(id, entity === undefined ? undefined : rowOf(entity));
  return index;
}
