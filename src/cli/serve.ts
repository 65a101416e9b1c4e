import type { Command } from 'commander';
import { loadConfig } from '#config/load';
import { sourceOf } from './config.ts';
import type { Terminal } from './terminal.ts';

/** addServe adds `serve`, which runs the server in the foreground. */
export function addServe(program: Command, terminal: Terminal): void {
  program
    .command('serve')
    .description('run the server; SIGTERM or SIGINT stops it')
    .option('--no-quick-setup', 'make no organisation to try things with on an empty data directory')
    .action(async ({ quickSetup }: { quickSetup: boolean }, command: Command) => {
      const source = sourceOf(command, terminal);
      await terminal.serve(loadConfig(quickSetup ? source : { ...source, quickSetup }));
    });
}
