/** A real database in a temporary folder, removed when the test is over. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MailboxId, MailboxRef, OrganizationId } from '#domain/ids';
import type { Clock } from '#domain/outside';
import { type Database, openDatabase } from '#storage/database';

/** An empty folder, removed when the test is over. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mailstead-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A database in `folder` (a temporary one if absent), closed when the test is over. */
export async function tempDatabase(options: { clock?: Clock; folder?: string } = {}): Promise<Database> {
  const folder = options.folder ?? (await tempFolder());
  const database = await openDatabase({
    folder: join(folder, 'data'),
    inlineBodyBytes: 32 * 1024,
    now: () => options.clock?.now() ?? Date.now(),
    onFatal: (error) => {
      throw error;
    },
  });
  onTestFinished(() => database.close());
  return database;
}

/** An organisation with a data key, in memory: for tests of mailboxes without a directory. */
export function tempOrganization(database: Database): OrganizationId {
  const organization = `m-${randomBytes(16).toString('hex')}` as OrganizationId;
  database.keys.add(organization, database.keys.create(organization));
  return organization;
}

/** A new mailbox with its default folders. */
export async function tempMailbox(database: Database, organization: OrganizationId): Promise<MailboxRef> {
  const ref = { organization, mailbox: randomBytes(16).toString('hex') as MailboxId };
  await database.mail.createMailbox(ref);
  return ref;
}

/** A clock that stands still until it is moved. */
export function fixedClock(startMs: number): Clock & { move(byMs: number): void } {
  let nowMs = startMs;
  const waiting = new Set<{ dueMs: number; callback: () => void }>();
  return {
    now: () => nowMs,
    after: (delayMs, callback) => {
      const entry = { dueMs: nowMs + delayMs, callback };
      waiting.add(entry);
      return () => waiting.delete(entry);
    },
    move: (byMs) => {
      nowMs += byMs;
      for (const entry of [...waiting].sort((a, b) => a.dueMs - b.dueMs)) {
        if (entry.dueMs <= nowMs && waiting.delete(entry)) {
          entry.callback();
        }
      }
    },
  };
}
