import { expect, test } from 'vitest';
import { Changed } from './change.ts';
import type { DeviceId, FolderId, ItemId } from './ids.ts';
import type { Item } from './item.ts';
import type { MailboxTx } from './ports.ts';
import { applyCommands } from './sync-commands.ts';

test('the log of a folder is read once for all commands of a request, however many may be in conflict', async () => {
  const device = 'phone' as DeviceId;
  const folder = 1 as FolderId;
  const ids = Array.from({ length: 200 }, (_, n) => (n + 1) as ItemId);
  let reads = 0;
  const partial: Partial<MailboxTx> = {
    hasRoom: () => true,
    item: async (_folder, id) =>
      ({ id, folder, changed: 7, marks: { read: false, categories: [] } }) as unknown as Item,
    changes: async () => {
      reads++;
      const changes = ids.map((item) => ({ kind: 2, item, receivedMs: 0, what: Changed.Read }));
      return { rows: [{ seq: 7, device: undefined, changes }], next: undefined } as never;
    },
  };
  const commands = ids.map((item) => ({ kind: 'change', item, marks: { read: true } }) as const);
  const where = { device, folder, serverWins: true, since: 1, answered: undefined };
  const results = await applyCommands(partial as MailboxTx, commands, where);
  expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['conflict']));
  expect(reads).toBe(1);
});
