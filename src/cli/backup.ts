import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** addBackup adds `backup FOLDER`. */
export function addBackup(program: Command, terminal: Terminal): void {
  program
    .command('backup')
    .description('copy the live data into a new folder; master.key is not in it, keep that apart')
    .argument('<folder>', 'a new folder on the same file system')
    .option('--json', 'print the answer as the API gives it')
    .action(async (folder: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const output = await session.client.call('Mailstead.CreateBackup', {
        Folder: resolve(terminal.cwd, folder),
      });
      session.show(
        output,
        ({ Folder, Files, Bytes }) =>
          `${Folder}: ${Files} files, ${Bytes} bytes. Keep master.key with care, elsewhere.\n`,
      );
    });
}
