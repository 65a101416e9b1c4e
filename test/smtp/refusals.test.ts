import { expect, test } from 'vitest';
import { FolderType } from '#domain/folder';
import type { MailStore } from '#domain/ports';
import { SmtpClient } from '#test/support/smtp-client';
import { ourDomain, startSite } from './site.ts';

const bob = `bob@${ourDomain}`;
const hello = 'Subject: Hello\r\n\r\nHi Bob\r\n';

/** A store whose deliveries fail in a way nobody foresaw. */
function failing(store: MailStore): MailStore {
  return new Proxy(store, {
    get: (target, name: keyof MailStore) => {
      const value = target[name];
      return name === 'transact' && armed.is
        ? () => Promise.reject(new Error('disk on fire at /secret'))
        : (value as () => unknown).bind(target);
    },
  });
}
const armed = { is: false };

test.each([
  ['nobody', `RCPT TO:<nobody@${ourDomain}>`, /^550 5\.1\.1 No such user here \[\w+\]$/],
  ['an address elsewhere', 'RCPT TO:<x@away.example>', /^550 5\.7\.1 Relaying denied \[\w+\]$/],
  ['a disabled mailbox', `RCPT TO:<gone@${ourDomain}>`, /^550 5\.2\.1 /],
  ['no address', 'RCPT TO:<>', /^501 5\.1\.3 /],
  ['an address longer than a path', `RCPT TO:<bob+${'t'.repeat(250)}@ours.example>`, /^501 5\.1\.3 /],
  ['a parameter that was not offered', `RCPT TO:<${bob}> NOTIFY=NEVER`, /^555 5\.5\.4 /],
  ['a second MAIL', 'MAIL FROM:<b@away.example>', /^503 5\.5\.1 /],
  ['DATA without a recipient', 'DATA', /^503 5\.5\.1 /],
  ['AUTH', 'AUTH PLAIN AGEAYg==', /^502 5\.5\.1 /],
  ['VRFY', 'VRFY bob', /^252 2\.1\.5 /],
  ['EXPN', 'EXPN staff', /^502 5\.5\.1 /],
  ['WIZ', 'WIZ open sesame', /^500 5\.5\.2 /],
  ['SHELL', 'SHELL', /^500 5\.5\.2 /],
  ['KILL', 'KILL mom', /^500 5\.5\.2 /],
  ['XCLIENT', 'XCLIENT ADDR=192.0.2.1', /^500 5\.5\.2 /],
  ['XFORWARD', 'XFORWARD ADDR=192.0.2.1', /^500 5\.5\.2 /],
  ['BDAT', 'BDAT 3 LAST', /^502 5\.5\.1 /],
  ['HELP', 'HELP', /^214 2\.0\.0 /],
  ['NOOP', 'NOOP', /^250 2\.0\.0 /],
  ['RSET', 'RSET', /^250 2\.0\.0 /],
  ['an HTTP request', 'GET / HTTP/1.1', /^421 4\.7\.0 /],
])('in a transaction, %s is answered', async (_name, command, answer) => {
  const site = await startSite();
  await site.user(bob);
  site.disable(`gone@${ourDomain}`);
  const client = await SmtpClient.greeted(site.address);
  expect((await client.command('MAIL FROM:<a@away.example>')).line).toBe('250 2.1.0 Accepted');
  expect((await client.command(command)).line).toMatch(answer);
});

test.each([
  ['a sender longer than a path', `MAIL FROM:<${'a'.repeat(250)}@b.example>`, /^501 5\.1\.7 /],
  ['a bad sender', 'MAIL FROM:a@away.example', /^501 5\.1\.7 /],
  ['RCPT without MAIL', `RCPT TO:<${bob}>`, /^503 5\.5\.1 /],
  ['an unknown parameter', 'MAIL FROM:<a@away.example> FOO=BAR', /^555 5\.5\.4 /],
  ['DSN, which is not offered', 'MAIL FROM:<a@away.example> RET=HDRS', /^555 5\.5\.4 /],
  ['REQUIRETLS, which is not offered', 'MAIL FROM:<a@away.example> REQUIRETLS', /^555 5\.5\.4 /],
  ['a parameter given twice', 'MAIL FROM:<a@away.example> SIZE=1 SIZE=2', /^501 5\.5\.4 /],
  ['a size that is no number', 'MAIL FROM:<a@away.example> SIZE=big', /^501 5\.5\.4 /],
  ['BINARYMIME', 'MAIL FROM:<a@away.example> BODY=BINARYMIME', /^501 5\.5\.4 /],
  ['a size over the limit', 'MAIL FROM:<a@away.example> SIZE=26214401', /^552 5\.3\.4 /],
  ['a size at the limit', 'MAIL FROM:<a@away.example> SIZE=26214400', /^250 2\.1\.0 /],
  ['the null reverse-path', 'MAIL FROM:<>', /^250 2\.1\.0 /],
  ['QUIT', 'QUIT', /^221 2\.0\.0 /],
  ['STARTTLS with a parameter', 'STARTTLS now', /^501 5\.5\.4 /],
])('%s is answered', async (_name, command, answer) => {
  const site = await startSite();
  await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  expect((await client.command(command)).line).toMatch(answer);
});

