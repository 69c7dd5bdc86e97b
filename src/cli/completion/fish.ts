import type { CompletedCommand, CompletedFlag } from './described.ts';

/** The script for fish. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const described = commands.map(
    ({ name, doc }) => `complete -c bayeuxd -n __bayeuxd_is_first -a ${name} -d ${quoted(doc)}`,
  );
  return `# fish completion of bayeuxd. Load it with: bayeuxd completion fish | source
function __bayeuxd_is_first
    test (count (commandline -opc)) -eq 1
end
function __bayeuxd_command_is
    set -l words (commandline -opc)
    set -l command serve
    if contains -- "$words[2]" ${commands.map(({ name }) => name).join(' ')}
        set command $words[2]
    end
    test $command = $argv[1]
end
complete -c bayeuxd -f
${[...described, ...commands.flatMap(linesOf)].join('\n')}`;
}

function linesOf({ name, values, flags }: CompletedCommand): string[] {
  const start = `complete -c bayeuxd -n '__bayeuxd_command_is ${name}'`;
  return [
    ...flags.map((flag) => `${start} ${flagText(flag)}`),
    ...(values === 'files' ? [`${start} -F`] : values.map((word) => `${start} -a ${word}`)),
  ];
}

function flagText({ flag, doc, value }: CompletedFlag): string {
  const described = `-l ${flag.replace(/^--/, '')} -d ${quoted(doc)}`;
  if (value === undefined) return described;
  if (value.values === 'files') return `${described} -r -F`;
  return value.values.length === 0
    ? `${described} -x`
    : `${described} -x -a ${quoted(value.values.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
