/** Branded ids: a FolderId cannot be passed as an ItemId. The API's spelling is the id everywhere above storage. */
declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** An organisation: `m-` and 32 lower-case hex digits. */
export type OrganizationId = Branded<string, 'OrganizationId'>;
/** A user, group or resource: a lower-case UUID (users, groups) or `r-` and 32 hex digits (resources), the 17th of them e or f. */
export type EntityId = Branded<string, 'EntityId'>;
/** A mailbox; its id is its entity's. */
export type MailboxId = Branded<string, 'MailboxId'>;
/** A folder's number in its mailbox: unsigned 32 bit, never reused. */
export type FolderId = Branded<number, 'FolderId'>;
/** An item's number in its mailbox: sequence x 1024 + ordinal in the transaction; kept when the item moves, never reused. */
export type ItemId = Branded<number, 'ItemId'>;
/** The DeviceId a device sends, in lower case (MS-ASHTTP, DeviceId). */
export type DeviceId = Branded<string, 'DeviceId'>;
/** A queued message: 32 lower-case hex digits. */
export type QueueId = Branded<string, 'QueueId'>;

/** A mailbox and the organisation whose keys protect it. */
export interface MailboxRef {
  readonly organization: OrganizationId;
  readonly mailbox: MailboxId;
}

/** The mailbox of an entity: the same 16 bytes. */
export function mailboxOf(entity: EntityId): MailboxId {
  return entity as string as MailboxId;
}
