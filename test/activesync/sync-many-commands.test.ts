/** As many commands as a Sync may have, each of the kind that costs the store most. */
import { expect, test, vi } from 'vitest';
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

/** Its addresses take as much as a row gives them. */
const longLetter = (n: number) => {
  const people = Array.from(
    { length: 240 },
    (_, m) => `somebody.${n}.${m}@${'long-name.'.repeat(4)}example.test`,
  );
  return letter(`long ${n}`, el(Email.Cc, people.join(',')));
};

test('Sync: 150 drafts whose rows are more than a transaction holds are changed by one request', async () => {
  const { server, phone, drafts } = await startDrafts('16.1');
  const ids: string[] = [];
  for (const some of [numbers.slice(0, 75), numbers.slice(75, 150)]) {
    const { status, responses } = await phone.sync(drafts, {
      commands: some.map((n) => add(`c${n}`, ...longLetter(n))),
    });
    expect(status).toBe(1);
    ids.push(...childrenOf(responses, AirSync.Add).map((one) => textOf(one, AirSync.ServerId) ?? ''));
  }
  const { status, responses } = await phone.sync(drafts, {
    commands: ids.map((id) => change(id, el(Email.Subject, 'new'))),
  });
  expect([status, statuses(responses)]).toEqual([1, []]);
  const raw = await rawDrafts(server);
  expect(raw.filter((one) => !one.includes('Subject: new'))).toEqual([]);
});

test('Sync: a request of more than one transaction that breaks off before any of them is repeated, and makes no second draft', async () => {
  const { server, phone, drafts } = await startDrafts('16.1');
  const { store } = server.database;
  const transact = store.transact.bind(store);
  const some = numbers.slice(0, 80).map((n) => add(`c${n}`, ...longLetter(n)));
  let made = await phone.sync(drafts, { commands: [add('first', ...letter('first'))] });
  const { syncKey } = phone.collection(drafts);
  let broken = 0;
  do {
    let left = broken++;
    const spy = vi.spyOn(store, 'transact').mockImplementation((...args) => {
      if (left-- === 0) throw new Error('broken off');
      return transact(...args);
    });
    made = await phone.sync(drafts, { syncKey, commands: some });
    spy.mockRestore();
  } while (made.status !== 1);
  // Once before each of its two transactions.
  expect(broken).toBe(3);
  expect(statuses(made.responses)).toHaveLength(80);
  expect(await rawDrafts(server)).toHaveLength(81);
  await phone.syncAll(drafts);
  expect(phone.collection(drafts).items.size).toBe(81);
  // Each has its file, and nothing is left of what was made in vain.
  expect(await server.database.blobs.list()).toHaveLength(80);
});
