import { countingKey } from '../../lib/address.ts';
import type { Session } from '../../ports/session.ts';
import { type AllNodes, complete, incomplete, type Part, sessionUnknown } from './all-nodes.ts';
import type { JsonObject } from '../../protocol/message.ts';
import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { checker, noQuery } from './checker.ts';
import { mergedPage, pageAnswer, pageOf, pageParameters, type PageQuery, readPage } from './page.ts';
import { Problem } from './problem.ts';
import { get, post, type Route } from './route.ts';

interface Query extends PageQuery {
  readonly user?: string;
  readonly transport?: string;
  readonly address?: string;
  readonly channel?: string;
}

/** A session, or all sessions of a user. */
type Target = { readonly user: string } | { readonly session: string };

/** The schema of a text that is not empty. */
export const text = { type: 'string', minLength: 1 } as const;

const summaryFields = {
  id: { type: 'string', description: 'The public id. It allows nobody to act as the session.' },
  user: { type: 'string', description: 'Absent if the session has no user.' },
  transport: { type: 'string', description: 'Of the last message.', examples: ['websocket'] },
  state: { type: 'string', enum: ['new', 'idle', 'held'], description: '`held`: a `/meta/connect` is held.' },
  address: {
    type: 'string',
    description:
      'As limits count it: IPv6 by its first 64 bits. Empty for a session in the process of the server.',
  },
  waiting: { type: 'integer', minimum: 0, description: 'Events that wait for the client.' },
  subscriptions: {
    type: 'integer',
    minimum: 0,
    description: 'How many names and patterns it subscribes to.',
  },
} as const;

const required = ['id', 'transport', 'state', 'address', 'waiting', 'subscriptions'];

/** `GET /sessions` and `GET /sessions/{id}`: what may be known of a session. The clientId is in no answer. */
export function sessionRoutes(server: ApiServer, schemas: ChannelSchemas, nodes: AllNodes): readonly Route[] {
  const sessions = nodes.part({
    name: 'sessions',
    here: async (query: Query) => {
      const list = {
        all: candidates(server, query),
        keyOf,
        isWanted: (session: Session) => fits(session, query),
      };
      const { items, ...next } = await pageOf<Session>(list, query, server.clock);
      return { items: items.filter(isOpen).map(summaryOf), ...next };
    },
    read: (answer) => readPage<Summary>(answer, ({ id }) => typeof id === 'string'),
  });
  const session = nodes.part({
    name: 'session',
    here: ({ id }: { readonly id: string }) => detailOf(openSession(server, id)),
    read: (answer) => answer,
  });
  const list = get({
    path: '/sessions',
    name: 'listSessions',
    tag: 'Sessions',
    summary: 'Lists sessions',
    description: 'In order of their ids, which is no order of time.',
    right: 'read',
    everywhere: true,
    query: schemas.query<Query>({
      type: 'object',
      properties: {
        user: { ...text, description: 'Sessions of this user.' },
        transport: { ...text, description: 'Sessions whose last message came by this transport.' },
        address: {
          ...text,
          description: 'Sessions of this address. IPv6 addresses match by their first 64 bits.',
        },
        channel: {
          ...schemas.receivable,
          description: 'Sessions that an event on this channel would reach.',
        },
        ...pageParameters('id'),
      },
      additionalProperties: false,
    }),
    answer: pageAnswer('sessions', {
      type: 'object',
      properties: summaryFields,
      required,
      additionalProperties: false,
    }),
    links: {
      getSession: { id: '$response.body#/sessions/0/id' },
      deliverToSession: { id: '$response.body#/sessions/0/id' },
    },
    problems: ['channel_invalid'],
    run: async ({ query }) => {
      const { answers, isComplete } = await sessions.ofAll(query);
      const { items, ...next } = mergedPage(answers, query, keyOf);
      return { sessions: items, ...next, ...incomplete(isComplete) };
    },
  });
  const one = get({
    path: '/sessions/{id}',
    name: 'getSession',
    tag: 'Sessions',
    summary: 'Shows a session',
    right: 'read',
    everywhere: true,
    query: noQuery(),
    answer: {
      type: 'object',
      properties: {
        ...summaryFields,
        info: { type: 'object', description: 'More about the user, from the token or the policy.' },
        subscriptions: { type: 'array', items: { type: 'string' }, description: 'Names and patterns.' },
      },
      required,
      additionalProperties: false,
    },
    problems: ['session_unknown', 'node_silent'],
    run: ({ id }) => session.ofOwner(id, { id }),
  });
  return [list, one];
}

