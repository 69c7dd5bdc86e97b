import type { Load } from '../../core/load.ts';
import type { Clock } from '../../lib/clock.ts';
import { LoopDelays } from '../loop-delays.ts';
import { type AllNodes, complete, incomplete } from './all-nodes.ts';
import type { ApiServer } from './api-server.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { noQuery } from './checker.ts';
import { get, type Route } from './route.ts';

/** How long a look at all sessions counts: several dashboards then cost no more than one. Milliseconds. */
const LOAD_LASTS = 1_000;

const count = (description: string) => ({ type: 'integer', minimum: 0, description }) as const;

const countsBy = (description: string) =>
  ({ type: 'object', description, additionalProperties: { type: 'integer', minimum: 0 } }) as const;

const times = (description: string) =>
  ({
    type: 'object',
    description: `${description} Milliseconds. It only grows.`,
    properties: {
      bounds: { type: 'array', items: { type: 'number' }, description: 'Upper bounds of the buckets.' },
      counts: {
        type: 'array',
        items: { type: 'integer' },
        description: 'Values in each bucket; the last one has those above all bounds.',
      },
      sum: { type: 'number', description: 'The sum of all values.' },
    },
    required: ['bounds', 'counts', 'sum'],
    additionalProperties: false,
  }) as const;

const properties = {
  state: { type: 'string', enum: ['open', 'draining'] },
  at: { type: 'number', description: 'The time of the server. Milliseconds since the epoch.' },
  nodes: count('Nodes that are counted here.'),
  sessions: count('Open sessions.'),
  maxSessions: count('Sessions that may be open.'),
  transports: countsBy('Open sessions by transport, at most a second ago.'),
  queuedEvents: count('Events that wait, summed over the sessions, at most a second ago.'),
  queuedBytes: count('Size of these events: one that waits for two sessions counts twice.'),
  channels: count('Names and patterns with subscribers.'),
  addresses: count('Addresses with a session or a socket.'),
  browsers: count('Browsers whose tabs are counted.'),
  waitingHandshakes: count('Handshakes that wait, since too many came.'),
  handshakes: count('Handshakes since the start.'),
  opened: count('Sessions opened since the start.'),
  ended: countsBy('Sessions that ended since the start, by reason.'),
  publishes: count('Events accepted for broadcast channels since the start.'),
  deliveries: count('Events that left for a session since the start, each repeat included.'),
  dropped: count('Events dropped for one session since the start, since too many waited.'),
  refused: {
    type: 'object',
    description: 'Refusals since the start, by the option that refused.',
    additionalProperties: { type: 'integer' },
  },
  refusals: count('Refusals since the start.'),
  eventLoopDelay: times(
    'How late the event loop called a timer, 50 times a second. Sampled from the first call of this path until a minute after the last.',
  ),
  publishToFlush: times(
    'Time from the first event of a turn of the event loop until all sessions were sent theirs.',
  ),
} as const;

/** `GET /stats`: counts of all nodes. */
export function statsRoute(server: ApiServer, nodes: AllNodes): Route {
  const delays = new LoopDelays(server);
  const load = remembered(server.clock, () => server.load());
  const part = nodes.part({
    name: 'stats',
    here: (): JsonObject => {
      const { state, waitingHandshakes, refused, clock, options } = server;
      const { sessions, channelNodes: channels, addresses, browsers } = server.usage;
      const { sessions: transports, queuedEvents, queuedBytes } = load();
      return {
        ...{ state, at: Math.round(clock.now()), sessions, maxSessions: options.maxSessions, transports },
        ...{ queuedEvents, queuedBytes, channels, addresses, browsers, waitingHandshakes },
        ...soFar(server),
        ...{ refused, eventLoopDelay: delays.read() },
      };
    },
    read: (answer) => answer,
  });
  return get({
    path: '/stats',
    name: 'getStats',
    tag: 'Server',
    summary: 'Shows counts of all nodes',
    description:
      'Sums over the nodes; `state` and `at` are those of the node that answers. Two answers with the same `nodes` give rates: the difference of a count, by the difference of `at`.',
    right: 'read',
    everywhere: true,
    query: noQuery(),
    answer: {
      type: 'object',
      properties: { ...properties, complete },
      required: Object.keys(properties),
      additionalProperties: false,
    },
    run: async () => {
      const { answers, isComplete } = await part.ofAll({});
      const [own = {}, ...others] = answers;
      const { state, at } = own;
      const sums = others.reduce<JsonObject>((sum, other) => added(sum, other), own);
      return { ...sums, state, at, nodes: answers.length, ...incomplete(isComplete) };
    },
  });
}

/** Adds the counts of another node to those of this one, which says which fields there are. */
function added(own: JsonObject, other: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(own).map(([name, value]) => [name, addedValue(value, other[name])]),
  );
}

function addedValue(own: unknown, other: unknown): unknown {
  if (typeof own === 'number') return typeof other === 'number' ? own + other : own;
  if (!isObject(own) || !isObject(other)) return own;
  // The bounds of a histogram are the same on all nodes.
  if (Array.isArray(own.counts)) return addedTimes(own, own.counts, other);
  const names = new Set([...Object.keys(own), ...Object.keys(other)]);
  return Object.fromEntries(Array.from(names, (name) => [name, numberIn(own, name) + numberIn(other, name)]));
}

function addedTimes(own: JsonObject, counts: readonly number[], { counts: others, sum }: JsonObject): object {
  if (!Array.isArray(others) || others.length !== counts.length) return own;
  const { bounds } = own;
  return {
    bounds,
    counts: counts.map((one, at) => one + Number(others[at])),
    sum: numberIn(own, 'sum') + numberIn({ sum }, 'sum'),
  };
}

function numberIn(counts: JsonObject, name: string): number {
  const { [name]: value } = counts;
  return typeof value === 'number' ? value : 0;
}

/** What was counted since the start. */
function soFar({ counts }: ApiServer) {
  const { handshakes, opened, ends: ended, publishes, deliveries, dropped, refusals, flushes } = counts;
  return {
    ...{ handshakes, opened, ended, deliveries, publishToFlush: flushes },
    publishes: sum(Object.values(publishes)),
    dropped: sum(Object.values(dropped)),
    refusals: sum(refusals.map((one) => one.count)),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** Looks at most once in `LOAD_LASTS`. */
function remembered(clock: Pick<Clock, 'now'>, look: () => Load): () => Load {
  let last: { readonly at: number; readonly load: Load } | undefined;
  return () => {
    if (last === undefined || clock.now() >= last.at + LOAD_LASTS) last = { at: clock.now(), load: look() };
    return last.load;
  };
}
