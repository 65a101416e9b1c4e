import { channel } from 'node:diagnostics_channel';

/** On it each POST of a test tells its command and version, as `Sync 14.1`; `spoken-versions.ts` listens. */
export const spoken = channel('mailstead.test.eas-post');

/** Tells of a POST. */
export function tellSpoken(command: string, version: string): void {
  spoken.publish(`${command} ${version}`);
}
