import { Argument, type Command } from 'commander';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { type Place, placesOf } from './completion/tree.ts';
import { zshCompletion } from './completion/zsh.ts';
import type { Terminal } from './terminal.ts';

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** addCompletion adds `completion`; what it writes is made of the program's own tree of commands. */
export function addCompletion(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('print what makes a shell complete commands and options')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(shells)))
    .action((shell: keyof typeof shells) => {
      const write: (places: readonly Place[]) => string = shells[shell];
      terminal.print(write(placesOf(program)));
    });
}
