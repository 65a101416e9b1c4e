import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Session, withOrganization } from './session.ts';
import { CliError, type Terminal } from './terminal.ts';

/** addUserPhoto adds `user photo set|show|remove`. */
export function addUserPhoto(user: Command, terminal: Terminal): void {
  const photo = user.command('photo').description("a user's photo in the address book");
  withOrganization(photo.command('set'))
    .description('set it')
    .argument('<user>', 'address, name or id')
    .argument('<file>', 'a JPEG or PNG of at most 100 KiB')
    .action(async (who: string, file: string, _options, command: Command) => {
      const bytes = await readFile(resolve(terminal.cwd, file)).catch((cause: unknown) => {
        throw new CliError(`The file ${file} cannot be read.`, { cause });
      });
      const session = new Session(terminal, command);
      const input = { ...(await session.owner(who)), Photo: bytes.toString('base64') };
      session.show(
        await session.client.call('Mailstead.PutUserPhoto', input),
        () => `The photo of ${who} is set.\n`,
      );
    });
  withOrganization(photo.command('show'))
    .description('tell of what kind and size it is, or write it to a file')
    .argument('<user>', 'address, name or id')
    .argument('[file]', 'where it is written to')
    .action(async (who: string, file: string | undefined, _options, command: Command) => {
      const session = new Session(terminal, command);
      const output = await session.client.call('Mailstead.GetUserPhoto', await session.owner(who));
      const { Photo, ContentType } = output;
      const bytes = typeof Photo === 'string' ? Buffer.from(Photo, 'base64') : undefined;
      if (file !== undefined) await save(bytes, file, who, terminal);
      session.show(output, () =>
        bytes === undefined ? `${who} has no photo.\n` : `${String(ContentType)}, ${bytes.length} bytes\n`,
      );
    });
  withOrganization(photo.command('remove'))
    .description('take it away')
    .argument('<user>', 'address, name or id')
    .action(async (who: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const output = await session.client.call('Mailstead.DeleteUserPhoto', await session.owner(who));
      session.show(output, () => `${who} has no photo.\n`);
    });
}

async function save(bytes: Buffer | undefined, file: string, who: string, { cwd }: Terminal): Promise<void> {
  if (bytes === undefined) throw new CliError(`${who} has no photo.`);
  try {
    await writeFile(resolve(cwd, file), bytes);
  } catch (cause) {
    throw new CliError(`The file ${file} cannot be written.`, { cause });
  }
}
