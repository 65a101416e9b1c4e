import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { describe, expect, test } from 'vitest';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { el, textOf } from '#protocols/activesync/wbxml/element';
import { largeMailFixture } from '#test/fixtures/mail/large';
import { startDns } from '#test/support/dns-responder';
import { EasClient } from '#test/support/eas-client';
import type { TestUser } from '#test/support/start-server';
import { letter, type RulesSite, sender, startRulesSite, unsigned } from './rules-site.ts';

const rule = (Actions: object, more: object = {}) => ({ Name: randomUUID(), Actions, ...more });
const redirect = (...to: readonly string[]) => rule({ RedirectTo: to });
const forward = (...to: readonly string[]) => rule({ ForwardTo: to });

async function start() {
  const site = await startRulesSite();
  return { site, alice: await site.user('alice') };
}

async function phoneOf({ server }: RulesSite, { address, password }: TestUser): Promise<EasClient> {
  const { baseUrl, ca } = server;
  const device = {
    version: '16.1',
    deviceId: 'phone1',
    deviceType: 'TestPhone',
    base64Query: false,
  } as const;
  const phone = new EasClient({ baseUrl, ca, user: address, password, ...device });
  await phone.provision();
  await phone.folderSync();
  return phone;
}

/** What the receiver sees of a message beside the trace fields in front of it. */
const head = (raw: string) => raw.slice(0, raw.indexOf('\r\n\r\n'));

describe('where a message goes', () => {
  test('rules move, delete and mark as read; what no rule is for stays in the Inbox', async () => {
    const { site, alice } = await start();
    await site.rules(alice, [
      rule(
        { MoveToFolder: 'Inbox/Bills', MarkAsRead: true },
        { Conditions: { SubjectContains: ['invoice'] } },
      ),
      rule({ Delete: true }, { Conditions: { FromContains: ['spam@'] } }),
    ]);
    await site.send(alice, letter(alice, ['Subject: Your Invoice']));
    await site.send(alice, letter(alice, ['Subject: Other']));
    await site.send(alice, letter(alice).replace('Bob <bob@', 'Bob <spam@'));
    const [kept = []] = await site.mailboxes(alice);
    expect(kept.map(({ folder, isRead }) => [folder, isRead])).toEqual([
      ['Inbox', false],
      ['Deleted Items', false],
      ['Bills', true],
    ]);
  });

  test('what is junk is neither moved nor answered', async () => {
    const dns = await startDns({ '_dmarc.one.example': { txt: ['v=DMARC1; p=quarantine'] } });
    const site = await startRulesSite({
      settings: { MAILSTEAD_AUTHENTICATION_TRUSTED_NETWORKS: '', MAILSTEAD_DNS_SERVERS: dns },
    });
    const alice = await site.user('alice');
    await site.rules(alice, [rule({ Delete: true, RedirectTo: ['bob@two.example'] })]);
    await site.reply(alice, {});
    await site.send(alice, letter(alice));
    const [kept = []] = await site.mailboxes(alice);
    expect(kept.map(({ folder, isRead }) => [folder, isRead])).toEqual([['Junk E-mail', false]]);
    expect(site.next.mails).toEqual([]);
  });

  test('a phone is told of the folder when the rule is put, and finds the message there', async () => {
    const { site, alice } = await start();
    const phone = await phoneOf(site, alice);
    const inbox = phone.folder(2);
    await phone.syncAll(inbox);
    await site.rules(alice, [rule({ MoveToFolder: 'Inbox/Bills', MarkAsRead: true })]);
    await phone.folderSync();
    const [id = ''] = [...phone.folders].find(([, { displayName }]) => displayName === 'Bills') ?? [];
    expect(phone.folders.get(id)).toMatchObject({ parentId: inbox, type: 12 });
    await phone.syncAll(id);
    await site.send(alice, letter(alice, ['Subject: Invoice']));
    const items = await phone.syncAll(id);
    expect(
      [...items.values()].map((item) => [textOf(item, Email.Subject), textOf(item, Email.Read)]),
    ).toEqual([['Invoice', '1']]);
    expect((await phone.syncAll(inbox)).size).toBe(0);
  });

  test('mail from a phone obeys the rules of its recipients, and its sender is known to be written to', async () => {
    const { site, alice } = await start();
    const bob = await site.user('bob');
    await site.rules(alice, [rule({ Delete: true })]);
    await site.reply(bob, { ExternalAudience: 'KNOWN' });
    const phone = await phoneOf(site, bob);
    const raw = `From: ${bob.address}\r\nTo: ${alice.address}, carol@one.example\r\nSubject: Hi\r\n\r\nText\r\n`;
    const mime = el(ComposeMail.Mime, Buffer.from(raw));
    await phone.command(
      'SendMail',
      el(ComposeMail.SendMail, el(ComposeMail.ClientId, '1'), el(ComposeMail.SaveInSentItems), mime),
    );
    await site.next.arrived(1);
    await site.send(bob, letter(bob), 'Carol@one.example');
    await site.send(bob, letter(bob), 'dave@one.example');
    const [kept = []] = await site.mailboxes(alice);
    expect(kept.map(({ folder }) => folder)).toEqual(['Deleted Items']);
    expect(site.next.mails.slice(1).map(({ to }) => to)).toEqual([['Carol@one.example']]);
  });

  test('the rules and the reply of a disabled user rest, and are there when the user is enabled again', async () => {
    const { site, alice } = await start();
    const { organization: OrganizationId } = site.server;
    await site.rules(alice, [redirect('home@one.example')]);
    await site.server.admin('DeregisterFromWorkMail', { OrganizationId, EntityId: alice.id });
    await expect(site.send(alice, letter(alice))).rejects.toThrow();
    await site.server.admin('RegisterToWorkMail', {
      OrganizationId,
      EntityId: alice.id,
      Email: alice.address,
    });
    await site.send(alice, letter(alice));
    await site.left();
    expect(site.next.mails).toHaveLength(1);
  });
});

