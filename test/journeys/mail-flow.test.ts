/** Mail on its whole way: another server, a group, a rule, another server again; and still signed by whom it names. */
import { dirname } from 'node:path';
import { authenticate } from 'mailauth';
import { expect } from 'vitest';
import { listEnd, listStart } from '#domain/change';
import { defaultFolder, FolderType } from '#domain/folder';
import type { ItemId, MailboxRef } from '#domain/ids';
import { postfixForTest, testWith } from '#test/support/peers';
import { freePort } from '#test/support/postfix';
import { type ShownRecord, startZone } from '#test/support/published-zone';
import { rsaKey, signed } from '#test/support/signer';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer, type TestServer } from '#test/support/start-server';
import { tempDatabase } from '#test/support/temp-store';

const test = await testWith('postfix');

const members = 300;
const ours = 'test.mailstead.test';
const key = rsaKey();

const zone = {
  'partner.example': { a: ['127.0.0.1'], txt: ['v=spf1 -all'] },
  's._domainkey.partner.example': { txt: [key.record] },
  '_dmarc.partner.example': { txt: ['v=DMARC1; p=reject; aspf=s; adkim=s'] },
  'far.example': { a: ['127.0.0.1'] },
};

/** A server and a Postfix that send each other mail, and the names they both are found by. */
async function start() {
  const smtpPort = await freePort();
  const names = await startZone(zone);
  const postfix = await postfixForTest({
    domains: ['partner.example', 'far.example'],
    settings: {
      transport_maps: `inline:{ { ${ours} = smtp:[127.0.0.1]:${smtpPort} } }`,
      smtp_tls_security_level: 'encrypt',
    },
  });
  const server = await startServer({
    settings: {
      MAILSTEAD_LISTEN_SMTP: `127.0.0.1:${smtpPort}`,
      MAILSTEAD_DNS_SERVERS: names.server,
      MAILSTEAD_OUTBOUND_PORT: String(postfix.port),
      // Postfix is on this machine, and still a stranger.
      MAILSTEAD_AUTHENTICATION_TRUSTED_NETWORKS: '192.0.2.0/24',
    },
  });
  const call = (operation: string, input: object) =>
    server.admin(operation, { OrganizationId: server.organization, ...input });
  const { Records } = await call('GetMailDomain', { DomainName: ours });
  names.publish(Records as ShownRecord[]);
  names.names[`_dmarc.${ours}`] = { txt: ['v=DMARC1; p=reject'] };
  return { names, postfix, server, call };
}

type Call = Awaited<ReturnType<typeof start>>['call'];

/** Users and a group of them all; gives the ids of the users. */
async function makeGroup(call: Call): Promise<readonly string[]> {
  const group = String((await call('CreateGroup', { Name: 'all' }))['GroupId']);
  await call('RegisterToWorkMail', { EntityId: group, Email: `all@${ours}` });
  const ids: string[] = [];
  for (let n = 0; n < members; n++) {
    const Name = `user${n}`;
    const id = String((await call('CreateUser', { Name, DisplayName: Name }))['UserId']);
    await call('RegisterToWorkMail', { EntityId: id, Email: `${Name}@${ours}` });
    await call('AssociateMemberToGroup', { GroupId: group, MemberId: id });
    ids.push(id);
  }
  return ids;
}

/** Stops the server, and gives what is in each Inbox. */
async function inboxesOf(
  server: TestServer,
  ids: readonly string[],
): Promise<readonly (readonly string[])[]> {
  await server.server.stop();
  const { mail } = await tempDatabase({ folder: dirname(server.dataDir) });
  return Promise.all(
    ids.map(async (id) => {
      const reader = mail.mailbox({ organization: server.organization, mailbox: id } as MailboxRef);
      const range = { from: listStart, to: listEnd, limit: 100 };
      const places = await reader.list(defaultFolder(FolderType.Inbox), range);
      const bodies = await reader.inlineBodies(places.map(({ item }) => item as ItemId));
      return bodies.map((raw) => Buffer.from(raw ?? []).toString());
    }),
  );
}

test('Postfix to a group of 300, redirected and forwarded to Postfix: once each, with valid DKIM and DMARC', {
  timeout: 120_000,
}, async () => {
  const { names, postfix, server, call } = await start();
  const ids = await makeGroup(call);
  const rule = (Actions: object) => [{ Name: 'on', Actions }];
  await call('Mailstead.PutMailRules', {
    UserId: ids[0],
    Rules: rule({ RedirectTo: ['redirected@far.example'] }),
  });
  await call('Mailstead.PutMailRules', {
    UserId: ids[1],
    Rules: rule({ ForwardTo: ['forwarded@far.example'] }),
  });
  const lines = [
    'From: Joerg <joerg@partner.example>',
    `To: all@${ours}`,
    'Subject: To everybody',
    'Date: Sun, 22 Nov 2026 12:00:00 +0100',
    'Message-ID: <everybody@partner.example>',
  ];
  const raw = await signed(`${lines.join('\r\n')}\r\n\r\nHello\r\n`, key, {
    signingDomain: 'partner.example',
    selector: 's',
  });
  const client = await SmtpClient.greeted(postfix.address);
  expect((await client.mail('joerg@partner.example', [`all@${ours}`], raw)).code).toBe(250);
  client.close();

  await expect.poll(async () => (await postfix.kept()).length, { timeout: 60_000 }).toBe(2);
  const kept = Object.fromEntries((await postfix.kept()).map((mail) => [mail.to, mail.raw]));
  const verdictOf = async (to: string) => {
    const message = Buffer.from((kept[to] ?? '').replaceAll('\n', '\r\n'), 'latin1');
    const { dkim, dmarc } = await authenticate(message, {
      ip: '198.51.100.1',
      helo: 'unknown.example',
      sender: 'x@unknown.example',
      mta: 'far.example',
      resolver: names.resolve,
    });
    const signers = dkim.results.filter(({ status }) => status.result === 'pass');
    return {
      signers: signers.map(({ signingDomain }) => signingDomain),
      dmarc: dmarc === false ? undefined : dmarc.status.result,
    };
  };
  expect(await verdictOf('redirected@far.example')).toMatchObject({
    signers: expect.arrayContaining(['partner.example']),
    dmarc: 'pass',
  });
  expect(kept['redirected@far.example']).toMatch(/^From: Joerg <joerg@partner\.example>$/m);
  expect(await verdictOf('forwarded@far.example')).toMatchObject({ signers: [ours, ours], dmarc: 'pass' });
  expect(kept['forwarded@far.example']).toMatch(new RegExp(`^From: .*<user1@${ours}>$`, 'm'));

  const inboxes = await inboxesOf(server, ids);
  expect(inboxes.map((messages) => messages.length)).toEqual(ids.map(() => 1));
  for (const [message] of inboxes)
    expect(message).toMatch(
      /\r\nAuthentication-Results: localhost;[\s\S]*dkim=pass header\.d=partner\.example[\s\S]*dmarc=pass/,
    );
});
