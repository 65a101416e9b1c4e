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
import type { DirectoryStore } from './ports.ts';
import type { Entity } from './user.ts';

/** The index of one organisation, and who is to be read again before it is asked. */
interface Book {
  index: Promise<AddressBookIndex>;
  readonly changed: Set<EntityId>;
  /** Of the index, once it is built. */
  size: number;
}

const entitiesPerPage = 500;
/** A longer query has no more meaning. */
const maxQuery = 256;
const maxQueryWords = 16;
/** From so many changes on the index is built anew. */
const maxChanges = 2000;
/** In all indexes together, but for the one in use: about 1 KB each. */
const maxEntries = 200_000;

/**
 * AddressBook finds the people, groups and resources of an organisation that are enabled and not hidden. The index of an
 * organisation is built when it is searched first, kept in step by `changed`, and dropped for those searched since.
 */
export class AddressBook {
  readonly #store: DirectoryStore;
  /** The one searched last is last. */
  readonly #books = new Map<OrganizationId, Book>();
  readonly #maxEntries: number;

  constructor(store: DirectoryStore, limit = maxEntries) {
    this.#store = store;
    this.#maxEntries = limit;
  }

  /** How many entries are in memory. */
  get size(): number {
    return [...this.#books.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Call when a change of an entity is durable. */
  changed({ organization, id }: Pick<Entity, 'organization' | 'id'>): void {
    this.#books.get(organization)?.changed.add(id);
  }

  /**
   * Those who have every word of the query at the beginning of a word of their display name, first or last name, user name,
   * addresses, job title, company, department or office, whatever the case and the accents; in the order of their
   * display names. Nobody is found by a query without a word.
   */
  async search(organization: OrganizationId, query: string, asked: PageAsked): Promise<AddressBookPage> {
    const words = [...new Set(chunksOf(fold(query.slice(0, maxQuery))))].slice(0, maxQueryWords);
    if (words.length === 0) return { entries: [], total: 0 };
    return (await this.#indexOf(organization)).search(words, asked);
  }

  /** Whose address it is, in any case; undefined if it is nobody's in the organisation, or of one who is not listed. */
  async find(organization: OrganizationId, address: string): Promise<AddressBookEntry | undefined> {
    const holder = await this.#store.addressHolder(canonicalAddress(address));
    if (holder === undefined || holder.organization !== organization || holder.released) return undefined;
    const entity = await this.#store.entity(organization, holder.entity);
    return entity === undefined ? undefined : entryOf(entity);
  }

  async #indexOf(organization: OrganizationId): Promise<AddressBookIndex> {
    const book = this.#books.get(organization) ?? this.#open(organization);
    this.#books.delete(organization);
    this.#books.set(organization, book);
    if (book.changed.size > 0) this.#refresh(organization, book);
    try {
      const index = await book.index;
      book.size = index.size;
      this.#shrink(organization);
      return index;
    } catch (error) {
      if (this.#books.get(organization) === book) this.#books.delete(organization);
      throw error;
    }
  }

  #open(organization: OrganizationId): Book {
    // It is there before the first row is read: what changes from now on is read again.
    return { index: this.#build(organization), changed: new Set(), size: 0 };
  }

  #refresh(organization: OrganizationId, book: Book): void {
    const ids = [...book.changed];
    book.changed.clear();
    book.index = book.index.then((index) => this.#update(organization, index, ids));
  }

  async #update(
    organization: OrganizationId,
    index: AddressBookIndex,
    ids: readonly EntityId[],
  ): Promise<AddressBookIndex> {
    if (index.changes + ids.length > maxChanges) return this.#build(organization);
    const entities = await this.#store.entitiesOf(organization, ids);
    const byId = new Map(entities.map((entity) => [entity.id, entity]));
    for (const id of ids) {
      const entity = byId.get(id);
      index.change(id, entity === undefined ? undefined : rowOf(entity));
    }
    return index;
  }

  async #build(organization: OrganizationId): Promise<AddressBookIndex> {
    const rows: WordedRow[] = [];
    let after: EntityId | undefined;
    do {
      const page = await this.#store.entities(organization, after, entitiesPerPage);
      for (const entity of page.rows) {
        const row = rowOf(entity);
        if (row !== undefined) rows.push(row);
      }
      after = page.next;
    } while (after !== undefined);
    return AddressBookIndex.build(rows);
  }

  /** Drops the indexes that were not searched for longest, as long as there is too much. */
  #shrink(inUse: OrganizationId): void {
    for (const organization of this.#books.keys()) {
      if (this.size <= this.#maxEntries || organization === inUse) return;
      this.#books.delete(organization);
    }
  }
}
