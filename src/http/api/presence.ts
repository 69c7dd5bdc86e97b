import type { PresentUser } from '../../ports/directory.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { pageAnswer, pageOf, pageParameters, type PageQuery } from './page.ts';
import { Problem } from './problem.ts';
import { get, type Route } from './route.ts';

interface Query extends PageQuery {
  readonly channel: string;
}

/** `GET /presence`: who is present in a channel. */
export function presenceRoute(server: ApiServer, schemas: ChannelSchemas): Route {
  const page = pageAnswer('users', {
    type: 'object',
    properties: {
      id: { type: 'string', description: 'The user.' },
      info: { type: 'object', description: 'What others see of the user.' },
      since: {
        type: 'number',
        description: 'When the first session of the user came. Milliseconds since the epoch.',
      },
      sessions: { type: 'integer', minimum: 1, description: 'Sessions of the user in the channel.' },
    },
    required: ['id', 'since', 'sessions'],
    additionalProperties: false,
  });
  return get({
    path: '/presence',
    name: 'getPresence',
    tag: 'Channels',
    summary: 'Lists the users who are present in a channel',
    right: 'read',
    description: 'In order of their ids. The channel needs a rule with `presence`.',
    query: schemas.query<Query>({
      type: 'object',
      properties: {
        channel: {
          ...schemas.broadcast,
          description: 'A channel, or `/presence/everyone` for all sessions.',
        },
        ...pageParameters('user'),
      },
      required: ['channel'],
      additionalProperties: false,
    }),
    answer: { ...page, properties: { ...page.properties, total }, required: ['users', 'total'] },
    problems: ['channel_invalid', 'presence_off'],
    run: async ({ caller, query: { channel, ...page } }) => {
      caller.check('read', channel);
      const all = await listOf(server, channel).users();
      const list = { all, keyOf: ({ id }: PresentUser) => id };
      const { items, ...next } = await pageOf(list, page, server.clock);
      return { users: items, total: all.length, ...next };
    },
  });
}

const total = { type: 'integer', minimum: 0, description: 'Users on all pages.' } as const;

function listOf(server: ApiServer, channel: string) {
  try {
    return server.presence(channel);
  } catch (error) {
    throw error instanceof UsageError ? new Problem('presence_off', error.message) : error;
  }
}
