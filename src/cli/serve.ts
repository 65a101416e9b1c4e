import type { Command } from 'commander';
import { loadConfig } from '#config/load';
import { sourceOf } from './config.ts';
import type { Terminal } from './terminal.ts';

interface ServeOptions {
  readonly quickSetup: boolean;
  readonly acceptLostCommits?: boolean;
}

/** addServe adds `serve`, which runs the server in the foreground. */
export function addServe(program: Command, terminal: Terminal): void {
  program
    .command('serve')
    .description('run the server; SIGTERM or SIGINT stops it')
    .option('--no-quick-setup', 'make no organisation to try things with on an empty data directory')
    .option('--accept-lost-commits', 'open a damaged store without what it lost; every device starts over')
    .action(async (options: ServeOptions, command: Command) => {
      const { quickSetup, acceptLostCommits } = options;
      const source = { ...sourceOf(command, terminal), acceptLostCommits };
      await terminal.serve(loadConfig(quickSetup ? source : { ...source, quickSetup }));
    });
}
