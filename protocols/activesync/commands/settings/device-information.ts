import type { DeviceInformation } from '#domain/device';
import { Settings } from '../../wbxml/code-pages/settings.ts';
import { child, type Element, textOf } from '../../wbxml/element.ts';

/** MS-ASCMD, DeviceInformation: values up to this length, which nobody checks. */
const MAX_VALUE = 1024;

/** Reads what a device tells of itself; a value that is empty clears what was known. */
export function readDeviceInformation(node: Element): DeviceInformation {
  const set = child(node, Settings.Set) ?? node;
  const told = {
    model: textOf(set, Settings.Model),
    imei: textOf(set, Settings.IMEI),
    friendlyName: textOf(set, Settings.FriendlyName),
    operatingSystem: textOf(set, Settings.OS),
    language: textOf(set, Settings.OSLanguage),
    phoneNumber: textOf(set, Settings.PhoneNumber),
    userAgent: textOf(set, Settings.UserAgent),
    mobileOperator: textOf(set, Settings.MobileOperator),
  };
  if (set.children.length === 0) return cleared(told);
  return Object.fromEntries(
    Object.entries(told).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value.slice(0, MAX_VALUE)]],
    ),
  );
}

/** An empty Set clears everything. */
function cleared(told: Readonly<Record<keyof DeviceInformation, string | undefined>>): DeviceInformation {
  return Object.fromEntries(Object.keys(told).map((name) => [name, '']));
}
