import { ChannelGrammar, kindOf } from '../../protocol/channel.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { OriginPredicate, OverflowDecision, UnconnectedPublish } from './callbacks.ts';
import type { OptionTable, Resolved } from '../../options/table.ts';
import { resolve } from '../../options/check.ts';
import { retention, ruleTable } from './rule-table.ts';
import { ChannelRules } from './rules.ts';
import type { ServerOptions } from './server-options.ts';
import { trustOf } from './trusted-proxies.ts';

const isOverflowDecision = (value: unknown): value is OverflowDecision => typeof value === 'function';
const isUnconnectedPublish = (value: unknown): value is UnconnectedPublish => typeof value === 'function';
const isOriginMatcher = (value: unknown): value is RegExp | OriginPredicate =>
  value instanceof RegExp || typeof value === 'function';

const toggle = (initial: boolean, doc: string) => ({ kind: 'boolean', default: initial, doc }) as const;

const ms = (initial: number, doc: string, min = 0) =>
  ({ kind: 'number', unit: 'milliseconds', min, max: 1_000_000_000, default: initial, doc }) as const;

const bytes = (initial: number, doc: string) =>
  ({ kind: 'integer', unit: 'bytes', min: 1, max: 268_435_456, default: initial, doc }) as const;

const count = (unit: string, initial: number, min: number, max: number, doc: string) =>
  ({ kind: 'integer', unit, min, max, default: initial, doc }) as const;

const group = <const Rows extends OptionTable>(doc: string, rows: Rows) =>
  ({ kind: 'group', doc, rows }) as const;

