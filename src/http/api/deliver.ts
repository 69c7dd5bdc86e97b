import type { AddressedOptions } from '../../core/addressed.ts';
import type { AllNodes } from './all-nodes.ts';
import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { oneOf } from './checker.ts';
import { content, type Content } from './publish.ts';
import { post, type Route } from './route.ts';
import { openSession, text } from './sessions.ts';

type Event = Content & { readonly channel: string };
type Body = Event & ({ readonly user: string } | { readonly group: string });

/** `POST /deliver` and `POST /sessions/{id}/deliver`: an event for named receivers. */
export function deliverRoutes(server: ApiServer, schemas: ChannelSchemas, nodes: AllNodes): readonly Route[] {
  return [deliverRoute(server, schemas), deliverToSessionRoute(server, schemas, nodes)];
}

/** An event for all sessions of a user, or of the users in a group. */
function deliverRoute(server: ApiServer, schemas: ChannelSchemas): Route {
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
    answer: reached('Sessions for which the event was queued. 0: they are offline.'),
    problems: ['channel_invalid', 'publish_refused'],
    run: ({ caller, body }) => {
      caller.check('publish', body.channel);
      const to = 'user' in body ? server.user(body.user) : server.group(body.group);
      return to.deliver(body.channel, body.data, optionsIn(body));
    },
  });
}

/** An event for one session. */
function deliverToSessionRoute(server: ApiServer, schemas: ChannelSchemas, nodes: AllNodes): Route {
  const part = nodes.part({
    name: 'isOpen',
    here: ({ id }: { readonly id: string }) => {
      openSession(server, id);
      return {};
    },
    read: (answer) => answer,
  });
  return post({
    path: '/sessions/{id}/deliver',
    name: 'deliverToSession',
    tag: 'Events',
    summary: 'Sends an event to one session',
    right: 'publish',
    description: 'By its public id. The session gets the event, whether it subscribes or not.',
    body: schemas.body<Event>({
      type: 'object',
      properties: { channel: schemas.receivable, ...content },
      required: ['channel', 'data'],
      additionalProperties: false,
    }),
    isRepeatable: true,
    answer: reached('Always 1: without the session the answer is 404.'),
    problems: ['channel_invalid', 'publish_refused', 'session_unknown', 'node_silent', 'engine_unavailable'],
    run: async ({ caller, body, id }) => {
      const { channel, data } = body;
      caller.check('publish', channel);
      const session = server.session(id);
      if (session !== undefined) session.deliver(channel, data, optionsIn(body));
      else {
        // The event itself is published: it keeps its place in the order of all nodes.
        await part.ofOwner(id, { id });
        await server.deliver(id, channel, data, optionsIn(body));
      }
      return { sessions: 1 };
    },
  });
}

function optionsIn({ ext, lazy, volatile }: Content): AddressedOptions {
  return {
    ...(ext !== undefined && { ext }),
    ...(lazy !== undefined && { lazy }),
    ...(volatile !== undefined && { volatile }),
  };
}

const reached = (description: string) => ({
  type: 'object',
  properties: { sessions: { type: 'integer', minimum: 0, description } },
  required: ['sessions'],
  additionalProperties: false,
});
