import type { Device } from './device.ts';

/** What of a device and its user a notice names. */
interface Quarantined {
  readonly address: string;
  readonly displayName: string;
  readonly device: Device;
}

/** A text and what stands above it. */
interface NoticeText {
  readonly subject: string;
  readonly text: string;
}

/** A device says what it likes of itself. */
const longestTold = 100;

/** For the user: on the device itself, and in the mailbox. */
export function noticeToUser({ address, device }: Quarantined): NoticeText {
  return {
    subject: 'Your device waits for approval',
    text: `A device was set up for ${address}:

${described(device)}

It gets no mail until an administrator allows it. There is nothing to do on
the device: once it is allowed, it fetches everything by itself.

If this is not a device of yours, somebody knows your password: change it now,
and tell your administrator.
`,
  };
}

/** For the administrators: how to let the device in, or not. */
export function noticeToAdministrator({ address, displayName, device }: Quarantined): NoticeText {
  return {
    subject: `A device of ${address} waits for approval`,
    text: `${shown(displayName)} <${address}> has set up a device:

${described(device)}

It gets nothing until you decide:

  mailstead device allow ${address} ${device.id}
  mailstead device block ${address} ${device.id}

"mailstead device list" shows all devices and whether they are allowed.
`,
  };
}

function described({ id, type, userAgent, information }: Device): string {
  const rows = [
    ['Device', id],
    ['Type', type],
    ['Model', information.model],
    ['Name', information.friendlyName],
    ['System', information.operatingSystem],
    ['Program', userAgent],
  ] as const;
  return rows
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `  ${name.padEnd(8)}${shown(value ?? '')}`)
    .join('\n');
}

/** On one line, and from left to right: what turns a line around could make another address of the one beside it. */
function shown(text: string): string {
  const line = text.toWellFormed().replace(/[\p{Cc}\u2028\u2029\p{Bidi_C}]+/gu, ' ');
  return [...line].slice(0, longestTold).join('');
}
