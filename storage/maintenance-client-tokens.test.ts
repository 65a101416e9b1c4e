import { expect, test } from 'vitest';
import { dayMs, hourMs, openMaintained } from '#test/support/maintenance';
import { StoredDirectory } from './directory-store.ts';

test('client tokens are forgotten when they name nothing any more, those of an organisation and of the installation', async () => {
  const { database, directory, organization, run } = await openMaintained();
  const store = new StoredDirectory(database);
  const kept = async (token: string) => [
    (await store.clientToken(undefined, token)) !== undefined,
    (await store.clientToken(organization, token)) !== undefined,
  ];
  const use = async (clientToken: string) => {
    await directory.createOrganization({ alias: `org-${clientToken}`, clientToken });
    await directory.domains.register(organization, `${clientToken}.example`, clientToken);
  };
  await use('first');
  await run(dayMs - hourMs);
  await use('second');
  expect(await kept('first')).toEqual([true, true]);
  await run(dayMs);
  expect([await kept('first'), await kept('second')]).toEqual([
    [false, false],
    [false, false],
  ]);
  await use('third');
  await run(dayMs - 1);
  expect(await kept('third')).toEqual([true, true]);
  // What was forgotten may be used for another request.
  await directory.domains.register(organization, 'another.example', 'first');
});
