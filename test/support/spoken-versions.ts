/** For each test: which versions of which commands its phones have spoken, for the conformance table. */
import { TestRunner } from 'vitest';
import { spoken } from './spoken-channel.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** `Sync 14.1`: commands with the version of their request. */
    spoken?: string[];
  }
}

function note(said: unknown): void {
  const test = TestRunner.getCurrentTest();
  if (test === undefined || typeof said !== 'string') return;
  test.meta.spoken ??= [];
  if (!test.meta.spoken.includes(said)) test.meta.spoken.push(said);
}

// Once for all files that share a worker.
if (!spoken.hasSubscribers) spoken.subscribe(note);
