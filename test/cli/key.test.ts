import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListUsersCommand } from '@aws-sdk/client-workmail';
import { expect, test } from 'vitest';
import { awsClient } from '../support/aws-client.ts';
import { runCommand } from '../support/command-line.ts';
import { startServer } from '../support/start-server.ts';

test('a key is made, used, listed and deleted from the command line, and the audit log tells of it', async () => {
  const server = await startServer();
  const run = (...args: string[]) => runCommand(server.dataDir, args);
  const made = JSON.parse((await run('key', 'create', 'backup script', '--json')).out);
  const credentials = { accessKeyId: made.AccessKeyId, secretAccessKey: made.SecretAccessKey };
  const client = awsClient(server, credentials);
  await client.send(new ListUsersCommand({ OrganizationId: server.organization }));
  const listed = await run('key', 'list');
  expect(listed.out).toMatch(new RegExp(`${made.AccessKeyId}  backup script  AmazonWorkMailReadOnlyAccess`));
  expect(listed.out).not.toContain(made.SecretAccessKey);
  expect((await run('key', 'delete', made.AccessKeyId)).out).toBe(`${made.AccessKeyId} is deleted.\n`);
  expect((await run('key', 'delete', made.AccessKeyId)).err).toContain('"mailstead key list"');
  expect((await run('key', 'list')).out).not.toContain(made.AccessKeyId);
  const audit = await run('audit', '--since', '1h');
  expect(audit.out).toMatch(/DeleteAccessKey +ResourceNotFoundException/);
  expect(audit.out).toMatch(/\(backup script\) +127\.0\.0\.1 +ListUsers +Success/);
  const failed = JSON.parse((await run('audit', '--failed', '--json')).out);
  expect(failed.Events).toHaveLength(1);
  expect(JSON.parse((await run('audit', '--until', '2026-01-01', '--json')).out)).toEqual({ Events: [] });
  expect(JSON.parse((await run('audit', '--limit', '1', '--json')).out).Events).toHaveLength(1);
  expect((await run('audit', '--since', 'yesterday')).code).toBe(2);
});

test('the policy of a key may be managed, or a file, with the ARN that org show tells', async () => {
  const server = await startServer();
  const run = (...args: string[]) => runCommand(server.dataDir, ['key', ...args]);
  const file = join(server.dataDir, '..', 'policy.json');
  await writeFile(
    file,
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"workmail:List*","Resource":"*"}}',
  );
  expect((await run('create', 'lister', '--policy-file', file)).out).toMatch(/SecretAccessKey +\S{40}\n/);
  expect((await run('create', 'all', '--policy', 'full', '--installation')).code).toBe(0);
  expect((await run('list')).out).toMatch(/lister +its own/);
  expect((await run('list', '--installation')).out).toMatch(/all +AmazonWorkMailFullAccess/);
  const [, arn] = /^ARN +(\S+)$/m.exec((await runCommand(server.dataDir, ['org', 'show'])).out) ?? [];
  await writeFile(
    file,
    JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'workmail:ListUsers', Resource: arn },
    }),
  );
  const narrow = JSON.parse((await run('create', 'narrow', '--policy-file', file, '--json')).out);
  const credentials = { accessKeyId: narrow.AccessKeyId, secretAccessKey: narrow.SecretAccessKey };
  const list = new ListUsersCommand({ OrganizationId: server.organization });
  expect((await awsClient(server, credentials).send(list)).Users).toEqual([]);
  await writeFile(file, '{"Version":"2012-10-17"}');
  expect((await run('create', 'x', '--policy-file', file)).err).toContain(
    'Statement 1 has to be a structure',
  );
  expect((await run('create', 'x', '--policy-file', `${file}.none`)).err).toContain('cannot be read');
  expect((await run('create', 'x', '--policy', 'some')).code).toBe(2);
});
