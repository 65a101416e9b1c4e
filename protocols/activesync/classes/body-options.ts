/** Which body a client wants: BodyPreference, MIMESupport, MIMETruncation. MS-ASAIRS, BodyPreference. */
import { AirSync } from '../wbxml/code-pages/air-sync.ts';
import { AirSyncBase } from '../wbxml/code-pages/air-sync-base.ts';
import { childrenOf, type Element, flagOf, has, integerOf } from '../wbxml/element.ts';

/** MS-ASAIRS, Type. */
export const BodyType = { Plain: 1, Html: 2, Rtf: 3, Mime: 4 } as const;
export type BodyType = (typeof BodyType)[keyof typeof BodyType];

export interface BodyPreference {
  readonly type: BodyType;
  /** Bytes; undefined is the whole body. */
  readonly truncationSize: number | undefined;
  readonly allOrNone: boolean;
  /** Characters of plain text to show beside the body; 0 is none. */
  readonly preview: number;
}

export interface BodyOptions {
  readonly preferences: readonly BodyPreference[];
  /** MS-ASCMD, MIMESupport: 0 never, 1 S/MIME only, 2 always. */
  readonly mimeSupport: 0 | 1 | 2;
  /** Bytes of a MIME body without a TruncationSize of its own; undefined is all. */
  readonly mimeTruncation: number | undefined;
  /** MS-ASCMD, Truncation, 0 to 9: of bodies without AirSyncBase. */
  readonly truncation?: number | undefined;
}

/** Options that contradict themselves; each command has its own status for that. */
export class BodyOptionsError extends Error {
  override readonly name = 'BodyOptionsError';
}

/** MS-ASCMD, MIMETruncation: 8 is everything. */
const mimeTruncations = [0, 4096, 5120, 7168, 10240, 20480, 51200, 102400];

/** Reads an Options element (or whatever holds these children). Throws BodyOptionsError. */
export function readBodyOptions(options: Element | undefined): BodyOptions {
  const preferences = childrenOf(options, AirSyncBase.BodyPreference).map(readPreference);
  if (new Set(preferences.map(({ type }) => type)).size < preferences.length) {
    throw new BodyOptionsError('two BodyPreference elements have the same Type');
  }
  const mimeSupport = integerOf(options, AirSync.MIMESupport) ?? 0;
  const mimeTruncation = integerOf(options, AirSync.MIMETruncation) ?? 8;
  if (![0, 1, 2].includes(mimeSupport) || !(mimeTruncation >= 0 && mimeTruncation <= 8)) {
    throw new BodyOptionsError('MIMESupport or MIMETruncation is out of range');
  }
  const truncation = integerOf(options, AirSync.Truncation);
  if (truncation !== undefined && !(truncation >= 0 && truncation <= 9)) {
    throw new BodyOptionsError('Truncation is out of range');
  }
  return {
    preferences,
    truncation,
    mimeSupport: mimeSupport as BodyOptions['mimeSupport'],
    mimeTruncation: mimeTruncations[mimeTruncation],
  };
}

function readPreference(element: Element): BodyPreference {
  const type = integerOf(element, AirSyncBase.Type);
  const truncationSize = integerOf(element, AirSyncBase.TruncationSize);
  const preview = integerOf(element, AirSyncBase.Preview) ?? 0;
  if (type !== 1 && type !== 2 && type !== 3 && type !== 4) {
    throw new BodyOptionsError('a BodyPreference has no Type from 1 to 4');
  }
  if (truncationSize !== undefined && !(truncationSize >= 0 && truncationSize <= 0xffff_ffff)) {
    throw new BodyOptionsError('TruncationSize is not an unsigned number');
  }
  if (!(preview >= 0 && preview <= 255)) {
    throw new BodyOptionsError('Preview is not between 0 and 255');
  }
  const allOrNones = childrenOf(element, AirSyncBase.AllOrNone);
  if (allOrNones.length > 1 || !isBoolean(allOrNones[0])) {
    throw new BodyOptionsError('AllOrNone is not one boolean');
  }
  return {
    type,
    truncationSize,
    // MS-ASAIRS, AllOrNone: it counts only beside a TruncationSize.
    allOrNone:
      truncationSize !== undefined && has(element, AirSyncBase.AllOrNone)
        ? flagOf(element, AirSyncBase.AllOrNone) === true
        : false,
    preview,
  };
}

function isBoolean(element: Element | undefined): boolean {
  return element === undefined || ['', '0', '1', 'true', 'false'].includes(element.text.trim().toLowerCase());
}
