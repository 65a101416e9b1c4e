import { DomainError, type DomainErrorCode } from '#domain/errors';

/** The exceptions of the WorkMail model that we answer with, and those every AWS JSON service has. */
export type AdminErrorType =
  | 'AccessDeniedException'
  | 'EmailAddressInUseException'
  | 'EntityAlreadyRegisteredException'
  | 'EntityNotFoundException'
  | 'EntityStateException'
  | 'IncompleteSignatureException'
  | 'InvalidConfigurationException'
  | 'InvalidParameterException'
  | 'InvalidPasswordException'
  | 'InvalidSignatureException'
  | 'LimitExceededException'
  | 'MailDomainInUseException'
  | 'MailDomainNotFoundException'
  | 'MailDomainStateException'
  | 'MissingAuthenticationTokenException'
  | 'NameAvailabilityException'
  | 'OrganizationNotFoundException'
  | 'OrganizationStateException'
  | 'ReservedNameException'
  | 'ResourceNotFoundException'
  | 'SerializationException'
  | 'ThrottlingException'
  | 'TooManyTagsException'
  | 'UnknownOperationException'
  | 'UnrecognizedClientException'
  | 'UnsupportedOperationException';

/** AdminError is an answer of the admin API thrown: `{"__type": type, "Message": message}` with HTTP 400. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly type: AdminErrorType;

  /** `message` goes to the caller: it says what is wrong with the request. */
  constructor(type: AdminErrorType, message: string, options?: ErrorOptions) {
    super(message, options);
    this.type = type;
  }
}

/** Total over the codes, so a new code will not compile until it is answered here. */
const exceptions: Readonly<Record<DomainErrorCode, AdminErrorType>> = {
  'organization/not-found': 'OrganizationNotFoundException',
  'organization/alias-in-use': 'NameAvailabilityException',
  'organization/state': 'OrganizationStateException',
  'entity/not-found': 'EntityNotFoundException',
  'entity/state': 'EntityStateException',
  'entity/already-registered': 'EntityAlreadyRegisteredException',
  'name/in-use': 'NameAvailabilityException',
  'name/reserved': 'ReservedNameException',
  'address/in-use': 'EmailAddressInUseException',
  'address/invalid': 'InvalidParameterException',
  'group/too-large': 'LimitExceededException',
  'resource/unattended': 'InvalidConfigurationException',
  'domain/not-found': 'MailDomainNotFoundException',
  'domain/not-verified': 'MailDomainStateException',
  'domain/in-use': 'MailDomainInUseException',
  'password/invalid': 'InvalidPasswordException',
  'limit/exceeded': 'LimitExceededException',
  'request/invalid': 'InvalidParameterException',
  'request/unsupported': 'UnsupportedOperationException',
  'access/denied': 'AccessDeniedException',
  'sign-in/failed': 'AccessDeniedException',
  'sign-in/throttled': 'ThrottlingException',
  'mailbox/not-found': 'EntityNotFoundException',
  'mailbox/disabled': 'EntityStateException',
  'mailbox/over-quota': 'LimitExceededException',
  'recipient/unknown': 'EntityNotFoundException',
  'recipient/relay-denied': 'InvalidParameterException',
  'recipient/elsewhere': 'InvalidParameterException',
  'message/too-large': 'LimitExceededException',
  'message/no-recipient': 'InvalidParameterException',
  'queue/not-found': 'ResourceNotFoundException',
  'message/blocked-attachment': 'InvalidParameterException',
  'message/unauthenticated': 'InvalidParameterException',
  'message/unwanted': 'InvalidParameterException',
  'message/deferred': 'ThrottlingException',
  'scanner/unavailable': 'ThrottlingException',
  'folder/not-found': 'ResourceNotFoundException',
  'folder/parent-not-found': 'ResourceNotFoundException',
  'folder/name-in-use': 'InvalidParameterException',
  'folder/special': 'InvalidParameterException',
  'folder/too-many': 'LimitExceededException',
  'item/not-found': 'ResourceNotFoundException',
  'part/not-found': 'ResourceNotFoundException',
  'device/not-found': 'ResourceNotFoundException',
  'device/too-many': 'LimitExceededException',
  'sync/invalid-key': 'InvalidParameterException',
  'sync/key-zero-with-commands': 'InvalidParameterException',
  'server/busy': 'ThrottlingException',
};

/**
 * answeringAs answers with these exceptions in place of the usual ones, where the model of an operation does not list those;
 * the message stays.
 */
export async function answeringAs<Result>(
  types: Partial<Readonly<Record<DomainErrorCode, AdminErrorType>>>,
  work: Promise<Result>,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    const type = error instanceof DomainError ? types[error.code] : undefined;
    if (type === undefined || !(error instanceof Error)) throw error;
    throw new AdminError(type, error.message, { cause: error });
  }
}

/** toAdminError gives the answer for what an operation threw; undefined for what we did not foresee. */
export function toAdminError(error: unknown): AdminError | undefined {
  if (error instanceof AdminError) return error;
  if (error instanceof DomainError)
    return new AdminError(exceptions[error.code], error.message, { cause: error });
  return undefined;
}
