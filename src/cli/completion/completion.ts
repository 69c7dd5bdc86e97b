import type { Argument, Command, Option } from 'commander';
import { bashScript } from './bash.ts';
import type { CompletedCommand, CompletedFlag, Shell, Values } from './described.ts';
import { fishScript } from './fish.ts';
import { zshScript } from './zsh.ts';

/** The completion script of a shell, made from the command line of the program. */
export function completion(shell: Shell, program: Command): string {
  const commands = program.commands.map(commandOf);
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
  }
}

function commandOf(command: Command): CompletedCommand {
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    doc: command.summary(),
    values: argument === undefined ? [] : valuesOf(argument, argument.name()),
    flags: [...command.options, ...helpOf(command)].map(flagOf),
  };
}

// Commander does not list it among the options.
function helpOf(command: Command): Option[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long === '--help');
}

function flagOf(option: Option): CompletedFlag {
  const [, name] = /[<[]([\w=]+)/.exec(option.flags) ?? [];
  return {
    flag: option.long ?? option.flags,
    doc: firstSentence(option.description),
    isRepeated: option.parseArg !== undefined && option.argChoices === undefined,
    ...(name !== undefined && { value: { name, values: valuesOf(option, name) } }),
  };
}

function valuesOf({ argChoices }: Pick<Option | Argument, 'argChoices'>, name: string): Values {
  // A shell would expand a word such as `*`.
  if (argChoices !== undefined) return argChoices.filter((word) => /^[\w.-]+$/.test(word));
  return name === 'file' || name === 'folder' ? 'files' : [];
}

function firstSentence(text: string): string {
  return (/^.*?[^.]\.(?= |$)/.exec(text)?.[0] ?? text).replaceAll('`', '').replace(/\.$/, '');
}
