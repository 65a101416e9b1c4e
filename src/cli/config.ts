import type { Command } from 'commander';
import { type ConfigSource, loadSettings } from '#config/load';
import { shownSettings, toToml } from '#config/show';
import { withJson } from './session.ts';
import type { Terminal } from './terminal.ts';

/** addConfig adds `config show|check`. */
export function addConfig(program: Command, terminal: Terminal): void {
  const config = program.command('config').description('the configuration');
  withJson(config.command('show'))
    .description('print the effective settings, secrets masked')
    .action((_options, command: Command) => {
      const shown = shownSettings(loadSettings(sourceOf(command, terminal)));
      const isJson = command.opts<{ json?: boolean }>().json === true;
      terminal.print(isJson ? `${JSON.stringify(shown, null, 2)}\n` : toToml(shown));
    });
  config
    .command('check')
    .description('list everything that is wrong with the configuration')
    .action((_options, command: Command) => {
      loadSettings(sourceOf(command, terminal));
      terminal.print('The configuration is fine.\n');
    });
}

/** sourceOf says where a command's settings come from. */
export function sourceOf(command: Command, { env, cwd }: Terminal): ConfigSource {
  const { config, data } = command.optsWithGlobals<{ config?: string; data?: string }>();
  return { file: config, data, env, cwd };
}
