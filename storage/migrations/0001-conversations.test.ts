import { expect, test } from 'vitest';
import { defaultFolder, FolderType } from '#domain/folder';
import type { ItemId } from '#domain/ids';
import { silentLogger } from '#telemetry/log';
import { dayMs, enabledUser, failingOnce, inbox, openMaintained, partOf } from '#test/support/maintenance';
import { newItem } from '#test/support/new-item';
import { systemPart, u8 } from '../keys.ts';
import { mailboxRows, systemRows } from '../layout.ts';
import { Maintenance } from '../maintenance.ts';

const conversationId = Buffer.alloc(16, 7);
const sentItems = defaultFolder(FolderType.SentItems);

/** A mailbox as an older version left it: without the rows of conversations. */
async function openOld(items: number) {
  const maintained = await openMaintained();
  const { database, directory, organization } = maintained;
  const { ref } = await enabledUser(directory, organization, 'alice');
  const ids: ItemId[] = [];
  await database.mail.transact([ref], async (of) => {
    for (let n = 0; n < items; n++) {
      const item = { ...newItem(`${n}`, n), conversationId };
      ids.push((await of(ref).addItem(n % 2 === 0 ? inbox : sentItems, item)).id);
    }
  });
  const part = partOf(ref);
  await database.store.deleteRange(part, mailboxRows.conversation.range());
  await database.store.transact([part, systemPart()], async (tx) => {
    tx.del(part, mailboxRows.conversationsWhole.key());
    tx.del(systemPart(), systemRows.lastDone.key(u8(2)));
  });
  return { ...maintained, ref, ids, reader: database.mail.mailbox(ref) };
}

const busy = expect.objectContaining({ name: 'DomainError', code: 'server/busy' });

test('0001: before it a conversation is not told in part, after it it is whole', async () => {
  const { database, reader, ref, ids, run } = await openOld(7);
  await expect(reader.conversation(conversationId)).rejects.toEqual(busy);
  const late = await database.mail.transact([ref], (of) =>
    of(ref).addItem(inbox, { ...newItem('late', 100), conversationId }),
  );
  await expect(reader.conversation(conversationId)).rejects.toEqual(busy);
  await run();
  const found = await reader.conversation(conversationId);
  expect(found.map(({ item }) => item).sort()).toEqual([...ids, late.id].sort());
  expect(found.map(({ folder, receivedMs }) => [folder, receivedMs])).toEqual([
    [inbox, 100],
    ...[6, 4, 2, 0].map((ms) => [inbox, ms]),
    ...[5, 3, 1].map((ms) => [sentItems, ms]),
  ]);
});

test('0001: a mailbox that fails is taken up again in the next run, and others are not kept from theirs', async () => {
  const { database, directory, organization, clock, reader, ref, run } = await openOld(1);
  const { ref: other } = await enabledUser(directory, organization, 'bob');
  await database.store.transact([partOf(other)], async (tx) =>
    tx.del(partOf(other), mailboxRows.conversationsWhole.key()),
  );
  const store = failingOnce(database.store, (parts) => parts.some(({ name }) => name === partOf(ref).name));
  await new Maintenance({ ...database, store, clock, log: silentLogger }).runDue(clock.now());
  await expect(reader.conversation(conversationId)).rejects.toEqual(busy);
  expect(await database.mail.mailbox(other).conversation(conversationId)).toEqual([]);
  await run(dayMs);
  expect(await reader.conversation(conversationId)).toHaveLength(1);
});
