import { overLimit } from './over-limit.ts';
import type { JsonObject } from './message.ts';

/** What a client may see of a failure: becomes the `error` of a reply, `code:args:message` (ERR-1). */
export class BayeuxError extends Error {
  override readonly name = 'BayeuxError';
  /** The text on the wire. */
  readonly text: string;
  /** What went wrong, in snake_case: the last part of the text. */
  readonly word: string;
  /** What else the reply tells, in its `ext`. */
  readonly ext: JsonObject | undefined;
  /** The same in words, for those who run the server; clients are not told. */
  readonly detail: string | undefined;
  /** The option that would allow it. */
  readonly option: string | undefined;

  /** `args` are reflected only where ERR-3 allows. */
  constructor(
    code: number,
    args: readonly string[],
    word: string,
    ext?: JsonObject,
    detail?: string,
    option?: string,
  ) {
    const text = `${code}:${args.map(safeArg).join(',')}:${word}`;
    super(text);
    this.text = text;
    this.word = word;
    this.ext = ext;
    this.detail = detail;
    this.option = option;
  }

  /** Reads back what a reply says. */
  static from(text: string, ext?: JsonObject): BayeuxError {
    const [code = '', args = '', ...word] = text.split(':');
    return new BayeuxError(Number(code), args.split(','), word.join(':'), ext);
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

function said(
  code: number,
  args: readonly string[],
  word: string,
  detail: string,
  option?: string,
): BayeuxError {
  return new BayeuxError(code, args, word, undefined, detail, option);
}

function tooMany(option: string, limit: number, word: string): BayeuxError {
  return said(413, [String(limit)], word, overLimit(option, limit), option);
}

const noTransport = 'none of the transports that the client names is enabled; add one to "transports"';
const notKept =
  'what came after this replay id is not kept, or no event has had it; with "replay.onGap": "earliest" what is kept is replayed';

/** Every error a client may see, by the name `docs/errors.md` explains it under. */
export const errors = {
  versionMismatch: (version: string) =>
    said(300, [version], 'version_mismatch', 'the client speaks another version of Bayeux than 1.0'),
  connectionTypesUnsupported: (types: readonly string[]) =>
    said(301, types, 'connection_types_unsupported', noTransport, 'transports'),
  connectionTypeUnsupported: (type: string) =>
    said(301, [type], 'connection_type_unsupported', noTransport, 'transports'),
  parameterMissing: (name: string) => said(400, [name], 'parameter_missing', `the handshake has no ${name}`),
  handshakeNotAlone: () =>
    said(400, [], 'handshake_not_alone', 'a handshake must be the only message of its batch'),
  channelMissing: () => said(400, [], 'channel_missing', 'the message has no channel'),
  binaryInvalid: () => said(400, [], 'binary_invalid', 'the binary data is not written in Z85'),
  dataInvalid: (channel: string, fault: DataFault, place: string) => {
    const { path, message } = fault;
    const detail = `data for ${channel} does not satisfy ${place}: ${path || 'data'} ${message}`;
    return new BayeuxError(400, [channel], 'data_invalid', { fault: { path, message } }, detail, 'channels');
  },
  dataMissing: () => said(400, [], 'data_missing', 'a publish needs data; null is data'),
  /** Each with its channel and the position that was asked for. */
  replayIdInvalid: (asked: readonly (readonly [string, string])[]) =>
    said(400, asked.flat(), 'replay_id_invalid', notKept, 'replay.onGap'),
  subscriptionMissing: () =>
    said(400, [], 'subscription_missing', 'subscription must be a channel, or a list of at least one'),
  sessionUnknown: () => new BayeuxError(402, [], 'session_unknown'),
  handshakeDenied: () => new BayeuxError(403, [], 'handshake_denied'),
  subscribeDenied: (patterns: readonly string[]) => new BayeuxError(403, patterns, 'subscribe_denied'),
  publishDenied: (channel: string) => new BayeuxError(403, [channel], 'publish_denied'),
  messageDeleted: () => new BayeuxError(404, [], 'message_deleted'),
  channelInvalid: (channels: readonly string[]) => new BayeuxError(405, channels, 'channel_invalid'),
  messageIdInvalid: () =>
    said(405, [], 'message_id_invalid', 'an id is a number, or a text of at most 128 characters'),
  connectReplaced: () => new BayeuxError(409, [], 'connect_replaced'),
  sessionDisconnected: () => new BayeuxError(410, [], 'session_disconnected'),
  tooManySubscriptions: (limit: number) => tooMany('maxSubscriptions', limit, 'too_many_subscriptions'),
  /** One message names so many. */
  tooManyPatterns: (limit: number) => tooMany('maxPatternsPerMessage', limit, 'too_many_patterns'),
  tooManyReplays: (limit: number) => tooMany('replay.maxReplays', limit, 'too_many_replays'),
  /** All sessions together may have no more. */
  noRoomToSubscribe: () => new BayeuxError(413, ['server'], 'too_many_subscriptions'),
  rateLimited: () => said(429, [], 'rate_limited', 'the policy or an extension limits the rate', 'policy'),
  tooManyTabs: () =>
    said(
      429,
      [],
      'too_many_tabs',
      'the browser has more tabs than "maxSessionsPerBrowser"; with "multiSessionInterval" above 0 they poll',
      'multiSessionInterval',
    ),
  serverError: () => new BayeuxError(500, [], 'server_error'),
};

/** Why a whole batch is refused before any of it takes effect (PR-9, PR-10). */
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

/** No room for one more session: the whole batch is refused, instead of answered (HS-14). */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}
