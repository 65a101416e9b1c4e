import type { EntityId } from '#domain/ids';
import { fold, wordsOf } from './fold.ts';
import type { Entity, EntityKind, PersonalDetails } from './user.ts';

/** AddressBookEntry is what everybody in an organisation sees of a user, a group or a resource. */
export interface AddressBookEntry {
  readonly id: EntityId;
  readonly kind: EntityKind;
  readonly displayName: string;
  /** The primary address. */
  readonly address: string;
  readonly alias: string;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly details?: PersonalDetails | undefined;
}

/** entryOf gives the entry of an entity; undefined for one that is not enabled, or hidden. */
export function entryOf(entity: Entity): AddressBookEntry | undefined {
  const [address] = entity.addresses;
  const isListed = entity.state === 'ENABLED' && !entity.hiddenFromGlobalAddressList;
  if (!isListed || address === undefined) return undefined;
  const { id, kind } = entity;
  if (kind === 'group') {
    return { id, kind, displayName: entity.name, address, alias: address.slice(0, address.lastIndexOf('@')) };
  }
  if (kind === 'resource') return { id, kind, displayName: entity.name, address, alias: entity.name };
  const { firstName, lastName, details } = entity;
  const displayName = entity.displayName === '' ? entity.name : entity.displayName;
  return { id, kind, displayName, address, alias: entity.name, firstName, lastName, details };
}

/** wordsOfEntity gives the words under which an entity is found, folded. */
export function wordsOfEntity(entity: Entity): ReadonlySet<string> {
  const texts = [
    entity.name,
    ...entity.addresses.map((address) => address.slice(0, address.lastIndexOf('@'))),
  ];
  if (entity.kind === 'resource') texts.push(entity.description ?? '');
  if (entity.kind === 'user') {
    const { displayName, firstName, lastName, details } = entity;
    const { jobTitle, company, department, office } = details ?? {};
    for (const text of [displayName, firstName, lastName, jobTitle, company, department, office]) {
      if (text !== undefined) texts.push(text);
    }
  }
  const words = new Set(wordsOf(fold(texts.join(' '))));
  // The domain is everybody's: an address is found from its beginning on.
  for (const address of entity.addresses) words.add(fold(address));
  return words;
}
