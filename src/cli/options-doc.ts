import { type NamedOption, type OptionRow, type OptionTable, optionRows } from '../options/table.ts';
import { describe } from '../options/check.ts';
import { partOf, shownDefault } from './help.ts';
import { sections } from './options.ts';

const intro = `# Options

This page is generated from the option tables of the source. \`bayeuxd --help all\` prints the same in a terminal.

Every option has one path. In code and in the configuration file the path is a key, nested where the path has a dot. The flag of the
program is the path in kebab-case. The environment variable is \`BAYEUXD_\` and the path in upper snake case:

| where | \`maxInterval\` | \`websocket.pingInterval\` |
|---|---|---|
| code | \`new Server({ maxInterval: 20_000 })\` | \`new Server({ websocket: { pingInterval: 20_000 } })\` |
| flag | \`--max-interval 20000\` | \`--websocket-ping-interval 20000\` |
| variable | \`BAYEUXD_MAX_INTERVAL=20000\` | \`BAYEUXD_WEBSOCKET_PING_INTERVAL=20000\` |
| file | \`maxInterval: 20000\` | \`websocket: { pingInterval: 20000 }\` |

A flag overrides a variable, a variable overrides the file, and the file overrides the default. In flags and variables, the items of
a list are separated by commas. A boolean flag is written \`--auth-by-cookie\` or \`--no-auth-by-cookie\`, and its variable is \`true\`
or \`false\`. The program refuses values out of bounds and unknown names, variables that begin with \`BAYEUXD_\` included, and suggests
the nearest known name. Kubernetes makes such variables for a Service called \`bayeuxd\`, such as
\`BAYEUXD_PORT=tcp://10.0.0.7:8000\` and \`BAYEUXD_SERVICE_HOST\`. The program ignores these, with one line in the log.

\`--config\` (\`BAYEUXD_CONFIG\`) names the configuration file, YAML or JSON. \`bayeuxd init\` writes one with the common options as
comments: see [deploying](deploying.md#a-configuration-file). \`bayeuxd --check\` checks the configuration without
serving. It reads the certificate, the keys and the policy, checks the history folder and the path of the socket, and changes nothing.
It prints the file and line of each mistake. \`bayeuxd --print-config\` prints the configuration in effect in the form of a file, with
the source of each value and without secrets.

The exit code is 0 when the command succeeded. It is 2 when the command line is wrong: an unknown flag or command, a missing argument,
an invalid URL. It is 1 when something else failed: a configuration with mistakes, a server that cannot be reached or refuses.

\`\`\`yaml
port: 8080
allowedHosts: [push.example.com]
policy: ./policy.js
origins: ['https://www.example.com']
trustProxy: [loopback]
timeout: 25000
websocket:
  perMessageDeflate: true
channels:
  /prices/**:
    lazy: 500
    broadcastToPublisher: false
\`\`\`
`;

const programOnly =
  'Only the program has these options. An application that embeds the server decides these things itself.\n';

/** The text of docs/options.md. */
export function optionsDoc(): string {
  const parts = Object.entries(sections).map(([title, table]) => {
    const words = title === 'The program' ? `${programOnly}\n` : '';
    return `## ${title}\n\n${words}${tableOf(table)}\n`;
  });
  return [intro, ...parts].join('\n');
}

function tableOf(table: OptionTable): string {
  const rows = optionRows(table).flatMap((option) => [option, ...rulesOf(option)]);
  return ['| option | default | value | |', '|---|---|---|---|', ...rows.map(line)].join('\n');
}

/** The keys of a channel rule, as options of a pattern. */
function rulesOf({ path, row }: NamedOption): NamedOption[] {
  if (row.kind !== 'rules') return [];
  const each = row.what === undefined ? 'pattern' : 'name';
  return optionRows(row.rows, `${path}.<${each}>.`).map((option) => ({ ...option, row: unset(option.row) }));
}

// In a channel rule a boolean has no default: the default in its row is for the group that it turns on.
function unset(row: OptionRow): OptionRow {
  return row.kind === 'boolean' ? { ...row, default: undefined } : row;
}

function line({ path, row }: NamedOption): string {
  const cells = [`\`${path}\``, defaultOf(row), kindOf(row), row.doc];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf(row: OptionRow): string {
  const part = partOf(row);
  if (part !== '') return part;
  if (row.inherits !== undefined) return `as \`${row.inherits}\``;
  const text = row.kind === 'boolean' ? String(row.default ?? '') : shownDefault(row);
  return text === '' ? 'none' : `\`${text}\``;
}

function kindOf(row: OptionRow): string {
  const bounds = boundsOf(row);
  const inCode = row.inCode === undefined ? '' : `; in code also ${row.inCode}`;
  return describe(row).replaceAll(/"([^"]*)"/g, '`$1`') + bounds + inCode;
}

function boundsOf(row: OptionRow): string {
  if (row.kind !== 'number' && row.kind !== 'integer') return '';
  const { min, max } = row;
  const most = max === undefined || max > 100_000 ? '' : `at most ${max}`;
  const least = min === undefined || min === 0 ? '' : `at least ${min}`;
  const both = [least, most].filter((bound) => bound !== '').join(', ');
  return both === '' ? '' : `, ${both}`;
}
