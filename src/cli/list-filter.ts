import { type Command, Option } from 'commander';

/** What of a list is wanted. */
export interface ListFilter {
  readonly state?: string;
  readonly name?: string;
  readonly address?: string;
}

/** withFilter adds the options that choose what of a list is wanted: one of them at a time, as in the API. */
export function withFilter(command: Command): Command {
  return command
    .addOption(
      new Option('--state <state>', 'only those in this state')
        .choices(['enabled', 'disabled', 'deleted'])
        .conflicts(['name', 'address']),
    )
    .addOption(
      new Option('--name <prefix>', 'only those whose name begins so').conflicts(['state', 'address']),
    )
    .addOption(
      new Option('--address <prefix>', 'only those whose address begins so').conflicts(['state', 'name']),
    );
}

/** filtersOf gives the member Filters of a list operation; `nameMember` is what the operation calls the prefix of a name. */
export function filtersOf(
  { state, name, address }: ListFilter,
  nameMember: string,
): Readonly<Record<string, string>> | undefined {
  if (state !== undefined) return { State: state.toUpperCase() };
  if (name !== undefined) return { [nameMember]: name };
  return address === undefined ? undefined : { PrimaryEmailPrefix: address };
}
