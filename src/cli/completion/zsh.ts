import { type Place, pathsOf, quote, valuedOptions } from './tree.ts';

/** zshCompletion writes the function by which zsh completes, with what each word is. */
export function zshCompletion(places: readonly Place[]): string {
  const valued = valuedOptions(places);
  return `#compdef mailstead
# Completion of mailstead for zsh. Load it with: eval "$(mailstead completion zsh)"
_mailstead() {
  local place= expected= word i
  local -a commands options choices
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if [[ -n $expected ]]; then
      expected=
      continue
    fi
    case "$place $word" in
      (${alternatives(pathsOf(places))}) place="$place $word" ;;
      (${alternatives(valued.flatMap(({ paths }) => paths))}) expected="$place $word" ;;
    esac
  done
  if [[ -n $expected ]]; then
    case $expected in
${valued
  .filter(({ choices }) => choices.length > 0)
  .map(
    ({ paths, choices }) => `      (${alternatives(paths)}) choices=(${choices.map(quote).join(' ')}) ;;\n`,
  )
  .join('')}    esac
  else
    case $place in
${places.map(placeLine).join('')}    esac
  fi
  if [[ $PREFIX == -* && -z $expected ]]; then
    _describe option options
  elif (( \${#commands} + \${#choices} )); then
    _describe command commands
    _describe value choices
  else
    _files
  fi
}
compdef _mailstead mailstead
`;
}

function placeLine({ path, commands, options, choices }: Place): string {
  const described = options.flatMap(({ forms, description }) =>
    forms.map((form) => wordOf(form, description)),
  );
  return `      (${quote(path)})
        commands=(${commands.map(({ name, description }) => wordOf(name, description)).join(' ')})
        options=(${described.join(' ')})
        choices=(${choices.map(quote).join(' ')}) ;;
`;
}

/** _describe takes what stands before the first colon as the word. */
function wordOf(name: string, description: string): string {
  return quote(`${name.replaceAll(':', '\\:')}:${description}`);
}

function alternatives(texts: readonly string[]): string {
  return texts.map(quote).join('|');
}
