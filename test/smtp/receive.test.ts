import { expect, test } from 'vitest';
import { SmtpClient } from '#test/support/smtp-client';
import { ourDomain, startSite } from './site.ts';

const bob = `bob@${ourDomain}`;
const hello = 'From: a@away.example\r\nSubject: Hello\r\n\r\nHi Bob\r\n';

test('a message is in the mailbox before the 250, behind Return-Path and Received', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const reply = await client.mail('a@away.example', [bob], hello);
  expect(reply.line).toMatch(/^250 2\.0\.0 Ok: queued as [0-9a-f]{32}$/);
  const [message, ...others] = await site.messages(account);
  expect(others).toEqual([]);
  const acceptId = reply.line.slice(-32);
  expect(message?.raw).toMatch(
    new RegExp(
      [
        '^Return-Path: <a@away\\.example>\r\n',
        'Received: from client\\.example \\(\\[127\\.0\\.0\\.1\\]\\)\r\n',
        `\tby mx\\.ours\\.example with ESMTP\r\n\tid ${acceptId} for <bob@ours\\.example>; `,
        '\\w{3}, \\d\\d \\w{3} \\d{4} \\d\\d:\\d\\d:\\d\\d \\+0000\r\n',
        'From: a@away',
      ].join(''),
    ),
  );
  expect(message?.raw.endsWith(hello)).toBe(true);
  expect(message?.item).toMatchObject({
    size: message?.raw.length,
    marks: { read: false },
    envelope: { subject: 'Hello', from: [{ address: 'a@away.example' }] },
  });
});

test.each(['"a..b."@docomo.example', 'root@my_host.example', 'bounce.@away.example'])(
  'mail from %s, which exists in spite of the grammar, arrives',
  async (sender) => {
    const site = await startSite();
    const account = await site.user(bob);
    const client = await SmtpClient.greeted(site.address);
    expect((await client.mail(sender, [bob], hello)).code).toBe(250);
    expect((await site.messages(account))[0]?.raw).toContain(`Return-Path: <${sender}>\r\n`);
  },
);

test('EHLO announces what is served, and nothing else', async () => {
  const site = await startSite();
  const client = await SmtpClient.connect(site.address);
  expect((await client.reply()).line).toBe('220 mx.ours.example ESMTP Mailstead');
  const { lines } = await client.command('EHLO client.example');
  expect(lines[0]).toBe('mx.ours.example');
  expect(lines.slice(1).sort()).toEqual(
    ['8BITMIME', 'ENHANCEDSTATUSCODES', 'PIPELINING', 'SIZE 26214400', 'SMTPUTF8', 'STARTTLS'].sort(),
  );
  await client.startTls();
  const secure = await client.command('EHLO client.example');
  expect(secure.lines).not.toContain('STARTTLS');
  expect(secure.lines.join(' ')).not.toContain('AUTH');
});

test('dots are unstuffed, an empty message and one of only a dot line arrive', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  for (const content of ['..first\r\n\r\n..\r\n...two\r\n', '', '..\r\n']) {
    expect((await client.mail('a@away.example', [bob], content)).code).toBe(250);
  }
  const bodies = (await site.messages(account)).map(({ raw }) => raw.slice(raw.indexOf('+0000\r\n') + 7));
  expect(bodies.sort()).toEqual(['', '.\r\n', '.first\r\n\r\n.\r\n..two\r\n'].sort());
});

test('commands may be pipelined, also behind the message', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  client.write(`MAIL FROM:<>\r\nRCPT TO:<${bob}>\r\nRCPT TO:<nobody@${ourDomain}>\r\nDATA\r\n`);
  const codes = [];
  for (let i = 0; i < 4; i++) codes.push((await client.reply()).code);
  expect(codes).toEqual([250, 250, 550, 354]);
  client.write(`${hello}.\r\nNOOP\r\nMAIL FROM:<b@away.example>\r\nQUIT\r\n`);
  for (let i = 0; i < 4; i++) codes.push((await client.reply()).code);
  expect(codes.slice(4)).toEqual([250, 250, 250, 221]);
  const [message] = await site.messages(account);
  expect(message?.raw).toMatch(/^Return-Path: <>\r\n/);
});

test('each mailbox gets a message once, however many of its addresses were named', async () => {
  const site = await startSite();
  const account = await site.user(bob, { aliases: [`robert@${ourDomain}`] });
  const carol = await site.user(`carol@${ourDomain}`);
  const client = await SmtpClient.greeted(site.address);
  const to = [bob, `robert@${ourDomain}`, `carol@${ourDomain}`, bob.toUpperCase()];
  expect((await client.mail('a@away.example', to, hello)).code).toBe(250);
  expect(await site.messages(account)).toHaveLength(1);
  const [message] = await site.messages(carol);
  // Nobody learns of the others.
  expect(message?.raw).not.toContain(' for <');
});

