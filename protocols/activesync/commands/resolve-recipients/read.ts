import { parseDateTime } from '../../classes/date-time.ts';
import { CommandError } from '../../command-error.ts';
import { type PictureOptions, readPicture } from '../../pictures.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { ResolveRecipients } from '../../wbxml/code-pages/resolve-recipients.ts';
import { child, childrenOf, type Element, integerOf, text, textOf } from '../../wbxml/element.ts';
import { ResolveRecipientsStatus } from './status.ts';

/** MS-ASCMD, Limiting Size of Command Requests. */
const MAX_TO = 100;
/** With Availability more of them get Status 160 each, up to here. */
const MAX_TO_WITH_AVAILABILITY = 1000;
const MAX_TO_LENGTH = 256;
/** Of MaxCertificates and MaxAmbiguousRecipients. */
const MAX_LIMIT = 9999;

const MINUTE = 60_000;
/** One digit of MergedFreeBusy. */
const SLOT_MS = 30 * MINUTE;
const DAY = 24 * 60 * MINUTE;
/** MS-ASCMD, EndTime: what counts without one, and how far it may be from StartTime. */
const DEFAULT_SPAN_MS = 7 * DAY;
const MAX_SPAN_MS = 42 * DAY;

/** MS-ASCMD, CertificateRetrieval. */
export const CertificateRetrieval = { None: 1, Full: 2, Mini: 3 } as const;
export type CertificateRetrieval = (typeof CertificateRetrieval)[keyof typeof CertificateRetrieval];

/** What is asked of the recipients in To. */
export interface ResolveRecipientsRequest {
  readonly to: readonly string[];
  readonly certificates: CertificateRetrieval;
  readonly maxCertificates: number;
  readonly maxAmbiguousRecipients: number;
  /** How many half hours of free and busy; undefined: none are asked for. */
  readonly availabilitySlots: number | undefined;
  readonly isTooManyForAvailability: boolean;
  readonly picture: PictureOptions | undefined;
}

/** Reads the document. Throws CommandError with Status 5. */
export function readResolveRecipients(body: Element, version: ProtocolVersion): ResolveRecipientsRequest {
  const options = child(body, ResolveRecipients.Options);
  const to = childrenOf(body, ResolveRecipients.To).map(text);
  const retrieval = integerOf(options, ResolveRecipients.CertificateRetrieval) ?? CertificateRetrieval.None;
  const certificates = Object.values(CertificateRetrieval).find((value) => value === retrieval);
  if (certificates === undefined) throw protocolError('CertificateRetrieval is not 1 to 3');
  const availabilitySlots = isAtLeast(version, '14.0')
    ? readAvailability(child(options, ResolveRecipients.Availability))
    : undefined;
  checkRecipients(to, availabilitySlots === undefined ? MAX_TO : MAX_TO_WITH_AVAILABILITY);
  return {
    to,
    certificates,
    maxCertificates: readLimit(integerOf(options, ResolveRecipients.MaxCertificates)),
    maxAmbiguousRecipients: readLimit(integerOf(options, ResolveRecipients.MaxAmbiguousRecipients)),
    availabilitySlots,
    isTooManyForAvailability: to.length > MAX_TO,
    picture: readPictureOptions(child(options, ResolveRecipients.Picture)),
  };
}

function checkRecipients(to: readonly string[], max: number): void {
  if (to.length === 0 || to.length > max) throw protocolError(`${to.length} of To`);
  if (to.some(({ length }) => length > MAX_TO_LENGTH)) throw protocolError('a To is too long');
}

function readLimit(limit = MAX_LIMIT): number {
  if (limit >= 0 && limit <= MAX_LIMIT) return limit;
  throw protocolError('MaxCertificates or MaxAmbiguousRecipients is not 0 to 9999');
}

/** Gives the number of half hours, the last of which may be a part of one. */
function readAvailability(availability: Element | undefined): number | undefined {
  if (availability === undefined) return undefined;
  const start = parseDateTime(textOf(availability, ResolveRecipients.StartTime) ?? '');
  const end = textOf(availability, ResolveRecipients.EndTime);
  if (start === undefined) throw protocolError('StartTime is no date');
  const span = end === undefined ? DEFAULT_SPAN_MS : (parseDateTime(end) ?? Number.NaN) - start;
  if (span >= SLOT_MS && span <= MAX_SPAN_MS) return Math.ceil(span / SLOT_MS);
  throw protocolError('EndTime is no date, or not half an hour to 42 days after StartTime');
}

function readPictureOptions(picture: Element | undefined): PictureOptions | undefined {
  try {
    return readPicture(picture, ResolveRecipients);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw protocolError(error.message);
  }
}

function protocolError(message: string): CommandError {
  return new CommandError(ResolveRecipientsStatus.ProtocolError, message);
}
