import {
  DeleteOrganizationCommand,
  DescribeOrganizationCommand,
  ListOrganizationsCommand,
  ListUsersCommand,
  OrganizationStateException,
} from '@aws-sdk/client-workmail';
import { expect, onTestFinished, test } from 'vitest';
import { awsClient, createKey } from '#test/support/aws-client';
import { runCommand } from '#test/support/command-line';
import { EasClient } from '#test/support/eas-client';
import { SmtpClient } from '#test/support/smtp-client';
import { startServer } from '#test/support/start-server';

const settings = { MAILSTEAD_LISTEN_INSECURE_AUTH: 'true' };
const mail = 'Subject: hello\r\n\r\nhello\r\n';

/** A server with an enabled user, her phone, and a second organisation. */
async function serve() {
  const site = await startServer({ settings });
  const alice = await site.addUser('alice');
  const { OrganizationId: other } = await site.admin('CreateOrganization', { Alias: 'other' });
  const { baseUrl, ca } = site;
  const login = { user: alice.address, password: alice.password };
  const device = { version: '16.1', deviceId: 'phone', validate: false } as const;
  const phone = new EasClient({ baseUrl, ca, ...login, ...device });
  const client = awsClient(site, await createKey(site, { ManagedPolicy: 'AmazonWorkMailFullAccess' }));
  const signIn = async () => {
    const { status } = await phone.options();
    return status;
  };
  const rcpt = async (address: string) => {
    const smtp = await SmtpClient.greeted(String(site.server.addresses['smtp']));
    const { line } = await smtp.mail('x@elsewhere.example', [address], mail);
    smtp.close();
    return line;
  };
  const submit = async (): Promise<string> => {
    const smtp = await SmtpClient.greeted(String(site.server.addresses['submission']));
    const secret = Buffer.from(`\0${alice.address}\0${alice.password}`).toString('base64');
    const { line } = await smtp.command(`AUTH PLAIN ${secret}`);
    smtp.close();
    return line;
  };
  onTestFinished(() => phone.close());
  return { ...site, alice, other: String(other), client, signIn, rcpt, submit };
}

test('DeleteOrganization: with enabled users OrganizationStateException; forced, nothing is served any more, and RestoreOrganization brings all back', async () => {
  const site = await serve();
  const { client, alice, organization: OrganizationId, signIn, rcpt, submit, admin } = site;
  expect(await signIn()).toBe(200);
  expect(await rcpt(alice.address)).toMatch(/^250 /);
  const wanted = { OrganizationId, DeleteDirectory: true };
  await expect(client.send(new DeleteOrganizationCommand(wanted))).rejects.toBeInstanceOf(
    OrganizationStateException,
  );

  const open = await SmtpClient.greeted(String(site.server.addresses['submission']));
  const secret = Buffer.from(`\0${alice.address}\0${alice.password}`).toString('base64');
  await open.command(`AUTH PLAIN ${secret}`);
  const forced = new DeleteOrganizationCommand({ ...wanted, ForceDelete: true, ClientToken: 'once' });
  for (let n = 0; n < 2; n++) {
    expect(await client.send(forced)).toMatchObject({ OrganizationId, State: 'Deleted' });
  }
  // Also who has signed in already sends no more.
  expect((await open.command(`MAIL FROM:<${alice.address}>`)).line).toMatch(/^421 4\.7\.0 /);
  open.close();
  expect(await signIn()).toBe(401);
  expect(await rcpt(alice.address)).toMatch(/^550 5\.1\.1 /);
  expect(await rcpt('nobody@test.mailstead.test')).toMatch(/^550 5\.1\.1 /);
  expect(await submit()).toMatch(/^535 /);
  await expect(client.send(new DeleteOrganizationCommand(wanted))).rejects.toBeInstanceOf(
    OrganizationStateException,
  );
  await expect(client.send(new ListUsersCommand({ OrganizationId }))).rejects.toBeInstanceOf(
    OrganizationStateException,
  );
  const described = await client.send(new DescribeOrganizationCommand({ OrganizationId }));
  expect(described).toMatchObject({ State: 'Deleted', Alias: 'test' });
  const { OrganizationSummaries } = await client.send(new ListOrganizationsCommand({}));
  expect(OrganizationSummaries?.map(({ Alias, State }) => [Alias, State]).sort()).toEqual([
    ['other', 'Active'],
    ['test', 'Deleted'],
  ]);
  // Its names stay its own.
  await expect(admin('CreateOrganization', { Alias: 'test' })).rejects.toMatchObject({
    name: 'NameAvailabilityException',
  });
  // What of it would go with it stands in the installation's log.
  const { Events } = await admin('Mailstead.ListAuditEvents');
  expect(JSON.stringify(Events)).toContain('WorkMailService.DeleteOrganization');

  expect(await admin('Mailstead.RestoreOrganization', { OrganizationId })).toMatchObject({ State: 'Active' });
  await expect(admin('Mailstead.RestoreOrganization', { OrganizationId })).rejects.toMatchObject({
    name: 'OrganizationStateException',
  });
  expect(await signIn()).toBe(200);
  expect(await rcpt(alice.address)).toMatch(/^250 /);
  expect(await submit()).toMatch(/^235 /);
});

test('DeleteOrganization: an organisation there is not, nonsense, and a token of another request', async () => {
  const { admin, other: OrganizationId, organization } = await serve();
  const refusal = (input: object) =>
    admin('DeleteOrganization', { DeleteDirectory: false, ...input }).then(
      () => 'done',
      ({ name }: Error) => name,
    );
  expect(await refusal({ OrganizationId: `m-${'0'.repeat(32)}` })).toBe('OrganizationNotFoundException');
  expect(await refusal({ OrganizationId: 'm-1' })).toBe('InvalidParameterException');
  expect(await refusal({ OrganizationId, DeleteDirectory: undefined })).toBe('InvalidParameterException');
  expect(await refusal({ OrganizationId, ClientToken: 'one' })).toBe('done');
  expect(await refusal({ OrganizationId, ClientToken: 'one', ForceDelete: true })).toBe(
    'InvalidParameterException',
  );
  expect(await refusal({ OrganizationId, ClientToken: 'two' })).toBe('OrganizationStateException');
  // What another organisation calls its tokens is nobody's business.
  expect(await refusal({ OrganizationId: organization, ClientToken: 'one', ForceDelete: true })).toBe('done');
});

test('org delete asks for the alias, org restore brings it back', async () => {
  const { dataDir } = await serve();
  const run = (args: readonly string[], stdin?: string) =>
    runCommand(dataDir, args, stdin === undefined ? {} : { stdin });
  const asked = await run(['org', 'delete', 'test'], 'other\n');
  expect(asked).toMatchObject({ code: 1, out: '' });
  expect(asked.err).toContain('Type "test" to go on: ');
  expect(asked.err).toContain('Nothing is done.');
  expect(await run(['org', 'delete', 'test', '--confirm', 'tset'])).toMatchObject({ code: 2 });
  const enabled = await run(['org', 'delete', 'test', '--confirm', 'test']);
  expect(enabled.err).toMatch(/^OrganizationStateException: The organization has enabled users/);
  const { code, out } = await run(['org', 'delete', 'test', '--force'], 'test\n');
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^test is deleted\. Until 20/) });
  expect((await run(['org', 'show', 'test'])).out).toMatch(/Gone on +20/);
  // The other one is the only one left to choose.
  expect((await run(['user', 'list'])).code).toBe(0);
  expect((await run(['org', 'restore', 'test'])).out).toBe('test is back.\n');
  expect((await run(['org', 'show', 'test'])).out).toMatch(/Active/);
});
