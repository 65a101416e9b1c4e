/** Retention policies over Amazon's client and by the command line; what they do: storage/maintenance-retention.test.ts. */
import {
  DeleteRetentionPolicyCommand,
  type FolderConfiguration,
  GetDefaultRetentionPolicyCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-workmail';
import { expect, test } from 'vitest';
import { awsClient, createKey } from '../support/aws-client.ts';
import { runCommand } from '../support/command-line.ts';
import { startServer } from '../support/start-server.ts';

test('PutRetentionPolicy, GetDefaultRetentionPolicy, DeleteRetentionPolicy, retention show|set|off', async () => {
  const site = await startServer();
  const { organization: OrganizationId, admin } = site;
  const key = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const client = awsClient(site, key);
  const get = () => client.send(new GetDefaultRetentionPolicyCommand({ OrganizationId }));
  await expect(get()).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  const FolderConfigurations: FolderConfiguration[] = [
    { Name: 'INBOX', Action: 'DELETE', Period: 730 },
    { Name: 'DRAFTS', Action: 'NONE' },
  ];
  const policy = { OrganizationId, Name: 'default', Description: 'Two years', FolderConfigurations };
  await client.send(new PutRetentionPolicyCommand(policy));
  const { Id, ...stored } = await get();
  expect(stored).toMatchObject({ Name: 'default', Description: 'Two years', FolderConfigurations });

  const one = (configuration: object) => ({ ...policy, Id, FolderConfigurations: [configuration] });
  const nowhere = { OrganizationId: `m-${'0'.repeat(32)}` };
  const refused: [string, object, string][] = [
    ['PutRetentionPolicy', policy, 'LimitExceededException'],
    ['PutRetentionPolicy', { ...policy, Id: 'unknown' }, 'InvalidParameterException'],
    ['PutRetentionPolicy', one({ Name: 'INBOX', Action: 'DELETE' }), 'InvalidParameterException'],
    [
      'PutRetentionPolicy',
      one({ Name: 'INBOX', Action: 'DELETE', Period: 731 }),
      'InvalidParameterException',
    ],
    ['PutRetentionPolicy', one({ Name: 'OUTBOX', Action: 'NONE' }), 'InvalidParameterException'],
    [
      'PutRetentionPolicy',
      { ...policy, Id, FolderConfigurations: [...FolderConfigurations, FolderConfigurations[0]] },
      'InvalidParameterException',
    ],
    ['PutRetentionPolicy', { ...policy, ...nowhere }, 'OrganizationNotFoundException'],
    ['GetDefaultRetentionPolicy', nowhere, 'OrganizationNotFoundException'],
    ['DeleteRetentionPolicy', { ...nowhere, Id }, 'OrganizationNotFoundException'],
  ];
  for (const [operation, input, name] of refused) {
    await expect(admin(operation, input), `${operation} ${name}`).rejects.toMatchObject({ name });
  }

  const run = (...args: string[]) => runCommand(site.dataDir, ['retention', ...args]);
  expect((await run('set', 'inbox=365:delete', 'junk-email=30:permanently-delete')).out).toBe(
    [
      'FOLDER      DAYS  ACTION\n',
      'inbox       365   delete\n',
      'junk-email  30    permanently-delete\n',
    ].join(''),
  );
  expect(await get()).toMatchObject({ Id, Name: 'default', Description: 'Two years' });
  expect((await run('set', 'inbox=keep')).out).toBe(
    'FOLDER      DAYS  ACTION\njunk-email  30    permanently-delete\n',
  );
  expect(await run('set', 'outbox=3:delete')).toMatchObject({ code: 2, out: '' });
  expect(await run('set', 'inbox=0:delete')).toMatchObject({ code: 1, out: '' });

  await client.send(new DeleteRetentionPolicyCommand({ OrganizationId, Id: 'unknown' }));
  expect(await get()).toMatchObject({ Id });
  expect((await run('off')).out).toBe('All mail is kept.\n');
  await expect(get()).rejects.toMatchObject({ name: 'EntityNotFoundException' });
  expect((await run('off')).out).toBe('All mail is kept.\n');
  expect((await run('set', 'drafts=10:delete')).out).toContain('drafts');
  expect((await run('show')).out).toContain('drafts');
  await client.send(new DeleteRetentionPolicyCommand({ OrganizationId, Id: String((await get()).Id) }));
});
