import type { JsonObject } from './message.ts';

/** What a client may see of a failure: becomes the `error` of a reply, `code:args:message` (ERR-1). */
export class BayeuxError extends Error {
  override readonly name = 'BayeuxError';
  /** The text on the wire: `403:/chat:publish_denied`. */
  readonly text: string;
  /** The number at its beginning, as of HTTP: `403`. */
  readonly status: number;
  /** The word at its end: `publish_denied`. */
  readonly code: string;
  /** What it is about, between the two: `['/chat']`. */
  readonly args: readonly string[];
  /** What else the reply tells, in its `ext`. */
  readonly ext: JsonObject | undefined;
  /** The same in words, for those who run the server; clients are not told. */
  readonly detail: string | undefined;

  /** `args` are reflected only where ERR-3 allows. */
  constructor(status: number, args: readonly string[], code: string, ext?: JsonObject, detail?: string) {
    const shown = args.map(safeArg);
    const text = `${status}:${shown.join(',')}:${code}`;
    super(text);
    this.text = text;
    this.status = status;
    this.args = shown;
    this.code = code;
    this.ext = ext;
    this.detail = detail;
  }

  /** Reads back what a reply says. */
  static from(text: string, ext?: JsonObject): BayeuxError {
    const [status = '', args = '', ...code] = text.split(':');
    return new BayeuxError(Number(status), args === '' ? [] : args.split(','), code.join(':'), ext);
  }
}

// ERR-2: the characters Faye's parser reads in the args of an error. ERR-3: anything else leaves the arg empty.
const legalArg = /^[A-Za-z0-9\-_!~()$@ /*.]{0,255}$/;

function safeArg(arg: string): string {
  return legalArg.test(arg) ? arg : '';
}

/** Where the data of a publish first breaks the schema of its channel. */
export interface DataFault {
  /** JSON pointer into `data`; empty for the whole of it. */
  readonly path: string;
  /** `must be number` */
  readonly message: string;
}

/** Every error a client may see, by the name `docs/errors.md` explains it under. */
export const errors = {
  versionMismatch: (version: string) => new BayeuxError(300, [version], 'version_mismatch'),
  connectionTypesUnsupported: (types: readonly string[]) =>
    new BayeuxError(301, types, 'connection_types_unsupported'),
  connectionTypeUnsupported: (type: string) => new BayeuxError(301, [type], 'connection_type_unsupported'),
  parameterMissing: (name: string) => new BayeuxError(400, [name], 'parameter_missing'),
  handshakeNotAlone: () => new BayeuxError(400, [], 'handshake_not_alone'),
  channelMissing: () => new BayeuxError(400, [], 'channel_missing'),
  binaryInvalid: () => new BayeuxError(400, [], 'binary_invalid'),
  dataInvalid: (channel: string, fault: DataFault, place: string) => {
    const { path, message } = fault;
    const detail = `data for ${channel} does not satisfy ${place}: ${path || 'data'} ${message}`;
    return new BayeuxError(400, [channel], 'data_invalid', { fault: { path, message } }, detail);
  },
  dataMissing: () => new BayeuxError(400, [], 'data_missing'),
  /** Each with its channel and the position that was asked for. */
  replayIdInvalid: (asked: readonly (readonly [string, string])[]) =>
    new BayeuxError(400, asked.flat(), 'replay_id_invalid'),
  subscriptionMissing: () => new BayeuxError(400, [], 'subscription_missing'),
  tokenMissing: () => new BayeuxError(401, [], 'token_missing'),
  tokenInvalid: () => new BayeuxError(401, [], 'token_invalid'),
  tokenExpired: () => new BayeuxError(401, [], 'token_expired'),
  sessionUnknown: () => new BayeuxError(402, [], 'session_unknown'),
  handshakeDenied: () => new BayeuxError(403, [], 'handshake_denied'),
  subscribeDenied: (patterns: readonly string[]) => new BayeuxError(403, patterns, 'subscribe_denied'),
  publishDenied: (channel: string) => new BayeuxError(403, [channel], 'publish_denied'),
  historyDenied: (patterns: readonly string[]) => new BayeuxError(403, patterns, 'history_denied'),
  userMismatch: () => new BayeuxError(403, [], 'user_mismatch'),
  messageDeleted: () => new BayeuxError(404, [], 'message_deleted'),
  channelInvalid: (channels: readonly string[]) => new BayeuxError(405, channels, 'channel_invalid'),
  messageIdInvalid: () => new BayeuxError(405, [], 'message_id_invalid'),
  connectReplaced: () => new BayeuxError(409, [], 'connect_replaced'),
  sessionDisconnected: () => new BayeuxError(410, [], 'session_disconnected'),
  tooManySubscriptions: (limit: number) => new BayeuxError(413, [String(limit)], 'too_many_subscriptions'),
  tooManyReplays: (limit: number) => new BayeuxError(413, [String(limit)], 'too_many_replays'),
  /** All sessions together may have no more. */
  noRoomToSubscribe: () => new BayeuxError(413, ['server'], 'too_many_subscriptions'),
  rateLimited: () => new BayeuxError(429, [], 'rate_limited'),
  tooManyTabs: () => new BayeuxError(429, [], 'too_many_tabs'),
  serverError: () => new BayeuxError(500, [], 'server_error'),
};

/** Why a whole batch is refused before any of it takes effect (PR-9, PR-10). */
export class BatchError extends Error {
  override readonly name = 'BatchError';
  /** `malformed`: not a batch. `too_large`: over a limit on messages or nesting. */
  readonly fault: 'malformed' | 'too_large';

  constructor(fault: 'malformed' | 'too_large') {
    super(fault);
    this.fault = fault;
  }
}

/** No room for one more session: the whole batch is refused, instead of answered (HS-14). */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}
