// Written from the option tables by a spec, so that editors show each option with its words. To write it anew:
// WRITE_DOCS=1 npx vitest run spec/docs/options.spec.ts
import type { OverflowDecision, UnconnectedPublish } from './core/callbacks.ts';
import type { RateLimiter } from './features/governor/address-rate.ts';
import type { Visible } from './features/presence/options.ts';
import type { OriginPredicate } from './http/options.ts';
import type { JsonSchema } from './options/table.ts';

/** How the server drains before it closes. */
export interface DrainOptions {
  /** Before it closes, the server sends its sessions away, to another server, one after another over this window; 0 closes at once. Milliseconds; `0` by default. */
  readonly window?: number | undefined;
}

/** Fields of advice besides the three that it always has. */
export interface AdviceOptions {
  /** Tell clients `maxInterval`, so that they know when their session is gone. `false` by default. */
  readonly maxInterval?: boolean | undefined;
}

/** Remember what became of the latest publishes, what was refused and which sessions ended, so that `bayeuxd explain` can tell why a client did not get an event. */
export interface JournalOptions {
  /** Memory of the journal: past it the oldest is forgotten. A publish takes about 200 bytes. Bytes; `8388608` by default. */
  readonly maxBytes?: number | undefined;
  /** How long anything is remembered. Milliseconds; `3600000` by default. */
  readonly maxAge?: number | undefined;
}

/** Durable channels, set in `channels`: which events are kept, and how they are replayed. */
export interface ReplayOptions {
  /** Events kept of one durable channel, unless its rule says otherwise. Events; `10000` by default. */
  readonly maxEvents?: number | undefined;
  /** How long events are kept, unless the rule of the channel says otherwise. Milliseconds; `86400000` by default. */
  readonly maxAge?: number | undefined;
  /** If events after the id in a subscribe are already discarded: refuse it (`fail`), or start at the oldest event (`earliest`). `fail` by default. */
  readonly onGap?: 'fail' | 'earliest' | undefined;
  /** Where an event has its replay id: in `data.event` where possible, in `ext`, or in both. `both` by default. */
  readonly inject?: 'both' | 'data' | 'ext' | undefined;
  /** Replays of one session that may run at the same time. Replays; `200` by default. */
  readonly maxReplays?: number | undefined;
}

/** Who is present in a channel, set in `channels`, and on the server. */
export interface PresenceOptions {
  /** Whether `/presence/everyone` lists the users of all sessions (`full`), or gives their number (`total`). `false` by default. */
  readonly everyone?: false | 'full' | 'total' | undefined;
  /** How long a user who left stays listed, so that loading a page again changes nothing. Milliseconds; `10000` by default. */
  readonly grace?: number | undefined;
  /** Whether others see `user.info`, or which members of it. `true` by default. */
  readonly info?: readonly string[] | true | false | undefined;
  /** Who may see whom: a function of the viewer’s session, the user and the channel. It is called for each viewer with each change. `all` by default. */
  readonly visible?: 'all' | Visible | undefined;
  /** Memory for who is present. One session may use a 16th of the free part; subscriptions above it are refused. Bytes; heap limit / 16 by default. */
  readonly maxBytes?: number | undefined;
}

/** Rates. 0 is no limit. */
export interface LimitsOptions {
  /** Handshakes a second of all clients. Those above it wait in a queue for up to 8 seconds, as many as 8 times this number; all others get 503. Handshakes; `1000` by default. */
  readonly handshakes?: number | undefined;
  /** Handshakes a second of one IPv4 address, or one /64 of IPv6; all others get 503. Handshakes; `500` by default. */
  readonly handshakesPerAddress?: number | RateLimiter | undefined;
  /** Delay of the event loop above which handshakes get 503 before they are read; 0 is no limit. Milliseconds; `500` by default. */
  readonly maxEventLoopDelay?: number | undefined;
  /** Publishes a second of one session. Publishes; `0` by default. */
  readonly publishes?: number | undefined;
  /** Publishes a second of all sessions of one user. Publishes; `0` by default. */
  readonly publishesPerUser?: number | undefined;
  /** Patterns that one session may subscribe to or unsubscribe from in a second. Patterns; `0` by default. */
  readonly subscribes?: number | undefined;
  /** The same for all sessions of one user. Patterns; `0` by default. */
  readonly subscribesPerUser?: number | undefined;
  /** Bytes a second of the messages of one session. Those above it wait for up to 8 seconds; then HTTP gets 503, and a WebSocket is closed. Bytes; `0` by default. */
  readonly bytes?: number | undefined;
}

