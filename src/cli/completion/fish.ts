import { type CompletedOption, type Place, pathsOf, valuedOptions } from './tree.ts';

/** fishCompletion writes what fish completes, with what each word is. */
export function fishCompletion(places: readonly Place[]): string {
  const valued = valuedOptions(places).flatMap(({ paths }) => paths);
  return `# Completion of mailstead for fish. Load it with: mailstead completion fish | source
function __mailstead_at
    set -l place ''
    set -l expected ''
    for word in (commandline -opc)[2..-1]
        if test -n "$expected"
            set expected ''
            continue
        end
        switch "$place $word"
            case ${pathsOf(places).map(quote).join(' ')}
                set place "$place $word"
            case ${valued.map(quote).join(' ')}
                set expected "$word"
        end
    end
    test "$place" = "$argv[1]"
end
${places.map(linesOf).join('')}`;
}

function linesOf({ path, commands, options, choices }: Place): string {
  const at = `complete -c mailstead -n ${quote(`__mailstead_at ${quote(path)}`)}`;
  return [
    ...commands.map(({ name, description }) => `${at} -f -a ${quote(name)} -d ${quote(description)}\n`),
    ...(choices.length > 0 ? [`${at} -f -a ${quote(choices.join(' '))}\n`] : []),
    ...options.map((option) => `${at} ${optionWords(option)} -d ${quote(option.description)}\n`),
  ].join('');
}

function optionWords({ forms, takesValue, choices }: CompletedOption): string {
  const named = forms.map((form) => (form.startsWith('--') ? `-l ${form.slice(2)}` : `-s ${form.slice(1)}`));
  if (choices.length > 0) return [...named, `-x -a ${quote(choices.join(' '))}`].join(' ');
  return [...named, ...(takesValue ? ['-r'] : [])].join(' ');
}

/** Within single quotes fish reads a backslash before a quote or a backslash. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
