import type { CoreOptions } from '../core/options.ts';
import type { Server as CoreServer } from '../core/server.ts';
import { UsageError } from '../lib/usage-error.ts';
import { bytes, count, group, many, ms, toggle, token } from '../options/rows.ts';
import type { OptionTable, Resolved } from '../options/table.ts';
import { type TrustProxy, trustOf } from './trusted-proxies.ts';

/** All connection types, in the order of a handshake reply (HS-7). */
const connectionTypes = [
  'websocket',
  'eventsource',
  'long-polling',
  'cross-origin-long-polling',
  'callback-polling',
] as const;

const events = {
  transports: {
    kind: 'list',
    items: connectionTypes,
    default: connectionTypes,
    doc: 'Transports served, in order of preference. `long-polling` includes `cross-origin-long-polling`.',
  },
  maxFlushBytes: bytes(524_288, 'Size of one HTTP response with events. A single event may exceed it.'),
} as const satisfies OptionTable;

const proxies = {
  trustProxy: {
    kind: 'list',
    words: [false],
    count: { unit: 'proxies', min: 1, max: 100 },
    pattern: /^(loopback|linklocal|uniquelocal|[\da-fA-F:.]+(\/[\d.]+)?)$/,
    what: 'their addresses like 10.0.0.0/8, loopback, linklocal or uniquelocal',
    default: false,
    doc: 'Proxies whose `X-Forwarded-*` headers are trusted: the number of proxies in front, or a list of them.',
  },
} as const satisfies OptionTable;

const browsers = {
  duplicateConnectStatus: {
    kind: 'integer',
    min: 400,
    max: 599,
    default: 500,
    doc: 'HTTP status of a held poll that a newer one replaces.',
  },
  trustClientSession: toggle(
    true,
    'The clientId alone identifies a session; `false` requires its browser cookie too.',
  ),
  browserCookie: {
    ...group('The cookie by which a browser’s tabs are counted; `false` sets none.', {
      name: { kind: 'string', ...token, default: 'BAYEUX_BROWSER', doc: 'Name of the cookie.' },
      domain: {
        kind: 'string',
        pattern: /^[\w.-]+$/,
        what: 'a domain',
        doc: 'Domain attribute; unset means this host alone.',
      },
      path: {
        kind: 'string',
        pattern: /^\/[!-:<-~]*$/,
        what: 'a path',
        default: '/',
        doc: 'Path attribute.',
      },
      maxAge: count('seconds', -1, -1, many, 'Max-Age attribute; -1 means until the browser closes.'),
      secure: {
        kind: 'word',
        words: ['auto', true, false],
        default: 'auto',
        doc: 'Secure attribute; `auto` sets it on TLS.',
      },
      httpOnly: toggle(true, 'HttpOnly attribute.'),
      sameSite: {
        kind: 'word',
        words: ['auto', 'Strict', 'Lax', 'None', 'omit'],
        default: 'auto',
        doc: 'SameSite attribute; `auto` means Lax when `origins` is `same`, else none.',
      },
      partitioned: toggle(false, 'Partitioned attribute.'),
    }),
    off: true,
  },
} as const satisfies OptionTable;

const own = 'The option of the same name, for this transport.';
const times = {
  timeout: { ...ms(0, own), default: undefined, inherits: 'timeout' },
  interval: { ...ms(0, own), default: undefined, inherits: 'interval' },
  maxInterval: { ...ms(0, own), default: undefined, inherits: 'maxInterval' },
} as const satisfies OptionTable;
const deliverOnly = {
  metaConnectDeliverOnly: { kind: 'boolean', inherits: 'metaConnectDeliverOnly', doc: own },
} as const satisfies OptionTable;

const websocket = {
  websocket: group('The `websocket` transport.', {
    ...times,
    ...deliverOnly,
    protocol: {
      kind: 'string',
      ...token,
      doc: 'Subprotocol clients must offer; unset takes the first one offered.',
    },
    messagesPerFrame: count('events', 0, 0, many, 'Messages in one frame; 0 means no limit.'),
    maxFlushBytes: bytes(65_536, 'Size of one frame. A single message may exceed it.'),
    maxBufferedBytes: bytes(262_144, 'Unsent bytes of a slow socket above which events wait in the queue.'),
    pingInterval: ms(25_000, 'Time between two pings; a socket that misses two is closed.', 1),
    firstMessageTimeout: ms(60_000, 'How long a socket may stay without a session.', 1),
    requireHandshakePerConnection: toggle(
      false,
      'A session may be used only on the socket of its handshake.',
    ),
    perMessageDeflate: toggle(false, 'Compress frames for clients that offer it.'),
  }),
} as const satisfies OptionTable;

