import type { Buffer } from 'node:buffer';
import { trimmed } from '../file-ending.ts';
import { isSignedData } from './cms.ts';

/** What can be looked into. */
export type ArchiveKind = 'zip' | 'gzip' | 'tar' | 'tnef' | 'signed' | 'message';

/** Bytes that tell what something is. */
export const sniffBytes = 512;

/** What its beginning says something is, and where that says nothing its name. */
export function sniff(start: Buffer, name: string, type = ''): ArchiveKind | undefined {
  if (start.length < 4) return undefined;
  const magic = start.readUInt32BE(0);
  if (magic === 0x504b0304 || magic === 0x504b0506 || magic === 0x504b0708 || magic === 0x504b3030)
    return 'zip';
  // RFC 1952 §2.3.1; 8 is the only method there is.
  if (magic >>> 8 === 0x1f8b08) return 'gzip';
  // MS-OXTNEF, TNEFSignature.
  if (magic === 0x789f3e22) return 'tnef';
  if (isSignedData(start)) return 'signed';
  if (isTarHeader(start)) return 'tar';
  if (type.startsWith('message/') || /\.eml$/i.test(trimmed(name))) return 'message';
  // A zip file may have anything in front.
  return /\.(?:zip|zipx|jar|xpi|apk)$/i.test(trimmed(name)) || /^application\/(?:x-)?zip/.test(type)
    ? 'zip'
    : undefined;
}

/** Whether a program may take a file of this name for one that can be looked into. */
export function isArchiveName(name: string): boolean {
  return /(?:^|[./\\])(?:zipx?|jar|xpi|apk|t?gz|g?z|tar|taz|eml|tnef|winmail\.dat)$/i.test(trimmed(name));
}

/** POSIX.1-2017, pax, ustar Interchange Format: a header block's checksum is right. */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < 512 || block[0] === 0) return false;
  const stored = Number.parseInt(block.toString('latin1', 148, 156).trim(), 8);
  let sum = 8 * 0x20;
  for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  return sum === stored;
}