test('MAIL before EHLO is out of order, and a client that talks before the greeting is sent away', async () => {
  const site = await startSite();
  const client = await SmtpClient.connect(site.address);
  await client.reply();
  expect((await client.command('MAIL FROM:<a@away.example>')).line).toMatch(/^503 5\.5\.1 /);
  const early = await SmtpClient.connect(site.address);
  expect((await early.command('EHLO client.example')).line).toMatch(/^421 4\.7\.0 /);
  await early.ended();
});

test('a message one byte over the limit is refused at its end, one at the limit is taken', async () => {
  const site = await startSite({ maxMessageBytes: 100_000 });
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const header = 'Subject: x\r\n\r\n';
  const lines = 'y'.repeat(98).concat('\r\n').repeat(999);
  const atLimit = `${header}${lines}${'z'.repeat(100 - header.length - 2)}\r\n`;
  expect(atLimit).toHaveLength(100_000);
  expect((await client.mail('a@away.example', [bob], `z${atLimit}`)).line).toMatch(/^552 5\.3\.4 /);
  expect((await client.mail('a@away.example', [bob], `${atLimit}${atLimit}`)).line).toMatch(/^552 5\.3\.4 /);
  expect(await site.messages(account)).toEqual([]);
  expect((await client.mail('a@away.example', [bob], atLimit)).code).toBe(250);
  const [message] = await site.messages(account);
  expect(message?.raw.endsWith(atLimit)).toBe(true);
});

test('recipients beyond the limit are put off', async () => {
  const site = await startSite({ maxRecipients: 2 });
  for (const name of ['a', 'b', 'c']) await site.user(`${name}@${ourDomain}`);
  const client = await SmtpClient.greeted(site.address);
  await client.command('MAIL FROM:<a@away.example>');
  for (const name of ['a', 'b']) {
    expect((await client.command(`RCPT TO:<${name}@${ourDomain}>`)).line).toBe('250 2.1.5 Accepted');
  }
  expect((await client.command(`RCPT TO:<c@${ourDomain}>`)).line).toMatch(/^452 4\.5\.3 /);
});

test('a full mailbox is put off at RCPT, by what it holds and by the announced size', async () => {
  const site = await startSite({ mailboxQuotaBytes: 1_000 });
  const account = await site.user(bob);
  const carol = await site.user(`carol@${ourDomain}`);
  const client = await SmtpClient.greeted(site.address);
  await client.command('MAIL FROM:<a@away.example> SIZE=2000');
  expect((await client.command(`RCPT TO:<${bob}>`)).line).toMatch(/^452 4\.2\.2 Mailbox full \[\w+\]$/);
  await client.command('RSET');
  // Nothing was announced: the mailbox has room when asked, but not for all of it.
  const large = `Subject: x\r\n\r\n${'y'.repeat(1_500)}\r\n`;
  expect((await client.mail('a@away.example', [bob], large)).line).toMatch(/^452 4\.2\.2 /);
  expect((await client.mail('a@away.example', [bob], `x: ${'y'.repeat(600)}\r\n`)).code).toBe(250);
  // Carol has room: she gets hers, and Bob, whose RCPT was accepted, is not left out.
  expect((await client.mail('a@away.example', [bob, carol.address], hello.repeat(10))).code).toBe(250);
  expect(await site.messages(account)).toHaveLength(2);
  expect(await site.messages(carol)).toHaveLength(1);
});

test('more than 50 Received fields are a loop; the word in a body or inside a line is none', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const fields = (count: number) => 'rEceived: from x\r\n\tby y\r\n'.repeat(count);
  const body = `X: Received:\r\n\r\n${fields(60)}`;
  expect((await client.mail('a@away.example', [bob], `${fields(51)}${body}`)).line).toMatch(/^554 5\.4\.6 /);
  expect((await client.mail('a@away.example', [bob], `${fields(50)}${body}`)).code).toBe(250);
  expect(await site.messages(account)).toHaveLength(1);
});

test('a lookup that fails is answered 451, and what it said stays here', async () => {
  const site = await startSite();
  site.failLookups(new Error('database at 10.0.0.7 is down'));
  const client = await SmtpClient.greeted(site.address);
  await client.command('MAIL FROM:<a@away.example>');
  const { line } = await client.command(`RCPT TO:<${bob}>`);
  expect(line).toMatch(/^451 4\.3\.0 Local error in processing, try again later \[\w+\]$/);
});

test('a delivery that fails is answered 451 and leaves nothing; the next one works', async () => {
  const site = await startSite({ wrap: failing });
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  armed.is = true;
  const { line } = await client.mail('a@away.example', [bob], hello);
  armed.is = false;
  expect(line).toMatch(/^451 4\.3\.0 Local error in processing, try again later \[\w+\]$/);
  expect(await site.messages(account)).toEqual([]);
  expect((await client.mail('a@away.example', [bob], hello)).code).toBe(250);
  expect(await site.messages(account, FolderType.Inbox)).toHaveLength(1);
});

test('a client that goes away in its message leaves nothing behind', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  for (const command of ['MAIL FROM:<a@away.example>', `RCPT TO:<${bob}>`, 'DATA'])
    await client.command(command);
  await client.send(Buffer.from('Subject: x\r\n\r\n'.padEnd(100_000, 'y')));
  client.close();
  await site.receiver.close(20_000);
  expect(await site.messages(account)).toEqual([]);
});
