/** The protocol versions we speak, oldest first. */
export const protocolVersions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;
export type ProtocolVersion = (typeof protocolVersions)[number];

/** Whether a version is the given one or newer. */
export function isAtLeast(version: ProtocolVersion, oldest: ProtocolVersion): boolean {
  return protocolVersions.indexOf(version) >= protocolVersions.indexOf(oldest);
}