describe('redirect', () => {
  test('sends the message byte by byte as it came, from the address of the owner, and keeps it', async () => {
    const { site, alice } = await start();
    await site.rules(alice, [redirect('home@one.example', 'work@two.example')]);
    const raw = letter(alice, ['X-Odd:  two  spaces'], '.\r\n\r\n..\xfcber\r\n\tend  ');
    await site.send(alice, Buffer.from(raw.replace(/^\./gm, '..'), 'latin1'));
    await site.left();
    expect(site.next.mails.map(({ from, to }) => [from, to])).toEqual([
      [alice.address, ['home@one.example', 'work@two.example']],
    ]);
    const sent = unsigned(site.next.mails[0]?.raw ?? '');
    expect(sent.slice(-raw.length)).toBe(raw);
    expect(head(sent).slice(0, -head(raw).length)).toMatch(
      /^Delivered-To: alice@test\.mailstead\.test\r\nReceived: from client\.example [^\r]*\r\n(?:\t[^\r]*\r\n)+$/,
    );
    const [kept = []] = await site.mailboxes(alice);
    expect(kept.map(({ folder }) => folder)).toEqual(['Inbox']);
  });

  test('leaves the DKIM signature of the author valid', async () => {
    const { site, alice } = await start();
    await site.rules(alice, [redirect('home@two.example')]);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const raw = letter(alice, ['Subject: Signed', 'Date: Mon, 23 Nov 2026 09:00:00 +0000']);
    const signing = { signingDomain: 'one.example', selector: 's', privateKey, algorithm: 'rsa-sha256' };
    const { signatures } = await dkimSign(raw, { ...signing, signatureData: [signing] });
    await site.send(alice, signatures + raw);
    await site.left();
    const { results } = await dkimVerify(site.next.mails[0]?.raw ?? '', {
      resolver: async () => [[`v=DKIM1; k=rsa; p=${publicKey.toString('base64')}`]],
    });
    const ofAuthor = results.filter(({ signingDomain }) => signingDomain === 'one.example');
    expect(ofAuthor.map(({ status }) => [status.result, status.aligned])).toEqual([['pass', 'one.example']]);
  });

  test('does not sign for an author whom nobody has seen sign in', async () => {
    const { site, alice } = await start();
    await site.rules(alice, [redirect('home@two.example')]);
    await site.send(alice, letter(alice).replace('<bob@one.example>', '<boss@test.mailstead.test>'));
    await site.left();
    expect(site.next.mails.map(({ raw }) => raw.includes('DKIM-Signature:'))).toEqual([false]);
  });

  test('of 25 MB is the file it is stored in, twice redirected and forwarded', async () => {
    const { site, alice } = await start();
    const bob = await site.user('bob');
    await site.rules(alice, [redirect('home@one.example', bob.address), forward('work@one.example')]);
    await site.rules(bob, [redirect('end@one.example')]);
    const { raw } = largeMailFixture();
    await site.send(alice, raw);
    const [alices = [], bobs = []] = await site.mailboxes(alice, bob);
    const text = raw.toString('latin1');
    const endsSo = (found: string | undefined) => found?.endsWith(text) === true;
    expect([alices, bobs].map((kept) => kept.map((one) => endsSo(one.raw)))).toEqual([[true], [true]]);
    const byRecipient = new Map(site.next.mails.map((mail) => [mail.to[0], mail.raw]));
    expect([...byRecipient.keys()].toSorted()).toEqual([
      'end@one.example',
      'home@one.example',
      'work@one.example',
    ]);
    expect([byRecipient.get('home@one.example'), byRecipient.get('end@one.example')].map(endsSo)).toEqual([
      true,
      true,
    ]);
    expect(byRecipient.get('work@one.example')?.includes(text)).toBe(true);
    expect(unsigned(byRecipient.get('end@one.example') ?? '')).toMatch(
      /^Delivered-To: bob@[\s\S]*\r\nDelivered-To: alice@/,
    );
  }, 120_000);

  test('to one of us gives that one the message once, with its own rules', async () => {
    const { site, alice } = await start();
    const bob = await site.user('bob');
    await site.rules(alice, [redirect(bob.address)]);
    await site.rules(bob, [rule({ MoveToFolder: 'Alice' })]);
    await site.send(alice, letter(alice));
    const [, bobs = []] = await site.mailboxes(alice, bob);
    expect(bobs.map(({ folder }) => folder)).toEqual(['Alice']);
    expect(bobs[0]?.raw).toMatch(
      /^Return-Path: <alice@test\.mailstead\.test>\r\nReceived: [\s\S]*\r\nDelivered-To: alice@/,
    );
  });

  test('what cannot be delivered comes back to the owner, and stays there', async () => {
    const { site, alice } = await start();
    await site.rules(alice, [redirect('nobody@test.mailstead.test')]);
    await site.send(alice, letter(alice));
    const [kept = []] = await site.mailboxes(alice);
    expect(kept.map(({ raw }) => /^Subject: (.*)$/m.exec(raw)?.[1])).toEqual(['Undelivered mail', undefined]);
    expect(site.next.mails).toEqual([]);
  });
});

