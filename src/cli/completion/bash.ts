import { type Place, pathsOf, quote, valuedOptions } from './tree.ts';

/** bashCompletion writes the function by which bash completes. */
export function bashCompletion(places: readonly Place[]): string {
  const valued = valuedOptions(places);
  return `# Completion of mailstead for bash. Load it with: eval "$(mailstead completion bash)"
_mailstead() {
  local current=\${COMP_WORDS[COMP_CWORD]} place= expected= commands= options= choices= word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == '=' ]]; then continue; fi
    if [[ -n $expected ]]; then
      expected=
      continue
    fi
    case "$place $word" in
      ${alternatives(pathsOf(places))}) place="$place $word" ;;
      ${alternatives(valued.flatMap(({ paths }) => paths))}) expected="$place $word" ;;
    esac
  done
  if [[ $current == '=' ]]; then current=; fi
  if [[ -n $expected ]]; then
    case $expected in
${valued
  .filter(({ choices }) => choices.length > 0)
  .map(({ paths, choices }) => `      ${alternatives(paths)}) choices=${quote(choices.join(' '))} ;;\n`)
  .join('')}      *) ;;
    esac
  else
    case $place in
${places.map(placeLine).join('')}    esac
    if [[ $current == -* ]]; then choices=$options; else choices="$commands $choices"; fi
  fi
  COMPREPLY=($(compgen -W "$choices" -- "$current")) || COMPREPLY=()
}
complete -o bashdefault -o default -F _mailstead mailstead
`;
}

function placeLine({ path, commands, options, choices }: Place): string {
  const words = (names: readonly string[]) => quote(names.join(' '));
  const settings = [
    `commands=${words(commands.map(({ name }) => name))}`,
    `options=${words(options.flatMap(({ forms }) => forms))}`,
    ...(choices.length > 0 ? [`choices=${words(choices)}`] : []),
  ];
  return `      ${quote(path)}) ${settings.join(' ')} ;;\n`;
}

function alternatives(texts: readonly string[]): string {
  return texts.map(quote).join('|');
}
