import { describe, expect, test } from 'vitest';
import { fixedClock } from '#test/support/temp-store';
import { letter, type RulesSite, sender, startRulesSite, unsigned } from './rules-site.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
/** A queue of a day ago is still on its way. */
const startMs = Date.UTC(2026, 10, 23, 12);

async function start(reply: object = {}) {
  const clock = fixedClock(startMs);
  const site = await startRulesSite({ clock });
  const alice = await site.user('alice');
  await site.reply(alice, reply);
  return { site, clock, alice };
}

/** The subjects of what has left, in order. */
async function subjects({ left, next }: RulesSite): Promise<readonly string[]> {
  await left();
  return next.mails.map(({ raw }) => /^Subject: (.*)$/m.exec(raw)?.[1] ?? '');
}

test('a reply goes to the Return-Path, with everything RFC 3834 asks for', async () => {
  const { site, alice } = await start();
  const fields = [
    'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
    'References: <0@one.example>',
    'Reply-To: x@two.example',
  ];
  await site.send(alice, letter(alice, fields));
  await site.left();
  const [mail, ...others] = site.next.mails;
  expect(others).toEqual([]);
  expect(mail).toMatchObject({ from: '', to: [sender] });
  const [head = '', body] = unsigned(mail?.raw ?? '').split('\r\n\r\n');
  expect(head.split(/\r\n(?![ \t])/).toSorted()).toEqual([
    'Auto-Submitted: auto-replied',
    'Content-Transfer-Encoding: 7bit',
    'Content-Type: text/plain; charset=utf-8',
    expect.stringMatching(/^Date: Mon, 23 Nov 2026 12:00:00 \+0000$/),
    'From: Alice <alice@test.mailstead.test>',
    'In-Reply-To: <1@one.example>',
    'MIME-Version: 1.0',
    expect.stringMatching(/^Message-ID: <[0-9a-f]{32}@test\.mailstead\.test>$/),
    'References: <0@one.example> <1@one.example>',
    'Subject: =?UTF-8?Q?Automatic_reply=3A_Gr=C3=BC=C3=9Fe?=',
    'To: bob@one.example',
    'X-Auto-Response-Suppress: All',
  ]);
  expect(body).toBe('Outside: away\r\n');
});

test('an HTML reply has its text beside it', async () => {
  const { site, alice } = await start({ ExternalMessage: '<p>Away, <b>Ä</b></p>', ExternalBodyType: 'HTML' });
  await site.send(alice, letter(alice));
  await site.left();
  const raw = site.next.mails[0]?.raw ?? '';
  expect(raw).toContain('Content-Type: multipart/alternative;');
  expect(raw).toMatch(/Content-Type: text\/plain; charset=utf-8\r\n[\s\S]*Away, =C3=84/);
  expect(raw).toMatch(/Content-Type: text\/html; charset=utf-8\r\n[\s\S]*<p>Away, <b>=C3=84<\/b><\/p>/);
});

test('32 KiB of HTML are sent whole', async () => {
  const { site, alice } = await start({
    ExternalMessage: '<p>ä</p>'.repeat(3_600),
    ExternalBodyType: 'HTML',
  });
  await site.send(alice, letter(alice));
  await site.left();
  expect(site.next.mails[0]?.raw.match(/<p>=C3=A4/g)?.length).toBeGreaterThan(3_000);
});

test('a sender is answered once in seven days, and again when the reply is another one', async () => {
  const { site, clock, alice } = await start();
  const again = async (subject: string, from = sender) => {
    await site.send(alice, letter(alice, [`Subject: ${subject}`]), from);
    return subjects(site);
  };
  await again('1');
  await again('2', 'BOB@one.EXAMPLE');
  clock.move(7 * day - minute);
  expect(await again('3')).toEqual(['Automatic reply: 1']);
  await again('other', 'carol@one.example');
  clock.move(minute);
  expect((await again('4')).slice(1)).toEqual(['Automatic reply: other', 'Automatic reply: 4']);
  await site.reply(alice, {});
  expect(await again('5')).toHaveLength(3);
  await site.reply(alice, { ExternalMessage: 'Still away' });
  expect((await again('6')).at(-1)).toBe('Automatic reply: 6');
});

