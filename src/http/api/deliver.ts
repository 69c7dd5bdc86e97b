import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { oneOf } from './checker.ts';
import { content, type Content } from './publish.ts';
import { post, type Route } from './route.ts';
import { text } from './sessions.ts';

type Body = Content & { readonly channel: string } & ({ readonly user: string } | { readonly group: string });

/** `POST /deliver`: an event for all sessions of a user, or of the users in a group. */
export function deliverRoute(server: ApiServer, schemas: ChannelSchemas): Route {
  const form = (receiver: 'user' | 'group', description: string) =>
    schemas.body<Body>({
      type: 'object',
      description,
      properties: { [receiver]: text, channel: schemas.receivable, ...content },
      required: [receiver, 'channel', 'data'],
      additionalProperties: false,
    });
  return post({
    path: '/deliver',
    name: 'deliver',
    tag: 'Events',
    summary: 'Sends an event to a user, or to a group of users',
    right: 'publish',
    description:
      'Each of their sessions gets the event, whether it subscribes or not. Users who are offline do not get it.',
    body: oneOf<Body>({ group: form('group', 'To the users in a group.') }, form('user', 'To a user.')),
    isRepeatable: true,
    answer: {
      type: 'object',
      properties: {
        sessions: {
          type: 'integer',
          minimum: 0,
          description: 'Sessions for which the event was queued. 0: they are offline.',
        },
      },
      required: ['sessions'],
      additionalProperties: false,
    },
    problems: ['channel_invalid', 'publish_refused'],
    run: ({ caller, body }) => {
      const { channel, data, ext, lazy, volatile } = body;
      caller.check('publish', channel);
      const options = {
        ...(ext !== undefined && { ext }),
        ...(lazy !== undefined && { lazy }),
        ...(volatile !== undefined && { volatile }),
      };
      const to = 'user' in body ? server.user(body.user) : server.group(body.group);
      return to.deliver(channel, data, options);
    },
  });
}
