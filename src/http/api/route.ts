import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { ApiRight, Caller } from './caller.ts';
import type { Checker, Schema } from './checker.ts';
import type { ProblemCode } from './problem.ts';

/** What every route tells of itself: the document of the API is made from it. */
interface RouteFields {
  /** The path below the mount. `{id}` stands for one segment. */
  readonly path: string;
  /** The name of the call in generated clients. */
  readonly name: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** The right that the caller needs; absent if any key or token will do. */
  readonly right?: ApiRight;
  /** Whether the caller needs the right for every channel. If not, `run` checks the channels. */
  readonly everywhere?: boolean;
  /** The schema of the answer. */
  readonly answer: Schema;
  /** The media type of the answer; absent means JSON. `run` then returns a `StreamAnswer`. */
  readonly answerType?: 'text/event-stream';
  /** Routes that take something of the answer, by the name of the route. */
  readonly links?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Errors that only some routes have. */
  readonly problems?: readonly ProblemCode[];
}

/** A route that reads. */
export interface Reading<Query> extends RouteFields {
  readonly query: Checker<Query>;
  run(call: { readonly caller: Caller; readonly query: Query; readonly id: string }): MaybePromise<unknown>;
}

/** A route that does something. */
export interface Acting<Body> extends RouteFields {
  readonly body: Checker<Body>;
  /** Whether the header `Idempotency-Key` counts. */
  readonly isRepeatable?: boolean;
  run(call: { readonly caller: Caller; readonly body: Body; readonly id: string }): MaybePromise<unknown>;
}

/** A route of the API. */
export type Route =
  | (RouteFields & {
      readonly method: 'get';
      readonly query: Schema;
      handle(call: { caller: Caller; query: unknown; id: string }): MaybePromise<unknown>;
    })
  | (RouteFields & {
      readonly method: 'post';
      readonly body: Schema;
      readonly isRepeatable: boolean;
      handle(call: { caller: Caller; body: unknown; id: string }): MaybePromise<unknown>;
    });

/** A route that reads, by GET. */
export function get<Query>({ query, run, ...fields }: Reading<Query>): Route {
  return {
    ...fields,
    method: 'get',
    query: query.schema,
    handle: ({ query: given, ...call }) => run({ ...call, query: query.read(given) }),
  };
}

/** A route that does something, by POST. */
export function post<Body>(route: Acting<Body>): Route {
  const { body, run, isRepeatable = false, ...fields } = route;
  return {
    ...fields,
    method: 'post',
    body: body.schema,
    isRepeatable,
    handle: ({ body: given, ...call }) => run({ ...call, body: body.read(given) }),
  };
}