test('two messages of one sender at the same moment have one answer', async () => {
  const { site, alice } = await start();
  await Promise.all([1, 2, 3, 4].map((n) => site.send(alice, letter(alice, [`Subject: ${n}`]))));
  expect(await subjects(site)).toHaveLength(1);
});

test('a scheduled reply is sent from its start to before its end', async () => {
  const { site, clock, alice } = await start({
    State: 'SCHEDULED',
    StartTime: (startMs + 10 * minute) / 1000,
    EndTime: (startMs + 20 * minute) / 1000,
  });
  const at = async (afterMs: number, from: string) => {
    clock.move(startMs + afterMs - clock.now());
    await site.send(alice, letter(alice, [`Subject: ${from}`]), `${from}@one.example`);
  };
  await at(10 * minute - 1, 'early');
  await at(10 * minute, 'start');
  await at(20 * minute - 1, 'last');
  await at(20 * minute, 'end');
  expect((await subjects(site)).toSorted()).toEqual(['Automatic reply: last', 'Automatic reply: start']);
});

describe('who is told what', () => {
  test('a colleague who signed in gets the internal text, a forged one the external', async () => {
    const { site, alice } = await start();
    const [bob, carol] = [await site.user('bob'), await site.user('carol')];
    await site.submit(bob, [alice.address], `From: ${bob.address}\r\nTo: ${alice.address}\r\n\r\nText\r\n`);
    await site.send(alice, letter(alice), carol.address);
    const [bobs = [], carols = []] = await site.mailboxes(bob, carol);
    expect(site.next.mails).toEqual([]);
    expect(bobs.map(({ folder, raw }) => [folder, raw.includes('Inside: away')])).toEqual([['Inbox', true]]);
    expect(carols.map(({ raw }) => [raw.includes('Outside: away'), raw.includes('Inside')])).toEqual([
      [true, false],
    ]);
  });

  test.each<[name: string, reply: object]>([
    ['nobody outside', { ExternalAudience: 'NONE' }],
    ['no text for them', { ExternalMessage: '' }],
    ['those alone whom alice wrote to', { ExternalAudience: 'KNOWN' }],
    ['off', { State: 'DISABLED' }],
  ])('%s', async (_name, reply) => {
    const { site, alice } = await start(reply);
    await site.send(alice, letter(alice));
    expect(await subjects(site)).toEqual([]);
  });

  test('nobody inside, if that is off', async () => {
    const { site, alice } = await start({ InternalEnabled: false });
    const bob = await site.user('bob');
    await site.submit(bob, [alice.address], `From: ${bob.address}\r\nTo: ${alice.address}\r\n\r\nText\r\n`);
    expect(await site.mailboxes(bob)).toEqual([[]]);
  });
});

test.each<[rule: string, raw: (alice: string) => string, from?: string]>([
  ['the null sender', (alice) => letter(alice), ''],
  ['an automatic message', (alice) => letter(alice, ['Auto-Submitted: auto-replied'])],
  ['a mailing list', (alice) => letter(alice, ['List-Unsubscribe: <mailto:x@one.example>'])],
  ['mail to a group or Bcc', () => letter('friends@one.example')],
])('over the wire, %s has no answer', async (_rule, raw, from = sender) => {
  const { site, alice } = await start();
  await site.send(alice, raw(alice.address), from);
  expect(await subjects(site)).toEqual([]);
  const [kept = []] = await site.mailboxes(alice);
  expect(kept).toHaveLength(1);
});

test('two who are away write to each other once each at most', async () => {
  const { site, alice } = await start();
  const bob = await site.user('bob');
  await site.reply(bob, {});
  await site.submit(bob, [alice.address], `From: ${bob.address}\r\nTo: ${alice.address}\r\n\r\nText\r\n`);
  const [alices = [], bobs = []] = await site.mailboxes(alice, bob);
  expect([alices.length, bobs.length]).toEqual([1, 1]);
});
