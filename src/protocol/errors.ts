import { overLimit } from './over-limit.ts';
import type { JsonObject } from './message.ts';

/** An error that a client may see. It becomes the `error` of a reply, `code:args:message` (ERR-1). */
export class BayeuxError extends Error {
  override readonly name = 'BayeuxError';
  /** The text on the wire: `403:/chat:publish_denied`. */
  readonly text: string;
  /** The number at its beginning, as in HTTP: `403`. */
  readonly status: number;
  /** The word at its end: `publish_denied`. */
  readonly code: string;
  /** The arguments between the two: `['/chat']`. */
  readonly args: readonly string[];
  /** The `ext` of the reply. */
  readonly ext: JsonObject | undefined;
  /** The error in words, for the operator of the server. Not sent to clients. */
  readonly detail: string | undefined;
  /** The option that would allow it. */
  readonly option: string | undefined;

  /** An arg that ERR-3 does not allow becomes empty. */
  constructor(
    status: number,
    args: readonly string[],
    code: string,
    ext?: JsonObject,
    detail?: string,
    option?: string,
  ) {
    const shown = args.map(safeArg);
    const text = `${status}:${shown.join(',')}:${code}`;
    super(text);
    this.text = text;
    this.status = status;
    this.args = shown;
    this.code = code;
    this.ext = ext;
    this.detail = detail;
    this.option = option;
  }

  /** Parses the `error` of a reply. */
  static from(text: string, ext?: JsonObject): BayeuxError {
    const [status = '', args = '', ...code] = text.split(':');
    return new BayeuxError(Number(status), args === '' ? [] : args.split(','), code.join(':'), ext);
  }
}