/** Tells clients that ask for it the time of the server; `false` turns this off. */
export interface TimesyncOptions {
  /** A client gets a correction when its estimate is wrong by at least this. Milliseconds; `25` by default. */
  readonly accuracy?: number | undefined;
}

/** Ends sessions whose clients only connect. */
export interface ActivityOptions {
  /** Time without activity after which the next connect ends the session; 0 is no limit. Milliseconds; `0` by default. */
  readonly maxInactivity?: number | undefined;
  /** Activity: messages from the client except connects, or also messages to the client. `client` by default. */
  readonly mode?: 'client' | 'client-server' | undefined;
}

/** Answers to cross-origin preflights. */
export interface CorsOptions {
  /** How long a browser may cache the answer to a preflight. Seconds; `86400` by default. */
  readonly maxAge?: number | undefined;
  /** Request headers allowed, besides those that a preflight names. `Accept`, `Authorization`, `Content-Type`, `Pragma`, `X-Requested-With` by default. */
  readonly headers?: readonly string[] | undefined;
}

/** Public keys of an identity provider, fetched when they are needed. */
export interface AuthJwksOptions {
  /** Address of the set of JWKs; needs `auth.audience`. */
  readonly url?: string | undefined;
  /** How long fetched keys are used before they are fetched again. Milliseconds; `600000` by default. */
  readonly maxAge?: number | undefined;
  /** How much longer the old keys are used while new ones cannot be fetched. Milliseconds; `3600000` by default. */
  readonly maxStale?: number | undefined;
}

/** Limits of the list of revoked users and tokens. `server.revoke` adds an entry, which stays until the revoked tokens have expired. */
export interface AuthRevocationsOptions {
  /** Largest number of users and tokens in the list. When the list is full, `server.revoke` ends the sessions and then fails. Entries; `100000` by default. */
  readonly maxEntries?: number | undefined;
  /** Largest memory of the list. An entry takes about 300 bytes. Bytes; `33554432` by default. */
  readonly maxBytes?: number | undefined;
}

/** Authentication by JSON Web Tokens. It is on as soon as there is a key; the server then refuses everything that is not granted. */
export interface AuthOptions {
  /** Shared secret of tokens that are signed with HS256. HS384 needs 48 bytes, HS512 64. */
  readonly secret?: string | undefined;
  /** File with that secret. The log warns if other users can access it. */
  readonly secretFile?: string | undefined;
  /** File with public keys: a key in PEM, a certificate, a JWK or a set of JWKs. The log warns if other users can write it. */
  readonly keyFile?: string | undefined;
  /** Public keys of an identity provider, fetched when they are needed. */
  readonly jwks?: AuthJwksOptions | undefined;
  /** Algorithms that a token may be signed with. Unset allows all that fit the key. */
  readonly algorithms?:
    | readonly (
        | 'HS256'
        | 'HS384'
        | 'HS512'
        | 'RS256'
        | 'RS384'
        | 'RS512'
        | 'PS256'
        | 'PS384'
        | 'PS512'
        | 'ES256'
        | 'ES384'
        | 'ES512'
        | 'EdDSA'
        | 'Ed25519'
      )[]
    | undefined;
  /** Accepted values of `iss`. Empty accepts every token. None by default. */
  readonly issuer?: readonly string[] | undefined;
  /** Accepted values of `aud`. Empty accepts every token. None by default. */
  readonly audience?: readonly string[] | undefined;
  /** How far the clock of the signer may differ from that of the server. Milliseconds; `5000` by default. */
  readonly clockTolerance?: number | undefined;
  /** Longest time from `iat`, or from now without `iat`, to `exp` of a token; 0 is any. Milliseconds; `86400000` by default. */
  readonly maxLifetime?: number | undefined;
  /** Cookie that may carry the token; needs `authByCookie`. */
  readonly cookie?: string | undefined;
  /** Clients without a token may open sessions, too. `false` by default. */
  readonly anonymous?: boolean | undefined;
  /** Claims that are copied to `session.user.info`. None by default. */
  readonly info?: readonly string[] | undefined;
  /** Limits of the list of revoked users and tokens. `server.revoke` adds an entry, which stays until the revoked tokens have expired. */
  readonly revocations?: AuthRevocationsOptions | undefined;
  /** Claim with the grants of the user: `{ subscribe, publish, call, history }`, each a list of patterns. `bayeux` by default. */
  readonly grantsClaim?: string | undefined;
}

