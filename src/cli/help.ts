import { type NamedOption, type OptionRow, optionRows, type OptionTable } from '../options/table.ts';
import { describe } from '../options/check.ts';
import { block, type Item, wrap } from './columns.ts';
import { allOptions, configOption, sections } from './options.ts';
import { unlimited } from './text.ts';

const column = 36;

const commands = [
  ['bayeuxd [serve] [options]', 'Serve Bayeux and a chat page.'],
  ['bayeuxd publish <url> <channel> <json>', 'Publish an event; - reads stdin.'],
  ['bayeuxd subscribe <url> <pattern>', 'Print events as JSON lines.'],
  ['bayeuxd bench <url>', 'Measure a server.'],
  ['bayeuxd token [options]', 'Make a token for development.'],
  ['bayeuxd key [options]', 'Make a key of the HTTP API.'],
  ['bayeuxd init [file]', 'Write a configuration file.'],
] as const;

const general = [
  [`${configOption.flag} <file>`, configOption.doc],
  ['--check', 'Check the configuration and exit.'],
  ['--print-config', 'Print the configuration in effect in the form of a configuration file, and exit.'],
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
export function helpText(version: string, width: number): string {
  const blocks = [
    `bayeuxd ${version}: a Bayeux 1.0 server for CometD, Faye and jsforce clients.`,
    block('Usage', commands, width, 42),
    block('General', general, width, column),
    ...Object.entries(sections).map(([title, table]) => block(title, itemsOf(table), width, column)),
    wrap(names, width).join('\n'),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function itemsOf(table: OptionTable): Item[] {
  return optionRows(table).map((option) => [termOf(option), textOf(option.row)]);
}

/** A flag with a name for its value: `--timeout <ms>`. */
function termOf({ flag, row }: NamedOption): string {
  if (row.kind === 'boolean') return `--[no-]${flag.slice(2)}`;
  return `${flag} <${valueName(row)}>`;
}

function valueName(row: OptionRow): string {
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
