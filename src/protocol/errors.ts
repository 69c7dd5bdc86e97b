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

  /** An arg that ERR-3 does not allow becomes empty. */
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

/** Every error that a client may see, by its name in `docs/errors.md`. */
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
  /** `asked`: pairs of a channel and the position that was asked for. */
  replayIdInvalid: (asked: readonly (readonly [string, string])[]) =>
    new BayeuxError(400, asked.flat(), 'replay_id_invalid'),
  subscriptionMissing: () => new BayeuxError(400, [], 'subscription_missing'),
  sessionUnknown: () => new BayeuxError(402, [], 'session_unknown'),
  handshakeDenied: () => new BayeuxError(403, [], 'handshake_denied'),
  subscribeDenied: (patterns: readonly string[]) => new BayeuxError(403, patterns, 'subscribe_denied'),
  publishDenied: (channel: string) => new BayeuxError(403, [channel], 'publish_denied'),
  messageDeleted: () => new BayeuxError(404, [], 'message_deleted'),
  channelInvalid: (channels: readonly string[]) => new BayeuxError(405, channels, 'channel_invalid'),
  messageIdInvalid: () => new BayeuxError(405, [], 'message_id_invalid'),
  connectReplaced: () => new BayeuxError(409, [], 'connect_replaced'),
  sessionDisconnected: () => new BayeuxError(410, [], 'session_disconnected'),
  tooManySubscriptions: (limit: number) => new BayeuxError(413, [String(limit)], 'too_many_subscriptions'),
  tooManyReplays: (limit: number) => new BayeuxError(413, [String(limit)], 'too_many_replays'),
  /** The limit for all sessions together is reached. */
  noRoomToSubscribe: () => new BayeuxError(413, ['server'], 'too_many_subscriptions'),
  rateLimited: () => new BayeuxError(429, [], 'rate_limited'),
  tooManyTabs: () => new BayeuxError(429, [], 'too_many_tabs'),
  serverError: () => new BayeuxError(500, [], 'server_error'),
};

/** The whole batch is refused before any message takes effect (PR-9, PR-10). */
export class BatchError extends Error {
  override readonly name = 'BatchError';
  /** `malformed`: not a batch. `too_large`: over a limit on messages or nesting. */
  readonly fault: 'malformed' | 'too_large';

  constructor(fault: 'malformed' | 'too_large') {
    super(fault);
    this.fault = fault;
  }
}

/** There is no room for another session: the whole batch is refused (HS-14). */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}
