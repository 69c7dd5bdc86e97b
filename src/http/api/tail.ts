import type { ServerEvents } from '../../core/events.ts';
import { covers } from '../../protocol/channel.ts';
import type { ApiServer } from './api-server.ts';
import type { Caller } from './caller.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { type Source, StreamAnswer } from './event-stream.ts';
import { Problem } from './problem.ts';
import { get, type Route } from './route.ts';

/** Most streams at a time. */
const MOST = 50;

interface Query {
  readonly channel: string;
  readonly count?: number;
}

/**
 * `GET /tail`: what is published to a channel or pattern, as it is published. It hears `published` of the server and opens no
 * session, so that watching changes neither counts nor presence. Events that are addressed to users are never among these.
 */
export function tailRoute(server: ApiServer, schemas: ChannelSchemas): Route {
  let open = 0;
  return get({
    path: '/tail',
    name: 'tail',
    tag: 'Events',
    summary: 'Sends what is published to a channel or pattern, as it is published',
    description:
      'Server-sent events. `event` has the JSON of one event: `at`, `channel`, `data`, and for callers that read every channel `session` and `user` of the publisher. `dropped` has the `count` of events that were dropped here, since the caller reads too slowly. `end` has the `code` and `detail` of why the server ends the stream. Only what is published on this server.',
    right: 'read',
    query: schemas.query<Query>({
      type: 'object',
      properties: {
        channel: { ...schemas.pattern, description: 'A channel, or a pattern.' },
        count: { type: 'integer', minimum: 1, description: 'Ends the stream after so many events.' },
      },
      required: ['channel'],
      additionalProperties: false,
    }),
    answerType: 'text/event-stream',
    answer: { type: 'string' },
    problems: ['channel_invalid', 'no_room'],
    run: ({ caller, query }) => {
      caller.check('read', query.channel);
      if (open === MOST) throw new Problem('no_room', `${MOST} streams are open: end one of them`);
      open += 1;
      return new StreamAnswer(sourceOf(server, caller, query), () => {
        open -= 1;
      });
    },
  });
}

function sourceOf(server: ApiServer, caller: Caller, { channel, count }: Query): Source {
  const seesPublisher = caller.may('read', '/**');
  return (sink) => {
    let left = count ?? Number.POSITIVE_INFINITY;
    return server.on('published', (event) => {
      if (left === 0 || !covers(channel, event.channel)) return;
      left -= 1;
      sink.push(() => JSON.stringify(shownOf(event, Math.round(server.clock.now()), seesPublisher)));
      if (left === 0) sink.end({ code: 'counted', detail: `these were ${count} events` });
    });
  };
}

function shownOf(
  { channel, data, session }: ServerEvents['published'],
  at: number,
  seesPublisher: boolean,
): object {
  const user = session?.user?.id;
  return {
    ...{ at, channel, data },
    ...(seesPublisher && session !== undefined && { session: session.id }),
    ...(seesPublisher && user !== undefined && { user }),
  };
}
