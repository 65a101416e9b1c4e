import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Account } from '#directory/account';
import { type Folder, FolderType, rootFolder } from '#domain/folder';
import type { OrganizationId } from '#domain/ids';
import { CachingDns } from '#protocols/smtp/dns';
import { startDns } from '#test/support/dns-responder';
import { ed25519Key, rsaKey, signed } from '#test/support/signer';
import { SmtpClient } from '#test/support/smtp-client';
import { tempOrganization } from '#test/support/temp-store';
import { systemOutside } from '../../src/outside.ts';
import { ourDomain, type Site, startSite } from './site.ts';

const bob = `bob@${ourDomain}`;
const rsa = rsaKey();
const ed25519 = ed25519Key();

const zone = {
  'good.example': { txt: ['v=spf1 ip4:127.0.0.1 -all'] },
  'bad.example': { txt: ['v=spf1 ip4:192.0.2.1 -all'] },
  'r._domainkey.good.example': { txt: [rsa.record] },
  'e._domainkey.good.example': { txt: [ed25519.record] },
  '_dmarc.good.example': { txt: ['v=DMARC1; p=reject'] },
  '_dmarc.bad.example': { txt: ['v=DMARC1; p=reject'] },
  '_dmarc.dubious.example': { txt: ['v=DMARC1; p=quarantine'] },
  '_dmarc.down.example': { fails: true },
};

/** A site that trusts nobody and asks a name server of its own. */
async function startWary(options: Parameters<typeof startSite>[0] = {}): Promise<Site> {
  const dns = new CachingDns({ servers: [await startDns(zone)], clock: systemOutside.clock });
  return startSite({ authentication: { resolve: dns.resolver, trustedNetworks: [] }, ...options });
}

const message = (from: string, body = 'Hello\r\n') => `From: <${from}>\r\nSubject: Hi\r\n\r\n${body}`;
const junkOf = (site: Site, account: Account) => site.messages(account, FolderType.UserMail);

