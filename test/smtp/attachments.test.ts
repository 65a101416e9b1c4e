import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { blockedExtensions } from '#config/blocked-extensions';
import { gzip, tar, tnef, zip } from '#test/support/archives';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';
import { tempOrganization } from '#test/support/temp-store';
import { ourDomain, startSite } from './site.ts';

const bob = `bob@${ourDomain}`;

/** A message with one file. */
function attached(name: string, content: Uint8Array | string = 'MZ'): string {
  const base64 = Buffer.from(content).toString('base64').replace(/.{76}/g, '$&\r\n');
  return [
    'Subject: Files',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '',
    'Hi',
    '--b',
    `Content-Disposition: attachment; filename="${name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    base64,
    '--b--',
    '',
  ].join('\r\n');
}

test('each of the 90 endings is refused at the end of the message, with its name, and nothing is left', async () => {
  const site = await startSite();
  const user = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  for (const extension of blockedExtensions) {
    const reply = await client.mail('a@away.example', [bob], attached(`file${extension}`));
    expect(reply.line).toMatch(
      /^554 5\.7\.1 The attachment "file\.\w+" is of a kind that is not accepted \[\w+\]$/,
    );
    expect(reply.line).toContain(`"file${extension}"`);
  }
  expect((await client.mail('a@away.example', [bob], attached('file.txt'))).code).toBe(250);
  expect(await site.messages(user)).toHaveLength(1);
});

test.each<[string, () => Buffer, string]>([
  ['all.zip', () => zip({ name: 'docs/run.exe' }), '"docs/run.exe" in "all.zip"'],
  [
    'all.zip',
    () => zip({ name: 'b.tgz', content: gzip(tar({ name: 'run.js' })) }),
    '"run.js" in "b.tar" in "b.tgz"',
  ],
  ['all.tar.gz', () => gzip(tar({ name: 'run.vbs' })), '"run.vbs" in "all.tar" in "all.tar.gz"'],
  ['winmail.dat', () => tnef({ title: 'RUN~1.TXT', longName: 'run.bat' }), '"run.bat" in "winmail.dat"'],
  ['bomb.gz', () => gzip(Buffer.alloc(32 * 1024 * 1024)), '"bomb.gz" unpacks to too much to be checked'],
])('%s is refused for what is in it', async (name, content, words) => {
  const site = await startSite();
  const user = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const reply = await client.mail('a@away.example', [bob], attached(name, content()));
  expect(reply.line).toMatch(/^554 5\.7\.1 The attachment .+ \[\w+\]$/);
  expect(reply.line).toContain(words);
  expect(await site.messages(user)).toEqual([]);
});

test('a large message is refused and its body is gone, for both organisations; the next one passes', async () => {
  const site = await startSite();
  const here = await site.user(bob);
  const there = await site.user(`eve@${ourDomain}`, {
    organization: tempOrganization(site.database),
  });
  const to = [here.address, there.address];
  const client = await SmtpClient.greeted(site.address);
  const filler = { name: 'filler.bin', content: randomBytes(300_000) };
  const bad = await client.mail('a@away.example', to, attached('all.zip', zip(filler, { name: 'run.exe' })));
  expect(bad.line).toContain('554 5.7.1 The attachment "run.exe" in "all.zip"');
  const named = await client.mail('a@away.example', to, attached('run.exe', filler.content));
  expect(named.line).toContain('554 5.7.1 The attachment "run.exe" is');
  expect(await site.database.blobs.list()).toEqual([]);
  expect((await client.mail('a@away.example', to, attached('all.zip', zip(filler)))).code).toBe(250);
  expect(await site.database.blobs.list()).toHaveLength(2);
  for (const user of [here, there]) expect(await site.messages(user)).toHaveLength(1);
});

test('the name is in UTF-8 only for who asked for it, on one line within its limit', async () => {
  const site = await startSite();
  await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const content = attached('=?utf-8?Q?Gr=C3=BC=C3=9Fe=0D=0A250_=E2=80=AEyes?=.exe');
  const plain = await client.mail('a@away.example', [bob], content);
  expect(plain.lines).toHaveLength(1);
  expect(plain.line).toMatch(/^554 5\.7\.1 The attachment "Gr\?\?e ?250 yes\.exe" is of a kind/);
  await client.command('MAIL FROM:<a@away.example> SMTPUTF8');
  await client.command(`RCPT TO:<${bob}>`);
  await client.command('DATA');
  client.write(content);
  expect((await client.command('.')).line).toMatch(/^554 5\.7\.1 The attachment "Grüße ?250 yes\.exe" is/);
  const long = (await client.mail('a@away.example', [bob], attached(`${'long name '.repeat(90)}.exe`))).line;
  expect(long).toContain('.exe"');
  expect(long.length).toBeLessThan(510);
});

test('the settings act: other endings, and archives left alone', async () => {
  const server = await startServer({
    settings: {
      MAILSTEAD_ATTACHMENTS_BLOCKED_EXTENSIONS: '.pdf,.EXE',
      MAILSTEAD_ATTACHMENTS_INSPECT_ARCHIVES: 'false',
    },
  });
  const { address } = await server.addUser('alice');
  const client = await SmtpClient.greeted(`${server.smtp.host}:${server.smtp.port}`);
  const send = async (...file: Parameters<typeof attached>) =>
    (await client.mail('a@away.example', [address], attached(...file))).code;
  expect(await send('a.pdf')).toBe(554);
  expect(await send('a.exe')).toBe(554);
  expect(await send('a.js')).toBe(250);
  expect(await send('a.zip', zip({ name: 'a.exe' }))).toBe(250);
});