/** The cookie by which a browser’s tabs are counted; `false` sets none. */
export interface BrowserCookieOptions {
  /** Name of the cookie. `BAYEUX_BROWSER` by default. */
  readonly name?: string | undefined;
  /** Domain attribute; unset means this host alone. */
  readonly domain?: string | undefined;
  /** Path attribute. `/` by default. */
  readonly path?: string | undefined;
  /** Max-Age attribute; -1 means until the browser closes. Seconds; `-1` by default. */
  readonly maxAge?: number | undefined;
  /** Secure attribute; `auto` sets it on TLS. `auto` by default. */
  readonly secure?: 'auto' | true | false | undefined;
  /** HttpOnly attribute. `true` by default. */
  readonly httpOnly?: boolean | undefined;
  /** SameSite attribute; `auto` means Lax when `origins` is `same`, else none. `auto` by default. */
  readonly sameSite?: 'auto' | 'Strict' | 'Lax' | 'None' | 'omit' | undefined;
  /** Partitioned attribute. `false` by default. */
  readonly partitioned?: boolean | undefined;
}

/** The `websocket` transport. */
export interface WebsocketOptions {
  /** The option of the same name, for this transport. Milliseconds; by default as `timeout`. */
  readonly timeout?: number | undefined;
  /** The option of the same name, for this transport. Milliseconds; by default as `interval`. */
  readonly interval?: number | undefined;
  /** The option of the same name, for this transport. Milliseconds; by default as `maxInterval`. */
  readonly maxInterval?: number | undefined;
  /** The option of the same name, for this transport. By default as `metaConnectDeliverOnly`. */
  readonly metaConnectDeliverOnly?: boolean | undefined;
  /** Subprotocol clients must offer; unset takes the first one offered. */
  readonly protocol?: string | undefined;
  /** Messages in one frame; 0 means no limit. Events; `0` by default. */
  readonly messagesPerFrame?: number | undefined;
  /** Size of one frame. A single message may exceed it. Bytes; `65536` by default. */
  readonly maxFlushBytes?: number | undefined;
  /** Unsent bytes of a slow socket above which events wait in the queue. Bytes; `262144` by default. */
  readonly maxBufferedBytes?: number | undefined;
  /** Time between two pings; a socket that misses two is closed. Milliseconds; `25000` by default. */
  readonly pingInterval?: number | undefined;
  /** How long a socket may stay without a session. Milliseconds; `60000` by default. */
  readonly firstMessageTimeout?: number | undefined;
  /** A session may be used only on the socket of its handshake. `false` by default. */
  readonly requireHandshakePerConnection?: boolean | undefined;
  /** Compress frames for clients that offer it. `false` by default. */
  readonly perMessageDeflate?: boolean | undefined;
}

/** The `long-polling` transport and its cross-origin alias. */
export interface LongPollingOptions {
  /** The option of the same name, for this transport. Milliseconds; by default as `timeout`. */
  readonly timeout?: number | undefined;
  /** The option of the same name, for this transport. Milliseconds; by default as `interval`. */
  readonly interval?: number | undefined;
  /** The option of the same name, for this transport. Milliseconds; by default as `maxInterval`. */
  readonly maxInterval?: number | undefined;
  /** The option of the same name, for this transport. By default as `metaConnectDeliverOnly`. */
  readonly metaConnectDeliverOnly?: boolean | undefined;
}

