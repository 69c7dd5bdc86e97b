import type { CompletedCommand, CompletedFlag } from './described.ts';

/** The script for bash 3.2 and later. Where no word fits, bash completes file names. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name);
  return `# bash completion of bayeuxd. Load it with: source <(bayeuxd completion bash)
_bayeuxd() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local command=serve words= flags=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='${names.join(' ')}'
  else
    case "\${COMP_WORDS[1]}" in
      ${names.join('|')}) command="\${COMP_WORDS[1]}" ;;
    esac
  fi
  case "$command" in
${commands.map(caseOf).join('\n')}
  esac
  case "$word" in
    -*) words="$flags" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _bayeuxd bayeuxd`;
}

function caseOf({ name, values, flags }: CompletedCommand): string {
  return `    ${name})
      case "$before" in
${[...valueCases(flags), ...otherwise(values)].join('\n')}
      esac
      flags='${flags.map(({ flag }) => flag).join(' ')}'
      ;;`;
}

// The value of a flag is never a flag, so the function is over.
function valueCases(flags: readonly CompletedFlag[]): string[] {
  const withWords = flags.filter(
    ({ value }) => value !== undefined && value.values !== 'files' && value.values.length > 0,
  );
  const others = flags.filter((flag) => flag.value !== undefined && !withWords.includes(flag));
  return [
    ...withWords.map(
      ({ flag, value }) =>
        `        ${flag}) COMPREPLY=($(compgen -W '${[value?.values].flat().join(' ')}' -- "$word")); return ;;`,
    ),
    ...(others.length === 0
      ? []
      : [`        ${others.map(({ flag }) => flag).join('|')}) COMPREPLY=(); return ;;`]),
  ];
}

function otherwise(values: CompletedCommand['values']): string[] {
  return values === 'files' || values.length === 0 ? [] : [`        *) words='${values.join(' ')}' ;;`];
}
