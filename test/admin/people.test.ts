import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { MailAuthority } from '#test/support/mail-authority';
import { startServer } from '#test/support/start-server';

const jpeg = (length: number) =>
  Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.alloc(length - 4, 7)]);
const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(100, 1)]);

async function start() {
  const server = await startServer();
  const alice = await server.addUser('alice');
  const call = (operation: string, input: object = {}) =>
    server.admin(operation, { OrganizationId: server.organization, UserId: alice.address, ...input });
  const cli = (...args: string[]) => runCommand(server.dataDir, args);
  return { server, alice, call, cli };
}

const details = {
  Initials: 'A.',
  Telephone: '+1 555 0100',
  Street: '1 Main St',
  JobTitle: 'Engineer',
  City: 'Springfield',
  Company: 'Acme',
  ZipCode: '12345',
  Department: 'R&D',
  Country: 'Utopia',
  Office: 'B 12',
};

test('UpdateUser: what is given changes, the rest stays, and an empty text takes a value away', async () => {
  const { call } = await start();
  await call('UpdateUser', { FirstName: 'Alice', LastName: 'Äpfel', ...details });
  const first = await call('DescribeUser');
  expect(first).toMatchObject({ DisplayName: 'Alice', FirstName: 'Alice', LastName: 'Äpfel', ...details });
  await call('UpdateUser', {
    City: 'Shelbyville',
    Office: '',
    LastName: '',
    HiddenFromGlobalAddressList: true,
  });
  const { Office: _office, LastName: _last, ...kept } = first;
  const expected = { ...kept, City: 'Shelbyville', HiddenFromGlobalAddressList: true };
  expect(await call('DescribeUser')).toEqual(expected);
  await call('UpdateUser', { DisplayName: 'Alice A.', HiddenFromGlobalAddressList: false });
  await call('UpdateUser', {});
  expect(await call('DescribeUser')).toEqual({
    ...expected,
    DisplayName: 'Alice A.',
    HiddenFromGlobalAddressList: false,
  });
});

test.each([
  ['UserId of nobody', { UserId: 'nobody' }, 'EntityNotFoundException'],
  ['Role SYSTEM_USER', { Role: 'SYSTEM_USER' }, 'InvalidParameterException'],
  ['long value', { City: 'x'.repeat(257) }, 'InvalidParameterException'],
  ['IdentityProviderUserId', { IdentityProviderUserId: '12345678-1234-1234' }, 'InvalidParameterException'],
])('UpdateUser: a %s is refused', async (_what, input, name) => {
  const { call } = await start();
  await expect(call('UpdateUser', input)).rejects.toMatchObject({ name });
});

test('PutUserPhoto: a JPEG or PNG of at most 100 KiB is given back as it was put, and taken away', async () => {
  const { call } = await start();
  expect(await call('Mailstead.GetUserPhoto')).toEqual({});
  for (const [photo, ContentType] of [
    [jpeg(102_400), 'image/jpeg'],
    [png, 'image/png'],
    [jpeg(51_200), 'image/jpeg'],
  ] as const) {
    await call('Mailstead.PutUserPhoto', { Photo: photo.toString('base64') });
    const got = await call('Mailstead.GetUserPhoto');
    expect(got).toEqual({ Photo: photo.toString('base64'), ContentType });
  }
  for (let n = 0; n < 2; n++) await call('Mailstead.DeleteUserPhoto');
  expect(await call('Mailstead.GetUserPhoto')).toEqual({});
});

test.each([
  ['too large', jpeg(102_401).toString('base64'), 'at most 100 KiB'],
  ['a GIF', Buffer.from('GIF89a....').toString('base64'), 'JPEG or a PNG'],
  ['no base64', 'a===', 'must be base64'],
])('PutUserPhoto: one that is %s is refused and keeps the one before', async (_what, Photo, message) => {
  const { call } = await start();
  await call('Mailstead.PutUserPhoto', { Photo: png.toString('base64') });
  await expect(call('Mailstead.PutUserPhoto', { Photo })).rejects.toMatchObject({
    name: 'InvalidParameterException',
    message: expect.stringContaining(message),
  });
  expect(await call('Mailstead.GetUserPhoto')).toMatchObject({ ContentType: 'image/png' });
});

test('PutUserCertificates: replaces all there are, each once; DeleteUserCertificate takes one away', async () => {
  const { call } = await start();
  const authority = await MailAuthority.create('ca');
  const [one, two] = [await authority.issue(), await authority.issue()];
  const put = await call('Mailstead.PutUserCertificates', {
    Certificates: [one.base64, two.base64, one.base64],
  });
  expect(await call('Mailstead.ListUserCertificates')).toEqual(put);
  const [first, second, ...others] = put['Certificates'] as Record<string, unknown>[];
  expect(others).toEqual([]);
  expect(first).toMatchObject({
    Subject: 'CN=Holder 1',
    Issuer: 'CN=ca',
    EmailAddresses: ['alice@test.mailstead.test'],
    Certificate: one.base64,
    Fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    NotAfter: expect.any(Number),
  });
  const gone = { Fingerprint: first?.['Fingerprint'] };
  await call('Mailstead.DeleteUserCertificate', gone);
  expect(await call('Mailstead.ListUserCertificates')).toEqual({ Certificates: [second] });
  await expect(call('Mailstead.DeleteUserCertificate', gone)).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
  expect(await call('Mailstead.PutUserCertificates', { Certificates: [] })).toEqual({ Certificates: [] });
});

