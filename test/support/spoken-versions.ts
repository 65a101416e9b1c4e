/** For each test: which versions of which commands its phones have spoken, for the conformance table. */
import { subscribe } from 'node:diagnostics_channel';
import { TestRunner } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** `Sync 14.1`: commands with the version of their request. */
    spoken?: string[];
  }
}

subscribe('mailstead.test.eas-post', (message) => {
  const { command, version } = message as { readonly command: string; readonly version: string };
  const test = TestRunner.getCurrentTest();
  if (test === undefined) return;
  test.meta.spoken ??= [];
  const said = `${command} ${version}`;
  if (!test.meta.spoken.includes(said)) test.meta.spoken.push(said);
});
