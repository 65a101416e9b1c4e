import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatTable, formatTime } from './table.ts';
import { CliError, type Terminal } from './terminal.ts';

/** addUserCertificates adds `user certificate add|list|remove`. */
export function addUserCertificates(user: Command, terminal: Terminal): void {
  const certificate = user
    .command('certificate')
    .description("a user's S/MIME certificates, by which others encrypt mail to it");
  withOrganization(certificate.command('add'))
    .description('add one')
    .argument('<user>', 'address, name or id')
    .argument('<file>', 'the certificate in PEM or DER')
    .action(async (who: string, file: string, _options, command: Command) => {
      const added = await certificateIn(file, terminal);
      const session = new Session(terminal, command);
      const owner = await session.owner(who);
      const before = await session.client.call('Mailstead.ListUserCertificates', owner);
      const Certificates = [...recordsOf(before['Certificates']).map((one) => one['Certificate']), added];
      const input = { ...owner, Certificates };
      session.show(await session.client.call('Mailstead.PutUserCertificates', input), formatCertificates);
    });
  withOrganization(certificate.command('list'))
    .description('list them')
    .argument('<user>', 'address, name or id')
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const owner = await session.owner(who);
      session.show(await session.client.call('Mailstead.ListUserCertificates', owner), formatCertificates);
    });
  withOrganization(certificate.command('remove'))
    .description('remove one')
    .argument('<user>', 'address, name or id')
    .argument('<fingerprint>', 'as "list" shows it')
    .action(async (who: string, fingerprint: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const input = {
        ...(await session.owner(who)),
        Fingerprint: fingerprint.replaceAll(':', '').toLowerCase(),
      };
      const output = await session.client.call('Mailstead.DeleteUserCertificate', input);
      session.show(output, () => 'The certificate is removed.\n');
    });
}

/** In base64 of its DER; the server says what is wrong with it. */
async function certificateIn(file: string, { cwd }: Terminal): Promise<string> {
  const bytes = await readFile(resolve(cwd, file)).catch((cause: unknown) => {
    throw new CliError(`The file ${file} cannot be read.`, { cause });
  });
  try {
    return new X509Certificate(bytes).raw.toString('base64');
  } catch (cause) {
    throw new CliError(`The file ${file} holds no certificate in PEM or DER.`, { cause });
  }
}

function formatCertificates({ Certificates }: Output): string {
  const rows = recordsOf(Certificates).map((one) => [
    Array.isArray(one['EmailAddresses']) ? one['EmailAddresses'].join(', ') : '',
    formatTime(one['NotAfter']),
    one['Issuer'],
    one['Fingerprint'],
  ]);
  return rows.length === 0
    ? 'There are no certificates.\n'
    : formatTable(['ADDRESS', 'UNTIL', 'ISSUER', 'FINGERPRINT'], rows);
}