/** The `callback-polling` transport (JSONP). */
export interface CallbackPollingOptions {
  /** The option of the same name, for this transport. Milliseconds; by default as `timeout`. */
  readonly timeout?: number | undefined;
  /** The option of the same name, for this transport. Milliseconds; by default as `interval`. */
  readonly interval?: number | undefined;
  /** The option of the same name, for this transport. Milliseconds; by default as `maxInterval`. */
  readonly maxInterval?: number | undefined;
  /** Query parameter that names the function. `jsonp` by default. */
  readonly parameter?: string | undefined;
  /** Length of the name of the function. Characters; `64` by default. */
  readonly maxLength?: number | undefined;
}

/** The `eventsource` transport. */
export interface EventSourceOptions {
  /** The option of the same name; here also the pause between two connects, which only show that the client is alive. Milliseconds; by default as `timeout`. */
  readonly timeout?: number | undefined;
  /** The option of the same name, for this transport. Milliseconds; by default as `maxInterval`. */
  readonly maxInterval?: number | undefined;
  /** Time between two comments that keep a stream open. Milliseconds; `10000` by default. */
  readonly ping?: number | undefined;
}

/** Options of a server. Each may be left out. */
export interface ServerOptions {
  /** How long a /meta/connect is held. Milliseconds; `30000` by default. */
  readonly timeout?: number | undefined;
  /** Pause that the server advises between a connect reply and the next connect. Milliseconds; `0` by default. */
  readonly interval?: number | undefined;
  /** Silence allowed after `interval` before a session expires. Milliseconds; `15000` by default. */
  readonly maxInterval?: number | undefined;
  /** Longest delay of a lazy event. Milliseconds; `5000` by default. */
  readonly maxLazyTimeout?: number | undefined;
  /** How long an event may wait for others that are written to the session with it. Milliseconds; `0` by default. */
  readonly writeDelay?: number | undefined;
  /** Longest pause between connects that a client may ask for. Milliseconds; `60000` by default. */
  readonly maxClientInterval?: number | undefined;
  /** How long a policy or an extension may take to answer; then the message fails with 500. Milliseconds; `8000` by default. */
  readonly hookTimeout?: number | undefined;
  /** How long an engine may take to carry an event or a subscription; then the message fails with 503. Milliseconds; `5000` by default. */
  readonly engineTimeout?: number | undefined;
  /** How long closing the server may take. Milliseconds; `5000` by default. */
  readonly shutdownGrace?: number | undefined;
  /** How the server drains before it closes. */
  readonly drain?: DrainOptions | undefined;
  /** Fields of advice besides the three that it always has. */
  readonly advice?: AdviceOptions | undefined;
  /** Other servers, named in the advice of failed handshakes and connects. None by default. */
  readonly hosts?: readonly string[] | undefined;
  /** How often the policy is asked again about a session and its subscriptions; 0 is never. Milliseconds; `0` by default. */
  readonly revalidateEvery?: number | undefined;
  /** If the policy fails when it is asked again: `end` makes the client shake hands again, `keep` lets the session continue. `end` by default. */
  readonly revalidateFailure?: 'end' | 'keep' | undefined;
  /** Transports served, in order of preference. `long-polling` includes `cross-origin-long-polling`. `websocket`, `eventsource`, `long-polling`, `cross-origin-long-polling`, `callback-polling` by default. */
  readonly transports?:
    | readonly (
        | 'websocket'
        | 'eventsource'
        | 'long-polling'
        | 'cross-origin-long-polling'
        | 'callback-polling'
      )[]
    | undefined;
  /** Size of one HTTP response with events. A single event may exceed it. Bytes; `524288` by default. */
  readonly maxFlushBytes?: number | undefined;
  /** Events travel only with /meta/connect replies. `false` by default. */
  readonly metaConnectDeliverOnly?: boolean | undefined;
  /** Publishers receive their own events, if they subscribe to them. `true` by default. */
  readonly broadcastToPublisher?: boolean | undefined;
  /** Events queued during a handshake travel with its reply. `false` by default. */
  readonly handshakeDelivery?: boolean | undefined;
  /** Keys of a publisher’s `ext` that reach subscribers. `binary` by default. */
  readonly forward?: readonly string[] | 'all' | undefined;
  /** Events that may wait for one session. Events; `10000` by default. */
  readonly maxQueue?: number | undefined;
  /** Bytes that may wait for one session. Bytes; `4194304` by default. */
  readonly maxQueueBytes?: number | undefined;
  /** Memory for the waiting events of all sessions, each event counted once. Above it, the server ends the sessions with the most. Bytes; heap limit / 4 by default. */
  readonly maxQueuedBytes?: number | undefined;
  /** What happens when a queue is full. `disconnect` by default. */
  readonly queueOverflow?: 'disconnect' | 'dropOldest' | 'dropNewest' | OverflowDecision | undefined;
  /** Rules by channel name or pattern. For each key, the most specific rule that has it wins. */
  readonly channels?: { readonly [pattern: string]: ChannelRuleOptions } | undefined;
  /** Events to send again: those that could not be written (`unflushed`), or also those of a lost connect reply (`resend`). `unflushed` by default. */
  readonly redelivery?: 'unflushed' | 'resend' | undefined;
  /** Whose repeated publishes are recognised and not delivered twice: those of Faye clients, all, or none. `faye` by default. */
  readonly dedupe?: 'faye' | true | false | undefined;
  /** Remember what became of the latest publishes, what was refused and which sessions ended, so that `bayeuxd explain` can tell why a client did not get an event. */
  readonly journal?: JournalOptions | boolean | undefined;
  /** Durable channels, set in `channels`: which events are kept, and how they are replayed. */
  readonly replay?: ReplayOptions | undefined;
  /** Who is present in a channel, set in `channels`, and on the server. */
  readonly presence?: PresenceOptions | undefined;
  /** Characters of channel names: the specification’s, or CometD’s wider set, which stalls Faye clients. `bayeux` by default. */
  readonly channelNames?: 'bayeux' | 'cometd' | undefined;
  /** Length of a channel name. Characters; `255` by default. */
  readonly maxChannelLength?: number | undefined;
  /** Segments of a channel name. Segments; `16` by default. */
  readonly maxChannelSegments?: number | undefined;
  /** Size of one HTTP body or WebSocket message, decompressed. Bytes; `262144` by default. */
  readonly maxMessageSize?: number | undefined;
  /** Memory for the unfinished requests of all clients. A request that needs more than a quarter of the free part gets 503. Bytes; heap limit / 8 by default. */
  readonly maxIncomingBytes?: number | undefined;
  /** Memory for the messages of one session that wait for earlier ones. Above it, HTTP requests get 503, and a WebSocket is not read. Bytes; `4194304` by default. */
  readonly maxWaitingBytes?: number | undefined;
  /** Messages in one batch. Messages; `1000` by default. */
  readonly maxBatch?: number | undefined;
  /** Nesting of one batch. Levels; `64` by default. */
  readonly maxDepth?: number | undefined;
  /** Channels and patterns that one subscribe or unsubscribe message may name. Patterns; `100` by default. */
  readonly maxPatternsPerMessage?: number | undefined;
  /** Subscriptions of one session. Subscriptions; `1000` by default. */
  readonly maxSubscriptions?: number | undefined;
  /** Memory for the subscriptions of all sessions. One session may use a 16th of the free part. Bytes; heap limit / 8 by default. */
  readonly maxSubscriptionBytes?: number | undefined;
  /** Open sessions; further handshakes get 503. Twice as many WebSockets may be open. Sessions; one per 32 KiB of the heap limit by default. */
  readonly maxSessions?: number | undefined;
  /** The same for one IPv4 address, or one /64 of IPv6. Sessions; 50 % of maxSessions by default. */
  readonly maxSessionsPerAddress?: number | undefined;
  /** Open sessions of one user, whom a token or the policy names; further handshakes get 503. Sessions; 50 % of maxSessions by default. */
  readonly maxSessionsPerUser?: number | undefined;
  /** Open sessions that were opened on one WebSocket. Sessions; `10` by default. */
  readonly maxSessionsPerConnection?: number | undefined;
  /** WebSockets of one IPv4 address, or one /64 of IPv6; in the program also its TCP connections, unless it is a trusted proxy. Connections; 200 % of maxSessionsPerAddress by default. */
  readonly maxConnectionsPerAddress?: number | undefined;
  /** Rates. 0 is no limit. */
  readonly limits?: LimitsOptions | undefined;
  /** Sends events again until acknowledged, to clients that ask for it. `true` by default. */
  readonly ack?: boolean | undefined;
  /** Tells clients that ask for it the time of the server; `false` turns this off. */
  readonly timesync?: TimesyncOptions | boolean | undefined;
  /** The application may send and receive bytes. `true` by default. */
  readonly binary?: boolean | undefined;
  /** Adds the time to every reply and event: as ISO 8601, or in the form of the specification, without a time zone. `false` by default. */
  readonly timestamp?: false | 'iso' | 'bayeux' | undefined;
  /** Ends sessions whose clients only connect. */
  readonly activity?: ActivityOptions | undefined;
  /** Proxies whose `X-Forwarded-*` headers are trusted: the number of proxies in front, or a list of them. `false` by default. */
  readonly trustProxy?: number | readonly string[] | false | undefined;
  /** Publishing without a session, as backends do with curl. `deny` by default. */
  readonly unconnectedPublish?: 'deny' | 'allow' | UnconnectedPublish | undefined;
  /** Origins whose pages may use the server: its own (`same`), any (`*`), or those listed. `same` by default. */
  readonly origins?: readonly string[] | 'same' | '*' | RegExp | OriginPredicate | undefined;
  /** Turn it on if the policy trusts cookies. The server then refuses options that would let other sites in. `false` by default. */
  readonly authByCookie?: boolean | undefined;
  /** Answers to cross-origin preflights. */
  readonly cors?: CorsOptions | undefined;
  /** Authentication by JSON Web Tokens. It is on as soon as there is a key; the server then refuses everything that is not granted. */
  readonly auth?: AuthOptions | undefined;
  /** HTTP status of a held poll that a newer one replaces. `500` by default. */
  readonly duplicateConnectStatus?: number | undefined;
  /** The clientId alone identifies a session; `false` requires its browser cookie too. `true` by default. */
  readonly trustClientSession?: boolean | undefined;
  /** The cookie by which a browser’s tabs are counted; `false` sets none. */
  readonly browserCookie?: BrowserCookieOptions | boolean | undefined;
  /** Polls held for one browser over HTTP/1.1; -1 is no limit, 0 holds none. Sessions; `1` by default. */
  readonly maxSessionsPerBrowser?: number | undefined;
  /** The same over HTTP/2. Sessions; `-1` by default. */
  readonly http2MaxSessionsPerBrowser?: number | undefined;
  /** Polling interval of a browser’s surplus tabs; 0 refuses them. Milliseconds; `2000` by default. */
  readonly multiSessionInterval?: number | undefined;
  /** The `websocket` transport. */
  readonly websocket?: WebsocketOptions | undefined;
  /** The `long-polling` transport and its cross-origin alias. */
  readonly longPolling?: LongPollingOptions | undefined;
  /** The `callback-polling` transport (JSONP). */
  readonly callbackPolling?: CallbackPollingOptions | undefined;
  /** The `eventsource` transport. */
  readonly eventSource?: EventSourceOptions | undefined;
}

