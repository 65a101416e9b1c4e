/**
 * docs/aws-scripts.md as it stands there, with Debian's command line: the profile, the `aws` before the real one, the commands;
 * and a script from WorkMail's days.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { AwsCli } from '#test/support/aws-cli';
import { createKey } from '#test/support/aws-client';
import { EasClient } from '#test/support/eas-client';
import { testWith } from '#test/support/peers';
import { startServer } from '#test/support/start-server';

const test = await testWith('aws');
const root = join(import.meta.dirname, '..', '..');

/** A server, and a home that is set up as the document says. */
async function start() {
  const site = await startServer();
  const { organization: OrganizationId } = site;
  const key = await createKey(site, { OrganizationId, ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const cli = await AwsCli.for(site);
  const text = (await readFile(join(root, 'docs', 'aws-scripts.md'), 'utf8'))
    .replaceAll('https://mail.example.com', site.baseUrl)
    .replaceAll('/etc/mailstead/ca.pem', cli.caFile)
    .replace('aws_access_key_id = AKIA...', `aws_access_key_id = ${key.accessKeyId}`)
    .replace('aws_secret_access_key = ...', `aws_secret_access_key = ${key.secretAccessKey}`)
    .replace("Alias=='acme'", "Alias=='test'");
  const blocks = (language: string) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block);
  const [credentials = '', profile = ''] = blocks('ini');
  const [wrapper = ''] = blocks('sh');
  await mkdir(join(cli.home, '.aws'));
  await writeFile(join(cli.home, '.aws', 'credentials'), credentials);
  await writeFile(join(cli.home, '.aws', 'config'), profile);
  await mkdir(join(cli.home, 'bin'));
  await writeFile(join(cli.home, 'bin', 'aws'), wrapper, { mode: 0o755 });
  return { site, OrganizationId, cli, commands: blocks('bash').join('') };
}

test('each command of the document does what it says', async () => {
  const { site, OrganizationId, cli, commands } = await start();
  await site.addUser('alice');
  const { code, out, err } = await cli.start('/bin/bash', ['--norc', '-euc', commands]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const [organizations, ...rest] = out.split('\n}\n');
  expect(organizations).toContain(`"OrganizationId": "${OrganizationId}"`);
  expect(rest.join('\n}\n')).toMatch(/^alice\talice@test\.mailstead\.test\n\{\n {4}"Users": \[/);
  expect(out).toMatch(/"GroupId": "[^"]+"/);
  expect(out).toMatch(/\| +ListGroups +\|.*newcomers/s);
}, 300_000);

test('a script that onboards people from a CSV file runs as it is', async () => {
  const { site, OrganizationId, cli } = await start();
  const scripts = join(root, 'test', 'fixtures', 'aws-scripts');
  const group = await site.admin('CreateGroup', { OrganizationId, Name: 'staff' });
  const { code, out, err } = await cli.start(join(scripts, 'onboard.sh'), [
    'test',
    join(scripts, 'staff.csv'),
  ]);
  expect({ code, err }).toEqual({ code: 0, err: 'dora is there already\n' });
  const people = out
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  expect(people.map(([address]) => address)).toEqual([
    'dora@test.mailstead.test',
    'emil@test.mailstead.test',
  ]);
  for (const [user = '', password = ''] of people) {
    const phone = new EasClient({ baseUrl: site.baseUrl, ca: site.ca, user, password });
    onTestFinished(() => phone.close());
    expect((await phone.options()).status).toBe(200);
  }
  const { Members } = await site.admin('ListGroupMembers', { OrganizationId, ...group });
  expect(Members).toMatchObject([{ State: 'ENABLED' }, { State: 'ENABLED' }]);
}, 300_000);
