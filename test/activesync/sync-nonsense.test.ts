import { expect, test } from 'vitest';
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { Tasks } from '#protocols/activesync/wbxml/code-pages/tasks';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import { Choices } from '#test/support/choices';
import { startPhone } from './sync-phone.ts';

const tags: readonly Tag[] = [AirSync, AirSyncBase, Email, Email2, Tasks].flatMap((page) =>
  Object.values(page),
);

test('whatever stands in a Sync, the answer is one the schemas allow, and the folder still works', async () => {
  const { server, phone, inbox } = await startPhone('14.1');
  const id = await server.deliver('One');
  await phone.syncAll(inbox);
  const choices = new Choices(7);
  const pick = <T>(list: readonly T[], otherwise: T): T => list[choices.below(list.length)] ?? otherwise;
  const value = () =>
    pick(
      [
        '',
        '0',
        '1',
        '2',
        '3',
        '4',
        '5',
        '8',
        '99999999999',
        '-1',
        'x',
        'é\u0000',
        inbox,
        `${inbox}:${id}`,
        'Email',
        'SMS',
      ],
      '',
    );
  const junk = (depth: number): Element => {
    const tag = pick(tags, AirSync.Sync);
    if (depth === 0 || choices.below(2) === 0)
      return choices.below(8) === 0 ? el(tag, Buffer.from(value())) : el(tag, value());
    return el(tag, ...Array.from({ length: choices.below(4) }, () => junk(depth - 1)));
  };
  const shaken = (element: Element): Element => {
    const kept = element.children.filter(() => choices.below(12) > 0).map(shaken);
    const text = element.children.length === 0 && choices.below(6) === 0 ? value() : element.text;
    const more = choices.below(6) === 0 ? [junk(2)] : [];
    const again = kept.length > 0 && choices.below(12) === 0 ? [pick(kept, junk(0))] : [];
    return el(element.tag, text, ...[...kept, ...more, ...again].sort(() => choices.below(3) - 1));
  };
  for (let n = 0; n < 400; n++) {
    const { syncKey } = phone.collection(inbox);
    const flag = el(Email.Flag, el(Email.Status, 2), el(Tasks.StartDate, '2026-11-22T11:30:00.000Z'));
    const good = el(
      AirSync.Sync,
      el(
        AirSync.Collections,
        phone.collectionElement(inbox, {
          syncKey,
          windowSize: 5,
          deletesAsMoves: true,
          options: [el(AirSync.FilterType, 3), el(AirSync.MIMESupport, 2)],
          body: { type: 4, truncationSize: 5, preview: 3 },
          commands: [
            el(AirSync.Change, el(AirSync.ServerId, `${inbox}:${id}`), el(AirSync.ApplicationData, flag)),
            el(AirSync.Fetch, el(AirSync.ServerId, `${inbox}:${id}`)),
            el(AirSync.Add, el(AirSync.ClientId, 'c'), el(AirSync.ApplicationData, el(Email.Subject, 's'))),
          ],
        }),
      ),
      el(AirSync.WindowSize, 10),
    );
    const response = await phone.post('Sync', shaken(good), { validateRequest: false });
    expect(response.status).toBe(200);
    expect([undefined, 4, 6, 13, 14]).toContain(response.rootStatus);
    const { status } = phone.applySync(inbox, response);
    if (status === 3) await phone.syncAll(inbox);
  }
  await server.deliver('Two');
  phone.collection(inbox).reset();
  expect((await phone.syncAll(inbox)).size).toBeGreaterThan(0);
});
