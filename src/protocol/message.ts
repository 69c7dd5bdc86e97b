/** Any parsed JSON object. */
export type JsonObject = { readonly [key: string]: unknown };

/** Whether a parsed value is an object, and neither an array nor `null`. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A message id as a client sends it: echoed with the same JSON type and value (ID-1). */
export type MessageId = string | number;

/** The five meta channels that a client may send to (CH-7). */
export type MetaChannel =
  | '/meta/handshake'
  | '/meta/connect'
  | '/meta/subscribe'
  | '/meta/unsubscribe'
  | '/meta/disconnect';

interface RequestFields {
  readonly channel: string;
  /** Absent when the client sent none, or `null`. */
  readonly id?: MessageId;
  /** The secret of the session that the client claims. If it was not a string: empty, which matches no session (MSG-9). */
  readonly clientId?: string;
  readonly ext?: JsonObject;
  /** Top-level fields that the protocol does not define (MSG-8): for policies and extensions, never sent to anyone. */
  readonly extra?: JsonObject;
}

/** Opens a session. */
export interface HandshakeRequest extends RequestFields {
  readonly kind: 'handshake';
  readonly version?: string;
  readonly minimumVersion?: string;
  readonly supportedConnectionTypes?: readonly string[];
}

/** Advice of a client in a connect request (ADV-11). Milliseconds. */
export interface ClientAdvice {
  readonly timeout?: number;
  readonly interval?: number;
}

/** The heartbeat. The server may hold it until there are events. */
export interface ConnectRequest extends RequestFields {
  readonly kind: 'connect';
  readonly connectionType?: string;
  readonly advice?: ClientAdvice;
}

/** Adds subscriptions. */
export interface SubscribeRequest extends RequestFields {
  readonly kind: 'subscribe';
  readonly subscription?: string | readonly string[];
}

/** Drops subscriptions. */
export interface UnsubscribeRequest extends RequestFields {
  readonly kind: 'unsubscribe';
  readonly subscription?: string | readonly string[];
}

/** Ends a session. */
export interface DisconnectRequest extends RequestFields {
  readonly kind: 'disconnect';
}

/** Publishes to a broadcast or service channel. A meta channel other than the five is refused. */
export interface PublishRequest extends RequestFields {
  readonly kind: 'publish';
  /** Whether the message has `data`; `null` counts as data (PB-4). */
  readonly hasData: boolean;
  readonly data?: unknown;
}

/** A message that cannot be read, with the fields that could be read. It fails alone, not with its batch. */
export interface InvalidRequest {
  readonly kind: 'invalid';
  readonly channel?: string;
  readonly id?: MessageId;
  readonly ext?: undefined;
  readonly fault: 'channel_missing' | 'message_id_invalid';
}

/** A request that could be read. */
export type ReadableRequest =
  | HandshakeRequest
  | ConnectRequest
  | SubscribeRequest
  | UnsubscribeRequest
  | DisconnectRequest
  | PublishRequest;

/** One message from a client. */
export type Request = ReadableRequest | InvalidRequest;

/** Advice of the server: how and when a client connects next. Always complete (ADV-1). Times in milliseconds. */
export interface Advice {
  readonly reconnect: 'retry' | 'handshake' | 'none';
  readonly interval: number;
  readonly timeout: number;
  readonly maxInterval?: number;
  readonly hosts?: readonly string[];
  readonly 'multiple-clients'?: true;
}

/** The answer to one request. Extensions add to `ext`. Fields that are `undefined` are not sent. */
export interface Reply {
  readonly id?: MessageId | undefined;
  readonly channel?: string | undefined;
  readonly successful: boolean;
  readonly error?: string;
  readonly clientId?: string;
  readonly version?: string;
  readonly minimumVersion?: string;
  readonly supportedConnectionTypes?: readonly string[];
  readonly subscription?: string | readonly string[];
  readonly advice?: Advice;
  readonly ext?: JsonObject;
  readonly timestamp?: string;
  readonly 'x-messages'?: number;
}

/** A reply without the fields that it repeats from its request. */
export type ReplyFields = Omit<Reply, 'id' | 'channel'>;

/** A message to subscribers (DL-4). Only the result of a remote call has `id` and `successful` (SV-6). */
export interface Event {
  readonly channel: string;
  readonly data?: unknown;
  readonly ext?: JsonObject;
  readonly timestamp?: string;
  readonly id?: MessageId;
  readonly successful?: boolean;
}

// Keys that a client acts on in any message, and keys that only the server may set.
const neverForwarded = new Set([
  ...['successful', 'error', 'subscription', 'advice', 'clientId', 'id'],
  ...['ack', 'auth', 'flow', 'gap', 'receipts', 'redelivered', 'replay', 'replayId'],
]);

/** The keys of a publisher's `ext` that subscribers receive: only those named, since `ext` may have login tokens (DL-6). */
export function forwarded(ext: JsonObject, forward: 'all' | readonly string[]): JsonObject | undefined {
  const keys = Object.keys(ext).filter(
    (key) => !neverForwarded.has(key) && (forward === 'all' || forward.includes(key)),
  );
  return keys.length === 0 ? undefined : Object.fromEntries(keys.map((key) => [key, ext[key]]));
}