/** The session of this node with this public id. Throws `Problem` if there is none. */
export function openSession(server: ApiServer, id: string): Session {
  const session = server.session(id);
  if (session !== undefined) return session;
  throw sessionUnknown();
}

/** `POST /disconnect`: ends sessions. */
export function disconnectRoute(server: ApiServer, nodes: AllNodes): Route {
  const end = (id: string): number => {
    const session = server.session(id);
    session?.disconnect();
    return session === undefined ? 0 : 1;
  };
  const part = nodes.part({
    name: 'disconnect',
    here: (target: Target) =>
      'user' in target ? endUser(server, target.user) : { sessions: end(target.session) },
    read: ({ sessions }) => (typeof sessions === 'number' ? { sessions } : undefined),
  });
  // The node may be gone, and the session with it.
  const endOne = (session: string) =>
    part.ofOwner(session, { session }).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'session_unknown') return { sessions: 0 };
      throw error;
    });
  return post({
    path: '/disconnect',
    name: 'disconnect',
    tag: 'Sessions',
    summary: 'Ends a session, or all sessions of a user',
    right: 'admin',
    description:
      'Clients are told to stop. They may open another session: `/revoke` refuses their tokens, too.',
    body: checker<Target>('body', oneTarget('user', 'session')),
    answer: endedSessions,
    problems: ['node_silent'],
    run: async ({ caller, body }) => {
      const ended = 'user' in body ? sumOf(await part.ofAll(body)) : await endOne(body.session);
      server.log({ level: 'info', event: 'api.disconnect', caller: caller.id, ...body, ...ended });
      return ended;
    },
  });
}

/** The schema of a body with exactly one of these fields. */
export const oneTarget = (...names: readonly string[]) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, text])),
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
});

/** The schema of an answer with the number of ended sessions. */
export const endedSessions = {
  type: 'object',
  properties: { sessions: { type: 'integer', minimum: 0, description: 'Sessions that ended.' }, complete },
  required: ['sessions'],
  additionalProperties: false,
} as const;

// An index gives the sessions of a user or channel; the other filters need a look at each session.
function candidates(server: ApiServer, { user, channel }: Query): Iterable<Session> {
  if (user === undefined && channel === undefined) return server.sessions;
  const { ownDirectory: directory } = server;
  const inChannel = channel === undefined ? undefined : directory.members(channel).value;
  const members = inChannel && new Set(inChannel);
  const ids = user === undefined ? (inChannel ?? []) : directory.sessionsOf(user);
  return ids.filter((id) => members?.has(id) ?? true).flatMap((id) => server.session(id) ?? []);
}

function fits(session: Session, { transport, address }: Query): boolean {
  if (transport !== undefined && session.transport !== transport) return false;
  return address === undefined || session.address === countingKey(address);
}

const isOpen = ({ state }: Session): boolean => state !== 'gone';

const keyOf = ({ id }: { readonly id: string }): string => id;

type Summary = ReturnType<typeof summaryOf>;

function detailOf(session: Session): JsonObject {
  const { user, subscriptions } = session;
  return {
    ...summaryOf(session),
    ...(user !== undefined && { info: user.info }),
    subscriptions: [...subscriptions].sort(),
  };
}

function endUser(server: ApiServer, user: string): Ended {
  const sessions = server.ownDirectory.sessionsOf(user).flatMap((id) => server.session(id) ?? []);
  for (const session of sessions) session.disconnect();
  return { sessions: sessions.length };
}

interface Ended {
  readonly sessions: number;
}

function sumOf({ answers, isComplete }: Awaited<ReturnType<Part<Target, Ended>['ofAll']>>) {
  return {
    sessions: answers.reduce((sum, { sessions }) => sum + sessions, 0),
    ...incomplete(isComplete),
  };
}

function summaryOf({ id, user, transport, state, address, waiting, subscriptions }: Session) {
  return {
    ...{ id, transport, state, address, waiting, subscriptions: subscriptions.size },
    ...(user !== undefined && { user: user.id }),
  };
}
