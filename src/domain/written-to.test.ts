import { expect, test } from 'vitest';
import { newItem } from '#test/support/new-item';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { defaultFolder, FolderType } from './folder.ts';
import type { MailboxRef } from './ids.ts';
import { WrittenTo } from './written-to.ts';

const startMs = Date.UTC(2026, 10, 22);

test('the recipients of the newest 500 messages in Sent Items count, however they are spelled', async () => {
  const clock = fixedClock(startMs);
  const database = await tempDatabase({ clock });
  const ref = await tempMailbox(database, tempOrganization(database));
  const sent = (n: number, envelope: object) => send(database, ref, n, envelope);
  await sent(0, { to: [{ name: '', address: 'old@one.example' }] });
  for (let n = 1; n < 498; n++) await sent(n, {});
  await sent(498, { to: [{ name: 'Ann', address: 'Ann@BÜCHER.example' }] });
  await sent(499, {
    cc: [{ name: '', address: 'cc@one.example' }],
    bcc: [{ name: '', address: 'bcc@one.example' }],
  });
  const has = async (written: WrittenTo, ...names: readonly string[]) =>
    Promise.all(names.map((name) => written.has(ref, `${name}@one.example`)));
  const first = new WrittenTo(database.mail, clock);
  expect(await has(first, 'old', 'cc', 'bcc', 'nobody')).toEqual([true, true, true, false]);
  expect(await first.has(ref, 'ann@xn--bcher-kva.example')).toBe(true);
  await sent(500, { to: [{ name: '', address: 'new@one.example' }] });
  expect(await has(first, 'new', 'old')).toEqual([false, true]);
  clock.move(5 * 60_000);
  expect(await has(first, 'new', 'old')).toEqual([true, false]);
});

async function send(
  { mail }: Awaited<ReturnType<typeof tempDatabase>>,
  ref: MailboxRef,
  n: number,
  envelope: object,
): Promise<void> {
  const item = newItem(`${n}`, startMs + n);
  await mail.transact([ref], (of) =>
    of(ref).addItem(defaultFolder(FolderType.SentItems), {
      ...item,
      envelope: { ...item.envelope, ...envelope },
    }),
  );
}
