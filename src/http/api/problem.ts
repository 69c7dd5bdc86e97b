import { STATUS_CODES } from 'node:http';

/** Every error of the HTTP API: its status, and when it comes. */
export const problems = {
  json_invalid: [400, 'The body is not JSON, or it cannot be read.'],
  body_invalid: [400, 'A field of the body is missing, unknown or wrong. `errors` has the places.'],
  query_invalid: [
    400,
    'A parameter of the query is missing, unknown, given twice or wrong. `errors` has the names.',
  ],
  path_invalid: [400, 'The path cannot be decoded: a `%` in it is not encoded.'],
  channel_invalid: [400, 'A text is not the name of a channel, or not a pattern, as this call needs it.'],
  data_invalid: [400, 'The data does not satisfy the schema of its channel.'],
  depth_exceeded: [400, 'The body nests deeper than the option `maxDepth` allows.'],
  idempotency_key_invalid: [400, 'The header `Idempotency-Key` is not 1 to 255 visible ASCII characters.'],
  key_missing: [401, 'The request has no API key and no token.'],
  key_wrong: [401, 'No API key has this text.'],
  token_invalid: [401, 'The token cannot be verified, or its claim for the API is malformed.'],
  token_expired: [401, 'The token has expired.'],
  token_revoked: [401, 'The token is revoked.'],
  api_closed: [403, 'The server has no API key and verifies no tokens.'],
  right_missing: [403, 'The key or token does not have the right that the call needs.'],
  channel_denied: [403, 'The key or token is not for this channel.'],
  publish_refused: [403, 'An extension of the server refused the event.'],
  route_unknown: [404, 'The API has no such path.'],
  session_unknown: [404, 'No session has this id, or not any more.'],
  history_off: [404, 'The server keeps no history of this channel.'],
  presence_off: [404, 'The server does not keep who is present in this channel.'],
  journal_off: [404, 'The option `journal` is off.'],
  publish_unknown: [404, 'The journal knows no publish with this id, or not any more.'],
  method_wrong: [405, 'The path does not take this method. `Allow` has those that it takes.'],
  request_running: [409, 'A request with this `Idempotency-Key` is being carried out.'],
  tokens_unknown: [409, 'The server verifies no tokens, so it cannot revoke one.'],
  body_too_large: [413, 'The body is larger than the option `maxMessageSize` allows.'],
  media_type_wrong: [
    415,
    'The body is not sent as `application/json`, or its charset or encoding is unknown.',
  ],
  idempotency_key_reused: [422, 'Another request came with this `Idempotency-Key`.'],
  too_many_wrong_keys: [
    429,
    'Too many wrong keys came from this address. `Retry-After` has the seconds to wait.',
  ],
  too_many_requests: [
    429,
    'The key sent more requests a second than its `rate` allows. `Retry-After` has the seconds to wait.',
  ],
  failed: [500, 'The server failed. The log has the cause.'],
  no_room: [503, 'A limit of the server is reached.'],
  node_silent: [503, 'The node that has the session did not answer in time.'],
  engine_unavailable: [503, 'The engine cannot reach the other nodes. The event reached nobody.'],
  history_failed: [503, 'The history cannot be read. The log has the cause.'],
  keys_unavailable: [503, 'The keys that verify tokens cannot be fetched. The log has the cause.'],
  closing: [503, 'The server is closed.'],
} as const satisfies Record<string, readonly [status: number, when: string]>;

export type ProblemCode = keyof typeof problems;

/** One mistake in a request. */
export interface Fault {
  /** JSON pointer into the body, as a fragment: `#/channel`. */
  readonly pointer?: string;
  /** Name of a parameter of the query. */
  readonly parameter?: string;
  readonly detail: string;
}

interface ProblemOptions {
  readonly faults?: readonly Fault[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the log has it already. */
  readonly quiet?: boolean;
}

/** An error of the HTTP API, as the caller gets it (RFC 9457). `detail` names the mistake and its fix. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly quiet: boolean;
  readonly #faults: readonly Fault[] | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    { faults, headers = {}, quiet = false }: ProblemOptions = {},
  ) {
    super(detail);
    this.code = code;
    this.headers = headers;
    this.quiet = quiet;
    this.#faults = faults;
  }

  get status(): number {
    return problems[this.code][0];
  }

  toJSON(): object {
    const { status, code, message: detail } = this;
    const title = STATUS_CODES[status];
    return { title, status, code, detail, ...(this.#faults !== undefined && { errors: this.#faults }) };
  }
}

/** The schema of such an answer. */
export const problemSchema = {
  type: 'object',
  description: 'An error (RFC 9457). `code` is stable, `detail` is for people.',
  properties: {
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(problems) },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          pointer: { type: 'string', description: 'JSON pointer into the body, as a fragment.' },
          parameter: { type: 'string', description: 'Name of a parameter of the query.' },
          detail: { type: 'string' },
        },
        required: ['detail'],
        additionalProperties: false,
      },
    },
  },
  required: ['title', 'status', 'code', 'detail'],
  additionalProperties: false,
} as const;
