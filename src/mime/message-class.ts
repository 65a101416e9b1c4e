import { Buffer } from 'node:buffer';
import type { ScannedPart } from './scanned-part.ts';
import { decodeTransferWhole } from './transfer.ts';

/** Bytes of a part's body that deciding the class may need. */
const neededBytes = 16 * 1024;

const meetingClasses: Readonly<Record<string, string>> = {
  REQUEST: 'IPM.Schedule.Meeting.Request',
  CANCEL: 'IPM.Schedule.Meeting.Canceled',
  COUNTER: 'IPM.Schedule.Meeting.Resp.Tent',
};

const replyClasses: Readonly<Record<string, string>> = {
  ACCEPTED: 'IPM.Schedule.Meeting.Resp.Pos',
  TENTATIVE: 'IPM.Schedule.Meeting.Resp.Tent',
  DECLINED: 'IPM.Schedule.Meeting.Resp.Neg',
};

/** How much of a part must be captured for messageClassOf: calendars and reports say inside what they are. */
export function bytesForClass(type: string): number {
  return type === 'text/calendar' || isStatus(type) || isDisposition(type) ? neededBytes : 0;
}

/** MS-ASEMAIL, MessageClass: what kind of message it is, by its outermost part and what it reports or invites to. */
export function messageClassOf(parts: readonly ScannedPart[], calendar: number | undefined): string {
  const root = parts[0];
  if (root === undefined) return 'IPM.Note';
  if (root.header.type === 'multipart/report') return reportClass(root, parts);
  if (root.header.type === 'multipart/signed') {
    const protocol = root.header.params.get('protocol')?.toLowerCase() ?? '';
    return protocol === '' || protocol.includes('pkcs7') ? 'IPM.Note.SMIME.MultipartSigned' : 'IPM.Note';
  }
  if (/^application\/(?:x-)?pkcs7-mime$/.test(root.header.type)) {
    return root.header.params.get('smime-type')?.toLowerCase() === 'signed-receipt'
      ? 'IPM.Note.Receipt.SMIME'
      : 'IPM.Note.SMIME';
  }
  const event = calendar === undefined ? undefined : parts[calendar];
  return (event === undefined ? undefined : meetingClass(event)) ?? 'IPM.Note';
}

/** RFC 3464 §2.3.3 Action, RFC 8098 §3.2.6 disposition type. */
function reportClass(root: ScannedPart, parts: readonly ScannedPart[]): string {
  const status = parts.find((part) => isStatus(part.header.type));
  const disposition = parts.find((part) => isDisposition(part.header.type));
  const kind = root.header.params.get('report-type')?.toLowerCase();
  if (disposition !== undefined || kind === 'disposition-notification') {
    const text = disposition === undefined ? '' : capturedText(disposition);
    return /^disposition:[^\r\n;]*;\s*displayed/im.test(text) || text === ''
      ? 'REPORT.IPM.NOTE.IPNRN'
      : 'REPORT.IPM.NOTE.IPNNRN';
  }
  if (status !== undefined || kind === 'delivery-status') {
    const actions = new Set(
      [...(status === undefined ? '' : capturedText(status)).matchAll(/^action:\s*([a-z]+)/gim)].map(
        (match) => match[1]?.toLowerCase(),
      ),
    );
    if (actions.has('failed') || actions.size === 0) return 'REPORT.IPM.NOTE.NDR';
    return actions.has('delayed') ? 'REPORT.IPM.NOTE.DELAYED' : 'REPORT.IPM.NOTE.DR';
  }
  return 'IPM.Note';
}

/** The method of an iTIP message (RFC 5546 §1.4), by the header or by the calendar itself. */
function meetingClass(event: ScannedPart): string | undefined {
  const calendar = capturedText(event);
  const method = event.header.method ?? /^METHOD:\s*([A-Z]+)/im.exec(calendar)?.[1]?.toUpperCase();
  if (method === undefined) return undefined;
  if (method !== 'REPLY') return meetingClasses[method];
  // RFC 5545 §3.1: undo the folding before looking for the parameter.
  const status = /PARTSTAT=([A-Z-]+)/i.exec(calendar.replace(/\r?\n[ \t]/g, ''))?.[1]?.toUpperCase();
  return replyClasses[status ?? ''] ?? 'IPM.Schedule.Meeting.Resp.Tent';
}

function isStatus(type: string): boolean {
  return type === 'message/delivery-status' || type === 'message/global-delivery-status';
}

function isDisposition(type: string): boolean {
  return type === 'message/disposition-notification' || type === 'message/global-disposition-notification';
}

function capturedText(part: ScannedPart): string {
  const bytes = Buffer.concat(part.captured?.pieces ?? []);
  return decodeTransferWhole(part.header.encoding, bytes.subarray(0, part.end - part.start)).toString(
    'latin1',
  );
}