test('forward sends a message of the owner with the one that came attached', async () => {
  const { site, alice } = await start();
  await site.rules(alice, [forward('home@one.example', 'work@two.example')]);
  const raw = letter(alice, ['Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?='], 'B\xfcro');
  await site.send(alice, Buffer.from(raw, 'latin1'));
  await site.left();
  const [mail, ...others] = site.next.mails;
  expect(others).toEqual([]);
  expect(mail).toMatchObject({ from: alice.address, to: ['home@one.example', 'work@two.example'] });
  const sent = unsigned(mail?.raw ?? '');
  expect(head(sent).split(/\r\n(?![ \t])/)).toEqual([
    'Delivered-To: alice@test.mailstead.test',
    'From: "Alice" <alice@test.mailstead.test>',
    'To: <home@one.example>,\r\n <work@two.example>',
    `Subject: =?utf-8?B?${Buffer.from('FW: Grüße').toString('base64')}?=`,
    expect.stringMatching(/^Date: /),
    expect.stringMatching(/^Message-ID: <[0-9a-f]{32}@test\.mailstead\.test>$/),
    'References: <1@one.example>',
    'Auto-Submitted: auto-generated',
    'X-Auto-Response-Suppress: All',
    'MIME-Version: 1.0',
    expect.stringMatching(/^Content-Type: multipart\/mixed;\r\n\tboundary="=_[0-9a-f]{32}"$/),
    'Content-Transfer-Encoding: 8bit',
  ]);
  const boundary = /boundary="([^"]+)"/.exec(sent)?.[1];
  expect(sent).toMatch(/Content-Type: message\/rfc822\r\n[\s\S]*8bit\r\n\r\nReceived: from client\.example/);
  expect(sent.endsWith(`${raw}\r\n--${boundary}--\r\n`)).toBe(true);
});

