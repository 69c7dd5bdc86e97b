import fc from 'fast-check';
import { type CutPoint, cutPoints } from '../../support/cut-proxy.ts';
import { libraries } from '../libraries.ts';

/** Something that happens to the connections of nodes. Milliseconds. */
export type NetworkTrouble =
  | { readonly is: 'cut'; readonly node: number; readonly times: number }
  | { readonly is: 'cut at'; readonly node: number; readonly point: CutPoint; readonly marker: string }
  | { readonly is: 'client kill'; readonly node: number }
  | { readonly is: 'hold back'; readonly node: number; readonly ms: number }
  /** One node, or all of them. */
  | { readonly is: 'slow'; readonly node: number | 'all'; readonly ms: number };

/** Something that happens to Redis itself. Milliseconds. */
export type RedisTrouble =
  | { readonly is: 'stop'; readonly ms: number }
  | { readonly is: 'kill'; readonly ms: number }
  | { readonly is: 'full'; readonly ms: number };

/** A client that comes in the middle of a phase, and may leave at its end. */
export interface Newcomer {
  readonly node: number;
  readonly type: 'websocket' | 'long-polling';
  readonly pattern: string;
  readonly after: number;
  readonly leaves: boolean;
}

/** One or two troubles at the same time, and what clients do meanwhile. */
export interface Phase {
  readonly network: NetworkTrouble | undefined;
  readonly redis: RedisTrouble | undefined;
  readonly newcomers: readonly Newcomer[];
  /** Publications of a server in one turn. */
  readonly burst: { readonly node: number; readonly count: number };
}

/** What happens in a round. */
export interface Schedule {
  readonly library: string;
  readonly durability: 'none' | 'restart';
  readonly phases: readonly Phase[];
}

export const NODES = 3;

/** Channels that everybody publishes to: sessions of all nodes subscribe to the first two from the beginning, the others are for newcomers. */
export const channels = ['/p/1', '/d/1', '/q/1', '/q/2'] as const;

const node = fc.nat({ max: NODES - 1 });
const between = (min: number, max: number) => fc.integer({ min, max });

const network: fc.Arbitrary<NetworkTrouble> = fc.oneof(
  fc.record({ is: fc.constant('cut' as const), node, times: between(1, 3) }),
  fc.record({
    is: fc.constant('cut at' as const),
    node,
    point: fc.constantFrom(...cutPoints),
    marker: fc.constantFrom('EVALSHA', 'XREAD'),
  }),
  fc.record({ is: fc.constant('client kill' as const), node }),
  fc.record({ is: fc.constant('hold back' as const), node, ms: between(200, 1500) }),
  fc.record({
    is: fc.constant('slow' as const),
    node: fc.oneof(node, fc.constant('all' as const)),
    ms: between(300, 1500),
  }),
);

const redis: fc.Arbitrary<RedisTrouble> = fc.oneof(
  fc.record({ is: fc.constant('stop' as const), ms: fc.constant(2000) }),
  fc.record({ is: fc.constant('kill' as const), ms: between(0, 1500) }),
  fc.record({ is: fc.constant('full' as const), ms: between(200, 1000) }),
);

const newcomer: fc.Arbitrary<Newcomer> = fc.record({
  node,
  type: fc.constantFrom('websocket' as const, 'long-polling' as const),
  pattern: fc.constantFrom('/q/1', '/q/2', '/q/*', '/d/*', '/**'),
  after: between(0, 500),
  leaves: fc.boolean(),
});

const phase: fc.Arbitrary<Phase> = fc
  .record({
    network: fc.option(network, { nil: undefined, freq: 3 }),
    redis: fc.option(redis, { nil: undefined, freq: 3 }),
    newcomers: fc.array(newcomer, { maxLength: 2 }),
    burst: fc.record({ node, count: between(1, 150) }),
  })
  .filter((one) => one.network !== undefined || one.redis !== undefined);

const schedule: fc.Arbitrary<Schedule> = fc.record({
  library: fc.constantFrom(...Object.keys(libraries)),
  durability: fc.oneof(
    { weight: 4, arbitrary: fc.constant('restart' as const) },
    fc.constant('none' as const),
  ),
  phases: fc.array(phase, { minLength: 2, maxLength: 3 }),
});

/** The round of a seed. */
export function scheduleOf(seed: number): Schedule {
  const [only] = fc.sample(schedule, { seed, numRuns: 1 });
  if (only === undefined) throw new Error('fast-check gave no schedule');
  return only;
}
