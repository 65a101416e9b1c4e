/** Flag, Categories and Read of mail: what a phone may send of them, and what it may not. MS-ASEMAIL. */
import { describe, expect, test } from 'vitest';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Tasks } from '#protocols/activesync/wbxml/code-pages/tasks';
import { child, childrenOf, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { commands, startPhone, statuses, syncRaw, type Version } from './sync-phone.ts';

const flag = (...children: readonly Element[]) => el(Email.Flag, ...children);
const categories = (...names: readonly string[]) =>
  el(Email.Categories, ...names.map((name) => el(Email.Category, name)));

async function startWithOne(version: Version) {
  const started = await startPhone(version);
  const id = await started.server.deliver('One');
  await started.phone.syncAll(started.inbox);
  const serverId = `${started.inbox}:${id}`;
  const { phone, inbox } = started;
  const send = async (...data: readonly Element[]) => {
    const sent = [commands.change(serverId, ...data)];
    const response = await syncRaw(phone, [phone.collectionElement(inbox, { commands: sent })]);
    return statuses(phone.applySync(inbox, response, sent).responses);
  };
  const fresh = async () => {
    phone.collection(inbox).reset();
    return (await phone.syncAll(inbox)).get(serverId);
  };
  return { ...started, id, serverId, send, fresh };
}

describe.each(['14.0', '14.1', '16.0', '16.1'] as Version[])('%s: Categories', (version) => {
  test('Sync: Categories left out stay, empty ones are cleared, up to 300 are kept', async () => {
    const { send, fresh } = await startWithOne(version);
    const held = async () =>
      childrenOf(child(await fresh(), Email.Categories), Email.Category).map(({ text }) => text);
    expect(await send(categories('red', 'Größe 😀'))).toEqual([]);
    expect(await send(el(Email.Read, true))).toEqual([]);
    expect(await held()).toEqual(['red', 'Größe 😀']);
    expect(await send(categories())).toEqual([]);
    expect(await held()).toEqual([]);
    expect(await send(categories(...Array.from({ length: 305 }, (_, n) => `c${n}`)))).toEqual([]);
    expect(await held()).toHaveLength(300);
  });

  test('Sync: a Category over 255 characters, or Categories over 16 KiB, answer Status 6 and change nothing', async () => {
    const { serverId, send, fresh } = await startWithOne(version);
    expect(await send(categories('x'.repeat(256)))).toEqual([`Change ${serverId} 6`]);
    expect(await send(categories(...Array.from({ length: 70 }, () => 'x'.repeat(250))))).toEqual([
      `Change ${serverId} 6`,
    ]);
    expect(await send(categories('x'.repeat(255)))).toEqual([]);
    expect(child(await fresh(), Email.Categories)?.children).toHaveLength(1);
  });
});

describe.each(['12.0', '14.1', '16.1'] as Version[])('%s: Flag', (version) => {
  test("Sync: OrdinalDate and SubOrdinalDate come back, tasks:Subject is the mail's if none is sent", async () => {
    const { send, fresh } = await startWithOne(version);
    // The second is what some clients write for none.
    for (const time of ['2026-11-22T11:30:00.000Z', '0001-01-01T00:00:00.000Z']) {
      const sent = flag(
        el(Email.Status, 2),
        el(Email.FlagType, 'Flag for follow up'),
        el(Tasks.OrdinalDate, time),
        el(Tasks.SubOrdinalDate, '5555'),
      );
      expect(await send(sent)).toEqual([]);
      const held = child(await fresh(), Email.Flag);
      expect(textOf(held, Tasks.OrdinalDate)).toBe(time);
      expect(textOf(held, Tasks.SubOrdinalDate)).toBe('5555');
      expect(textOf(held, Tasks.Subject)).toBe('One');
    }
  });

  test.each([
    ['compact dates', ['20261122T000000Z', '20261123T000000Z'], undefined],
    ['dates without Z', ['2026-11-22T00:00:00', '2026-11-23T00:00:00'], undefined],
    ['a day that does not exist', ['2026-02-30T00:00:00Z', '2026-03-01T00:00:00Z'], 6],
    ['due when it starts', ['2026-11-22T00:00:00Z', '2026-11-22T00:00:00Z'], undefined],
    ['due before it starts', ['2026-11-22T00:00:01Z', '2026-11-22T00:00:00Z'], 6],
  ] as const)('Sync: a Flag with %s', async (_, [start, due], status) => {
    const { serverId, send } = await startWithOne(version);
    const sent = flag(
      el(Email.Status, 2),
      el(Tasks.StartDate, start),
      el(Tasks.DueDate, due),
      el(Tasks.UtcStartDate, start),
      el(Tasks.UtcDueDate, due),
    );
    expect(await send(sent)).toEqual(status === undefined ? [] : [`Change ${serverId} ${status}`]);
  });

  test('Sync: a Flag with a text over 2,000 characters answers Status 6; an empty one, or Status 0, takes it away', async () => {
    const { serverId, send, fresh } = await startWithOne(version);
    expect(await send(flag(el(Email.Status, 2), el(Email.FlagType, 'x'.repeat(2001))))).toEqual([
      `Change ${serverId} 6`,
    ]);
    expect(await send(flag(el(Tasks.Subject, 'x'.repeat(100_000)), el(Email.Status, 2)))).toEqual([
      `Change ${serverId} 6`,
    ]);
    for (const none of [flag(), flag(el(Email.Status, 0))]) {
      expect(await send(flag(el(Email.Status, 2)))).toEqual([]);
      expect(child(await fresh(), Email.Flag)?.children).not.toEqual([]);
      expect(await send(none)).toEqual([]);
      expect(child(await fresh(), Email.Flag)?.children).toEqual([]);
    }
  });
});
