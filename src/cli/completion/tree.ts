import type { Command } from 'commander';

/** A word that may stand on the command line, and what it is. */
export interface Word {
  readonly name: string;
  readonly description: string;
}

/** An option as shells complete it. */
export interface CompletedOption extends Word {
  /** With its hyphens; the short form first if there is one. */
  readonly forms: readonly string[];
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** What may follow the words of a path. */
export interface Place {
  /** The commands before, each after a blank: `` for none, ` org create`. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly CompletedOption[];
  /** What the arguments choose from; none: anything. */
  readonly choices: readonly string[];
}

/** placesOf walks the whole tree of commands. */
export function placesOf(program: Command): readonly Place[] {
  return walk(program, '', []);
}

function walk(command: Command, path: string, outer: readonly CompletedOption[]): Place[] {
  const help = command.createHelp();
  const own = help.visibleOptions(command).map(
    (option): CompletedOption => ({
      name: option.long ?? option.short ?? '',
      description: option.description,
      forms: [option.short, option.long].filter((form) => form !== undefined && form !== null),
      takesValue: option.required || option.optional,
      choices: option.argChoices ?? [],
    }),
  );
  const isHelp = ({ name }: Word) => name === '--help';
  const options = [...own, ...outer.filter((option) => !isHelp(option))];
  const place: Place = {
    path,
    commands: command.commands.map((one) => ({ name: one.name(), description: one.description() })),
    options,
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
  return [place, ...command.commands.flatMap((one) => walk(one, `${path} ${one.name()}`, options))];
}

/** Every command by its path. */
export function pathsOf(places: readonly Place[]): readonly string[] {
  return places.map(({ path }) => path).filter((path) => path !== '');
}

/** An option that takes a value, behind the path where it may stand. */
export interface ValuedOption {
  readonly paths: readonly string[];
  readonly choices: readonly string[];
}

/** valuedOptions gives every option that takes a value, as ` key create --policy`. */
export function valuedOptions(places: readonly Place[]): readonly ValuedOption[] {
  return places.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ forms, choices }) => ({ paths: forms.map((form) => `${path} ${form}`), choices })),
  );
}

/** quote writes a text as one word of bash and zsh. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
