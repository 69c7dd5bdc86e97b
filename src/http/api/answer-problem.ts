import type { ErrorRequestHandler, Request } from 'express';
import { printable } from '../../lib/printable.ts';
import { UsageError } from '../../lib/usage-error.ts';
import { EngineUnavailable } from '../../ports/engine.ts';
import { BayeuxError, NoRoomError } from '../../protocol/errors.ts';
import type { ApiServer } from './api-server.ts';
import type { Caller } from './caller.ts';
import type { KeyGuard } from './key-guard.ts';
import { Problem, type ProblemCode } from './problem.ts';

/** Codes of what a caller may not do: the log names the caller. */
const ofCaller: readonly ProblemCode[] = ['right_missing', 'channel_denied', 'too_many_requests'];

/** Answers whatever a route throws with a problem. */
export function answerProblem(server: ApiServer, guard: KeyGuard): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error);
    const problem = problemOf(error, req, server);
    const { status, code, headers } = problem;
    if (ofCaller.includes(code)) noteDenial(problem, guard.callerOf(req), server);
    else if (!problem.quiet && status < 500) noteRefusal(problem, server);
    res.status(status).set(headers).type('application/problem+json').send(JSON.stringify(problem));
  };
}

function noteDenial({ status, code, message }: Problem, { kind, id }: Caller, { refusals }: ApiServer): void {
  const cause = kind === 'key' ? id : kind;
  refusals.note('api.denied', {
    option: 'apiKeys',
    cause,
    caller: id,
    status,
    code,
    why: printable(message),
  });
}

function noteRefusal({ status, code, message }: Problem, { refusals }: ApiServer): void {
  refusals.note('api.refused', { cause: code, status, code, why: printable(message) });
}

function problemOf(error: unknown, req: Request, server: ApiServer): Problem {
  if (error instanceof Problem) return error;
  if (server.state === 'closed') return new Problem('closing', 'the server is closed');
  if (error instanceof BayeuxError) return refusalOf(error);
  if (error instanceof EngineUnavailable) return unavailable();
  if (error instanceof NoRoomError) return new Problem('no_room', error.message, { quiet: true });
  if (error instanceof UsageError)
    return new Problem(req.method === 'POST' ? 'body_invalid' : 'query_invalid', error.message);
  const unreadable = unreadableBody(error);
  if (unreadable !== undefined) return unreadable;
  server.log({ level: 'error', event: 'api.failed', error });
  return new Problem('failed', 'something failed in the server: its log says what');
}

function refusalOf({ code, detail, text }: BayeuxError): Problem {
  if (code === 'data_invalid' && detail !== undefined) return new Problem('data_invalid', detail);
  if (code === 'engine_unavailable') return unavailable();
  return new Problem('publish_refused', `the server refused the event: ${text}`);
}

const unavailable = () =>
  new Problem('engine_unavailable', 'the engine cannot reach the other nodes: send it again later');

/** The problem for an error of the body parser, or of a path that cannot be decoded. */
function unreadableBody(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  if (error.status === 413)
    return new Problem('body_too_large', 'the body is too large: raise "maxMessageSize"');
  if (error.status === 415)
    return new Problem('media_type_wrong', 'the charset or the encoding of the body is unknown: send UTF-8');
  if (error instanceof URIError)
    return new Problem('path_invalid', 'the path cannot be decoded: write a "%" in it as "%25"');
  return new Problem('json_invalid', 'the body is not JSON, or it is not complete');
}
