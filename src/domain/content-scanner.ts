import type { Client } from './mail-envelope.ts';
import type { ScanVerdict } from './verdicts.ts';

/** A message as a scanner sees it: as it came, without the fields we put in front. */
export interface ScannedMessage {
  readonly acceptId: string;
  readonly client: Client;
  /** '' is the null one. */
  readonly reversePath: string;
  readonly recipients: readonly string[];
  readonly size: number;
  open(): AsyncIterable<Uint8Array>;
}

/** What is to become of a message by its content. `text` is for the sender, one line of printable ASCII. */
export type ScanDecision =
  | { readonly kind: 'refuse' | 'defer'; readonly text: string | undefined }
  /** The scanner did not answer, and nothing passes without it. */
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'pass'; readonly verdict: ScanVerdict };

/** A content scanner: another program that tells spam and viruses. Never rejects. */
export interface ContentScanner {
  scan(message: ScannedMessage): Promise<ScanDecision>;
}
