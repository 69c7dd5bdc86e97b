import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { OptionRow, OptionTable } from '../options/table.ts';
import { ClientError } from './client-error.ts';
import { wrap } from './columns.ts';
import { sections } from './options.ts';
import { unlimited } from './text.ts';

/** The flags as they were written. */
export interface InitFlags {
  readonly auth?: true;
  readonly force?: true;
}

/** Options by path. */
type Values = Readonly<Record<string, unknown>>;

/**
 * The options that the file shows. Those without a value are shown with their default, the others with an example, since their
 * default is computed or unset.
 */
const common: Values = {
  host: undefined,
  port: undefined,
  tlsCert: './cert.pem',
  tlsKey: './key.pem',
  path: undefined,
  allowedHosts: ['push.example.com'],
  policy: './policy.js',
  apiKey: 'generate',
  apiKeysFile: './api-keys.yaml',
  'metrics.port': 9464,
  'history.path': './history',
  'history.sync': undefined,
  demo: false,
  logLevel: undefined,
  logFormat: 'json',
  timeout: undefined,
  maxInterval: undefined,
  'drain.window': 30_000,
  transports: undefined,
  maxQueue: undefined,
  channels: { '/chat/**': { history: { maxEvents: 100 } } },
  redelivery: 'resend',
  'replay.onGap': undefined,
  'presence.everyone': 'full',
  'presence.grace': undefined,
  maxMessageSize: undefined,
  maxSessions: 50_000,
  'limits.handshakes': undefined,
  'limits.publishes': 100,
  ack: undefined,
  timestamp: undefined,
  trustProxy: ['loopback'],
  origins: ['https://www.example.com'],
  authByCookie: undefined,
  'auth.secret': 'at-least-32-characters-that-nobody-guesses',
  'auth.keyFile': './public-key.pem',
  'auth.jwks.url': 'https://id.example.com/keys',
  'auth.issuer': ['https://id.example.com'],
  'auth.audience': ['push'],
  'auth.anonymous': undefined,
  maxSessionsPerBrowser: undefined,
  'websocket.pingInterval': undefined,
  'websocket.perMessageDeflate': undefined,
  'longPolling.timeout': 20_000,
  'callbackPolling.maxLength': undefined,
  'eventSource.ping': undefined,
};

const WIDTH = 100;

const head = [
  'Configuration of bayeuxd. Check it with `bayeuxd --config <this file> --check`.',
  'A line that begins with # and a name is an option that is not set. Remove the # to set it, and the # before the name of its group. ' +
    'The value shown is the default, or an example where it says so. `bayeuxd --help all` has all options.',
];

/**
 * `bayeuxd init`: writes a configuration file with the common options as comments, and with new secrets. Only its owner can read it.
 * Throws `ClientError` when it cannot be written, or is there already.
 */
export function init(file: string, { auth, force }: InitFlags, output: { print(line: string): void }): void {
  const secret = () => randomBytes(32).toString('hex');
  const made = { apiKey: secret(), ...(auth && { 'auth.secret': secret() }) };
  write(file, configFile(made), force === true);
  output.print(
    `wrote ${file}, which only you can read: it has ${auth ? 'an API key and a secret' : 'an API key'}`,
  );
  output.print(`check it: bayeuxd --config ${file} --check`);
  output.print(`serve:    bayeuxd --config ${file}`);
}

/** The text of a configuration file in which these options are set, and the common ones are comments. */
export function configFile(set: Values): string {
  const parts = Object.entries(sections).map(([title, table]) =>
    [`# ---- ${title} ----`, '', ...linesOf(table, '', '', set)].join('\n'),
  );
  return [head.flatMap((text) => comment(text)).join('\n'), '', ...parts].join('\n');
}

const comment = (text: string) => wrap(text.replaceAll('`', ''), WIDTH).map((line) => `# ${line}`);

function linesOf(table: OptionTable, prefix: string, indent: string, set: Values): string[] {
  return Object.entries(table).flatMap(([name, row]) => {
    const path = prefix + name;
    if (row.kind !== 'group') return path in common ? [...optionLines(path, row, indent, set), ''] : [];
    const inner = linesOf(row.rows, `${path}.`, `${indent}  `, set);
    if (inner.length === 0) return [];
    const isSet = Object.keys(set).some((one) => one.startsWith(`${path}.`));
    return [...comment(row.doc), `${isSet ? '' : '#'}${indent}${name}:`, ...inner];
  });
}

function optionLines(path: string, row: OptionRow, indent: string, set: Values): string[] {
  const name = path.slice(path.lastIndexOf('.') + 1);
  const isSet = path in set;
  const value = isSet ? set[path] : (common[path] ?? row.default);
  const words = !isSet && common[path] !== undefined ? `${row.doc} An example:` : row.doc;
  return [...comment(words), `${isSet ? '' : '#'}${indent}${name}: ${yaml(value)}`];
}

const yaml = (value: unknown) =>
  stringify(value === Number.POSITIVE_INFINITY ? unlimited : value, {
    collectionStyle: 'flow',
    flowCollectionPadding: false,
    lineWidth: 0,
  }).trimEnd();

/** Never leaves half a file, nor one with a secret that others may read. */
function write(file: string, text: string, force: boolean): void {
  const mode = 0o600;
  try {
    if (force) replace(file, text, mode);
    else writeFileSync(file, text, { flag: 'wx', mode });
  } catch (cause) {
    throw new ClientError(`${file} cannot be written: ${problemOf(cause)}`, { cause });
  }
}

function replace(file: string, text: string, mode: number): void {
  const made = `${file}.new`;
  rmSync(made, { force: true });
  writeFileSync(made, text, { flag: 'wx', mode });
  try {
    renameSync(made, file);
  } catch (error) {
    rmSync(made);
    throw error;
  }
}

function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  switch (code) {
    case 'EEXIST':
      return 'it is there already; name another file, or overwrite it with --force';
    case 'ENOENT':
    case 'ENOTDIR':
      return 'its folder does not exist; make it, or correct the path';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'this user may not write there; change the owner or mode of the folder';
    case 'EISDIR':
      return 'it is a folder; name a file';
    default:
      return code;
  }
}
