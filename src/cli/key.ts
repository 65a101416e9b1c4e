import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import { CliError, type Terminal } from './terminal.ts';

interface Options {
  readonly installation?: boolean;
  readonly policy?: 'full' | 'read-only';
  readonly policyFile?: string;
}

/** addKey adds `key create|list|delete`. */
export function addKey(program: Command, terminal: Terminal): void {
  const key = program
    .command('key')
    .description('access keys: who may call the API over the network, as AWS signs');
  withOwner(key.command('create'))
    .description('make a key; its secret is shown this once')
    .argument('<name>', 'what it is for')
    .addOption(new Option('--policy <name>', 'a managed policy').choices(['full', 'read-only']))
    .option('--policy-file <file>', 'a policy of its own, as IAM writes them')
    .action(async (Name: string, options: Options, command: Command) => {
      const session = new Session(terminal, command);
      const input = { ...(await ownerOf(session, options)), Name, ...grantOf(options, terminal) };
      const made = await session.client.call('Mailstead.CreateAccessKey', input);
      session.show(made, ({ AccessKeyId, SecretAccessKey }) =>
        [
          formatFields({ AccessKeyId, SecretAccessKey }),
          'The secret is not shown again. With the AWS CLI:\n',
          `  AWS_ACCESS_KEY_ID=${AccessKeyId} AWS_SECRET_ACCESS_KEY=... \\\n`,
          '    aws workmail list-organizations --region local --endpoint-url https://YOUR-SERVER\n',
        ].join(''),
      );
    });
  withOwner(key.command('list'))
    .description('list keys, without their secrets')
    .action(async (options: Options, command: Command) => {
      const session = new Session(terminal, command);
      const owner = await ownerOf(session, options);
      session.show(await session.client.list('Mailstead.ListAccessKeys', 'AccessKeys', owner), formatKeys);
    });
  withOwner(key.command('delete'))
    .description('delete a key: requests that it signs are refused from now on')
    .argument('<id>', "the key's id")
    .action(async (AccessKeyId: string, options: Options, command: Command) => {
      const session = new Session(terminal, command);
      const input = { ...(await ownerOf(session, options)), AccessKeyId };
      const output = await session.client.call('Mailstead.DeleteAccessKey', input);
      session.show(output, () => `${AccessKeyId} is deleted.\n`);
    });
}

function withOwner(command: Command): Command {
  return withOrganization(command).option('--installation', 'for all organisations, and to make new ones');
}

async function ownerOf(session: Session, { installation }: Options): Promise<object> {
  return installation ? {} : { OrganizationId: await session.organizationId() };
}

function grantOf({ policy, policyFile }: Options, { cwd }: Terminal): object {
  if (policy !== undefined && policyFile !== undefined) {
    throw new CliError('Give either --policy or --policy-file.');
  }
  if (policyFile !== undefined) return { PolicyDocument: readPolicy(resolve(cwd, policyFile)) };
  return {
    ManagedPolicy: policy === 'full' ? 'AmazonWorkMailFullAccess' : 'AmazonWorkMailReadOnlyAccess',
  };
}

function readPolicy(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`The file ${file} cannot be read: ${error instanceof Error ? error.message : error}.`);
  }
}

function formatKeys({ AccessKeys }: Output): string {
  return formatTable(
    ['ID', 'NAME', 'POLICY', 'CREATED', 'LAST USED'],
    recordsOf(AccessKeys).map((one) => [
      one['AccessKeyId'],
      one['Name'],
      one['ManagedPolicy'] ?? 'its own',
      formatTime(one['DateCreated']),
      formatTime(one['DateLastUsed']),
    ]),
  );
}
