/** As many commands as a Sync may have, each of the kind that costs the store most. */
import { expect, test } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { childrenOf, el, textOf } from '#protocols/activesync/wbxml/element';
import { add, attachments, body, change, file, letter, rawDrafts, startDrafts } from './drafts-phone.ts';
import { commands, startPhone, statuses } from './sync-phone.ts';

const mostCommands = 200;
const numbers = Array.from({ length: mostCommands }, (_, n) => n);

test.each([
  ['to Deleted Items', true],
  ['for good', false],
])('Sync: %s, 200 messages are deleted by one request', async (_name, deletesAsMoves) => {
  const { server, phone, inbox } = await startPhone('16.1');
  const ids: string[] = [];
  for (const n of numbers) {
    ids.push(
      await server.receive(`Message-ID: <${n}@example.test>
Subject: ${n}

x
`),
    );
  }
  await phone.syncAll(inbox);
  const { status, responses } = await phone.sync(inbox, {
    deletesAsMoves,
    commands: ids.map(commands.remove),
  });
  expect([status, statuses(responses)]).toEqual([1, []]);
  expect(phone.collection(inbox).items.size).toBe(0);
});

test('Sync: 200 drafts with long texts are added, changed and deleted, each by one request', async () => {
  const { phone, drafts } = await startDrafts('16.1');
  const made = await phone.sync(drafts, {
    commands: numbers.map((n) =>
      add(`c${n}`, ...letter(`${n}`, body(1, 'x'.repeat(12_000)), attachments(file('f', 'a.txt', 'x')))),
    ),
  });
  const ids = childrenOf(made.responses, AirSync.Add).map((one) => textOf(one, AirSync.ServerId) ?? '');
  expect([made.status, new Set(ids).size]).toEqual([1, mostCommands]);
  const changed = await phone.sync(drafts, {
    commands: ids.map((id) => change(id, el(Email.Subject, 'new'))),
  });
  expect([changed.status, statuses(changed.responses)]).toEqual([1, []]);
  const gone = await phone.sync(drafts, { deletesAsMoves: false, commands: ids.map(commands.remove) });
  expect([gone.status, statuses(gone.responses)]).toEqual([1, []]);
});

test('Sync: each Change of a large draft stands on the one before it in the request, whatever else is changed between them', async () => {
  const { server, phone, drafts } = await startDrafts('16.1');
  const large = attachments(file('f', 'a.bin', 'x'.repeat(300_000)));
  const made = await phone.sync(drafts, {
    commands: [add('c1', ...letter('one', large)), add('c2', ...letter('two', large))],
  });
  const [one = '', two = ''] = childrenOf(made.responses, AirSync.Add).map((response) =>
    textOf(response, AirSync.ServerId),
  );
  const { status, responses } = await phone.sync(drafts, {
    commands: [
      change(one, el(Email.Subject, 'one again')),
      change(two, el(Email.Subject, 'two again')),
      change(one, el(Email.Cc, 'carol@example.test')),
    ],
  });
  expect([status, statuses(responses)]).toEqual([1, []]);
  const raw = (await rawDrafts(server)).find((message) => message.includes('Subject: one again\r\n'));
  expect(raw).toContain('Cc: <carol@example.test>\r\n');
  expect(raw?.length).toBeGreaterThan(400_000);
});
