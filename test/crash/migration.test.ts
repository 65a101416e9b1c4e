import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { defaultFolder, FolderType } from '#domain/folder';
import type { EntityId } from '#domain/ids';
import { indexedSince } from '#storage/directory-indexes';
import { StoredDirectory } from '#storage/directory-store';
import { mailboxPart, systemPart, u8 } from '#storage/keys';
import { mailboxRows, systemRows } from '#storage/layout';
import { Choices } from '#test/support/choices';
import { newItem } from '#test/support/new-item';
import { storeFaults } from '#test/support/store-faults';
import { isLarge, numbers, put } from './crash-case.ts';
import { CrashSite } from './site.ts';

const kills = Number(process.env['CRASH_SEEDS'] ?? 2);
const messages = isLarge ? 50_000 : 2000;
const inbox = defaultFolder(FolderType.Inbox);
const done = systemRows.lastDone.key(u8(2));

test(`a migration that is killed ${kills} times ends as one that is not`, {
  timeout: 120_000 + kills * 30_000,
}, async () => {
  const choices = new Choices(Number(process.env['CRASH_SEED'] ?? 1));
  const site = await CrashSite.open();
  const people = [await site.person('one'), await site.person('two')];
  await site.end('SIGTERM');
  // As a version left it that had no rows of conversations.
  await site.offline(async (database) => {
    for (const person of people)
      await put(
        database,
        person,
        inbox,
        numbers(messages / 2).map((n) => newItem(`${n}`, n)),
      );
    for (const { ref } of people) {
      const part = mailboxPart(ref.organization, ref.mailbox);
      const range = mailboxRows.conversation.range();
      for (let gte: Uint8Array | undefined = range.gte; gte !== undefined; )
        gte = (await database.store.deleteRange(part, { ...range, gte })).next;
      await database.store.transact([part, systemPart()], async (tx) => {
        tx.del(part, mailboxRows.conversationsWhole.key());
        tx.del(systemPart(), done);
        tx.del(systemPart(), indexedSince);
      });
    }
    await database.store.deleteRange(systemPart(), systemRows.signInName.range());
  });
  const isDone = () =>
    site.offline(async ({ store }) => {
      const found = await store.getMany(systemPart(), [done, indexedSince]);
      return found.every((row) => row !== undefined);
    });
  let atOnce = 0;
  for (let n = 0; n < kills && !(await isDone()); n++, atOnce++) {
    await site.start();
    await pause(choices.below(60));
    await site.end('SIGKILL');
  }
  for (let ms = 1000; !(await isDone()); ms *= 2) {
    await site.start();
    await pause(ms);
    await site.end('SIGTERM');
  }
  expect(atOnce).toBeGreaterThan(0);
  const refs = people.map(({ ref }) => ref);
  // Every item has the row that it would have had, and there is no other.
  expect(await site.offline((database) => storeFaults(database, refs, false))).toEqual([]);
  await site.offline(async (database) => {
    for (const ref of refs) {
      const whole = await database.mail.mailbox(ref).conversation(Buffer.alloc(16));
      expect(whole).toEqual([]);
    }
  });
  await site.offline(async (database) => {
    const directory = new StoredDirectory(database);
    for (const [n, { ref }] of people.entries()) {
      const entity = await directory.entity(ref.organization, ref.mailbox as string as EntityId);
      const name = entity?.kind === 'user' ? entity.name : '';
      expect(await directory.namesakes(name, 10), `person ${n}`).toEqual([
        { organization: ref.organization, user: ref.mailbox },
      ]);
    }
  });
  expect(site.faults).toEqual([]);
});
