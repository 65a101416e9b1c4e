import type { PartHeader } from './part-header.ts';

/** A part while the message streams past; what MessagePart says, and what classifying it needs. */
export interface ScannedPart {
  header: PartHeader;
  path: string;
  headerStart: number;
  start: number;
  end: number;
  lines: number;
  size: number;
  parent: number;
  /** Containers around it. */
  depth: number;
  children: number;
  /** The number among its siblings. */
  ordinal: number;
  /** The first bytes of the encoded body, kept where the scanner's owner asked for them. */
  captured: Capture | undefined;
  /** Its header is longer than what is read of one. */
  isHeaderCut: boolean;
}

/** The beginning of an encoded body: at most `limit` bytes. */
interface Capture {
  readonly limit: number;
  readonly pieces: Uint8Array[];
  length: number;
}
