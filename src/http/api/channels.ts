import { covers } from '../../protocol/channel.ts';
import { type AllNodes, incomplete } from './all-nodes.ts';
import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { mergedPage, pageAnswer, pageOf, pageParameters, type PageQuery, readPage } from './page.ts';
import { get, type Route } from './route.ts';

interface Query extends PageQuery {
  readonly pattern?: string;
}

interface Subscribed {
  readonly channel: string;
  readonly sessions: number;
}

const keyOf = ({ channel }: Subscribed): string => channel;

/** `GET /channels`: channels and patterns with subscribers. */
export function channelsRoute(server: ApiServer, schemas: ChannelSchemas, nodes: AllNodes): Route {
  const part = nodes.part({
    name: 'channels',
    here: ({ pattern = '/**', ...page }: Query) => {
      const isWanted = ({ channel }: Subscribed) => covers(pattern, channel);
      return pageOf({ all: server.channels, keyOf, isWanted }, page, server.clock);
    },
    read: (answer) =>
      readPage<Subscribed>(
        answer,
        ({ channel, sessions }) => typeof channel === 'string' && typeof sessions === 'number',
      ),
  });
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
    run: async ({ caller, query }) => {
      caller.check('read', query.pattern ?? '/**');
      const { answers, isComplete } = await part.ofAll(query);
      const { items, ...next } = mergedPage(answers, query, keyOf, bySum);
      return { channels: items, ...next, ...incomplete(isComplete) };
    },
  });
}

function bySum({ channel, sessions }: Subscribed, other: Subscribed): Subscribed {
  return { channel, sessions: sessions + other.sessions };
}
