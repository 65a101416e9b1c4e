import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
