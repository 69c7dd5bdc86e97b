import { Ajv, type ErrorObject } from 'ajv';
import express, { type ErrorRequestHandler, type RequestHandler, type Router } from 'express';
import type { Server } from '../options.ts';
import { printable } from '../../lib/printable.ts';
import { UsageError } from '../../lib/usage-error.ts';
import { ChannelGrammar, kindOf } from '../../protocol/channel.ts';
import { BayeuxError, NoRoomError } from '../../protocol/errors.ts';
import type { Revocation } from '../../ports/revocations.ts';
import { ApiError } from './problem.ts';
import { KeyGuard } from './key-guard.ts';
import type { ApiKey } from './key-ring.ts';
import { LiveKeys } from './live-keys.ts';

/** The options of the HTTP API. */
export interface ApiOptions {
  /** A key with all rights; its name is `default`. Without any key all calls are refused. */
  readonly key?: string | undefined;
  /** Keys, each with a name, rights and channels. A function returns the current keys. */
  readonly keys?: readonly ApiKey[] | (() => readonly ApiKey[]) | undefined;
}

interface Publish {
  readonly channel: string;
  readonly data: unknown;
}

const isPublish = new Ajv({ allErrors: true }).compile<Publish>({
  type: 'object',
  properties: { channel: { type: 'string' }, data: {} },
  required: ['channel', 'data'],
  additionalProperties: false,
});

const text = { type: 'string', minLength: 1 };
const isRevocation = new Ajv({ allErrors: true }).compile<Revocation>({
  type: 'object',
  properties: { user: text, tokenId: text, session: text },
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
});

/**
 * The HTTP API for backends: `POST /publish {channel, data}`, and `POST /revoke` with a `user`, `tokenId` or `session`.
 * Throws `UsageError` for keys that are not usable.
 */
export function api(server: Server, options: ApiOptions = {}): Router {
  const grammar = new ChannelGrammar(server.options);
  const keys = new LiveKeys(options, server, grammar);
  const guard = new KeyGuard(server, () => keys.ring);

  const publish: RequestHandler = async (req, res) => {
    const body: unknown = req.body;
    if (!isPublish(body)) throw new ApiError(400, faultsOf(isPublish.errors));
    const why = channelFault(body.channel, grammar, server);
    if (why !== undefined) throw new ApiError(400, `channel ${why}`);
    guard.check(req, 'publish', body.channel);
    await server.publish(body.channel, body.data);
    res.json({ channel: body.channel, successful: true });
  };
  const revoke: RequestHandler = async (req, res) => {
    const body: unknown = req.body;
    if (!isRevocation(body)) throw new ApiError(400, faultsOf(isRevocation.errors));
    const key = guard.check(req, 'admin');
    server.log({ level: 'info', event: 'api.revoke', key, ...body });
    res.json(await server.revoke(body));
  };
  const json = express.json({ limit: server.options.maxMessageSize, type: () => true });
  return express
    .Router()
    .use(noStore, guard.pass)
    .post('/publish', guard.needs('publish'), json, publish)
    .post('/revoke', guard.needs('admin'), json, revoke)
    .all(['/publish', '/revoke'], (_req, res) => {
      res.set('Allow', 'POST');
      throw new ApiError(405, 'this takes POST');
    })
    .use(answerError(server));
}

const noStore: RequestHandler = (_req, res, next) => {
  res.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
  next();
};

function faultsOf(errors: readonly ErrorObject[] | null | undefined): string {
  return errors?.map(faultOf).join('; ') ?? 'bad body';
}

function faultOf({ instancePath, keyword, params, message }: ErrorObject): string {
  if (keyword === 'required') return `${params.missingProperty} is missing`;
  if (keyword === 'additionalProperties')
    return `${JSON.stringify(params.additionalProperty)} is not a field`;
  if (keyword === 'minProperties' || keyword === 'maxProperties')
    return 'the body must have one of user, tokenId and session';
  return `${instancePath.slice(1) || 'the body'} ${message}`;
}

// Why an event cannot be published to a channel, in words; undefined if it can.
function channelFault(channel: string, grammar: ChannelGrammar, { options }: Server): string | undefined {
  const { maxChannelLength, maxChannelSegments, channelNames } = options;
  if (!channel.startsWith('/')) return 'must begin with "/"';
  if (kindOf(channel) !== 'broadcast') return 'must be a broadcast channel, not one below /meta or /service';
  if (channel.includes('*')) return 'must be one channel, not a pattern';
  if (channel.endsWith('/') || channel.includes('//')) return 'must not have an empty segment';
  if (channel.length > maxChannelLength)
    return `must not be longer than ${maxChannelLength} characters; raise "maxChannelLength"`;
  if (channel.split('/').length - 1 > maxChannelSegments)
    return `must not have more than ${maxChannelSegments} segments; raise "maxChannelSegments"`;
  if (grammar.isName(channel)) return undefined;
  const more = channelNames === 'cometd' ? ' # + . { } and space' : '';
  return `must be made of letters, digits and - _ ! ~ ( ) $ @${more}`;
}

function answerError(server: Server): ErrorRequestHandler {
  return (error: unknown, _req, res, next) => {
    if (res.headersSent) return next(error);
    const { status, message, quiet } = toApiError(error, server);
    if (!quiet && status < 500)
      server.refusals.note('api.refused', { cause: status, status, why: printable(message) });
    res.status(status).json({ error: message });
  };
}

function toApiError(error: unknown, server: Server): ApiError {
  if (error instanceof ApiError) return error;
  if (server.state === 'closed') return new ApiError(503, 'the server is closed');
  if (error instanceof BayeuxError) return toRefusal(error);
  if (error instanceof NoRoomError) return new ApiError(503, error.message, { quiet: true });
  if (error instanceof UsageError) return new ApiError(400, error.message);
  if (isHttpError(error))
    return new ApiError(error.status, readable[error.type] ?? 'the body cannot be read');
  server.log({ level: 'error', event: 'api.failed', error });
  return new ApiError(500, 'something failed here; the log says what');
}

function toRefusal({ code, detail, text }: BayeuxError): ApiError {
  const isData = code === 'data_invalid' && detail !== undefined;
  return isData ? new ApiError(400, detail) : new ApiError(403, text);
}

const readable: Record<string, string> = {
  'entity.parse.failed': 'the body is not JSON',
  'entity.too.large': 'the body is too large',
};

// Whether a body parser threw this.
function isHttpError(error: unknown): error is { status: number; type: string } {
  return error instanceof Error && 'status' in error && 'type' in error && typeof error.status === 'number';
}
