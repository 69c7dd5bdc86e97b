import { apiKeyRows } from '../http/key-ring.ts';
import { type OptionTable, optionRows, type Resolved } from '../options/table.ts';
import { optionSections, optionTable } from '../server-options.ts';

/** A key of the HTTP API. `<redacted>` stood for one in configurations that were printed. */
export const apiKeyPattern = /^(?!<redacted>$)[!-~]{8,}$/;

/** What only the program has: where it listens, what it serves beside Bayeux, what it logs. */
export const programTable = {
  host: {
    kind: 'string',
    pattern: /^\S+$/,
    what: 'an address',
    default: '127.0.0.1',
    doc: 'Address to listen on; 0.0.0.0 is every one.',
  },
  port: {
    kind: 'integer',
    min: 0,
    max: 65_535,
    default: 8_000,
    doc: 'Port to listen on; 0 takes a free one.',
  },
  socket: { kind: 'string', pattern: /./, what: 'a file name', doc: 'Unix socket to listen on instead.' },
  tlsCert: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'PEM file with the certificate chain; HTTPS then, with `tlsKey`.',
  },
  tlsKey: { kind: 'string', pattern: /./, what: 'a file name', doc: 'PEM file with its private key.' },
  http2: {
    kind: 'boolean',
    default: false,
    doc: 'Speak HTTP/2 with clients that ask for it by TLS (ALPN); HTTP/1.1 and WebSocket stay on the same port. Needs `tlsCert` and `tlsKey`.',
  },
  path: {
    kind: 'string',
    pattern: /^(?!\/(api|clients)(\/|$))(\/[\w.~-]+)+$/,
    what: 'a path like /bayeux, outside /api and /clients',
    default: '/bayeux',
    doc: 'Where Bayeux is served.',
  },
  allowedHosts: {
    kind: 'list',
    pattern: /^([\w.-]+|\[[\da-fA-F:]+\])$/,
    what: 'host names without a port',
    default: [],
    doc: 'Names in `Host` that are answered, besides localhost, 127.0.0.1 and [::1].',
  },
  policy: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'JavaScript file whose default export is the policy, which says who may do what.',
  },
  insecure: {
    kind: 'boolean',
    default: false,
    doc: 'Serve other machines (`host`, `allowedHosts`, `trustProxy`) with neither `policy` nor `auth`, so that everybody there may do everything; the program refuses that otherwise.',
  },
  apiKey: {
    kind: 'string',
    words: ['generate'],
    pattern: apiKeyPattern,
    what: 'a key of at least 8 characters without spaces, not `<redacted>`',
    secret: true,
    doc: 'Key of the HTTP API with all rights, named `default`; `generate` makes one for this run and prints it. Without any key the API is closed.',
  },
  apiKeyFile: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'File with that key; only its owner should be able to read it.',
  },
  apiKeys: {
    kind: 'rules',
    what: 'an object of keys by name',
    rows: apiKeyRows,
    default: {},
    doc: 'More keys of the HTTP API, by name, with the hash, the rights and the channels of each; `bayeuxd key` makes them.',
  },
  apiKeysFile: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'File with such keys, YAML or JSON, as in `apiKeys`.',
  },
  history: {
    kind: 'group',
    doc: 'Where the events of durable channels are kept.',
    rows: {
      path: {
        kind: 'string',
        pattern: /./,
        what: 'a folder',
        doc: 'Folder for the events of durable channels, kept across restarts; unset keeps them in memory.',
      },
      sync: {
        kind: 'boolean',
        default: false,
        doc: 'A publish waits until the disk has it, so that a power failure loses nothing.',
      },
      maxBytes: {
        kind: 'integer',
        unit: 'bytes',
        min: 1,
        max: Number.MAX_SAFE_INTEGER,
        doc: 'Bytes of them that are kept; past it the oldest go. A folder takes up to twice as much. Unset is 64 MiB in memory, 512 MiB in a folder.',
      },
      maxChannels: {
        kind: 'integer',
        unit: 'channels',
        min: 1,
        max: Number.MAX_SAFE_INTEGER,
        default: 100_000,
        doc: 'Channels whose events are kept; past it one is forgotten that was not published to for about the longest time.',
      },
    },
  },
  demo: {
    kind: 'boolean',
    doc: 'Serve the chat page at `/`, the clients it needs and the documentation. Its channel `/chat/lobby` keeps its last 50 messages. Unset serves it until `host`, `allowedHosts` or `trustProxy` lets others in.',
  },
  logLevel: {
    kind: 'word',
    words: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    doc: 'Least level that is logged, on the standard error stream; `trace` is each message, without its secrets.',
  },
  logFormat: {
    kind: 'word',
    words: ['pretty', 'json'],
    doc: 'How lines are written: for people, or as JSON. Unset is `pretty` on a terminal, `json` elsewhere.',
  },
} as const satisfies OptionTable;

/** The program's own options, each with its value. */
export type ProgramOptions = Resolved<typeof programTable>;

/** All that may stand in the configuration file, by subject. */
export const sections = { 'The program': programTable, ...optionSections } as const;

/** The same as one table. */
export const configTable = { ...programTable, ...optionTable } as const;

/** Every option of the program and of the server, with its flag and its variable. */
export const allOptions = optionRows(configTable);

/** The one option that cannot stand in the configuration file. */
export const configOption = {
  flag: '--config',
  variable: 'BAYEUXD_CONFIG',
  doc: 'Configuration file, YAML or JSON.',
} as const;
