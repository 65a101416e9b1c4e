import { expect, test } from 'vitest';
import type { FolderId, ItemId } from '#domain/ids';
import type { Item, ItemDetail } from '#domain/item';
import type { MailboxReader } from '#domain/ports';
import { findItem } from './find-item.ts';

/** A mailbox of 10,000 folders with one item, and which folders were asked for it. */
function mailboxWith(place: { readonly folder: number; readonly item: number } | undefined) {
  const asked: number[] = [];
  const reader: Partial<MailboxReader> = {
    item: async (folder, item) => {
      asked.push(folder);
      return folder === place?.folder && item === place.item ? ({ folder, id: item } as Item) : undefined;
    },
    folder: async () => undefined,
    folders: async () => Array.from({ length: 10_000 }, (_, n) => ({ id: n + 1 }) as never),
    details: async ([item]) => [item === place?.item ? ({} as ItemDetail) : undefined],
  };
  return { reader: reader as MailboxReader, asked };
}

const named = { folder: 7 as FolderId, item: 5 as ItemId };

test('a reference to an item that is nowhere is answered without a look into every folder', async () => {
  const { reader, asked } = mailboxWith({ folder: 9000, item: 6 });
  expect(await findItem(reader, named)).toBeUndefined();
  expect(asked).toEqual([7]);
});

test('an item that was moved is found, and no folder is asked behind it', async () => {
  const { reader, asked } = mailboxWith({ folder: 80, item: 5 });
  expect(await findItem(reader, named)).toMatchObject({ folder: 80, id: 5 });
  expect(asked.length).toBeLessThan(200);
});