describe('a message that is authenticated', () => {
  test('has Return-Path, Authentication-Results and Received in front, and its verdicts with it', async () => {
    const site = await startWary();
    const user = await site.user(bob);
    const sign = { signingDomain: 'good.example', canonicalization: 'simple/relaxed' };
    let raw = await signed(message('al@good.example'), rsa, { ...sign, selector: 'r' });
    raw = await signed(raw, ed25519, { ...sign, selector: 'e' });
    const forged =
      'Authentication-Results: mx.ours.example; dmarc=fail\r\nAuthentication-Results: other.example; x=y\r\n';
    const client = await SmtpClient.greeted(site.address);
    expect((await client.mail('al@good.example', [bob], forged + raw)).code).toBe(250);
    const [found] = await site.messages(user);
    const [head = '', rest = ''] = found?.raw.split(/(?=Authentication-Results: other)/) ?? [];
    expect(rest).toBe(`Authentication-Results: other.example; x=y\r\n${raw}`);
    expect(head.split(/\r\n(?!\t)/).map((field) => field.split(':')[0])).toEqual([
      'Return-Path',
      'Authentication-Results',
      'Received',
      '',
    ]);
    expect(head).toMatch(
      /results: mx\.ours\.example;\r\n\tspf=pass smtp\.mailfrom=good\.example;\r\n\tdkim=pass header\.d=good\.example header\.s=e header\.a=ed25519-sha256 header\.b=\S{8,12};\r\n\tdkim=pass header\.d=good\.example header\.s=r header\.a=rsa-sha256 header\.b=\S{8,12};\r\n\tdmarc=pass \(p=reject\) header\.from=good\.example;\r\n\tarc=none\r\n/i,
    );
    expect(found?.item.size).toBe(found?.raw.length);
    expect(found?.item.verdicts).toEqual({
      spf: { result: 'pass', domain: 'good.example' },
      dkim: { result: 'pass', domains: ['good.example'] },
      dmarc: { result: 'pass', domain: 'good.example', policy: 'reject' },
      arc: { result: 'none' },
    });
  });

  test('is stored the same way when it is a file, and its parts are where they are', async () => {
    const site = await startWary();
    const user = await site.user(bob);
    const text = `${'0123456789 '.repeat(8)}\r\n`.repeat(3_000);
    const parts = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${text}--b\r\nContent-Type: text/csv\r\n\r\na,b\r\n--b--\r\n`;
    const raw = await signed(`From: <al@good.example>\r\n${parts}`, rsa, {
      signingDomain: 'good.example',
      selector: 'r',
    });
    const client = await SmtpClient.greeted(site.address);
    expect((await client.mail('al@good.example', [bob], raw)).code).toBe(250);
    const [found] = await site.messages(user);
    if (found === undefined) throw new Error('the message is missing');
    expect(found.item.body).toMatchObject({ kind: 'blob', isFramed: true });
    expect(found.raw.endsWith(raw)).toBe(true);
    expect(found.raw).toContain('dkim=pass');
    expect(found.item.size).toBe(found.raw.length);
    const [detail] = await site.database.mail.mailbox(user.mailbox).details([found.item.id]);
    const at = (path: string) => {
      const { start = 0, end = 0 } = detail?.parts.find((part) => part.path === path) ?? {};
      return found.raw.slice(start, end);
    };
    expect([at('1'), at('2')]).toEqual([text.slice(0, -2), 'a,b']);
  });

  test('goes to both organisations of its recipients, and to many mailboxes through the queue', async () => {
    const site = await startWary();
    const there = await site.user(`eve@${ourDomain}`, { organization: tempOrganization(site.database) });
    const users: Account[] = [];
    for (let n = 0; n < 65; n++) users.push(await site.user(`u${n}@${ourDomain}`));
    const client = await SmtpClient.greeted(site.address);
    const to = [there, ...users].map(({ address }) => address);
    expect(
      (await client.mail('x@dubious.example', to, message('x@dubious.example', 'x'.repeat(50_000)))).code,
    ).toBe(250);
    await site.runner.settled();
    for (const user of [there, ...users.slice(0, 2), ...users.slice(-2)]) {
      const [found, ...more] = await junkOf(site, user);
      expect(more).toEqual([]);
      expect(found?.item.verdicts).toMatchObject({ dmarc: { result: 'fail' }, junk: 'dmarc' });
      expect(found?.raw).toMatch(/^Return-Path: .*\r\nAuthentication-Results: /);
    }
  });
});

describe('a message that fails DMARC', () => {
  test('is refused when the policy is to reject it, and nothing of it is left', async () => {
    const site = await startWary();
    const user = await site.user(bob);
    const client = await SmtpClient.greeted(site.address);
    const raw = message('al@bad.example', `${'x'.repeat(70)}\r\n`.repeat(1_500));
    const reply = await client.mail('al@bad.example', [bob], raw);
    expect(reply.line).toMatch(
      /^550 5\.7\.26 The message is not authenticated as the policy of bad\.example demands \[/,
    );
    expect(await site.messages(user)).toEqual([]);
    expect(await site.database.blobs.list()).toEqual([]);
  });

  test.each([
    ['of several authors', 'From: <al@bad.example>\r\nFrom: <al@good.example>\r\n\r\n', 550],
    ['without an author', 'Subject: x\r\n\r\n', 250],
  ])('%s', async (_name, raw, code) => {
    const site = await startWary();
    const user = await site.user(bob);
    const client = await SmtpClient.greeted(site.address);
    expect((await client.mail('al@good.example', [bob], raw)).code).toBe(code);
    expect(await junkOf(site, user)).toHaveLength(code === 250 ? 1 : 0);
  });

  test('is put into Junk E-mail when the policy is quarantine', async () => {
    const site = await startWary();
    const user = await site.user(bob);
    const client = await SmtpClient.greeted(site.address);
    expect((await client.mail('x@dubious.example', [bob], message('x@dubious.example'))).code).toBe(250);
    expect(await site.messages(user)).toEqual([]);
    expect(await junkOf(site, user)).toHaveLength(1);
  });

  test('is taken as any other where that is not enforced; refused only if all organisations want it', async () => {
    let other: OrganizationId | undefined;
    const site = await startWary({ isDmarcEnforced: async (organization) => organization !== other });
    other = tempOrganization(site.database);
    const strict = await site.user(bob);
    const mild = await site.user(`eve@${ourDomain}`, { organization: other });
    const client = await SmtpClient.greeted(site.address);
    const send = async (...to: readonly Account[]) =>
      (
        await client.mail(
          'al@bad.example',
          to.map(({ address }) => address),
          message('al@bad.example'),
        )
      ).code;
    expect([await send(strict), await send(mild), await send(strict, mild)]).toEqual([550, 250, 250]);
    const [kept] = await site.messages(mild);
    expect(kept?.raw).toContain('dmarc=fail (p=reject)');
    expect(kept?.item.verdicts?.junk).toBeUndefined();
    expect(await site.messages(mild)).toHaveLength(2);
    expect(await site.messages(strict)).toEqual([]);
    expect(await junkOf(site, strict)).toHaveLength(1);
  });

  test('is taken when it cannot be known', async () => {
    const site = await startWary();
    const user = await site.user(bob);
    const client = await SmtpClient.greeted(site.address);
    expect((await client.mail('x@down.example', [bob], message('x@down.example'))).code).toBe(250);
    const [found] = await site.messages(user);
    expect(found?.item.verdicts?.dmarc?.result).toBe('temperror');
  });

  test('by a client that is trusted is not looked at', async () => {
    const site = await startWary({ authentication: { trustedNetworks: ['127.0.0.0/8'] } });
    const user = await site.user(bob);
    const client = await SmtpClient.greeted(site.address);
    const forged = `Authentication-Results: mx.ours.example; spf=pass\r\n${message('al@bad.example')}`;
    expect((await client.mail('al@bad.example', [bob], forged)).code).toBe(250);
    const [found] = await site.messages(user);
    expect(found?.item.verdicts).toBeUndefined();
    expect(found?.raw).not.toContain('Authentication-Results');
  });
});

test('Junk E-mail is made anew when its owner deleted it or called it otherwise, and devices are told', async () => {
  const site = await startWary();
  const user = await site.user(bob);
  const { mail } = site.database;
  const reader = mail.mailbox(user.mailbox);
  const named = async (name: string): Promise<Folder[]> =>
    (await reader.folders()).filter((one) => one.name === name);
  const [first] = await named('Junk E-mail');
  if (first === undefined) throw new Error('there is no Junk E-mail');
  const client = await SmtpClient.greeted(site.address);
  const send = () => client.mail('x@dubious.example', [bob], message('x@dubious.example'));

  await mail.transact([user.mailbox], async (of) =>
    of(user.mailbox).putFolder({ ...first, name: 'Old things' }),
  );
  const seq = await reader.lastSeq();
  for (let n = 0; n < 2; n++) expect((await send()).code).toBe(250);
  const [second, ...more] = await named('Junk E-mail');
  expect(more).toEqual([]);
  expect(second).toMatchObject({ parent: rootFolder, type: FolderType.UserMail });
  expect(await junkOf(site, user)).toEqual([]);
  const { rows } = await reader.hierarchyChanges(seq);
  expect(rows.flatMap(({ changes }) => changes.map(({ folder }) => folder))).toEqual([second?.id]);

  await mail.transact([user.mailbox], async (of) =>
    of(user.mailbox).putFolder({ ...first, name: 'JUNK e-mail' }),
  );
  await mail.transact([user.mailbox], async (of) => of(user.mailbox).deleteFolder(second?.id ?? first.id));
  expect((await send()).code).toBe(250);
  expect(await junkOf(site, user)).toHaveLength(1);
});

test('one message whose name servers never answer holds up no other connection', async () => {
  const site = await startWary({
    authentication: {
      resolve: (name) =>
        name.endsWith('slow.example') ? new Promise(() => undefined) : Promise.reject(new Error('?')),
      trustedNetworks: [],
      timeoutMs: 2_000,
    },
  });
  await site.user(bob);
  const [slow, quick] = await Promise.all([
    SmtpClient.greeted(site.address),
    SmtpClient.greeted(site.address),
  ]);
  const order: string[] = [];
  await Promise.all([
    slow
      .mail('x@slow.example', [bob], message('x@slow.example'))
      .then(({ code }) => order.push(`slow ${code}`)),
    quick
      .mail('x@quick.example', [bob], message('x@quick.example'))
      .then(({ code }) => order.push(`quick ${code}`)),
  ]);
  expect(order).toEqual(['quick 250', 'slow 250']);
});

test('a header that would cost too much is refused, and the connection goes on', async () => {
  const site = await startWary();
  const user = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const send = async (raw: string) => (await client.mail('al@good.example', [bob], raw)).line.slice(0, 9);
  expect(await send(`${'X: y\r\n'.repeat(1_500)}${message('al@good.example')}`)).toBe('554 5.6.0');
  expect(await send(`X: ${'y\r\n '.repeat(70_000)}\r\n${message('al@good.example')}`)).toBe('554 5.6.0');
  expect(await send(`X: ${'y\r\n '.repeat(60_000)}\r\n${message('al@good.example')}`)).toBe('250 2.0.0');
  const many =
    'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=x.example; s=s; h=from; bh=AA; b=AA\r\n'.repeat(
      100,
    );
  expect(await send(many + message('al@good.example'))).toBe('250 2.0.0');
  expect(await site.messages(user)).toHaveLength(2);
});

test('a message that is cut off while it is looked at leaves nothing', async () => {
  const site = await startWary();
  await site.user(bob);
  const { hostname, port } = new URL(`smtp://${site.address}`);
  const socket = connect(Number(port), hostname);
  socket.write(
    `EHLO x\r\nMAIL FROM:<al@good.example>\r\nRCPT TO:<${bob}>\r\nDATA\r\n${message('al@good.example', 'xyz\r\n'.repeat(20_000))}`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
  await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  await site.receiver.close(1_000);
  expect(await site.database.blobs.list()).toEqual([]);
});