const token = { pattern: /^[\w!#$%&'*+.^`|~-]+$/, what: 'a name of letters, digits and -_' } as const;
const many = 1_000_000_000;

const timing = {
  timeout: ms(30_000, 'How long a /meta/connect is held.'),
  interval: ms(0, 'Pause clients are told to keep between a connect reply and the next connect.'),
  maxInterval: ms(15_000, 'Silence allowed after that pause before a session expires.'),
  maxLazyTimeout: ms(5_000, 'Longest delay of a lazy event.'),
  maxClientInterval: ms(60_000, 'Longest pause between connects that a client may ask for.'),
  hookTimeout: ms(8_000, 'How long a policy or an extension may think; then the message fails with 500.', 1),
  revalidateEvery: ms(
    0,
    'How often the policy is asked again about a session and its subscriptions; 0 is never.',
  ),
  revalidateFailure: {
    kind: 'word',
    words: ['end', 'keep'],
    default: 'end',
    doc: 'What happens to a session when the policy, asked again, fails to answer: its client shakes hands again, or it goes on.',
  },
  shutdownGrace: ms(5_000, 'How long closing the server may take.'),
  drain: group('Closing down gently.', {
    window: ms(0, 'Time over which clients are spread to come back, before the server closes.'),
  }),
  advice: group('What advice carries beyond the three fields it always has.', {
    maxInterval: toggle(false, 'Tell clients `maxInterval`, so that they know when their session is gone.'),
  }),
  hosts: {
    kind: 'list',
    default: [],
    doc: 'Other servers, named in the advice of failed handshakes and connects.',
  },
} as const satisfies OptionTable;

/** Every connection type there is, in the order a handshake reply lists them (HS-7). */
const connectionTypes = [
  'websocket',
  'eventsource',
  'long-polling',
  'cross-origin-long-polling',
  'callback-polling',
] as const;

const delivery = {
  transports: {
    kind: 'list',
    items: connectionTypes,
    default: connectionTypes,
    doc: 'Transports served, in order of preference; `long-polling` brings its cross-origin alias.',
  },
  metaConnectDeliverOnly: toggle(false, 'Events travel only with /meta/connect replies.'),
  broadcastToPublisher: toggle(true, 'Publishers receive their own events, if they subscribe to them.'),
  handshakeDelivery: toggle(false, 'Events queued during a handshake travel with its reply.'),
  dedupe: {
    kind: 'word',
    words: ['faye', true, false],
    default: 'faye',
    doc: 'Whose resent publishes are recognised: those of Faye clients, of all, of none.',
  },
  forward: {
    kind: 'list',
    words: ['all'],
    default: ['binary'],
    doc: 'Keys of a publisher’s `ext` that reach subscribers.',
  },
  maxFlushBytes: bytes(524_288, 'What one HTTP response with events may carry; at least one event.'),
  maxQueue: count('events', 10_000, 1, many, 'Events that may wait for one session.'),
  maxQueueBytes: count(
    'bytes',
    4_194_304,
    1,
    Number.MAX_SAFE_INTEGER,
    'Bytes that may wait for one session.',
  ),
  maxQueuedBytes: {
    kind: 'integer',
    unit: 'bytes',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    heapPerOne: 4,
    doc: 'Memory of what waits for all sessions together, what many get counted once; past it those end for whom most waits.',
  },
  queueOverflow: {
    kind: 'word',
    words: ['disconnect', 'dropOldest', 'dropNewest'],
    accepts: isOverflowDecision,
    codeType: 'OverflowDecision',
    default: 'disconnect',
    inCode: 'a function',
    doc: 'What happens when a queue is full.',
  },
  redelivery: {
    kind: 'word',
    words: ['unflushed', 'retained'],
    default: 'unflushed',
    doc: 'What is sent again: what could not be written, or also what a lost connect reply carried.',
  },
  channels: {
    kind: 'rules',
    default: {},
    doc: 'ChannelRules by channel name or pattern; the most specific one wins per key.',
    rows: ruleTable,
  },
} as const satisfies OptionTable;

const history = {
  replay: group('Durable channels, which `channels` names: what is kept of them, and how it is asked for.', {
    ...retention,
    onGap: {
      kind: 'word',
      words: ['fail', 'earliest'],
      default: 'fail',
      doc: 'A subscription from an id too old to be complete: refused, or begun with the oldest event there is.',
    },
    inject: {
      kind: 'word',
      words: ['both', 'data', 'ext'],
      default: 'both',
      doc: 'Where an event says its replay id: in `data.event`, where it can, in `ext`, or in both.',
    },
    maxReplays: count('replays', 200, 1, many, 'Replays of one session that are under way at a time.'),
  }),
} as const satisfies OptionTable;

const limits = {
  channelNames: {
    kind: 'word',
    words: ['bayeux', 'cometd'],
    default: 'bayeux',
    doc: 'Characters of channel names: the specification’s, or CometD’s wider set, which stalls Faye clients.',
  },
  maxChannelLength: count('characters', 255, 2, 65_535, 'Length of a channel name.'),
  maxChannelSegments: count('segments', 16, 1, 1_000, 'Segments of a channel name.'),
  maxMessageSize: bytes(262_144, 'Size of one HTTP body or WebSocket message, decompressed.'),
  maxIncomingBytes: {
    kind: 'integer',
    unit: 'bytes',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    heapPerOne: 8,
    doc: 'Memory of what came in part, and of messages that wait or are at work, for all clients; one may take a quarter of what is free, else 503.',
  },
  maxWaitingBytes: {
    kind: 'integer',
    unit: 'bytes',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    default: 4_194_304,
    doc: 'Memory of messages of one session that wait for those before them; beyond, HTTP gets 503 and a WebSocket is not read.',
  },
  maxBatch: count('messages', 1_000, 1, many, 'Messages in one batch.'),
  maxDepth: count('levels', 64, 1, 1_000, 'Nesting of one batch.'),
  maxSubscriptions: count('subscriptions', 1_000, 0, many, 'Subscriptions of one session.'),
  maxSubscriptionBytes: {
    kind: 'integer',
    unit: 'bytes',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    heapPerOne: 8,
    doc: 'Memory that the subscriptions of all sessions may take; one session gets a 16th of what is free.',
  },
  maxSessions: {
    kind: 'integer',
    unit: 'sessions',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    heapPerOne: 32_768,
    doc: 'Sessions at a time; further handshakes get 503. WebSockets: twice as many.',
  },
  maxSessionsPerAddress: {
    kind: 'integer',
    unit: 'sessions',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    inherits: 'maxSessions',
    part: 0.5,
    doc: 'The same for one address; for one /64 of IPv6.',
  },
  maxSessionsPerConnection: count(
    'sessions',
    10,
    1,
    Number.POSITIVE_INFINITY,
    'Sessions opened on one WebSocket and still there.',
  ),
} as const satisfies OptionTable;

const access = {
  origins: {
    kind: 'list',
    words: ['same', '*'],
    accepts: isOriginMatcher,
    codeType: 'RegExp | OriginPredicate',
    default: 'same',
    what: 'origins like https://example.com',
    pattern: /^(null|[A-Za-z][A-Za-z\d+.-]*:\/\/[^\s/?#]+)$/,
    inCode: 'a RegExp or a function',
    doc: 'Pages that may use the server: of its own origin, of any, or of those listed.',
  },
  trustProxy: {
    kind: 'list',
    words: [false],
    count: { unit: 'proxies', min: 1, max: 100 },
    pattern: /^(loopback|linklocal|uniquelocal|[\da-fA-F:.]+(\/[\d.]+)?)$/,
    what: 'their addresses like 10.0.0.0/8, loopback, linklocal or uniquelocal',
    default: false,
    doc: 'Whose `X-Forwarded-*` is believed: that of so many proxies in front, or of those listed.',
  },
  unconnectedPublish: {
    kind: 'word',
    words: ['deny', 'allow'],
    accepts: isUnconnectedPublish,
    codeType: 'UnconnectedPublish',
    default: 'deny',
    inCode: 'a function',
    doc: 'Publishing without a session, as backends do with curl.',
  },
  authByCookie: toggle(false, 'The policy trusts cookies: refuse options that would let other sites in.'),
  cors: group('Answers to cross-origin preflights.', {
    maxAge: count('seconds', 86_400, 0, many, 'How long a browser may remember one.'),
    headers: {
      kind: 'list',
      ...token,
      what: 'header names',
      default: ['Accept', 'Authorization', 'Content-Type', 'Pragma', 'X-Requested-With'],
      doc: 'Request headers allowed, besides those asked for.',
    },
  }),
} as const satisfies OptionTable;

const browsers = {
  maxSessionsPerBrowser: count(
    'sessions',
    1,
    -1,
    many,
    'Held polls of one browser over HTTP/1.1; -1 is any number, 0 none.',
  ),
  http2MaxSessionsPerBrowser: count('sessions', -1, -1, many, 'The same over HTTP/2.'),
  multiSessionInterval: ms(2_000, 'Polling interval of a browser’s surplus tabs; 0 refuses them.'),
  duplicateConnectStatus: {
    kind: 'integer',
    min: 400,
    max: 599,
    default: 500,
    doc: 'HTTP status of a held poll that a newer one replaces.',
  },
  trustClientSession: toggle(
    true,
    'The clientId alone resolves a session; `false` demands its browser cookie too.',
  ),
  browserCookie: {
    ...group('The cookie by which a browser’s tabs are counted; `false` sets none.', {
      name: { kind: 'string', ...token, default: 'BAYEUX_BROWSER', doc: 'Its name.' },
      domain: {
        kind: 'string',
        pattern: /^[\w.-]+$/,
        what: 'a domain',
        doc: 'Its Domain; unset is this host alone.',
      },
      path: { kind: 'string', pattern: /^\/[!-:<-~]*$/, what: 'a path', default: '/', doc: 'Its Path.' },
      maxAge: count('seconds', -1, -1, many, 'Its Max-Age; -1 is until the browser closes.'),
      secure: {
        kind: 'word',
        words: ['auto', true, false],
        default: 'auto',
        doc: 'Secure; `auto` is on TLS.',
      },
      httpOnly: toggle(true, 'HttpOnly.'),
      sameSite: {
        kind: 'word',
        words: ['auto', 'Strict', 'Lax', 'None', 'omit'],
        default: 'auto',
        doc: 'SameSite; `auto` is Lax when `origins` is `same`, else omitted.',
      },
      partitioned: toggle(false, 'Partitioned.'),
    }),
    off: true,
  },
} as const satisfies OptionTable;

const own = 'As the option of this name, on this transport.';
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
    messagesPerFrame: count('events', 0, 0, many, 'Messages in one frame; 0 is no limit.'),
    maxFlushBytes: bytes(65_536, 'What one frame may carry; at least one message.'),
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
    maxLength: count('characters', 64, 1, 1_000, 'Length of that function’s name.'),
  }),
} as const satisfies OptionTable;

const eventSource = {
  eventSource: group('The `eventsource` transport.', {
    timeout: {
      ...times.timeout,
      doc: 'As the option of this name; here also the pause between two connects, which only show that the client lives.',
    },
    maxInterval: times.maxInterval,
    ping: ms(10_000, 'Time between two comments that keep a stream open.', 1),
  }),
} as const satisfies OptionTable;

const extensions = {
  ack: toggle(true, 'Send again what clients that ask for it do not acknowledge.'),
  timesync: {
    ...group('Tell clients that ask for it the time of the server; `false` does not.', {
      accuracy: ms(25, 'How far off a client may be without being told.'),
    }),
    off: true,
  },
  binary: toggle(true, 'Listeners hear bytes, and what the application sends may hold them.'),
  timestamp: {
    kind: 'word',
    words: [false, 'iso', 'bayeux'],
    default: false,
    doc: 'The time on every reply and event: as ISO 8601, or as the specification writes it, without a zone.',
  },
  activity: group('Ending sessions that are there and do nothing.', {
    maxInactivity: ms(0, 'Time without activity after which the next connect ends the session; 0 is any.'),
    mode: {
      kind: 'word',
      words: ['client', 'client-server'],
      default: 'client',
      doc: 'What is activity: what the client sends, connects aside, or also what it is sent.',
    },
  }),
} as const satisfies OptionTable;

/** The options by subject, in the order people read them. */
export const optionSections = {
  'Sessions and time': timing,
  'Events and queues': delivery,
  'History and replay': history,
  'Names and limits': limits,
  Extensions: extensions,
  'Who may use the server': access,
  'Browsers and tabs': browsers,
  WebSocket: websocket,
  'Long-polling': longPolling,
  'Callback-polling': callbackPolling,
  EventSource: eventSource,
} as const;

/** Every option of the server, nested by its path: types, checks, flags, variables and docs are read off it. */
export const optionTable = {
  ...timing,
  ...delivery,
  ...history,
  ...limits,
  ...extensions,
  ...access,
  ...browsers,
  ...websocket,
  ...longPolling,
  ...callbackPolling,
  ...eventSource,
} as const;

/** Every option with its value; per-transport times that were not given are the server's. */
export type ResolvedOptions = Resolved<typeof optionTable>;

/**
 * Fills in the defaults, some of which depend on what the heap may grow to, in bytes. Throws `UsageError` for an unknown name, a bad
 * value or options that contradict each other (CF-1).
 */
export function resolveOptions(given: ServerOptions = {}, heap?: number): ResolvedOptions {
  return readOptions(given, heap);
}

/** As `resolveOptions`, for what nobody has typed yet. */
export function readOptions(given: unknown, heap?: number): ResolvedOptions {
  const options = withAlias(resolve(optionTable, given, heap));
  refuseNoTransport(options);
  trustOf(options.trustProxy);
  refuseBadRules(options);
  refuseLostCookie(options);
  refuseCookiesForStrangers(options);
  return options;
}

/** LP-5: without the second name, cross-origin Faye browsers fall to JSONP. */
function withAlias(options: ResolvedOptions): ResolvedOptions {
  const { transports } = options;
  if (!transports.includes('long-polling') || transports.includes('cross-origin-long-polling'))
    return options;
  const named = transports.flatMap((name) =>
    name === 'long-polling' ? [name, 'cross-origin-long-polling' as const] : [name],
  );
  return Object.freeze({ ...options, transports: Object.freeze(named) });
}

function refuseNoTransport({ transports }: ResolvedOptions): void {
  if (transports.length === 0) throw new UsageError('transports must name at least one transport');
  if (transports.includes('cross-origin-long-polling') && !transports.includes('long-polling')) {
    throw new UsageError(
      'transports names "cross-origin-long-polling", which is "long-polling" by a second name: name that too',
    );
  }
}

function refuseBadRules({ channels, replay, ...names }: ResolvedOptions): void {
  const grammar = new ChannelGrammar(names);
  for (const [pattern, rule] of Object.entries(channels)) {
    if (!grammar.isNameOrPattern(pattern))
      throw new UsageError(`channels has "${pattern}", which is no channel name or pattern`);
    refuseIdleRule(pattern, Object.keys(rule));
  }
  new ChannelRules(channels, replay);
}

/** What reaches no subscriber cannot be kept for one, nor wait for one. */
function refuseIdleRule(pattern: string, keys: readonly string[]): void {
  const kind = kindOf(pattern);
  if (kind === 'meta') throw new UsageError(`channels has "${pattern}", to which nothing can be published`);
  const idle = kind === 'service' ? keys.find((key) => key !== 'schema') : undefined;
  if (idle !== undefined)
    throw new UsageError(
      `channels["${pattern}"].${idle} has no effect: what is published to a service channel goes to the server alone; leave it out`,
    );
}

/** Browsers refuse to keep such a cookie, and every tab would count as a browser of its own. */
function refuseLostCookie({ browserCookie }: ResolvedOptions): void {
  if (!browserCookie) return;
  const { secure, sameSite, partitioned } = browserCookie;
  if (secure !== false || (sameSite !== 'None' && !partitioned)) return;
  const why = partitioned ? 'partitioned' : 'sameSite "None"';
  throw new UsageError(`browserCookie.${why} needs browserCookie.secure, which is false`);
}

/** SEC-5: by JSONP any page reads what its visitor may read. */
function refuseCookiesForStrangers({ authByCookie, origins, transports }: ResolvedOptions): void {
  if (!authByCookie || origins === 'same' || !transports.includes('callback-polling')) return;
  throw new UsageError(
    'authByCookie with callback-polling lets other sites read as their visitor: set origins to "same" or take "callback-polling" out of transports',
  );
}
