import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';

test('port 25 relays addresses of a domain of ours that another server has, and nothing else', async () => {
  const old = await startNextServer();
  const folder = await tempFolder();
  const relay = `smtp://127.0.0.1:${old.port}`;
  await writeFile(
    join(folder, 'mailstead.toml'),
    ['test.mailstead.test', 'partner.example']
      .map((domain) => `[[outbound.route]]\ndomain = "${domain}"\nrelay = "${relay}"\nonly_unknown = true\n`)
      .join('\n'),
  );
  const { server, addUser } = await startServer({ folder });
  const alice = await addUser('alice');
  const client = await SmtpClient.greeted(server.addresses['smtp'] ?? '');
  const raw = 'From: x@elsewhere.example\r\n\r\nText\r\n';
  const to = ['old@test.mailstead.test', alice.address];
  expect((await client.mail('x@elsewhere.example', to, raw)).code).toBe(250);
  await old.arrived(1);
  expect(old.mails).toMatchObject([{ from: 'x@elsewhere.example', to: ['old@test.mailstead.test'] }]);
  const refused = await client.mail('x@elsewhere.example', ['bob@partner.example'], raw);
  expect(refused.line).toMatch(/^550 5\.7\.1 /);
  client.close();
});

test('what is found out about a message goes in front of it to the other server too; the setting decides', async () => {
  const old = await startNextServer();
  const folder = await tempFolder();
  const dns = await startDns({
    '_dmarc.author.example': { txt: ['v=DMARC1; p=reject'] },
    'author.example': { txt: ['v=spf1 -all'] },
  });
  await writeFile(
    join(folder, 'mailstead.toml'),
    [
      '[[outbound.route]]\ndomain = "test.mailstead.test"',
      `relay = "smtp://127.0.0.1:${old.port}"\nonly_unknown = true`,
      `[authentication]\ntrusted_networks = []`,
      `[dns]\nservers = ["${dns}"]`,
    ].join('\n'),
  );
  const { server, addUser, admin, organization: OrganizationId } = await startServer({ folder });
  const alice = await addUser('alice');
  const client = await SmtpClient.greeted(server.addresses['smtp'] ?? '');
  const body = `${'y'.repeat(70)}\r\n`.repeat(1_000);
  const raw = `Authentication-Results: LOCALHOST; dmarc=pass\r\nFrom: x@author.example\r\n\r\n${body}`;
  const send = async (...to: readonly string[]) => (await client.mail('x@author.example', to, raw)).line;
  expect(await send('old@test.mailstead.test')).toMatch(/^550 5\.7\.26 /);
  await admin('PutInboundDmarcSettings', { OrganizationId, Enforced: false });
  expect(await send('old@test.mailstead.test', alice.address)).toMatch(/^250 /);
  await old.arrived(1);
  const [mail] = old.mails;
  expect(mail?.raw).toMatch(
    /\r\nAuthentication-Results: localhost;\r\n\tspf=fail smtp\.mailfrom=author\.example;\r\n\tdkim=none;\r\n\tdmarc=fail \(p=reject\) header\.from=author\.example;\r\n\tarc=none\r\nReceived: /,
  );
  // Nothing but what is ours is in front.
  expect(
    mail?.raw
      .split(/\r\n(?![\t ])/)
      .slice(0, 5)
      .map((field) => field.split(':')[0]),
  ).toEqual(['DKIM-Signature', 'DKIM-Signature', 'Authentication-Results', 'Received', 'From']);
  expect(mail?.raw.split(/(?=From: x@)/).at(-1)).toBe(`From: x@author.example\r\n\r\n${body}`);
  expect(mail?.raw).not.toContain('LOCALHOST');
  client.close();
});
