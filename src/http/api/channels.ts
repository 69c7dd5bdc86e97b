import { covers } from '../../protocol/channel.ts';
import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { pageAnswer, pageOf, pageParameters, type PageQuery } from './page.ts';
import { get, type Route } from './route.ts';

interface Query extends PageQuery {
  readonly pattern?: string;
}

interface Subscribed {
  readonly channel: string;
}

/** `GET /channels`: channels and patterns with subscribers. */
export function channelsRoute(server: ApiServer, schemas: ChannelSchemas): Route {
  return get({
    path: '/channels',
    name: 'listChannels',
    tag: 'Channels',
    summary: 'Lists channels and patterns that have subscribers',
    description: 'In order of their names.',
    right: 'read',
    query: schemas.query<Query>({
      type: 'object',
      properties: {
        pattern: {
          ...schemas.pattern,
          default: '/**',
          description: 'Lists what this pattern covers: `/chat/**` covers `/chat/news` and `/chat/*`.',
        },
        ...pageParameters('channel'),
      },
      additionalProperties: false,
    }),
    answer: pageAnswer('channels', {
      type: 'object',
      properties: {
        channel: { type: 'string', description: 'A name, or a pattern that sessions subscribe to.' },
        sessions: { type: 'integer', minimum: 1, description: 'Sessions that subscribe to exactly this.' },
      },
      required: ['channel', 'sessions'],
      additionalProperties: false,
    }),
    problems: ['channel_invalid'],
    run: async ({ caller, query: { pattern = '/**', ...page } }) => {
      caller.check('read', pattern);
      const list = {
        all: server.channels,
        keyOf: ({ channel }: Subscribed) => channel,
        isWanted: ({ channel }: Subscribed) => covers(pattern, channel),
      };
      const { items, ...next } = await pageOf(list, page, server.clock);
      return { channels: items, ...next };
    },
  });
}
