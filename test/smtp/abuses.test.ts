import { expect, test } from 'vitest';
import { SmtpClient } from '#test/support/smtp-client';
import { ourDomain, startSite } from './site.ts';

const bob = `bob@${ourDomain}`;
const mail = 'MAIL FROM:<a@away.example>';
const content = 'Subject: x\r\n\r\nx\r\n.\r\n';
/** After it the connection is open and takes commands, or it is closed. */
type End = 'open' | 'closed';

/** An abuse: what is sent in one piece after EHLO, the codes it is answered with in order, and what becomes of the connection. */
const abuses: readonly (readonly [
  name: string,
  sent: string | Uint8Array,
  replies: readonly string[],
  end: End,
])[] = [
  ['a route to elsewhere', rcpt(`<@${ourDomain}:x@away.example>`), ['550 5.7.1'], 'open'],
  ['the percent hack', rcpt(`<x%away.example@${ourDomain}>`), ['550 5.1.1'], 'open'],
  ['a bang path', rcpt(`<away.example!x@${ourDomain}>`), ['550 5.1.1'], 'open'],
  ['two at signs', rcpt(`<x@away.example@${ourDomain}>`), ['501 5.1.3'], 'open'],
  ['an at sign in quotes', rcpt(`<"x@away.example"@${ourDomain}>`), ['501 5.1.3'], 'open'],
  ['a quote that does not end', rcpt(`<"bob@${ourDomain}>`), ['501 5.1.3'], 'open'],
  ['a bracket that does not end', rcpt(`<${bob}`), ['501 5.1.3'], 'open'],
  ['no brackets', rcpt(bob), ['501 5.1.3'], 'open'],
  ['brackets in brackets', rcpt(`<<${bob}>>`), ['501 5.1.3'], 'open'],
  ['two addresses', rcpt(`<${bob},x@away.example>`), ['501 5.1.3'], 'open'],
  ['a dot behind the domain', rcpt(`<${bob}.>`), ['501 5.1.3'], 'open'],
  ['two dots in the domain', rcpt('<bob@ours..example>'), ['501 5.1.3'], 'open'],
  ['our address literal', rcpt('<bob@[127.0.0.1]>'), ['550 5.7.1'], 'open'],
  ['an address literal that does not end', rcpt('<bob@[127.0.0.1>'), ['501 5.1.3'], 'open'],
  ['a control character', rcpt(`<bob\x07@${ourDomain}>`), ['501 5.1.3'], 'open'],
  ['a zero width space', rcpt(`<bob\u200b@${ourDomain}>`), ['501 5.1.3'], 'open'],
  ['an address without end', rcpt(`<${'b'.repeat(3_000)}@${ourDomain}>`), ['501 5.1.3'], 'open'],
  ['no recipient', rcpt(''), ['501 5.1.3'], 'open'],
  ['the null recipient', rcpt('<>'), ['501 5.1.3'], 'open'],
  ['a CR in an address', rcpt(`<bob\r@${ourDomain}>`), ['500 5.5.2'], 'open'],
  ['a NUL in an address', rcpt(`<bob\0@${ourDomain}>`), ['421 4.7.0'], 'closed'],
  ['a line end in a parameter', 'MAIL FROM:<a@away.example> SIZE=1+0D+0A\r\n', ['501 5.1.7'], 'open'],
  ['a sender with a broken quote', 'MAIL FROM:<"a@away.example>\r\n', ['501 5.1.7'], 'open'],
  ['a sender without domain', 'MAIL FROM:<root>\r\n', ['501 5.1.7'], 'open'],
  ['a negative size', 'MAIL FROM:<a@away.example> SIZE=-1\r\n', ['501 5.5.4'], 'open'],
  ['DATA without a recipient, and content', `DATA\r\n${content}`, ['554 5.5.0'], 'closed'],
  [
    'DATA with a parameter',
    `${mail}\r\n${rcpt(`<${bob}>`)}DATA now\r\n`,
    ['250', '250', '501 5.5.4'],
    'open',
  ],
  ['RCPT without MAIL', rcpt(`<${bob}>`), ['503 5.5.1'], 'open'],
  [
    'content ahead of 354',
    `${mail}\r\nRCPT TO:<${bob}>\r\nDATA\r\n${content}`,
    ['250', '250', '554 5.5.0'],
    'closed',
  ],
  ['commands behind EHLO', `EHLO x.example\r\n${mail}\r\n`, ['554 5.5.0'], 'closed'],
  ['HELO, and then in one piece', `HELO x.example\r\n${mail}\r\n`, ['554 5.5.0'], 'closed'],
  ['BDAT', 'BDAT 12 LAST\r\n', ['502 5.5.1'], 'open'],
  ['BDAT and its content', `BDAT 12 LAST\r\n${mail}`, ['554 5.5.0'], 'closed'],
  ['AUTH and what follows', 'AUTH LOGIN\r\nYQ==\r\n', ['554 5.5.0'], 'closed'],
  ['EHLO without a name', 'EHLO\r\n', ['501'], 'open'],
  ['EHLO with two names', 'EHLO a b\r\n', ['501'], 'open'],
  ['EHLO with a name without end', `EHLO ${'a'.repeat(400)}\r\n`, ['501'], 'open'],
  ['a transaction with bare LF', `${mail}\nRCPT TO:<${bob}>\nDATA\n.\n`, Array(4).fill('500 5.5.2'), 'open'],
  ['a transaction with bare CR', `${mail}\rRCPT TO:<${bob}>\rDATA\r\n`, ['500 5.5.2'], 'open'],
  ['an empty line', '\r\n', ['500 5.5.2'], 'open'],
  ['a dot outside of DATA', '.\r\n', ['500 5.5.2'], 'open'],
  ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0x80, 0x0d, 0x0a), ['500 5.5.2'], 'open'],
  ['a line without end', `NOOP ${'x'.repeat(200_000)}\r\n`, ['500 5.5.2'], 'open'],
  ['XCLIENT', 'XCLIENT ADDR=192.0.2.1\r\n', ['500 5.5.2'], 'open'],
  ['XFORWARD', 'XFORWARD ADDR=192.0.2.1\r\n', ['500 5.5.2'], 'open'],
  ['WIZ and SHELL', 'WIZ x\r\nSHELL\r\nKILL\r\n', Array(3).fill('500 5.5.2'), 'open'],
  ['HTTP', 'POST / HTTP/1.1\r\nHost: x\r\n\r\n', ['421 4.7.0'], 'closed'],
  [
    'a TLS handshake without STARTTLS',
    Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc),
    ['421 4.7.0'],
    'closed',
  ],
  [
    'an SSLv2 handshake',
    Uint8Array.of(0x80, 0x2e, 0x01, 0x00, 0x02, 0x00, 0x15, 0x00),
    ['421 4.7.0'],
    'closed',
  ],
  ['what follows QUIT', `QUIT\r\n${mail}\r\n`, ['221 2.0.0'], 'closed'],
];