/** What happens when too many events of this rule wait for one session. */
export interface ChannelRuleOverflowOptions {
  /** What happens when too many events of this rule wait for one session; required. */
  readonly action: 'dropOldest' | 'dropNewest' | 'conflate' | 'disconnect';
  /** For `conflate`, and required there: of the events with the same value here in `data`, only the newest is kept. */
  readonly key?: string | undefined;
  /** Events of this rule that may wait for one session. Events. */
  readonly maxEvents?: number | undefined;
  /** Size of the events of this rule that may wait. Bytes. */
  readonly maxBytes?: number | undefined;
  /** How long an event of this rule may wait. Milliseconds. */
  readonly maxAge?: number | undefined;
}

/** Rates on these channels together. 0 is no limit. */
export interface ChannelRuleRateOptions {
  /** Publishes a second of all clients. Publishes. */
  readonly publishes?: number | undefined;
  /** Publishes a second of one session. Publishes. */
  readonly publishesPerSession?: number | undefined;
  /** Patterns below this rule that all clients may subscribe to or unsubscribe from in a second. Patterns. */
  readonly subscribes?: number | undefined;
}

/** Grants on these channels, besides those of tokens: to everybody, to users with a token, or to nobody. */
export interface ChannelRuleGrantsOptions {
  /** Who may subscribe to them. */
  readonly subscribe?: 'everybody' | 'users' | 'nobody' | undefined;
  /** Who may publish to them. */
  readonly publish?: 'everybody' | 'users' | 'nobody' | undefined;
  /** Who may publish to them, if they are service channels. */
  readonly call?: 'everybody' | 'users' | 'nobody' | undefined;
  /** Who may ask for earlier events. */
  readonly history?: 'everybody' | 'users' | 'nobody' | undefined;
}

