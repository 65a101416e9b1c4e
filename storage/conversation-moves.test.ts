import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { defaultFolder, FolderType } from '#domain/folder';
import type { FolderId } from '#domain/ids';
import { partOf } from '#test/support/maintenance';
import { tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { conversationName } from './conversations.ts';
import { mailboxRows } from './layout.ts';
import { pack } from './records/packed.ts';
import { plain } from './seal.ts';

const { conversationMove: row } = mailboxRows;
const trash = defaultFolder(FolderType.DeletedItems);

test('a mailbox remembers a thousand moved conversations: the one decided on longest ago is forgotten', async () => {
  const database = await tempDatabase();
  const ref = await tempMailbox(database, tempOrganization(database));
  const part = partOf(ref);
  const { store, sealer, keys } = database;
  const put = (id: Uint8Array, to: FolderId = trash) =>
    database.mail.transact([ref], (of) => of(ref).putConversationMove(id, to));
  const get = (id: Uint8Array) => database.mail.transact([ref], (of) => of(ref).conversationMove(id));
  const count = async () => (await store.page(part, row.range())).rows.length;
  const [first, second, third, fourth] = [1, 2, 3, 4].map((n) => Buffer.alloc(16, n)) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const old = Buffer.alloc(16, 9);
  // As an older version put it.
  const oldKey = row.key(keys.nameKey(ref.organization, conversationName(old)));
  await store.transact([part], async (tx) => tx.put(part, oldKey, plain(1, pack(trash))));
  await put(first);
  await put(second);
  expect([await get(old), await get(first)]).toEqual([trash, trash]);
  await store.transact([part], async (tx) => {
    for (let n = 3; n < 1000; n++) {
      const key = row.key(randomBytes(16));
      tx.put(part, key, row.encode(sealer, part, key, { folder: trash, seq: 1_000_000 }));
    }
  });
  await put(third);
  expect([await count(), await get(old), await get(third)]).toEqual([1000, undefined, trash]);
  await put(first, 7 as FolderId);
  expect([await count(), await get(first)]).toEqual([1000, 7]);
  await put(fourth);
  expect([await count(), await get(first), await get(second)]).toEqual([1000, 7, undefined]);
});
