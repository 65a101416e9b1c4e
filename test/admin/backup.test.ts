import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EasClient } from '#test/support/eas-client';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';

test('a backup of the live server, with the master key put beside it, is a server again', async () => {
  const server = await startServer();
  const alice = await server.addUser('alice');
  const client = await SmtpClient.greeted(`${server.smtp.host}:${server.smtp.port}`);
  const large = `Subject: large\r\n\r\n${'0123456789\r\n'.repeat(10_000)}`;
  for (const content of ['Subject: small\r\n\r\nHello\r\n', large]) {
    expect((await client.mail('a@example.org', [alice.address], content)).code).toBe(250);
  }
  client.close();

  const folder = await tempFolder();
  const Folder = join(folder, 'copy');
  const made = await server.admin('Mailstead.CreateBackup', { Folder });
  expect(made).toMatchObject({ Folder, Files: expect.any(Number), Bytes: expect.any(Number) });
  await rename(Folder, join(folder, 'data'));
  await copyFile(join(server.dataDir, 'master.key'), join(folder, 'data', 'master.key'));

  const restored = await startServer({ folder });
  const phone = new EasClient({
    baseUrl: restored.baseUrl,
    ca: restored.ca,
    user: alice.address,
    password: alice.password,
  });
  await phone.provision();
  await phone.folderSync();
  const items = await phone.syncAll(phone.folder(2), { body: { type: 1 } });
  expect(items.size).toBe(2);
  phone.close();
});

test('a backup into a folder that is there, or by a relative path, is refused', async () => {
  const server = await startServer();
  for (const Folder of [await tempFolder(), 'relative']) {
    await expect(server.admin('Mailstead.CreateBackup', { Folder })).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
  }
});