/** A client publishes `{ receivers, payload }`, and the sessions of these users alone get `{ from, payload, id }`. */
export interface ChannelRuleAddressedOptions {
  /** The other sessions of the sender get a copy; `false` if absent. */
  readonly copy?: boolean | undefined;
  /** How long a message is kept, in the history, for a user who did not get it; not kept if absent. Milliseconds. */
  readonly ttl?: number | undefined;
  /** Messages kept for one user; 1,000 if absent. Messages. */
  readonly maxKept?: number | undefined;
  /** Where the sender learns what became of a message: in the `reply`, in an `event`, or nowhere; `reply` if absent. */
  readonly receipts?: 'reply' | 'event' | false | undefined;
  /** Receivers of one message; 1,000 if absent. Users. */
  readonly maxReceivers?: number | undefined;
}

/** Keep events for clients that missed some; `true` keeps as many as `replay` says. */
export interface ChannelRuleHistoryOptions {
  /** Events kept of one channel, instead of `replay.maxEvents`. Events. */
  readonly maxEvents?: number | undefined;
  /** How long events are kept, instead of `replay.maxAge`. Milliseconds. */
  readonly maxAge?: number | undefined;
}

/** Tell subscribers of `/presence/<channel>` who subscribes to the channel. */
export interface ChannelRulePresenceOptions {
  /** How long a user who left stays listed, instead of `presence.grace`. Milliseconds. */
  readonly grace?: number | undefined;
  /** Whether others see `user.info`, or which members of it, instead of `presence.info`. */
  readonly info?: readonly string[] | true | false | undefined;
  /** Whether viewers get all users and each change, or the number of users at most once a second. */
  readonly mode?: 'full' | 'total' | undefined;
}

