import type { KnownNode } from '../../core/nodes.ts';
import type { ApiServer } from './api-server.ts';
import { noQuery } from './checker.ts';
import { get, type Route } from './route.ts';

const ms = (description: string) => ({ type: 'integer', minimum: 0, description }) as const;

const node = {
  type: 'object',
  description: 'A node. Parts that are not known are absent.',
  properties: {
    name: {
      type: 'string',
      description: 'All ids that the node made begin with it. A node that starts again has another name.',
    },
    isThis: { type: 'boolean', description: 'Whether this node gives the answer.' },
    version: { type: 'string', description: 'The version of bayeuxd.', examples: ['1.2.0'] },
    formats: {
      type: 'array',
      items: { type: 'integer' },
      minItems: 2,
      maxItems: 2,
      description: 'The lowest and the highest format of other nodes that it reads.',
    },
    state: {
      type: 'string',
      enum: ['open', 'draining', 'away', 'closed'],
      description:
        '`draining`: it sends its sessions to other nodes. `away`: it does not reach the other nodes now.',
    },
    started: { type: 'number', description: 'When its server was made. Milliseconds since the epoch.' },
    sessions: ms('Open sessions.'),
    lag: {
      type: 'object',
      description: 'What was written for it, and was not read yet.',
      properties: {
        entries: ms('Entries of its mailbox.'),
        ms: ms('The age of the oldest of them. Milliseconds.'),
      },
      required: ['entries', 'ms'],
      additionalProperties: false,
    },
    sinceBeat: ms('Time since it last told that it lives. Milliseconds.'),
    isLinked: {
      type: 'boolean',
      description: 'Whether this node has a link to it now. Absent where nodes have no links.',
    },
    trouble: {
      type: 'object',
      description: 'Its latest trouble with what couples the nodes. It may be over.',
      properties: {
        why: { type: 'string', description: 'What happened, in words.' },
        at: { type: 'number', description: 'When, by its own clock. Milliseconds since the epoch.' },
      },
      required: ['why', 'at'],
      additionalProperties: false,
    },
  },
  required: ['name', 'isThis'],
  additionalProperties: false,
} as const;

/** `GET /nodes`: the nodes of the cluster. */
export function nodesRoute(server: ApiServer): Route {
  return get({
    path: '/nodes',
    name: 'listNodes',
    tag: 'Server',
    summary: 'Lists the nodes of the cluster',
    description:
      'The node that answers comes first, the others in order of their names, as each told of itself at most two seconds ago. A server of its own is the only node.',
    right: 'read',
    everywhere: true,
    query: noQuery(),
    answer: {
      type: 'object',
      properties: { nodes: { type: 'array', items: node } },
      required: ['nodes'],
      additionalProperties: false,
    },
    run: () => ({ nodes: server.nodes.all.map(shownOf) }),
  });
}

function shownOf({ node: name, ...more }: KnownNode) {
  return { name, ...more };
}
