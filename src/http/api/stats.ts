import type { ApiServer } from './api-server.ts';
import { noQuery } from './checker.ts';
import { get, type Route } from './route.ts';

const count = (description: string) => ({ type: 'integer', minimum: 0, description }) as const;

/** `GET /stats`: counts of this server. */
export function statsRoute(server: ApiServer): Route {
  return get({
    path: '/stats',
    name: 'getStats',
    tag: 'Server',
    summary: 'Shows counts of this server',
    right: 'read',
    everywhere: true,
    query: noQuery(),
    answer: {
      type: 'object',
      properties: {
        state: { type: 'string', enum: ['open', 'draining'] },
        sessions: count('Open sessions.'),
        channels: count('Names and patterns with subscribers.'),
        addresses: count('Addresses with a session or a socket.'),
        browsers: count('Browsers whose tabs are counted.'),
        waitingHandshakes: count('Handshakes that wait, since too many came.'),
        refused: {
          type: 'object',
          description: 'Refusals since the start, by the option that refused.',
          additionalProperties: { type: 'integer' },
        },
      },
      required: ['state', 'sessions', 'channels', 'addresses', 'browsers', 'waitingHandshakes', 'refused'],
      additionalProperties: false,
    },
    run: () => {
      const { sessions, channelNodes: channels, addresses, browsers } = server.usage;
      const { state, waitingHandshakes, refused } = server;
      return { state, sessions, channels, addresses, browsers, waitingHandshakes, refused };
    },
  });
}
