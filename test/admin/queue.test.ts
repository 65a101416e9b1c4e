import { expect, test } from 'vitest';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';

interface Message {
  readonly QueueId: string;
  readonly Attempts: number;
  readonly Recipients: readonly { readonly Address: string; readonly LastReply?: string }[];
}

/** A server with a message of alice that the next hop refuses for now, until `open` is called. */
async function start() {
  let isOpen = false;
  let tried: () => void = () => undefined;
  const next = await startNextServer({
    onRcpt: () => {
      tried();
      return isOpen ? undefined : '451 4.7.1 Come back later';
    },
  });
  const dns = await startDns({ 'one.example': { a: ['127.0.0.1'] } });
  const server = await startServer({
    settings: {
      MAILSTEAD_DNS_SERVERS: dns,
      MAILSTEAD_OUTBOUND_PORT: String(next.port),
      MAILSTEAD_LISTEN_INSECURE_AUTH: 'true',
    },
  });
  const alice = await server.addUser('alice');
  const client = await SmtpClient.greeted(server.server.addresses['submission'] ?? '');
  await client.command(
    `AUTH PLAIN ${Buffer.from(`\0${alice.address}\0${alice.password}`).toString('base64')}`,
  );
  const isTried = new Promise<void>((resolve) => {
    tried = resolve;
  });
  await client.mail(alice.address, ['bob@one.example'], `From: ${alice.address}\r\n\r\nText\r\n`);
  client.close();
  await isTried;
  const OrganizationId = server.organization;
  const call = (operation: string, input: object = {}) =>
    server.admin(`Mailstead.${operation}`, { OrganizationId, ...input });
  const list = async () => (await call('ListQueue'))['Messages'] as Message[];
  const open = () => {
    isOpen = true;
  };
  await expect.poll(async () => (await list())[0]?.Attempts).toBe(1);
  return { next, server, call, list, open };
}

test('a message that waits is listed, shown, tried at once, and gone then', async () => {
  const { next, call, list, open } = await start();
  const [message] = await list();
  const QueueId = message?.QueueId ?? '';
  expect(message).toMatchObject({
    Kind: 'MAIL',
    Sender: 'alice@test.mailstead.test',
    Destination: 'one.example',
    Recipients: [{ Address: 'bob@one.example', State: 'PENDING', Status: '4.7.1', Server: 'one.example' }],
  });
  expect(message?.Recipients[0]?.LastReply).toContain('Come back later');
  expect(await call('DescribeQueuedMessage', { QueueId })).toEqual(message);
  open();
  await call('RetryQueuedMessage', { QueueId });
  await next.arrived(1);
  await expect.poll(list).toEqual([]);
  await expect(call('DescribeQueuedMessage', { QueueId })).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('a deleted message is not sent; another organisation sees nothing of it', async () => {
  const { server, call, list } = await start();
  const [message] = await list();
  const QueueId = message?.QueueId ?? '';
  const other = await server.admin('CreateOrganization', { Alias: 'other' });
  const OrganizationId = String(other['OrganizationId']);
  expect((await call('ListQueue', { OrganizationId }))['Messages']).toEqual([]);
  await expect(call('DeleteQueuedMessage', { OrganizationId, QueueId })).rejects.toThrow(/No queued message/);
  expect(await call('DeleteQueuedMessage', { QueueId })).toEqual({});
  expect(await list()).toEqual([]);
  await expect(call('RetryQueuedMessage', { QueueId: '0'.repeat(32) })).rejects.toThrow(/No queued message/);
});
