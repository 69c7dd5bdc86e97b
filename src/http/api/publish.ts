import type { Publishing } from '../../core/publisher.ts';
import type { JsonObject } from '../../protocol/message.ts';
import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { oneOf } from './checker.ts';
import { post, type Route } from './route.ts';

/** Most events of one request, and most channels. */
const MOST = 1000;

/** The fields of an event besides its channel. */
export interface Content {
  readonly data: unknown;
  readonly ext?: JsonObject;
  readonly lazy?: boolean | number;
  readonly volatile?: boolean;
}

/** The schemas of these fields. */
export const content = {
  data: { description: 'Any JSON.' },
  ext: { type: 'object', description: 'Goes on to subscribers as `ext`.' },
  lazy: {
    type: ['boolean', 'integer'],
    minimum: 0,
    description:
      'The event may wait for other traffic: so many milliseconds at most, or as long as the server allows.',
  },
  volatile: {
    type: 'boolean',
    description: 'The event has no value later: a session that cannot take it now does not get it.',
  },
} as const;

type Body =
  | Publishing
  | (Content & { readonly channels: readonly string[] })
  | { readonly events: readonly Publishing[] };

/** `POST /publish`: one event, one event to several channels, or several events. */
export function publishRoute(server: ApiServer, schemas: ChannelSchemas): Route {
  const event = {
    type: 'object',
    properties: { channel: schemas.broadcast, ...content },
    required: ['channel', 'data'],
    additionalProperties: false,
  };
  const channels = { type: 'array', items: schemas.broadcast, minItems: 1, maxItems: MOST };
  const one = schemas.body<Body>({ ...event, description: 'One event.' });
  const several = schemas.body<Body>({
    ...event,
    description: 'One event to several channels.',
    properties: { channels, ...content },
    required: ['channels', 'data'],
  });
  const many = schemas.body<Body>({
    type: 'object',
    description: 'Several events: all are published, or none.',
    properties: { events: { type: 'array', items: event, minItems: 1, maxItems: MOST } },
    required: ['events'],
    additionalProperties: false,
  });
  return post({
    path: '/publish',
    name: 'publish',
    tag: 'Events',
    summary: 'Publishes events',
    right: 'publish',
    description:
      'The answer comes when the events are queued for their receivers and, on a durable channel, stored.',
    body: oneOf<Body>({ events: many, channels: several }, one),
    isRepeatable: true,
    answer: {
      oneOf: [
        receipt,
        {
          type: 'object',
          description: 'For several events: in their order.',
          properties: { events: { type: 'array', items: receipt } },
          required: ['events'],
          additionalProperties: false,
        },
      ],
    },
    problems: ['channel_invalid', 'data_invalid', 'publish_refused', 'no_room'],
    run: async ({ caller, body }) => {
      const events = eventsOf(body);
      for (const channel of new Set(events.map(({ channel }) => channel))) caller.check('publish', channel);
      const results = await server.publishAll(events);
      const receipts = events.map(({ channel }, at) => ({ channel, ...results[at] }));
      return 'channel' in body ? receipts[0] : { events: receipts };
    },
  });
}

const receipt = {
  type: 'object',
  properties: {
    channel: { type: 'string' },
    sessions: {
      type: 'integer',
      minimum: 0,
      description: 'Sessions of this server for which the event was queued.',
    },
    id: { type: 'integer', description: 'Id of the event, if its channel is durable.' },
    publishId: {
      type: 'integer',
      description: 'Id for `/explain/{id}`, while the option `journal` is on.',
    },
  },
  required: ['channel', 'sessions'],
  additionalProperties: false,
} as const;

function eventsOf(body: Body): readonly Publishing[] {
  if ('events' in body) return body.events;
  if (!('channels' in body)) return [body];
  const { channels, ...content } = body;
  return channels.map((channel) => ({ ...content, channel }));
}
