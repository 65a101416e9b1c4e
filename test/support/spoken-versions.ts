/** For each test: what its phones have spoken, for the conformance table: versions, and elements that no test before it had. */
import { TestRunner } from 'vitest';
import type { Element } from '#protocols/activesync/wbxml/element';
import { type Exchanged, exchanged, spoken } from './spoken-channel.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** `Sync 14.1`: commands with the version of their request. */
    spoken?: string[];
    /** `response Sync 14.1 Email.Subject`: elements of documents, each once in a worker. */
    exchanged?: string[];
  }
}

function note(said: unknown): void {
  const test = TestRunner.getCurrentTest();
  if (test === undefined || typeof said !== 'string') return;
  test.meta.spoken ??= [];
  if (!test.meta.spoken.includes(said)) test.meta.spoken.push(said);
}

const known = new Set<string>();

function noteDocument(said: unknown): void {
  const test = TestRunner.getCurrentTest();
  if (test === undefined) return;
  const { direction, command, version, root } = said as Exchanged;
  const found: string[] = [];
  const walk = ({ tag, children }: Element): void => {
    const line = `${direction} ${command} ${version} ${tag.namespace}.${tag.name}`;
    if (!known.has(line)) {
      known.add(line);
      found.push(line);
    }
    for (const one of children) walk(one);
  };
  walk(root);
  if (found.length > 0) test.meta.exchanged = [...(test.meta.exchanged ?? []), ...found];
}

// Once for all files that share a worker.
if (!spoken.hasSubscribers) {
  spoken.subscribe(note);
  exchanged.subscribe(noteDocument);
}
