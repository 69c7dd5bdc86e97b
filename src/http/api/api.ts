import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { ChannelGrammar } from '../../protocol/channel.ts';
import { answerProblem } from './answer-problem.ts';
import type { ApiServer } from './api-server.ts';
import { bodyOf, jsonBody } from './body.ts';
import { documentOf } from './document.ts';
import { StreamAnswer } from './event-stream.ts';
import { KeyGuard } from './key-guard.ts';
import type { ApiKey } from './key-ring.ts';
import { LiveKeys } from './live-keys.ts';
import { Once } from './once.ts';
import { Problem } from './problem.ts';
import { queryOf } from './query.ts';
import type { OnceOptions, Repeating } from './repeatable.ts';
import type { Route } from './route.ts';
import { routesOf } from './routes.ts';
import { SharedOnce } from './shared-once.ts';

/** The options of the HTTP API. */
export interface ApiOptions {
  /** A key with all rights; its name is `default`. Without any key all calls are refused, unless tokens have rights. */
  readonly key?: string | undefined;
  /** Keys, each with a name, rights and channels. A function returns the current keys. */
  readonly keys?: readonly ApiKey[] | (() => readonly ApiKey[]) | undefined;
  /** Limits of the answers that are kept for requests with an `Idempotency-Key`. */
  readonly idempotency?: OnceOptions | undefined;
}

/**
 * The HTTP API for back ends: publish, history, channels, sessions, users and counts. `GET /openapi.json` describes it. Throws
 * `UsageError` for keys that are not usable.
 */
export function api(server: ApiServer, options: ApiOptions = {}): Router {
  const keys = new LiveKeys(options, server, new ChannelGrammar(server.options));
  const guard = new KeyGuard(server, () => keys.ring);
  const routes = routesOf(server);
  const router = express.Router({ strict: true, caseSensitive: true }).use(plainHeaders);
  router.get('/openapi.json', (req, res) => void res.json(documentOf(routes, req.baseUrl)));
  router.use(guard.pass);
  addRoutes(router, routes, { server, guard, once: onceOf(server, options.idempotency) });
  return router.use(unknownRoute, answerProblem(server, guard));
}

interface Parts {
  readonly server: ApiServer;
  readonly guard: KeyGuard;
  readonly once: Repeating;
}

function onceOf(server: ApiServer, options: OnceOptions | undefined): Repeating {
  const { clock, refusals, shared } = server;
  return shared === undefined
    ? new Once(clock, options)
    : new SharedOnce({ answers: shared.answers, clock, refusals }, options);
}

function addRoutes(router: Router, routes: readonly Route[], { server, guard, once }: Parts): void {
  const json = jsonBody(server.options);
  for (const route of routes) {
    const path = expressPath(route.path);
    const allowed: RequestHandler = (req, _res, next) => {
      const { right, everywhere = false } = route;
      if (right !== undefined) guard.callerOf(req).check(right, everywhere ? '/**' : undefined);
      next();
    };
    if (route.method === 'get')
      router.get(path, allowed, (req, res) => read(route, req, res, { server, guard }));
    else router.post(path, allowed, json, (req, res) => act(route, req, res, { server, guard, once }));
  }
  for (const path of ['/openapi.json', ...new Set(routes.map((route) => route.path))])
    router.all(expressPath(path), wrongMethod(path, routes));
}

const expressPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1');

async function read(
  route: Route & { method: 'get' },
  req: Request,
  res: Response,
  { server, guard }: Pick<Parts, 'server' | 'guard'>,
): Promise<void> {
  const query = queryOf(req, route.query);
  const answer = await route.handle({ caller: guard.callerOf(req), query, id: idIn(req) });
  if (answer instanceof StreamAnswer) answer.send(res, server.clock, (isBeat) => endOf(req, guard, isBeat));
  else res.json(answer);
}

/** Why a stream ends: the server is closed, or the key or token does not count any more, which is checked at each beat. */
async function endOf(
  req: Request,
  guard: KeyGuard,
  isBeat: boolean,
): Promise<{ code: string; detail: string } | undefined> {
  const problem = await guard.recheck(req, isBeat);
  return problem && { code: problem.code, detail: problem.message };
}

async function act(
  route: Route & { method: 'post' },
  req: Request,
  res: Response,
  { server, guard, once }: Parts,
): Promise<void> {
  const caller = guard.callerOf(req);
  const body = bodyOf(req, server.options);
  const key = route.isRepeatable ? req.get('idempotency-key') : undefined;
  const work = async () => route.handle({ caller, body, id: idIn(req) });
  const { text, isRepeated } = await once.run({ caller: caller.id, key, path: req.path, body }, work);
  if (isRepeated) res.set('Idempotent-Replayed', 'true');
  res.type('json').send(text);
}

/** The `{id}` of the path. */
function idIn({ params: { id = '' } }: Request): string {
  return String(id);
}

const plainHeaders: RequestHandler = (_req, res, next) => {
  res.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
  next();
};

function wrongMethod(path: string, routes: readonly Route[]): RequestHandler {
  const isRead = routes.every((route) => route.path !== path || route.method === 'get');
  const allow = isRead ? 'GET, HEAD' : 'POST';
  return ({ method }) => {
    throw new Problem('method_wrong', `${path} takes ${allow}, not ${method}`, { headers: { Allow: allow } });
  };
}

const unknownRoute: RequestHandler = () => {
  throw new Problem(
    'route_unknown',
    'the API has no such path: GET /openapi.json, below its mount, lists them',
  );
};
