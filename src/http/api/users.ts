import type { Revocation } from '../../ports/revocations.ts';
import { type AllNodes, incomplete } from './all-nodes.ts';
import type { ApiServer } from './api-server.ts';
import { checker } from './checker.ts';
import { mergedPage, pageAnswer, pageOf, pageParameters, type PageQuery, readPage } from './page.ts';
import { Problem } from './problem.ts';
import { get, post, type Route } from './route.ts';
import { endedSessions, oneTarget } from './sessions.ts';

interface Known {
  readonly user: string;
  readonly sessions: number;
}

const keyOf = ({ user }: Known): string => user;

/** `GET /users` and `POST /revoke`. */
export function userRoutes(server: ApiServer, nodes: AllNodes): readonly Route[] {
  const part = nodes.part({
    name: 'users',
    here: (query: PageQuery) => pageOf({ all: server.users, keyOf }, query, server.clock),
    read: (answer) =>
      readPage<Known>(
        answer,
        ({ user, sessions }) => typeof user === 'string' && typeof sessions === 'number',
      ),
  });
  const list = get({
    path: '/users',
    name: 'listUsers',
    tag: 'Users',
    summary: 'Lists users with open sessions',
    description: 'In order of their ids.',
    right: 'read',
    everywhere: true,
    query: checker<PageQuery>('query', {
      type: 'object',
      properties: pageParameters('user'),
      additionalProperties: false,
    }),
    answer: pageAnswer('users', {
      type: 'object',
      properties: {
        user: { type: 'string' },
        sessions: { type: 'integer', minimum: 1, description: 'Open sessions of the user.' },
      },
      required: ['user', 'sessions'],
      additionalProperties: false,
    }),
    run: async ({ query }) => {
      const { answers, isComplete } = await part.ofAll(query);
      const { items, ...next } = mergedPage(answers, query, keyOf, bySum);
      return { users: items, ...next, ...incomplete(isComplete) };
    },
  });
  const revoke = post({
    path: '/revoke',
    name: 'revoke',
    tag: 'Users',
    summary: 'Ends sessions and refuses their tokens',
    right: 'admin',
    description:
      'By user, by the `jti` of a token, or by the public id of a session. Without authentication there are no tokens, and a token cannot be revoked.',
    body: checker<Revocation>('body', oneTarget('user', 'tokenId', 'session')),
    answer: endedSessions,
    problems: ['tokens_unknown', 'no_room'],
    run: async ({ caller, body }) => {
      if ('tokenId' in body && !server.verifiesTokens)
        throw new Problem(
          'tokens_unknown',
          'this server verifies no tokens: set a key in "auth", or revoke a user',
        );
      server.log({ level: 'info', event: 'api.revoke', caller: caller.id, ...body });
      return server.revoke(body);
    },
  });
  return [list, revoke];
}

function bySum({ user, sessions }: Known, other: Known): Known {
  return { user, sessions: sessions + other.sessions };
}
