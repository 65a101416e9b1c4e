/** Which body a client wants: BodyPreference, MIMESupport, MIMETruncation. MS-ASAIRS, BodyPreference. */
import { CommandError } from '../command-error.ts';
import { CommonStatus } from '../status.ts';
import type { Tag } from '../wbxml/code-page.ts';
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
  /** MS-ASAIRS, BodyPartPreference (14.1): what a conversation shows of the message, as HTML. */
  readonly part?: Omit<BodyPreference, 'type'> | undefined;
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
  /** Of a BodyPreference, a child that is missing, there too often or has no such value; else its order, or another option. */
  readonly isValue: boolean;

  constructor(message: string, isValue = false) {
    super(message);
    this.isValue = isValue;
  }
}

/** MS-ASCMD, MIMETruncation: 8 is everything. */
const mimeTruncations = [0, 4096, 5120, 7168, 10240, 20480, 51200, 102400];

/**
 * Reads an Options element (or whatever holds these children). Throws BodyOptionsError, and CommandError 164 for a body part
 * that is to be no HTML.
 */
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
    part: readPart(options),
    truncation,
    mimeSupport: mimeSupport as BodyOptions['mimeSupport'],
    mimeTruncation: mimeTruncations[mimeTruncation],
  };
}

function readPart(options: Element | undefined): BodyOptions['part'] {
  const [element, ...more] = childrenOf(options, AirSyncBase.BodyPartPreference);
  if (element === undefined) return undefined;
  if (more.length > 0) throw new BodyOptionsError('two BodyPartPreference elements', true);
  const { type, ...part } = readPreference(element);
  if (type !== BodyType.Html) {
    throw new CommandError(CommonStatus.BodyPartPreferenceTypeNotSupported, 'a body part that is no HTML');
  }
  return part;
}

/** MS-ASAIRS, BodyPreference: its children in their order; each once. */
const preferenceOrder: readonly Tag[] = [
  AirSyncBase.Type,
  AirSyncBase.TruncationSize,
  AirSyncBase.AllOrNone,
  AirSyncBase.Preview,
];

function checkOrder(preference: Element): void {
  const places = preference.children
    .map(({ tag }) => preferenceOrder.indexOf(tag))
    .filter((place) => place >= 0);
  if (places.some((place, n) => place < (places[n - 1] ?? 0))) {
    throw new BodyOptionsError('the children of a BodyPreference are out of order');
  }
  const isTwice = places.some((place, n) => places[n - 1] === place);
  if (isTwice && childrenOf(preference, AirSyncBase.AllOrNone).length < 2) {
    throw new BodyOptionsError('a child of a BodyPreference is there twice', true);
  }
}

function readPreference(element: Element): BodyPreference {
  checkOrder(element);
  const type = integerOf(element, AirSyncBase.Type);
  const truncationSize = integerOf(element, AirSyncBase.TruncationSize);
  const preview = integerOf(element, AirSyncBase.Preview) ?? 0;
  if (type !== 1 && type !== 2 && type !== 3 && type !== 4) {
    throw new BodyOptionsError('a BodyPreference has no Type from 1 to 4', true);
  }
  if (truncationSize !== undefined && !(truncationSize >= 0 && truncationSize <= 0xffff_ffff)) {
    throw new BodyOptionsError('TruncationSize is not an unsigned number', true);
  }
  if (!(preview >= 0 && preview <= 255)) {
    throw new BodyOptionsError('Preview is not between 0 and 255', true);
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