// ERR-2: the characters that Faye's parser accepts in args. ERR-3: any other makes the arg empty.
const legalArg = /^[A-Za-z0-9\-_!~()$@ /*.]{0,255}$/;

function safeArg(arg: string): string {
  return legalArg.test(arg) ? arg : '';
}

/** The first fault in published data by the schema of its channel. */
export interface DataFault {
  /** JSON pointer into `data`; empty for `data` itself. */
  readonly path: string;
  /** `must be number` */
  readonly message: string;
}

/**
 * An error without a stack trace. Taking one is most of the cost of an error, and a client may cause a thousand errors with one small
 * body.
 */
function refusal(...fields: ConstructorParameters<typeof BayeuxError>): BayeuxError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new BayeuxError(...fields);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** An error with its reason in words. */
function explained(
  status: number,
  args: readonly string[],
  code: string,
  detail: string,
  option?: string,
): BayeuxError {
  return refusal(status, args, code, undefined, detail, option);
}

function tooMany(option: string, limit: number, code: string): BayeuxError {
  return explained(413, [String(limit)], code, overLimit(option, limit), option);
}

const noTransport = 'none of the transports that the client names is enabled; add one to "transports"';
const notKept =
  'what came after this replay id is not kept, or no event has had it; with "replay.onGap": "earliest" what is kept is replayed';

/** Every error that a client may see, by its name in `docs/errors.md`. */
export const errors = {
  versionMismatch: (version: string) =>
    explained(300, [version], 'version_mismatch', 'the client speaks another version of Bayeux than 1.0'),
  connectionTypesUnsupported: (types: readonly string[]) =>
    explained(301, types, 'connection_types_unsupported', noTransport, 'transports'),
  connectionTypeUnsupported: (type: string) =>
    explained(301, [type], 'connection_type_unsupported', noTransport, 'transports'),
  parameterMissing: (name: string) =>
    explained(400, [name], 'parameter_missing', `the handshake has no ${name}`),
  handshakeNotAlone: () =>
    explained(400, [], 'handshake_not_alone', 'a handshake must be the only message of its batch'),
  channelMissing: () => explained(400, [], 'channel_missing', 'the message has no channel'),
  binaryInvalid: () => explained(400, [], 'binary_invalid', 'the binary data is not written in Z85'),
  dataInvalid: (channel: string, fault: DataFault, place: string) => {
    const { path, message } = fault;
    const detail = `data for ${channel} does not satisfy ${place}: ${path || 'data'} ${message}`;
    return refusal(400, [channel], 'data_invalid', { fault: { path, message } }, detail, 'channels');
  },
  dataMissing: () => explained(400, [], 'data_missing', 'a publish needs data; null is data'),
  /** `asked`: pairs of a channel and the position that was asked for. */
  replayIdInvalid: (asked: readonly (readonly [string, string])[]) =>
    explained(400, asked.flat(), 'replay_id_invalid', notKept, 'replay.onGap'),
  subscriptionMissing: () =>
    explained(400, [], 'subscription_missing', 'subscription must be a channel, or a list of at least one'),
  tokenMissing: () => refusal(401, [], 'token_missing'),
  tokenInvalid: () => refusal(401, [], 'token_invalid'),
  tokenExpired: () => refusal(401, [], 'token_expired'),
  tokenRevoked: () => refusal(401, [], 'token_revoked'),
  sessionUnknown: () => refusal(402, [], 'session_unknown'),
  handshakeDenied: () => refusal(403, [], 'handshake_denied'),
  /** `detail`: why, if it is not for lack of a right. */
  subscribeDenied: (patterns: readonly string[], detail?: string, option?: string) =>
    refusal(403, patterns, 'subscribe_denied', undefined, detail, option),
  publishDenied: (channel: string, detail?: string) =>
    refusal(403, [channel], 'publish_denied', undefined, detail),
  historyDenied: (patterns: readonly string[]) =>
    explained(
      403,
      patterns,
      'history_denied',
      'no grant allows to read what was published before',
      'channels',
    ),
  userMismatch: () => refusal(403, [], 'user_mismatch'),
  messageDeleted: () => refusal(404, [], 'message_deleted'),
  channelInvalid: (channels: readonly string[]) => refusal(405, channels, 'channel_invalid'),
  messageIdInvalid: () =>
    explained(405, [], 'message_id_invalid', 'an id is a number, or a text of at most 128 characters'),
  connectReplaced: () => refusal(409, [], 'connect_replaced'),
  sessionDisconnected: () => refusal(410, [], 'session_disconnected'),
  tooManySubscriptions: (limit: number) => tooMany('maxSubscriptions', limit, 'too_many_subscriptions'),
  /** One message names too many. */
  tooManyPatterns: (limit: number) => tooMany('maxPatternsPerMessage', limit, 'too_many_patterns'),
  tooManyReplays: (limit: number) => tooMany('replay.maxReplays', limit, 'too_many_replays'),
  /** The limit for all sessions together is reached. */
  noRoomToSubscribe: () => refusal(413, ['server'], 'too_many_subscriptions'),
  /** `limit`: the option that sets the rate, and when the next message may come, in milliseconds. */
  rateLimited: (limit?: { readonly option: string; readonly why: string; readonly retryAfter: number }) =>
    limit === undefined
      ? explained(429, [], 'rate_limited', 'the policy or an extension limits the rate', 'policy')
      : refusal(429, [], 'rate_limited', { retryAfter: limit.retryAfter }, limit.why, limit.option),
  tooManyTabs: () =>
    explained(
      429,
      [],
      'too_many_tabs',
      'the browser has more tabs than "maxSessionsPerBrowser"; with "multiSessionInterval" above 0 they poll',
      'multiSessionInterval',
    ),
  serverError: () => refusal(500, [], 'server_error'),
  /** Nobody got the event, or the subscription is not in force: the client may try again. */
  engineUnavailable: (detail?: string) =>
    refusal(503, [], 'engine_unavailable', undefined, detail, 'engineTimeout'),
};

/** The whole batch is refused before any message takes effect (PR-9, PR-10). */
export class BatchError extends Error {
  override readonly name = 'BatchError';
  /** `malformed`: not a batch. `too_large`: over a limit on messages or nesting. */
  readonly fault: 'malformed' | 'too_large';
  /** The option that sets the limit. */
  readonly option: string | undefined;

  /** `why`: in words, for people at the client. */
  constructor(fault: 'malformed' | 'too_large', why: string, option?: string) {
    super(why);
    this.fault = fault;
    this.option = option;
  }
}

/** A limit is reached: the whole batch is refused, and the client comes again later (HS-14), or a revocation is refused. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
  /** When the client may come again. Milliseconds. */
  readonly retryAfter: number | undefined;

  constructor(message: string, retryAfter?: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}
