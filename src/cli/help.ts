import type { Argument, Command } from 'commander';
import { type NamedOption, type OptionRow, optionRows, type OptionTable } from '../options/table.ts';
import { describe } from '../options/check.ts';
import { block, type Item, wrap } from './columns.ts';
import { exitCodes } from './exit-codes.ts';
import { allOptions, configOption, sections } from './options.ts';
import { unlimited } from './text.ts';

const column = 36;

/** Other work that a flag asks `serve` to do. */
export const insteadDocs = {
  check: 'Check the configuration and exit.',
  'print-config': 'Print the configuration in effect in the form of a configuration file, and exit.',
} as const;

const general = [
  [`${configOption.flag} <file>`, configOption.doc],
  ['--check', insteadDocs.check],
  ['--print-config', insteadDocs['print-config']],
  ['-V, --version', 'Print the version and exit.'],
  ['-h, --help [all]', 'Print the most common options, or all options, and exit.'],
] as const;

const names =
  'Parentheses give the default. The items of a list are separated by commas. ' +
  'Each flag is also an environment variable and a key of the configuration file: ' +
  '--max-interval is BAYEUXD_MAX_INTERVAL and maxInterval, ' +
  '--websocket-ping-interval is BAYEUXD_WEBSOCKET_PING_INTERVAL and pingInterval under websocket. ' +
  'A flag overrides a variable, and a variable overrides the file.';

/** All options by subject, in lines of at most `width` characters. */
export function helpText(version: string, width: number, commands: readonly Item[]): string {
  const blocks = [
    `bayeuxd ${version}: a Bayeux 1.0 server for CometD, Faye and jsforce clients.`,
    block('Usage', commands, width, 42),
    block('Exit codes', exitCodes, width, 5),
    block('General', general, width, column),
    ...Object.entries(sections).map(([title, table]) => block(title, itemsOf(table), width, column)),
    wrap(names, width).join('\n'),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** How each command is called, and what it does. */
export function commandItems(program: Command): Item[] {
  return program.commands.map((command) => [
    [
      program.name(),
      command.name(),
      ...command.registeredArguments.map(argumentName),
      ...optionsHint(command),
    ].join(' '),
    command.summary(),
  ]);
}

function argumentName(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}

// With arguments the line says enough.
function optionsHint({ registeredArguments }: Command): string[] {
  return registeredArguments.length === 0 ? ['[options]'] : [];
}

function itemsOf(table: OptionTable): Item[] {
  return optionRows(table).map((option) => [termOf(option), textOf(option.row)]);
}

/** A flag with a name for its value: `--timeout <ms>`. */
function termOf({ flag, row }: NamedOption): string {
  if (row.kind === 'boolean') return `--[no-]${flag.slice(2)}`;
  return `${flag} <${valueName(row)}>`;
}

/** The name of a value in help: `ms`. */
export function valueName(row: OptionRow): string {
  switch (row.kind) {
    case 'number':
    case 'integer':
      return row.unit === 'milliseconds' ? 'ms' : (row.unit ?? 'number');
    case 'rules':
    case 'schema':
      return 'json';
    case 'word':
      return 'word';
    default:
      return row.kind === 'list' ? 'list' : (row.what?.match(/^an? (\w+)/)?.[1] ?? 'text');
  }
}

const flagOf = (path: string) => allOptions.find((option) => option.path === path)?.flag;

function textOf(row: OptionRow): string {
  if (row.inherits !== undefined && partOf(row) === '')
    return `As ${flagOf(row.inherits)}, on this transport.`;
  const doc = row.doc.replaceAll('`', '');
  const choice = row.kind === 'word' ? ` One of ${describe(row).replaceAll('"', '')}.` : '';
  const initial = partOf(row) || shownDefault(row);
  return `${doc}${choice}${initial === '' ? '' : ` (${initial})`}`;
}

/** In words, how a default is computed from the heap limit or another option; empty if it is not. */
export function partOf(row: OptionRow): string {
  if (row.kind !== 'integer' && row.kind !== 'number') return '';
  const { heapPerOne, part, inherits, unit } = row;
  if (part !== undefined && inherits !== undefined) return `${part * 100} % of ${inherits}`;
  if (heapPerOne === undefined) return '';
  return unit === 'bytes'
    ? `heap limit / ${heapPerOne}`
    : `one per ${heapPerOne / 1024} KiB of the heap limit`;
}

/** The default as people write it; empty when the option is unset or inherited. */
export function shownDefault({ kind, ...row }: OptionRow): string {
  if (row.default === undefined || kind === 'rules') return '';
  if (kind === 'boolean') return row.default ? 'on' : 'off';
  if (Array.isArray(row.default)) return row.default.join(', ');
  return row.default === Number.POSITIVE_INFINITY ? unlimited : String(row.default);
}
