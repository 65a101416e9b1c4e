import { expect, test } from 'vitest';
import { startServer } from '#test/support/start-server';

async function start() {
  const server = await startServer();
  const OrganizationId = server.organization;
  const call = (operation: string, input: object = {}) =>
    server.admin(`Mailstead.${operation}`, { OrganizationId, ...input });
  return { server, OrganizationId, call };
}

const own = 'journaling@test.mailstead.test';

test('journaling is off until it is put; a put replaces all of it', async () => {
  const { call } = await start();
  expect(await call('GetJournaling')).toEqual({ Enabled: false });
  const wanted = {
    Enabled: true,
    JournalingAddress: 'Box@Archive.example',
    ReportAddress: 'it@test.mailstead.test',
  };
  const put = { ...wanted, JournalingAddress: 'Box@archive.example' };
  expect(await call('PutJournaling', wanted)).toEqual(put);
  expect(await call('GetJournaling')).toEqual(put);
  expect(await call('PutJournaling', { Enabled: false })).toEqual({ Enabled: false });
  expect(await call('GetJournaling')).toEqual({ Enabled: false });
});

test.each([
  ['no address to enable', { Enabled: true }, /JournalingAddress is needed/],
  ['no Enabled', { JournalingAddress: 'a@b.example' }, /'enabled'/],
  [
    'an address that is none',
    { Enabled: true, JournalingAddress: 'archive' },
    /^JournalingAddress is not a valid/,
  ],
  [
    'line ends',
    { Enabled: true, JournalingAddress: 'a@b.example\r\nRCPT' },
    /^JournalingAddress is not a valid/,
  ],
  [
    'a domain literal',
    { Enabled: true, JournalingAddress: 'a@[127.0.0.1]' },
    /^JournalingAddress is not a valid/,
  ],
  [
    'a report address that is none',
    { Enabled: true, JournalingAddress: 'a@b.example', ReportAddress: 'a b@c.example' },
    /^ReportAddress is not a valid/,
  ],
  [
    'the sender of records',
    { Enabled: true, JournalingAddress: own.toUpperCase() },
    /^JournalingAddress cannot be/,
  ],
  [
    'the sender of records with a tag',
    { Enabled: true, JournalingAddress: own.replace('@', '+archive@') },
    /^JournalingAddress cannot be/,
  ],
  [
    'the sender of records to report to',
    { Enabled: true, JournalingAddress: 'a@b.example', ReportAddress: own },
    /^ReportAddress cannot be/,
  ],
  [
    'reports to the archive itself',
    { Enabled: true, JournalingAddress: 'a@b.example', ReportAddress: 'A@B.example' },
    /^ReportAddress must be another one/,
  ],
  ['a member that is misspelt', { Enabled: true, JournalAddress: 'a@b.example' }, /JournalAddress/],
])('%s is refused', async (_name, input, message) => {
  const { call } = await start();
  await expect(call('PutJournaling', input)).rejects.toMatchObject({
    name: 'InvalidParameterException',
    message: expect.stringMatching(message),
  });
  expect(await call('GetJournaling')).toEqual({ Enabled: false });
});

test('nobody can have the address that records come from', async () => {
  const { server, OrganizationId } = await start();
  const { id: EntityId } = await server.addUser('alice');
  await expect(server.admin('CreateAlias', { OrganizationId, EntityId, Alias: own })).rejects.toMatchObject({
    name: 'EmailAddressInUseException',
  });
  const { GroupId } = await server.admin('CreateGroup', { OrganizationId, Name: 'records' });
  const register = { OrganizationId, EntityId: GroupId, Email: own };
  await expect(server.admin('RegisterToWorkMail', register)).rejects.toMatchObject({
    name: 'EmailAddressInUseException',
  });
  const user = { OrganizationId, Name: 'journaling', DisplayName: 'J', Password: 'Secret-12345' };
  await expect(server.admin('CreateUser', user)).rejects.toMatchObject({ name: 'ReservedNameException' });
});

test('of an organisation that is not there nothing is told', async () => {
  const { server } = await start();
  const OrganizationId = `m-${'0'.repeat(32)}`;
  for (const [operation, input] of [
    ['GetJournaling', {}],
    ['PutJournaling', { Enabled: false }],
  ] as const) {
    const call = server.admin(`Mailstead.${operation}`, { OrganizationId, ...input });
    await expect(call).rejects.toMatchObject({ name: 'OrganizationNotFoundException' });
  }
});