test('STARTTLS: the session starts over, Received says ESMTPS and with what', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  await client.command('MAIL FROM:<a@away.example>');
  expect((await client.startTls()).line).toBe('220 2.0.0 Ready to start TLS');
  expect((await client.command(`RCPT TO:<${bob}>`)).line).toMatch(/^503 5\.5\.1 /);
  await client.command('EHLO client.example');
  expect((await client.command('STARTTLS')).line).toMatch(/^503 5\.5\.1 /);
  expect((await client.mail('a@away.example', [bob], hello)).code).toBe(250);
  const [message] = await site.messages(account);
  expect(message?.raw).toMatch(/with ESMTPS \(TLSv1\.3 TLS_\w+\)\r\n/);
});

test('STARTTLS: commands sent ahead of the handshake are never done (RFC 3207 §6)', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const injected = `EHLO evil\r\nMAIL FROM:<evil@away.example>\r\nRCPT TO:<${bob}>\r\nDATA\r\nevil\r\n.`;
  await client.startTls(injected);
  // The first reply inside TLS is to our own command.
  expect((await client.command('NOOP')).line).toBe('250 2.0.0 OK');
  expect((await client.command(`RCPT TO:<${bob}>`)).code).toBe(503);
  expect(await site.messages(account)).toEqual([]);
});

test('SMTPUTF8: an international address is taken with the parameter and refused without', async () => {
  const site = await startSite();
  const account = await site.user(`jürgen@${ourDomain}`);
  const client = await SmtpClient.greeted(site.address);
  expect((await client.command('MAIL FROM:<ä@away.example>')).line).toMatch(/^553 5\.6\.7 /);
  await client.command('MAIL FROM:<a@away.example>');
  expect((await client.command(`RCPT TO:<jürgen@${ourDomain}>`)).line).toMatch(/^553 5\.6\.7 /);
  await client.command('RSET');
  expect((await client.command('MAIL FROM:<ä@away.example> SMTPUTF8 BODY=8BITMIME SIZE=100')).code).toBe(250);
  expect((await client.command(`RCPT TO:<jürgen@${ourDomain}>`)).code).toBe(250);
  await client.command('DATA');
  expect((await client.command('Subject: Grüße\r\n\r\nHallo\r\n.')).code).toBe(250);
  const [message] = await site.messages(account);
  expect(message?.raw).toMatch(/^Return-Path: <ä@away\.example>\r\n[^;]* with UTF8SMTP\r\n/);
});

test('an international domain is written as A-label where SMTPUTF8 was not asked for', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  expect((await client.mail('a@xn--mnchen-3ya.example', [bob], hello)).code).toBe(250);
  const [message] = await site.messages(account);
  expect(message?.raw).toMatch(/^Return-Path: <a@xn--mnchen-3ya\.example>\r\n/);
});

test('what a client says of itself reaches Received only if it is a host name', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.connect(site.address);
  await client.reply();
  await client.command('EHLO x);by=evil(');
  expect((await client.mail('a@away.example', [bob], hello)).code).toBe(250);
  const [message] = await site.messages(account);
  expect(message?.raw).toContain('Received: from [127.0.0.1] ([127.0.0.1])\r\n');
});

test('shutting down: an idle client is told, a message that is coming in is still taken', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const [idle, busy] = [await SmtpClient.greeted(site.address), await SmtpClient.greeted(site.address)];
  for (const command of ['MAIL FROM:<a@away.example>', `RCPT TO:<${bob}>`, 'DATA'])
    await busy.command(command);
  const closed = site.receiver.close(20_000);
  expect((await idle.reply()).line).toMatch(/^421 4\.3\.2 Server shutting down/);
  expect((await busy.command(`${hello}.`)).code).toBe(250);
  expect((await busy.reply()).line).toMatch(/^421 4\.3\.2 /);
  await Promise.all([idle.ended(), busy.ended(), closed]);
  expect(await site.messages(account)).toHaveLength(1);
});

test('shutting down cuts off who does not end: in a message, in a handshake, inside TLS', async () => {
  const site = await startSite();
  await site.user(bob);
  const clients = [];
  for (const begun of ['', '\x16\x03\x01\x02', '\x16\x03\x01\x00\x05\x01\x00']) {
    const client = await SmtpClient.greeted(site.address);
    await client.command('STARTTLS');
    client.write(Buffer.from(begun, 'latin1'));
    clients.push(client);
  }
  for (const isSecure of [false, true]) {
    const client = await SmtpClient.greeted(site.address);
    if (isSecure) await client.startTls();
    await client.command('EHLO client.example');
    for (const line of ['MAIL FROM:<>', `RCPT TO:<${bob}>`, 'DATA']) await client.command(line);
    client.write('Subject: never ends');
    clients.push(client);
  }
  await site.receiver.close(100);
  await Promise.all(clients.map((client) => client.ended()));
});
