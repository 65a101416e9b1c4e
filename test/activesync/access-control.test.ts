import { expect, test } from 'vitest';
import { startEndpoint } from './server.ts';
import { untilWaiting } from './sync-phone.ts';

test('Ping: a rule that keeps its client out ends the wait at once, and others go on waiting', async () => {
  const server = await startEndpoint();
  const phones = await Promise.all(
    [server.alice, server.bob].map(async ({ address }) => {
      const phone = server.phone('14.1', { user: address, deviceId: address.slice(0, 3) });
      await phone.provision();
      await phone.folderSync();
      await phone.syncAll(phone.folder(2));
      return phone;
    }),
  );
  const waits = phones.map((phone) => phone.ping([phone.folder(2)], 3_000));
  await untilWaiting(server, 2);
  server.changeAccess(({ entity }) => entity !== server.bob.entity);
  expect(await waits[1]).toMatchObject({ status: 1 });
  await untilWaiting(server, 1);
  server.changeAccess(() => false, `m-${'0'.repeat(32)}` as typeof server.organization);
  await server.deliver('New');
  expect(await waits[0]).toMatchObject({ status: 2 });
});
