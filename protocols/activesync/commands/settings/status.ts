/** MS-ASCMD, Status (Settings): of the command and of its property nodes. */
export const SettingsStatus = {
  Success: 1,
  ProtocolError: 2,
  InvalidArguments: 5,
  ConflictingArguments: 6,
  DeniedByPolicy: 7,
} as const;
