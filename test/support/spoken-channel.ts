import { channel } from 'node:diagnostics_channel';
import type { Element } from '#protocols/activesync/wbxml/element';

/** On it each POST of a test tells its command and version, as `Sync 14.1`; `spoken-versions.ts` listens. */
export const spoken = channel('mailstead.test.eas-post');

/** On it each document of a POST is told of, one way and the other. */
export const exchanged = channel('mailstead.test.eas-document');

/** A document that was sent or answered. */
export interface Exchanged {
  readonly direction: 'request' | 'response';
  readonly command: string;
  readonly version: string;
  readonly root: Element;
}

/** Tells of a POST. */
export function tellSpoken(command: string, version: string): void {
  spoken.publish(`${command} ${version}`);
}

/** Tells of a document. */
export function tellExchanged(document: Exchanged): void {
  exchanged.publish(document);
}
