import type { CompletedCommand, CompletedFlag, Values } from './described.ts';

/** The script for zsh. It is sourced, or put as `_bayeuxd` into a folder of `$fpath`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const described = commands.map(({ name, doc }) => `    ${quoted(`${name}:${doc}`)}`);
  const isNamed = commands.map(({ name }) => name).join('|');
  return `#compdef bayeuxd
# zsh completion of bayeuxd. Load it with: source <(bayeuxd completion zsh)
_bayeuxd() {
  local command=serve
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  if [[ $words[2] == (${isNamed}) ]]; then
    command=$words[2]
    shift words
    (( CURRENT -= 1 ))
  fi
  case $command in
${commands.map(caseOf).join('\n')}
  esac
}
if [[ $funcstack[1] == _bayeuxd ]]; then _bayeuxd "$@"; else compdef _bayeuxd bayeuxd; fi`;
}

function caseOf({ name, values, flags }: CompletedCommand): string {
  // Without the last one, zsh would offer no flags after an argument.
  const specs = [...flags.map(specOf), quoted(`*:argument:${actionOf(values)}`)];
  const lines = specs.map((spec) => `        ${spec}`);
  return `    ${name})
      _arguments \\
${lines.join(' \\\n')}
      ;;`;
}

function specOf({ flag, doc, isRepeated, value }: CompletedFlag): string {
  const described = `${isRepeated ? '*' : ''}${flag}[${doc.replaceAll(/[[\]\\]/g, '\\$&')}]`;
  return quoted(value === undefined ? described : `${described}:${value.name}:${actionOf(value.values)}`);
}

// A space means: nothing is known of the value.
function actionOf(values: Values): string {
  if (values === 'files') return '_files';
  return values.length === 0 ? ' ' : `(${values.join(' ')})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
