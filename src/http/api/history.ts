import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { Problem } from './problem.ts';
import { get, type Route } from './route.ts';

interface Query {
  readonly channel: string;
  readonly after?: number;
  readonly limit?: number;
  readonly last?: number;
}

/** `GET /history`: what was published to a durable channel. */
export function historyRoute(server: ApiServer, schemas: ChannelSchemas): Route {
  return get({
    path: '/history',
    name: 'getHistory',
    tag: 'Events',
    summary: 'Reads the history of a durable channel',
    description: 'Oldest first.',
    right: 'read',
    query: schemas.query<Query>({
      type: 'object',
      properties: {
        channel: { ...schemas.pattern, description: 'A channel, or a pattern.' },
        after: {
          type: 'integer',
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description:
            'Id of the last event that you have. Without it the answer begins with the oldest event.',
        },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          default: 100,
          description: 'Most events of the page.',
        },
        last: {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          description: 'Instead of `after` and `limit`: the newest events, so many.',
        },
      },
      required: ['channel'],
      additionalProperties: false,
    }),
    answer,
    problems: ['channel_invalid', 'history_off', 'history_failed'],
    run: async ({ caller, query: { channel, ...query } }) => {
      caller.check('read', channel);
      if (query.last !== undefined && (query.after ?? query.limit) !== undefined) throw excluded();
      const page = await read(server, channel, query);
      if (page !== undefined) return page;
      const why = `the server keeps no history of ${channel}: set "history" in a rule of "channels"`;
      throw new Problem('history_off', why);
    },
  });
}

function excluded(): Problem {
  const detail = 'last excludes after and limit: leave them out';
  return new Problem('query_invalid', detail, { faults: [{ parameter: 'last', detail }] });
}

async function read(server: ApiServer, channel: string, query: Omit<Query, 'channel'>) {
  try {
    return await server.history(channel, query);
  } catch (error) {
    server.log({ level: 'error', event: 'api.history_failed', error });
    throw new Problem('history_failed', 'the history cannot be read now; the log says why', { quiet: true });
  }
}

const answer = {
  type: 'object',
  properties: {
    events: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          id: { type: 'integer', description: 'Ascending. Ids have gaps.' },
          at: { type: 'number', description: 'When it was stored. Milliseconds since the epoch.' },
          channel: { type: 'string' },
          data: { description: 'Any JSON, as it was published.' },
          ext: { type: 'object' },
        },
        required: ['id', 'at', 'channel', 'data'],
        additionalProperties: false,
      },
    },
    next: { type: 'integer', description: 'The `after` of the next page. Absent on the last page.' },
    recovered: {
      type: 'boolean',
      description:
        'Whether no event is missing since `after`. False if some were discarded meanwhile. Absent without `after`.',
    },
  },
  required: ['events'],
  additionalProperties: false,
} as const;
