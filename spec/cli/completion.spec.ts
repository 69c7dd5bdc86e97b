import { execFileSync, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';
import { run } from './running-program.ts';

const { folder, file } = tempFolder();

/** Gives what a shell offers at the end of each line. */
type Complete = (script: string, lines: readonly string[]) => string[][];

const shells: Readonly<Record<string, Complete>> = {
  bash(script, lines) {
    const complete = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bayeuxd; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return lines.map((line) => linesOf(output('bash', ['-c', complete, 'bash', script, ...line.split(' ')])));
  },
  zsh(script, lines) {
    const [, ...answers] = output('zsh', ['-f', file('capture.zsh', zshCapture), script, ...lines]).split(
      'ready',
    );
    return answers.map((answer) => [
      ...new Set(Array.from(answer.matchAll(/<([^<>]*)>/g), ([, word = '']) => word)),
    ]);
  },
  fish(script, lines) {
    return lines.map((line) => {
      const offered = output('fish', ['-N', '-c', `source ${script}; complete -C ${JSON.stringify(line)}`]);
      return linesOf(offered).map((text) => text.split('\t', 1)[0] ?? '');
    });
  },
};

// zsh completes only on a terminal: this is one. Each match is printed between < and >. A line is typed once the editor of zsh
// has the terminal: before that, the terminal itself would take the Control-U behind it, and forget the line.
const zshCapture = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT= RPROMPT=; autoload -U compinit; compinit -u -D; source $1"
zpty -w shell 'compadd() { local -a found; builtin compadd -O found "$@"; local each; for each in $found; print -rn -- "<$each>"; builtin compadd "$@" }'
zpty -w shell 'zle-line-init() { print -rn -- rea""dy }; zle -N zle-line-init'
local line text
for line in "\${@[2,-1]}"; do
  zpty -r -m shell text '*ready*'
  print -r -- ready
  zpty -w -n shell "$line"$'\\t'$'\\x15'
  zpty -w shell 'echo do""ne'
  zpty -r -m shell text '*done*'
  print -r -- "$text"
done
`;

function output(command: string, args: readonly string[]): string {
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder, TERM: 'dumb' };
  return execFileSync(command, args, { env, cwd: folder, encoding: 'utf8', timeout: 20_000 });
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

const isInstalled = (command: string) => spawnSync(command, ['--version']).status === 0;

const cases: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['bayeuxd se', ['serve', 'sessions']],
  ['bayeuxd sessions --u', ['--url', '--user']],
  ['bayeuxd history /a --la', ['--last']],
  ['bayeuxd --por', ['--port']],
  ['bayeuxd serve --log-', ['--log-format', '--log-level']],
  ['bayeuxd --log-level d', ['debug']],
  ['bayeuxd --port 1 --log-format ', ['json', 'pretty']],
  ['bayeuxd completion ', ['bash', 'fish', 'zsh']],
  ['bayeuxd sessions --user ', []],
  ['bayeuxd sessions --ra', []],
];

describe.each(Object.entries(shells))('the completion of %s', (shell, complete) => {
  // Where the shell is not installed, nothing can run its script.
  describe.skipIf(!isInstalled(shell))('in that shell', () => {
    let offered: string[][] = [];
    beforeAll(async () => {
      const { status, stdout, stderr } = await run(['completion', shell]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const lines = [...cases.map(([line]) => line), 'bayeuxd '];
      offered = complete(file(`completion.${shell}`, stdout), lines).map((words) => words.toSorted());
    });

    it.each(cases.map(([line, words], at) => ({ line, words, at })))(
      'offers for «$line» $words',
      ({ words, at }) => {
        expect(offered[at]).toEqual(words);
      },
    );

    it('offers every command', async () => {
      const { stdout } = await run(['--help', 'all']);
      const commands = stdout.match(/(?<=^ {2}bayeuxd )\w+/gm) ?? [];
      expect(commands.length).toBeGreaterThan(10);
      expect(offered.at(-1)).toEqual(commands.toSorted());
    });
  });
});
