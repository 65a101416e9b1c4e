import { isAtLeast, type ProtocolVersion } from './protocol-version.ts';

/** MS-ASCMD, Common Status Codes: what any command may answer. 157-159 and 180-182 are not assigned. */
export const CommonStatus = {
  InvalidContent: 101,
  InvalidWBXML: 102,
  InvalidXML: 103,
  InvalidDateTime: 104,
  InvalidCombinationOfIDs: 105,
  InvalidIDs: 106,
  InvalidMIME: 107,
  DeviceIdMissingOrInvalid: 108,
  DeviceTypeMissingOrInvalid: 109,
  ServerError: 110,
  ServerErrorRetryLater: 111,
  ActiveDirectoryAccessDenied: 112,
  MailboxQuotaExceeded: 113,
  MailboxServerOffline: 114,
  SendQuotaExceeded: 115,
  MessageRecipientUnresolved: 116,
  MessageReplyNotAllowed: 117,
  MessagePreviouslySent: 118,
  MessageHasNoRecipient: 119,
  MailSubmissionFailed: 120,
  MessageReplyFailed: 121,
  AttachmentIsTooLarge: 122,
  UserHasNoMailbox: 123,
  UserCannotBeAnonymous: 124,
  UserPrincipalCouldNotBeFound: 125,
  UserDisabledForSync: 126,
  UserOnNewMailboxCannotSync: 127,
  UserOnLegacyMailboxCannotSync: 128,
  DeviceIsBlockedForThisUser: 129,
  AccessDenied: 130,
  AccountDisabled: 131,
  SyncStateNotFound: 132,
  SyncStateLocked: 133,
  SyncStateCorrupt: 134,
  SyncStateAlreadyExists: 135,
  SyncStateVersionInvalid: 136,
  CommandNotSupported: 137,
  VersionNotSupported: 138,
  DeviceNotFullyProvisionable: 139,
  RemoteWipeRequested: 140,
  LegacyDeviceOnStrictPolicy: 141,
  DeviceNotProvisioned: 142,
  PolicyRefresh: 143,
  InvalidPolicyKey: 144,
  ExternallyManagedDevicesNotAllowed: 145,
  NoRecurrenceInCalendar: 146,
  UnexpectedItemClass: 147,
  RemoteServerHasNoSSL: 148,
  InvalidStoredRequest: 149,
  ItemNotFound: 150,
  TooManyFolders: 151,
  NoFoldersFound: 152,
  ItemsLostAfterMove: 153,
  FailureInMoveOperation: 154,
  MoveCommandDisallowedForNonPersistentMoveAction: 155,
  MoveCommandInvalidDestinationFolder: 156,
  AvailabilityTooManyRecipients: 160,
  AvailabilityDLLimitReached: 161,
  AvailabilityTransientFailure: 162,
  AvailabilityFailure: 163,
  BodyPartPreferenceTypeNotSupported: 164,
  DeviceInformationRequired: 165,
  InvalidAccountId: 166,
  AccountSendDisabled: 167,
  IRM_FeatureDisabled: 168,
  IRM_TransientError: 169,
  IRM_PermanentError: 170,
  IRM_InvalidTemplateID: 171,
  IRM_OperationNotPermitted: 172,
  NoPicture: 173,
  PictureTooLarge: 174,
  PictureLimitReached: 175,
  BodyPart_ConversationTooLarge: 176,
  MaximumDevicesReached: 177,
  InvalidMimeBodyCombination: 178,
  InvalidSmartForwardParameters: 179,
  InvalidRecipients: 183,
  OneOrMoreExceptionsFailed: 184,
} as const;
export type CommonStatus = (typeof CommonStatus)[keyof typeof CommonStatus];

/** Whether a device of a version knows a status; what it does not know is an HTTP status to it. */
export function isKnownIn(status: number, version: ProtocolVersion): boolean {
  if (status < CommonStatus.InvalidContent) return true;
  if (status < CommonStatus.BodyPartPreferenceTypeNotSupported) return isAtLeast(version, '14.0');
  return isAtLeast(version, status <= CommonStatus.MaximumDevicesReached ? '14.1' : '16.0');
}

/** What stands in for a common status below 14.0, where it is not 500 (MS-ASCMD, Common Status Codes). */
const httpStatuses: Readonly<Partial<Record<CommonStatus, number>>> = {
  [CommonStatus.InvalidContent]: 400,
  [CommonStatus.InvalidWBXML]: 400,
  [CommonStatus.InvalidXML]: 400,
  [CommonStatus.InvalidDateTime]: 400,
  [CommonStatus.InvalidCombinationOfIDs]: 400,
  [CommonStatus.InvalidIDs]: 400,
  [CommonStatus.InvalidMIME]: 400,
  [CommonStatus.DeviceIdMissingOrInvalid]: 400,
  [CommonStatus.DeviceTypeMissingOrInvalid]: 400,
  [CommonStatus.ServerErrorRetryLater]: 503,
  [CommonStatus.ActiveDirectoryAccessDenied]: 403,
  [CommonStatus.MailboxQuotaExceeded]: 507,
  [CommonStatus.MailboxServerOffline]: 503,
  [CommonStatus.UserHasNoMailbox]: 403,
  [CommonStatus.UserCannotBeAnonymous]: 403,
  [CommonStatus.UserPrincipalCouldNotBeFound]: 403,
  [CommonStatus.UserDisabledForSync]: 403,
  [CommonStatus.UserOnNewMailboxCannotSync]: 403,
  [CommonStatus.UserOnLegacyMailboxCannotSync]: 403,
  [CommonStatus.DeviceIsBlockedForThisUser]: 403,
  [CommonStatus.AccessDenied]: 403,
  [CommonStatus.AccountDisabled]: 403,
  [CommonStatus.SyncStateNotFound]: 403,
  [CommonStatus.SyncStateLocked]: 503,
  [CommonStatus.CommandNotSupported]: 501,
  [CommonStatus.VersionNotSupported]: 400,
  [CommonStatus.DeviceNotFullyProvisionable]: 403,
  [CommonStatus.RemoteWipeRequested]: 449,
  [CommonStatus.LegacyDeviceOnStrictPolicy]: 449,
  [CommonStatus.DeviceNotProvisioned]: 449,
  [CommonStatus.PolicyRefresh]: 449,
  [CommonStatus.InvalidPolicyKey]: 449,
  [CommonStatus.ExternallyManagedDevicesNotAllowed]: 403,
  [CommonStatus.UnexpectedItemClass]: 400,
  [CommonStatus.BodyPartPreferenceTypeNotSupported]: 400,
  [CommonStatus.MaximumDevicesReached]: 403,
};

/**
 * The HTTP status that a request below 14.0 gets in place of a common status.
 * Takes the status, and of the request its command and its policy key (undefined: it sent none); gives 400 to 507.
 */
export function httpStatusOf(
  status: CommonStatus,
  request: { readonly command: string; readonly policyKey: number | undefined },
): number {
  const { InvalidIDs, ServerErrorRetryLater, SyncStateNotFound, RemoteWipeRequested } = CommonStatus;
  // MS-ASCMD, GetHierarchy: a failure is 500.
  if (status === ServerErrorRetryLater && request.command === 'GetHierarchy') return 500;
  if (status === InvalidIDs && request.command === 'SendMail') return 500;
  if (status === SyncStateNotFound && request.command === 'Provision') return 500;
  if (status === RemoteWipeRequested && request.policyKey === undefined) return 403;
  return httpStatuses[status] ?? 500;
}
