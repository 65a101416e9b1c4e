/** Every condition the domain and the directory refuse with. Each protocol has a table that is total over these. */
export type DomainErrorCode =
  | 'organization/not-found'
  | 'organization/alias-in-use'
  | 'organization/state'
  | 'entity/not-found'
  | 'entity/state'
  | 'entity/already-registered'
  | 'name/in-use'
  | 'name/reserved'
  | 'address/in-use'
  | 'address/invalid'
  | 'group/too-large'
  | 'resource/unattended'
  | 'domain/not-found'
  | 'domain/not-verified'
  | 'domain/in-use'
  | 'password/invalid'
  | 'limit/exceeded'
  | 'request/invalid'
  | 'request/unsupported'
  | 'access/denied'
  | 'sign-in/failed'
  | 'sign-in/throttled'
  | 'mailbox/not-found'
  | 'mailbox/disabled'
  | 'mailbox/over-quota'
  | 'recipient/unknown'
  | 'recipient/relay-denied'
  | 'recipient/elsewhere'
  | 'message/too-large'
  | 'message/no-recipient'
  | 'queue/not-found'
  | 'message/blocked-attachment'
  | 'message/unauthenticated'
  | 'message/unwanted'
  | 'message/deferred'
  | 'scanner/unavailable'
  | 'folder/not-found'
  | 'folder/parent-not-found'
  | 'folder/name-in-use'
  | 'folder/special'
  | 'folder/too-many'
  | 'item/not-found'
  | 'part/not-found'
  | 'device/not-found'
  | 'device/too-many'
  | 'sync/invalid-key'
  | 'sync/key-zero-with-commands'
  | 'server/busy';

/** A refusal the domain foresees: its code becomes a reply from the protocol's own table. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: DomainErrorCode;

  /** `message` names the condition for the one who caused it; details go into `cause` and the log. */
  constructor(code: DomainErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
