import type { OptionTable, Resolved } from '../options/table.ts';
import { bytes, count, group, many, ms, toggle } from '../options/rows.ts';
import type { AdmissionOptions } from './admission.ts';
import type { TransportTimes } from './transports.ts';
import type { OverflowDecision, UnconnectedPublish } from './callbacks.ts';
import { deliveryRuleRows, readDeliveryRule } from './delivery/rules.ts';
import type { TrustOptions } from './sessions.ts';

const isOverflowDecision = (value: unknown): value is OverflowDecision => typeof value === 'function';
const isUnconnectedPublish = (value: unknown): value is UnconnectedPublish => typeof value === 'function';

const time = {
  timeout: ms(30_000, 'How long a /meta/connect is held.'),
  interval: ms(0, 'Pause that the server advises between a connect reply and the next connect.'),
  maxInterval: ms(15_000, 'Silence allowed after `interval` before a session expires.'),
  maxLazyTimeout: ms(5_000, 'Longest delay of a lazy event.'),
  writeDelay: ms(0, 'How long an event may wait for others that are written to the session with it.'),
  maxClientInterval: ms(60_000, 'Longest pause between connects that a client may ask for.'),
  hookTimeout: ms(
    8_000,
    'How long a policy or an extension may take to answer; then the message fails with 500.',
    1,
  ),
  engineTimeout: ms(
    5_000,
    'How long an engine may take to carry an event or a subscription; then the message fails with 503.',
    1,
  ),
  shutdownGrace: ms(5_000, 'How long closing the server may take.'),
  drain: group('How the server drains before it closes.', {
    window: ms(
      0,
      'Before it closes, the server sends its sessions away, to another server, one after another over this window; 0 closes at once.',
    ),
  }),
  advice: group('Fields of advice besides the three that it always has.', {
    maxInterval: toggle(false, 'Tell clients `maxInterval`, so that they know when their session is gone.'),
  }),
  hosts: {
    kind: 'list',
    default: [],
    doc: 'Other servers, named in the advice of failed handshakes and connects.',
  },
} as const satisfies OptionTable;

const events = {
  metaConnectDeliverOnly: toggle(false, 'Events travel only with /meta/connect replies.'),
  broadcastToPublisher: toggle(true, 'Publishers receive their own events, if they subscribe to them.'),
  handshakeDelivery: toggle(false, 'Events queued during a handshake travel with its reply.'),
  forward: {
    kind: 'list',
    words: ['all'],
    default: ['binary'],
    doc: 'Keys of a publisher’s `ext` that reach subscribers.',
  },
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
    doc: 'Memory for the waiting events of all sessions, each event counted once. Above it, the server ends the sessions with the most.',
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
    doc: 'Memory for the unfinished requests of all clients. A request that needs more than a quarter of the free part gets 503.',
  },
  maxWaitingBytes: {
    kind: 'integer',
    unit: 'bytes',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    default: 4_194_304,
    doc: 'Memory for the messages of one session that wait for earlier ones. Above it, HTTP requests get 503, and a WebSocket is not read.',
  },
  maxBatch: count('messages', 1_000, 1, many, 'Messages in one batch.'),
  maxDepth: count('levels', 64, 1, 1_000, 'Nesting of one batch.'),
  maxPatternsPerMessage: count(
    'patterns',
    100,
    1,
    many,
    'Channels and patterns that one subscribe or unsubscribe message may name.',
  ),
  maxSubscriptions: count('subscriptions', 1_000, 0, many, 'Subscriptions of one session.'),
  maxSubscriptionBytes: {
    kind: 'integer',
    unit: 'bytes',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    heapPerOne: 8,
    doc: 'Memory for the subscriptions of all sessions. One session may use a 16th of the free part.',
  },
  maxSessions: {
    kind: 'integer',
    unit: 'sessions',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    heapPerOne: 32_768,
    doc: 'Open sessions; further handshakes get 503. Twice as many WebSockets may be open.',
  },
  maxSessionsPerAddress: {
    kind: 'integer',
    unit: 'sessions',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    inherits: 'maxSessions',
    part: 0.5,
    doc: 'The same for one IPv4 address, or one /64 of IPv6.',
  },
  maxSessionsPerUser: {
    kind: 'integer',
    unit: 'sessions',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    inherits: 'maxSessions',
    part: 0.5,
    doc: 'Open sessions of one user, whom a token or the policy names; further handshakes get 503.',
  },
  maxSessionsPerConnection: count(
    'sessions',
    10,
    1,
    Number.POSITIVE_INFINITY,
    'Open sessions that were opened on one WebSocket.',
  ),
  maxConnectionsPerAddress: {
    kind: 'integer',
    unit: 'connections',
    min: 1,
    max: Number.POSITIVE_INFINITY,
    inherits: 'maxSessionsPerAddress',
    part: 2,
    doc: 'WebSockets of one IPv4 address, or one /64 of IPv6; in the program also its TCP connections, unless it is a trusted proxy.',
  },
} as const satisfies OptionTable;

const access = {
  unconnectedPublish: {
    kind: 'word',
    words: ['deny', 'allow'],
    accepts: isUnconnectedPublish,
    codeType: 'UnconnectedPublish',
    default: 'deny',
    inCode: 'a function',
    doc: 'Publishing without a session, as backends do with curl.',
  },
} as const satisfies OptionTable;

/** The options of the core, and the fields it adds to channel rules. */
export const coreOptions = {
  sections: {
    'Sessions and time': time,
    'Events and queues': events,
    'Names and limits': limits,
    'Who may use the server': access,
  },
  ruleRows: deliveryRuleRows,
  readRule: readDeliveryRule,
} as const;

type Table = typeof time & typeof events & typeof limits & typeof access;

/** The options that the core reads. */
export interface CoreOptions extends Resolved<Table>, TransportTimes, TrustOptions {
  /** Enabled transports, in order of preference. */
  readonly transports: readonly string[];
  readonly websocket: TransportTimes['websocket'] & TrustOptions['websocket'];
  readonly trustProxy: AdmissionOptions['trustProxy'];
}
