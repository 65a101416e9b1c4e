import { expect, test } from 'vitest';
import { mailboxPart } from '#storage/keys';
import { mailboxRows } from '#storage/layout';
import { Maintenance } from '#storage/maintenance';
import { silentLogger } from '#telemetry/log';
import { email, findMail, freeText, inFolder, mail, searchMail } from './search-phone.ts';
import { startEndpoint } from './server.ts';

const texts = ['red apple', 'green pear', 'Réd péar', 'red, pear'];

test('Search, Find: what is found is the same before and after the mailbox has an index, and with mail behind it', async () => {
  const server = await startEndpoint();
  const phone = server.phone('16.1');
  await phone.provision();
  for (let n = 0; n < 80; n++) {
    await server.receive(mail(`mail ${n}`, texts[n % 4]), { receivedMs: (n + 1) * 1000 });
  }
  let searches = 0;
  const search = async () => [
    await searchMail(phone, [email, inFolder(1), freeText('red')]),
    await searchMail(phone, [email, inFolder(1), freeText('"red pear"')]),
    await searchMail(phone, [email, inFolder(1), freeText('mail 7')]),
    await findMail(phone, 'pear -red subject:mail', { searchId: `search-${searches++}` }),
    await findMail(phone, 'banana', { searchId: `search-${searches++}` }),
  ];
  const before = await search();
  expect(before.map(({ total }) => total).slice(0, 3)).toEqual([60, 40, 11]);
  const clock = { now: () => Date.now() + 3_600_000, after: () => () => undefined };
  await new Maintenance({ ...server.database, clock, log: silentLogger }).runDue(clock.now());
  const part = mailboxPart(server.organization, server.alice.mailbox.mailbox);
  expect((await server.database.store.page(part, mailboxRows.searchSegment.range())).rows).not.toEqual([]);
  // Anew, not what was kept.
  await server.receive(mail('another', 'red'), { receivedMs: 1 });
  const after = await search();
  expect(after.map(({ subjects }) => subjects.filter((subject) => subject !== 'another'))).toEqual(
    before.map(({ subjects }) => subjects),
  );
  expect(after[0]?.total).toBe(61);
});