function rcpt(path: string): string {
  return `RCPT TO:${path}\r\n`;
}

test.each(abuses)('%s', async (name, sent, replies, end) => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const isRecipient = typeof sent === 'string' && sent.startsWith('RCPT') && name !== 'RCPT without MAIL';
  if (isRecipient) await client.command(mail);
  client.write(sent);
  for (const reply of replies) expect((await client.reply()).line).toMatch(new RegExp(`^${reply}\\b`));
  if (end === 'closed') {
    await client.ended();
    await expect(client.reply()).rejects.toThrow('without a reply');
  } else {
    // There were no other replies, and a message goes through.
    expect((await client.command('RSET')).line).toBe('250 2.0.0 Flushed');
    expect((await client.mail('a@away.example', [bob], 'Subject: good\r\n\r\n')).code).toBe(250);
  }
  expect(await site.messages(account)).toHaveLength(end === 'open' ? 1 : 0);
});

test.each([
  `<"bob"@${ourDomain}>`,
  `<"b\\ob"@${ourDomain}>`,
  `<@one.example,@two.example:${bob}>`,
  ` <${bob}>`,
  `<BOB@${ourDomain.toUpperCase()}>`,
])('RCPT TO:%s is Bob', async (path) => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  for (const line of [mail, `RCPT TO:${path}`, 'DATA'])
    expect((await client.command(line)).code).toBeLessThan(400);
  expect((await client.command('Subject: x\r\n\r\n.')).code).toBe(250);
  expect(await site.messages(account)).toHaveLength(1);
});

test('TLS 1.2 is not negotiated anew', async () => {
  const site = await startSite();
  const client = await SmtpClient.greeted(site.address);
  await client.startTls('', { maxVersion: 'TLSv1.2' });
  expect(await client.renegotiate()).toBeInstanceOf(Error);
  expect((await (await SmtpClient.greeted(site.address)).command('NOOP')).code).toBe(250);
});