const longPolling = {
  longPolling: group('The `long-polling` transport and its cross-origin alias.', {
    ...times,
    ...deliverOnly,
  }),
} as const satisfies OptionTable;

const callbackPolling = {
  callbackPolling: group('The `callback-polling` transport (JSONP).', {
    ...times,
    parameter: {
      kind: 'string',
      pattern: /^(?!message$)[\w-]+$/,
      what: 'a parameter name other than "message"',
      default: 'jsonp',
      doc: 'Query parameter that names the function.',
    },
    maxLength: count('characters', 64, 1, 1_000, 'Length of the name of the function.'),
  }),
} as const satisfies OptionTable;

const eventSource = {
  eventSource: group('The `eventsource` transport.', {
    timeout: {
      ...times.timeout,
      doc: 'The option of the same name; here also the pause between two connects, which only show that the client is alive.',
    },
    maxInterval: times.maxInterval,
    ping: ms(10_000, 'Time between two comments that keep a stream open.', 1),
  }),
} as const satisfies OptionTable;

type Table = typeof events &
  typeof proxies &
  typeof browsers &
  typeof websocket &
  typeof longPolling &
  typeof callbackPolling &
  typeof eventSource;

/** The options that transports read. */
export interface TransportOptions extends CoreOptions, Resolved<Table> {
  readonly transports: TransportNames;
  readonly trustProxy: TrustProxy;
  readonly websocket: Resolved<typeof websocket>['websocket'];
  readonly longPolling: Resolved<typeof longPolling>['longPolling'];
  readonly callbackPolling: Resolved<typeof callbackPolling>['callbackPolling'];
  readonly eventSource: Resolved<typeof eventSource>['eventSource'];
  /** `same` refuses pages of other sites. */
  readonly origins: unknown;
}

/** A server as transports know it. */
export type Server = CoreServer<TransportOptions>;

/** The options of the transports. */
export const transportOptions = {
  sections: {
    'Events and queues': events,
    'Who may use the server': proxies,
    'Browsers and tabs': browsers,
    WebSocket: websocket,
    'Long-polling': longPolling,
    'Callback-polling': callbackPolling,
    EventSource: eventSource,
  },
  refuse(options: Resolved<typeof events & typeof proxies & typeof browsers>): void {
    refuseNoTransport(options);
    trustOf(options.trustProxy);
    refuseLostCookie(options);
  },
} as const;

type TransportNames = Resolved<typeof events>['transports'];

/** LP-5: without the second name, cross-origin Faye browsers fall back to JSONP. */
export function withAlias(transports: TransportNames): TransportNames {
  if (!transports.includes('long-polling') || transports.includes('cross-origin-long-polling'))
    return transports;
  return Object.freeze(
    transports.flatMap((name) =>
      name === 'long-polling' ? [name, 'cross-origin-long-polling' as const] : [name],
    ),
  );
}

function refuseNoTransport({ transports }: { readonly transports: TransportNames }): void {
  if (transports.length === 0) throw new UsageError('transports must name at least one transport');
  if (transports.includes('cross-origin-long-polling') && !transports.includes('long-polling')) {
    throw new UsageError(
      'transports names "cross-origin-long-polling", which is "long-polling" by a second name: name that too',
    );
  }
}

/** Browsers reject such a cookie, and every tab would then count as a browser of its own. */
function refuseLostCookie({ browserCookie }: Resolved<typeof browsers>): void {
  if (!browserCookie) return;
  const { secure, sameSite, partitioned } = browserCookie;
  if (secure !== false || (sameSite !== 'None' && !partitioned)) return;
  const why = partitioned ? 'partitioned' : 'sameSite "None"';
  throw new UsageError(`browserCookie.${why} needs browserCookie.secure, which is false`);
}