/** Rules by channel name or pattern. For each key, the most specific rule that has it wins. */
export interface ChannelRuleOptions {
  /** Events wait for the next flush, at most this long; `true` is `maxLazyTimeout`. Milliseconds. */
  readonly lazy?: number | true | false | undefined;
  /** Events leave now or not at all: those that a session cannot take at once are dropped for it. */
  readonly volatile?: boolean | undefined;
  /** The option of the same name, for these channels. Milliseconds. */
  readonly writeDelay?: number | undefined;
  /** The option of the same name, for these channels. */
  readonly broadcastToPublisher?: boolean | undefined;
  /** What happens when too many events of this rule wait for one session. */
  readonly overflow?: ChannelRuleOverflowOptions | undefined;
  /** Rates on these channels together. 0 is no limit. */
  readonly rate?: ChannelRuleRateOptions | undefined;
  /** Grants on these channels, besides those of tokens: to everybody, to users with a token, or to nobody. */
  readonly grants?: ChannelRuleGrantsOptions | undefined;
  /** JSON schema that the `data` of every publish must satisfy. */
  readonly schema?: JsonSchema | undefined;
  /** A client publishes `{ receivers, payload }`, and the sessions of these users alone get `{ from, payload, id }`. */
  readonly addressed?: ChannelRuleAddressedOptions | boolean | undefined;
  /** Keep events for clients that missed some; `true` keeps as many as `replay` says. */
  readonly history?: ChannelRuleHistoryOptions | boolean | undefined;
  /** Tell subscribers of `/presence/<channel>` who subscribes to the channel. */
  readonly presence?: ChannelRulePresenceOptions | boolean | undefined;
}
