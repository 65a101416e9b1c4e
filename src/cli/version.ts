import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** addVersion adds `version`. */
export function addVersion(program: Command, terminal: Terminal): void {
  program
    .command('version')
    .description('print the version')
    .action(() => {
      const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
      const { version } = JSON.parse(text) as { version: string };
      terminal.print(`mailstead ${version} (Node ${process.versions.node})\n`);
    });
}
