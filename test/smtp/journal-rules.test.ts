/** What rules and automatic replies send has records too, and a record sets off no rule. */
import { expect, test } from 'vitest';
import { journalRecord } from '#test/support/journal-record';
import { letter, type RulesSite, startRulesSite } from './rules-site.ts';

const archive = 'box@archive.example';

function journal({ server }: RulesSite, JournalingAddress: string): Promise<unknown> {
  const { organization: OrganizationId } = server;
  return server.admin('Mailstead.PutJournaling', { OrganizationId, Enabled: true, JournalingAddress });
}

/** The lines of every record that has come, in order of what they tell. */
async function records(site: RulesSite): Promise<readonly (readonly string[])[]> {
  await site.left();
  const raws = site.next.mails.filter(({ to: [address] }) => address === archive).map(({ raw }) => raw);
  return raws
    .map((raw) => journalRecord(raw).lines.filter((line) => !line.startsWith('Message-Id')))
    .toSorted();
}

test('a redirect tells for whom, a forward and a reply are messages of the owner: one record each', async () => {
  const site = await startRulesSite();
  const alice = await site.user('alice');
  await site.rules(alice, rulesOf({ RedirectTo: ['r@away.example'], ForwardTo: ['f@away.example'] }));
  await site.reply(alice, {});
  await journal(site, archive);
  const text = 'a line of a large message\r\n'.repeat(5_000);
  await site.send(alice, letter(alice, ['Subject: Hello'], text));
  expect(await records(site)).toEqual([
    ['Sender: <>', expect.stringMatching(/^Subject: Automatic reply/), 'To: bob@one.example'],
    [`Sender: ${alice.address}`, 'Subject: FW: Hello', 'To: f@away.example'],
    [`Sender: ${alice.address}`, 'Subject: Hello', `Recipient: r@away.example, Forwarded: ${alice.address}`],
    ['Sender: bob@one.example', 'Subject: Hello', `Recipient: ${alice.address}`],
  ]);
});

test('the record of a redirect has just what was sent on, large or small', async () => {
  const site = await startRulesSite();
  const alice = await site.user('alice');
  await site.rules(alice, rulesOf({ RedirectTo: ['r@away.example'] }));
  await journal(site, archive);
  for (const text of ['Text', 'a line of a large message\r\n'.repeat(5_000)]) {
    await site.send(alice, letter(alice, [], text));
  }
  await site.left();
  const sent = site.next.mails.filter(({ to: [address] }) => address === 'r@away.example');
  const originals = site.next.mails
    .filter(({ to: [address] }) => address === archive)
    .map(({ raw }) => journalRecord(raw).original)
    .filter((raw) => raw.startsWith('Delivered-To:'));
  const unsigned = sent.map(({ raw }) => raw.slice(raw.indexOf('Delivered-To:')));
  expect(originals.toSorted()).toEqual(unsigned.toSorted());
  expect(originals).toHaveLength(2);
});

test('rules and replies of an archive here do nothing with records', async () => {
  const site = await startRulesSite();
  const [alice, box] = [await site.user('alice'), await site.user('box')];
  await site.rules(box, rulesOf({ RedirectTo: ['r@away.example'], ForwardTo: ['f@away.example'] }));
  await site.reply(box, {});
  await journal(site, box.address);
  await site.send(alice, letter(alice));
  await site.left();
  expect(site.next.mails).toEqual([]);
  const [kept] = await site.mailboxes(box);
  expect(kept?.map(({ folder }) => folder)).toEqual(['Inbox']);
});

function rulesOf(Actions: object): readonly object[] {
  return [{ Name: 'all', Actions }];
}
