import { apiKeyRows } from '../http/api/key-ring.ts';
import { count, group, many, ms } from '../options/rows.ts';
import { type OptionTable, optionRows, type Resolved } from '../options/table.ts';
import { optionSections, optionTable } from '../server-options.ts';
import { clusterRows } from './cluster-options.ts';

/** A key of the HTTP API. Not `<redacted>`, which older versions printed in place of a key. */
export const apiKeyPattern = /^(?!<redacted>$)[!-~]{8,}$/;

/** Options that only the program has: its address, what it serves beside Bayeux, its log. */
export const programTable = {
  host: {
    kind: 'string',
    pattern: /^\S+$/,
    what: 'an address',
    default: '127.0.0.1',
    doc: 'Address to listen on; 0.0.0.0 means all IPv4 addresses.',
  },
  port: {
    kind: 'integer',
    min: 0,
    max: 65_535,
    default: 8_000,
    doc: 'Port to listen on; 0 means any free port.',
  },
  socket: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'Unix socket to listen on, instead of `host` and `port`.',
  },
  tlsCert: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'PEM file with the certificate chain. Turns HTTPS on, together with `tlsKey`.',
  },
  tlsKey: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'PEM file with the private key of `tlsCert`.',
  },
  http2: {
    kind: 'boolean',
    default: false,
    doc: 'Serve HTTP/2 to clients that choose it with ALPN, and HTTP/1.1 and WebSocket on the same port. Needs `tlsCert` and `tlsKey`.',
  },
  path: {
    kind: 'string',
    pattern: /^(?!\/(api|admin|clients|metrics|healthz|readyz)(\/|$))(\/[\w.~-]+)+$/,
    what: 'a path like /bayeux, outside /api, /admin, /clients, /metrics, /healthz and /readyz',
    default: '/bayeux',
    doc: 'URL path of Bayeux.',
  },
  allowedHosts: {
    kind: 'list',
    pattern: /^([\w.-]+|\[[\da-fA-F:]+\])$/,
    what: 'host names without a port',
    default: [],
    doc: 'Host names to accept in the `Host` header, besides localhost, 127.0.0.1 and [::1].',
  },
  policy: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'JavaScript file whose default export is the policy. The policy decides who may do what.',
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
    doc: 'Key of the HTTP API. It has all rights and the name `default`. Without any key, all calls are refused. The word `generate` makes a key for this run and prints it.',
  },
  apiKeyFile: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'File with the key of `apiKey`. Only its owner should have access to it.',
  },
  apiKeys: {
    kind: 'rules',
    what: 'an object of keys by name',
    rows: apiKeyRows,
    default: {},
    doc: 'More keys of the HTTP API, by name. Each has a hash, rights and channels. `bayeuxd key` makes them.',
  },
  apiKeysFile: {
    kind: 'string',
    pattern: /./,
    what: 'a file name',
    doc: 'YAML or JSON file with more keys, in the form of `apiKeys`. Only its owner should be able to write it.',
  },
  admin: {
    kind: 'boolean',
    doc: 'Serve the dashboard at `/admin`, where visitors sign in with an API key or a token. Unset: on where there is one to sign in with, unless `host`, `allowedHosts` or `trustProxy` lets other machines in.',
  },
  metrics: {
    kind: 'group',
    doc: 'A port of its own for monitoring. `/metrics` on `port` above asks for an API key with the right `read`.',
    rows: {
      port: {
        kind: 'integer',
        min: 0,
        max: 65_535,
        doc: 'Port that serves `/metrics`, `/healthz` and `/readyz` without a key, to everybody who reaches it; 0 means any free port. Unset: none.',
      },
      host: {
        kind: 'string',
        pattern: /^\S+$/,
        what: 'an address',
        default: '127.0.0.1',
        doc: 'Address of `metrics.port`; 0.0.0.0 means all IPv4 addresses.',
      },
    },
  },
  tracing: {
    kind: 'group',
    off: true,
    unlessGiven: true,
    doc: 'Make an OpenTelemetry span for each publish. Needs the package `@opentelemetry/api`, and an SDK that the process loads before the program: `NODE_OPTIONS=--import=./otel.mjs`.',
    rows: {
      toSubscribers: {
        kind: 'list',
        pattern: /^(\/[^\s/*]+)*\/([^\s/*]+|\*{1,2})$/,
        what: 'channel names and patterns',
        default: [],
        doc: 'Channels whose events carry the context of the publish, as `ext.traceparent`, so that subscribers can continue the trace.',
      },
    },
  },
  idempotency: group(
    'Answers of the HTTP API that are kept for requests with an `Idempotency-Key`, so that one that comes again is not carried out again.',
    {
      maxAge: ms(86_400_000, 'How long an answer is kept.', 1),
      maxBytes: count(
        'bytes',
        16_777_216,
        0,
        many,
        'Memory of all answers; past it the oldest are forgotten.',
      ),
    },
  ),
  history: {
    kind: 'group',
    doc: 'Storage for the events of durable channels.',
    rows: {
      path: {
        kind: 'string',
        pattern: /./,
        what: 'a folder',
        doc: 'Folder that stores the events of durable channels, so that they survive a restart. Unset: they are in memory only.',
      },
      sync: {
        kind: 'boolean',
        default: false,
        doc: 'A publish waits until its event is on the disk, so that a power failure loses no event.',
      },
      maxBytes: {
        kind: 'integer',
        unit: 'bytes',
        min: 1,
        max: Number.MAX_SAFE_INTEGER,
        doc: 'Size of the stored events. Above it, the oldest are discarded. A folder may use twice as much. Unset: 64 MiB in memory, 512 MiB in a folder.',
      },
      maxChannels: {
        kind: 'integer',
        unit: 'channels',
        min: 1,
        max: Number.MAX_SAFE_INTEGER,
        default: 100_000,
        doc: 'Channels whose events are stored. Above it, a channel is discarded, approximately the one whose last publish is oldest.',
      },
    },
  },
  redis: {
    kind: 'group',
    doc: 'Several nodes, as one server, on one Redis 7.0 or later, or Valkey. Needs the package `@redis/client`, or `ioredis`. See [cluster](cluster.md).',
    rows: {
      url: {
        kind: 'string',
        pattern: /^rediss?:\/\/\S+$/,
        what: 'a URL like redis://HOST:PORT, or rediss://USER:PASSWORD@HOST:PORT for TLS',
        secret: true,
        calledAs: 'redis',
        doc: 'URL of the Redis. Nodes with the same one, and the same namespace, are one cluster. With `sentinels`, the name of the master takes the place of `HOST:PORT`. Unset: this node is alone.',
      },
      sentinels: {
        kind: 'list',
        pattern: /^rediss?:\/\/\S+$/,
        what: 'URLs like redis://HOST:26379',
        secret: true,
        doc: 'URLs of the Sentinels that tell where the Redis is.',
      },
      clusterNodes: {
        kind: 'list',
        pattern: /^\S+:\d+$/,
        what: 'addresses like 10.0.0.5:6379',
        doc: 'Other nodes of the Redis Cluster that `url` leads to. All keys of bayeuxd are on one of its masters.',
      },
      namespace: {
        kind: 'string',
        pattern: /^[^{}\s]+$/,
        what: 'a text without braces and spaces',
        default: 'bayeux',
        doc: 'Begin of all keys, in braces.',
      },
      durability: {
        kind: 'word',
        words: ['none', 'restart', 'failover'],
        default: 'none',
        doc: 'What Redis may lose. `none`: the last events, of which sessions are told as a gap. `restart`: nothing when it restarts, since it has `appendonly yes` and `appendfsync always`. `failover`: nothing when a replica takes over, since each publish waits until one has it.',
      },
      away: {
        kind: 'word',
        words: ['wait', 'local'],
        default: 'wait',
        doc: 'What happens to publications while Redis cannot be reached. `wait`: they wait, and are refused after `engineTimeout`. `local`: on channels that are not durable they are delivered on their node at once, and carried to others later; the common order of events is lost then.',
      },
      timeout: ms(1_000, 'How long a command may take before the connection counts as broken.', 10),
      keep: ms(
        60_000,
        'How long a node may be without Redis before events are discarded that it has not read.',
        5_000,
      ),
    },
  },
  ...clusterRows,
  demo: {
    kind: 'boolean',
    doc: 'Serve the chat page at `/`, client libraries, and the documentation. Its rooms, `/chat/*`, store the last 50 messages and say who is there, and `/service/direct` takes direct messages, unless `channels` says otherwise. Unset: on, unless `host`, `allowedHosts` or `trustProxy` lets other machines in.',
  },
  logLevel: {
    kind: 'word',
    words: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    doc: 'Lowest level to log, to standard error. Level `trace` logs each message, without its secrets.',
  },
  logFormat: {
    kind: 'word',
    words: ['pretty', 'json'],
    doc: 'Format of log lines; `pretty` is for people. Unset: `pretty` on a terminal, else `json`.',
  },
} as const satisfies OptionTable;

export type ProgramOptions = Resolved<typeof programTable>;

/** All options of the configuration file, by subject. */
export const sections = { 'The program': programTable, ...optionSections } as const;

/** All options of the configuration file, in one table. */
export const configTable = { ...programTable, ...optionTable } as const;

/** The same as a list, with the flag and variable of each. */
export const allOptions = optionRows(configTable);

/** The only option that the configuration file cannot have. */
export const configOption = {
  flag: '--config',
  variable: 'BAYEUXD_CONFIG',
  doc: 'Configuration file, YAML or JSON.',
} as const;

/** The variable with the address of the HTTP API, for commands that call it. */
export const urlVariable = 'BAYEUXD_URL';