describe('no loops', () => {
  test.each([
    ['redirects', redirect],
    ['forwards', forward],
  ])('two who pass on to each other by %s end it', async (_name, passOn) => {
    const { site, alice } = await start();
    const bob = await site.user('bob');
    await site.rules(alice, [passOn(bob.address)]);
    await site.rules(bob, [passOn(alice.address)]);
    await site.send(alice, letter(alice));
    const [alices = [], bobs = []] = await site.mailboxes(alice, bob);
    expect([alices.length, bobs.length]).toEqual([2, 1]);
  });

  test('a chain of three goes on to its end', async () => {
    const { site, alice } = await start();
    const [bob, carol] = [await site.user('bob'), await site.user('carol')];
    await site.rules(alice, [forward(bob.address)]);
    await site.rules(bob, [forward(carol.address)]);
    await site.rules(carol, [redirect('end@one.example')]);
    await site.send(alice, letter(alice));
    // The queue is listed shard by shard: mail that moves on meanwhile may be in none.
    await site.next.arrived(1);
    await site.left();
    expect(site.next.mails).toHaveLength(1);
  });

  test.each<[what: string, fields: string[], from: string]>([
    ['a bounce', [], ''],
    ['an automatic reply', ['Auto-Submitted: auto-replied'], sender],
    ['what came back', ['Delivered-To: Alice@TEST.mailstead.test'], sender],
  ])('%s is not passed on, but moved', async (_what, fields, from) => {
    const { site, alice } = await start();
    await site.rules(alice, [
      rule({ MoveToFolder: 'Moved', RedirectTo: ['x@one.example'], ForwardTo: ['y@one.example'] }),
    ]);
    await site.send(alice, letter(alice, fields), from);
    const [kept = []] = await site.mailboxes(alice);
    expect(site.next.mails).toEqual([]);
    expect(kept.map(({ folder }) => folder)).toEqual(['Moved']);
  });
});

test('a message of 28 KB leaves to twenty domains', async () => {
  const site = await startRulesSite({
    settings: { MAILSTEAD_OUTBOUND_RELAY: '', MAILSTEAD_DNS_SERVERS: '127.0.0.1:9' },
  });
  const alice = await site.user('alice');
  const domains = Array.from({ length: 20 }, (_, n) => `user@domain${n}.example`);
  await site.rules(alice, [redirect(...domains.slice(0, 10)), forward(...domains.slice(10))]);
  await site.send(alice, letter(alice, [], 'x'.repeat(70).concat('\r\n').repeat(400)));
  const { organization: OrganizationId } = site.server;
  const { Messages } = await site.server.admin('Mailstead.ListQueue', { OrganizationId });
  expect(Messages).toHaveLength(20);
});

/** A group with the address staff@. */
async function staff({ server }: RulesSite, members: readonly TestUser[]): Promise<string> {
  const { organization: OrganizationId, admin } = server;
  const { GroupId } = await admin('CreateGroup', { OrganizationId, Name: 'staff' });
  const Email = 'staff@test.mailstead.test';
  await admin('RegisterToWorkMail', { OrganizationId, EntityId: GroupId, Email });
  for (const { id: MemberId } of members) {
    await admin('AssociateMemberToGroup', { OrganizationId, GroupId, MemberId });
  }
  return Email;
}

test.each([
  ['redirect', redirect, letter('staff@test.mailstead.test')],
  ['forward', forward, letter('staff@test.mailstead.test')],
  [
    'forward without Message-ID',
    forward,
    letter('staff@test.mailstead.test').replace(/Message-ID.*\r\n/, ''),
  ],
])(
  'members of a group who all pass on to the group do so once: %s',
  async (_name, passOn, raw) => {
    const { site, alice } = await start();
    const users = [
      alice,
      ...(await Promise.all(['bob', 'carol', 'dave', 'eve'].map((name) => site.user(name)))),
    ];
    const address = await staff(site, users);
    for (const user of users) await site.rules(user, [passOn(address)]);
    await site.send([address], raw);
    const kept = await site.mailboxes(...users);
    // What came, and what each of the five passed on.
    expect(kept.map((items) => items.length)).toEqual(users.map(() => 6));
  },
  60_000,
);

test('seventy members of a group, each with a rule: everybody gets it, and every rule is obeyed once', async () => {
  const { site, alice } = await start();
  const users = await Promise.all(Array.from({ length: 70 }, (_, n) => site.user(`user${n}`)));
  for (const [n, user] of users.entries()) await site.rules(user, [redirect(`home${n}@one.example`)]);
  const address = await staff(site, users);
  await site.reply(alice, {});
  await site.send([address, alice.address], letter(alice));
  await site.next.arrived(71);
  const kept = await site.mailboxes(alice, ...users);
  expect(kept.map((items) => items.length)).toEqual(Array.from({ length: 71 }, () => 1));
  const expected = ['bob@one.example', ...users.map((_, n) => `home${n}@one.example`)];
  expect(site.next.mails.flatMap(({ to }) => to).toSorted()).toEqual(expected.toSorted());
}, 60_000);
