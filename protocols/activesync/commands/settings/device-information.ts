import type { DeviceInformation } from '#domain/device';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { Settings } from '../../wbxml/code-pages/settings.ts';
import { type Element, textOf } from '../../wbxml/element.ts';

/** MS-ASCMD, DeviceInformation: values up to this length, which nobody checks. */
const maxValue = 1024;

/** What a device may tell, and the version that each value came with. EnableOutboundSMS is taken and not kept: no SMS is sent here. */
const properties: readonly (readonly [keyof DeviceInformation, Tag, ProtocolVersion])[] = [
  ['model', Settings.Model, '12.0'],
  ['imei', Settings.IMEI, '12.0'],
  ['friendlyName', Settings.FriendlyName, '12.0'],
  ['operatingSystem', Settings.OS, '12.0'],
  ['language', Settings.OSLanguage, '12.0'],
  ['phoneNumber', Settings.PhoneNumber, '12.0'],
  ['userAgent', Settings.UserAgent, '12.1'],
  ['mobileOperator', Settings.MobileOperator, '14.0'],
];

/**
 * Reads what a device tells of itself in the Set of DeviceInformation, in any order; a value that is empty clears what was known, and an empty Set clears
 * everything. What the version does not have is passed over, and what is too long is cut.
 */
export function readDeviceInformation(set: Element, version: ProtocolVersion): DeviceInformation {
  const isCleared = set.children.length === 0;
  return Object.fromEntries(
    properties.flatMap(([name, tag, since]) => {
      const told = isCleared ? '' : textOf(set, tag);
      return told === undefined || !isAtLeast(version, since) ? [] : [[name, cut(told)]];
    }),
  );
}

/** In characters, never through one. */
function cut(value: string): string {
  return value.length > maxValue ? [...value.slice(0, 2 * maxValue)].slice(0, maxValue).join('') : value;
}
