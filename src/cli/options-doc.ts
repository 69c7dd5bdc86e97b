import { type NamedOption, type OptionRow, type OptionTable, optionRows } from '../options/table.ts';
import { describe } from '../options/check.ts';
import { partOf, shownDefault } from './help.ts';
import { sections } from './options.ts';

const intro = `# Options

This page is made from the tables in the source; \`bayeuxd --help all\` says the same in a terminal.

Every option has one path. In code it is a key of \`new Server({ … })\`, nested where it has a dot, and a key of the
configuration file likewise; the program's flag is its kebab-case and its variable \`BAYEUXD_\` plus its upper snake case:

| where | \`maxInterval\` | \`websocket.pingInterval\` |
|---|---|---|
| code | \`new Server({ maxInterval: 20_000 })\` | \`new Server({ websocket: { pingInterval: 20_000 } })\` |
| flag | \`--max-interval 20000\` | \`--websocket-ping-interval 20000\` |
| variable | \`BAYEUXD_MAX_INTERVAL=20000\` | \`BAYEUXD_WEBSOCKET_PING_INTERVAL=20000\` |
| file | \`maxInterval: 20000\` | \`websocket: { pingInterval: 20000 }\` |

A flag stands over a variable, a variable over the file, the file over the default. In flags and variables lists are
separated by commas; a flag that is on or off is written \`--auth-by-cookie\` or \`--no-auth-by-cookie\`, its variable \`true\`
or \`false\`. Unknown names and values out of bounds are refused, with the nearest name that exists; so is a variable
beginning with \`BAYEUXD_\` that no option has. Kubernetes makes such variables for a Service called \`bayeuxd\`, such as
\`BAYEUXD_PORT=tcp://10.0.0.7:8000\` and \`BAYEUXD_SERVICE_HOST\`: these are passed over, with one line in the log.

\`--config\` (\`BAYEUXD_CONFIG\`) names the file, YAML or JSON. \`bayeuxd --check\` checks a configuration without serving: it opens
the certificate, the keys, the folder of the history and the place of the socket, changes nothing, and says the file and the line of
each mistake. \`bayeuxd --print-config\` prints the one in effect as such a file, with where each value comes from and without secrets.

The program ends with code 0 when it did what was asked, with 2 when the command line is wrong (an unknown flag or command, an
argument that is missing or no URL), and with 1 when something else failed: a configuration that cannot be used, a server that cannot
be reached or refuses.

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

const programOnly = 'Only the program has these; inside an app they are the app’s own affair.\n';

/** Writes the page on options. */
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

/** The keys of a rule table, as options of a pattern. */
function rulesOf({ path, row }: NamedOption): NamedOption[] {
  if (row.kind !== 'rules') return [];
  const each = row.what === undefined ? 'pattern' : 'name';
  return optionRows(row.rows, `${path}.<${each}>.`).map((option) => ({ ...option, row: unset(option.row) }));
}

// What no rule sets is not set, whatever stands for the group where it can be set at all.
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
