import { expect, test } from 'vitest';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';

const limit = 25 * 1024 * 1024;

/** A message of exactly so many bytes. */
function messageOf(bytes: number): Buffer {
  const head = 'From: a@example.org\r\nSubject: exact\r\n\r\n';
  const message = Buffer.alloc(bytes, 'x');
  message.write(head);
  for (let end = bytes; end > head.length + 2; end -= 900) message.write('\r\n', end - 2);
  return message;
}

test('25 MiB pass; one byte more is refused at MAIL FROM and in the stream', {
  timeout: 120_000,
}, async () => {
  const server = await startServer();
  const { address } = await server.addUser('alice');
  const client = await SmtpClient.greeted(`${server.smtp.host}:${server.smtp.port}`);
  const announced = await client.command(`MAIL FROM:<a@example.org> SIZE=${limit + 1}`);
  expect([announced.code, announced.lines[0]]).toEqual([552, expect.stringMatching(/^5\.3\.4 /)]);
  const tooLarge = await client.mail('a@example.org', [address], messageOf(limit + 1));
  expect([tooLarge.code, tooLarge.lines[0]]).toEqual([552, expect.stringMatching(/^5\.3\.4 /)]);
  await client.command('RSET');
  expect((await client.mail('a@example.org', [address], messageOf(limit))).code).toBe(250);
  client.close();
});
