import { escaped } from './xml.ts';

/** A value of Apple's property lists. */
export type PlistValue =
  | string
  | number
  | boolean
  | readonly PlistValue[]
  | { readonly [key: string]: PlistValue };

/** plist writes a property list in XML; numbers are integers. */
export function plist(value: PlistValue): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${element(value)}
</plist>
`;
}

function element(value: PlistValue): string {
  switch (typeof value) {
    case 'string':
      return `<string>${escaped(value)}</string>`;
    case 'number':
      return `<integer>${value}</integer>`;
    case 'boolean':
      return value ? '<true/>' : '<false/>';
    default:
      return isList(value) ? `<array>\n${value.map(element).join('\n')}\n</array>` : dictionary(value);
  }
}

function dictionary(value: { readonly [key: string]: PlistValue }): string {
  const members = Object.entries(value).map(([key, one]) => `<key>${escaped(key)}</key>\n${element(one)}`);
  return `<dict>\n${members.join('\n')}\n</dict>`;
}

function isList(value: object): value is readonly PlistValue[] {
  return Array.isArray(value);
}