test('PutUserCertificates: what is no certificate for the mail of this user is refused', async () => {
  const { call } = await start();
  const authority = await MailAuthority.create('ca');
  const forServers = ['extendedKeyUsage=serverAuth'];
  const refusals: [string, string][] = [
    [(await authority.issue({ address: 'bob@test.mailstead.test' })).base64, 'names no address of the user'],
    [(await authority.issue({ until: new Date(Date.now() - 3_600_000) })).base64, 'has expired'],
    [(await authority.issue({ extensions: forServers })).base64, 'is not for mail'],
    [authority.own.base64, "is an authority's"],
    [Buffer.from('nonsense').toString('base64'), 'is no X.509 certificate'],
    [
      Buffer.concat([(await authority.issue()).der, Buffer.alloc(1)]).toString('base64'),
      'is no X.509 certificate',
    ],
    [Buffer.alloc(9000).toString('base64'), 'at most 8 KiB'],
    ['?', 'must be base64'],
  ];
  for (const [certificate, message] of refusals) {
    await expect(
      call('Mailstead.PutUserCertificates', { Certificates: [certificate] }),
    ).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining(message),
    });
  }
  const six: string[] = [];
  for (let n = 0; n < 6; n++) six.push((await authority.issue()).base64);
  await expect(call('Mailstead.PutUserCertificates', { Certificates: six })).rejects.toMatchObject({
    name: 'LimitExceededException',
  });
  expect(await call('Mailstead.ListUserCertificates')).toEqual({ Certificates: [] });
});

test.each([
  ['GetUserPhoto', {}],
  ['PutUserPhoto', { Photo: png.toString('base64') }],
  ['DeleteUserPhoto', {}],
  ['ListUserCertificates', {}],
  ['PutUserCertificates', { Certificates: [] }],
  ['DeleteUserCertificate', { Fingerprint: '0'.repeat(64) }],
])('%s: refuses a user and an organisation there is not, and survives nonsense', async (operation, input) => {
  const { call } = await start();
  const refusal = (more: object) =>
    call(`Mailstead.${operation}`, { ...input, ...more }).catch(({ name }: Error) => name);
  expect(await refusal({ UserId: 'nobody' })).toBe('EntityNotFoundException');
  expect(await refusal({ OrganizationId: `m-${'0'.repeat(32)}` })).toBe('OrganizationNotFoundException');
  expect(await refusal({ UserId: 7 })).toBe('SerializationException');
  expect(await refusal({ Other: 'x' })).toBe('InvalidParameterException');
});

test('mailstead user edit, photo and certificate do what the operations do', async () => {
  const { server, alice, cli, call } = await start();
  const at = (name: string) => join(server.dataDir, name);
  expect((await cli('user', 'edit', alice.address, '--job-title', 'Cook', '--hidden')).code).toBe(0);
  expect(await call('DescribeUser')).toMatchObject({ JobTitle: 'Cook', HiddenFromGlobalAddressList: true });
  expect((await cli('user', 'edit', alice.address)).code).toBe(2);
  expect((await cli('user', 'edit', alice.address, '--no-hidden')).code).toBe(0);
  expect(await call('DescribeUser')).toMatchObject({ JobTitle: 'Cook', HiddenFromGlobalAddressList: false });

  await writeFile(at('me.png'), png);
  expect((await cli('user', 'photo', 'set', alice.address, at('me.png'))).code).toBe(0);
  const shown = await cli('user', 'photo', 'show', alice.address, at('copy.png'));
  expect(shown).toMatchObject({ code: 0, out: `image/png, ${png.length} bytes\n` });
  expect(await readFile(at('copy.png'))).toEqual(png);
  expect((await cli('user', 'photo', 'remove', alice.address)).code).toBe(0);
  expect((await cli('user', 'photo', 'show', alice.address)).out).toBe(`${alice.address} has no photo.\n`);

  const authority = await MailAuthority.create('ca');
  for (const { file } of [await authority.issue(), await authority.issue()]) {
    expect((await cli('user', 'certificate', 'add', alice.address, file)).code).toBe(0);
  }
  const { Certificates } = await call('Mailstead.ListUserCertificates');
  const [first, second] = Certificates as { Fingerprint: string }[];
  const listed = (await cli('user', 'certificate', 'list', alice.address)).out;
  expect(listed).toContain(first?.Fingerprint);
  expect(listed).toContain(second?.Fingerprint);
  expect((await cli('user', 'certificate', 'remove', alice.address, first?.Fingerprint ?? '')).code).toBe(0);
  expect((await cli('user', 'certificate', 'list', alice.address)).out).not.toContain(first?.Fingerprint);
});
