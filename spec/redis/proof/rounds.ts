import { randomInt, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { describeWithRedis } from '../cluster.ts';
import { brokenPromises, recoveries } from './check.ts';
import { Round } from './round.ts';
import { scheduleOf } from './schedule.ts';

/** Figures of a round, for a report. */
export interface RoundFigures {
  readonly seed: number;
  readonly accepted: number;
  readonly refused: number;
  readonly received: number;
  readonly troubles: readonly string[];
  /** Milliseconds. */
  readonly recoveries: readonly number[];
}

/**
 * Specifies that clients see no promise broken in so many random rounds. The seed of each stands in its name: SEED=… runs that round
 * alone.
 */
export function keepsPromises(rounds: number, over: (figures: RoundFigures) => void = () => {}): void {
  const { SEED } = process.env;
  const seeds =
    SEED === undefined ? Array.from({ length: rounds }, () => randomInt(2 ** 31)) : [Number(SEED)];
  describeWithRedis(
    'a cluster whose Redis and connections are in trouble',
    (cluster) => {
      it.each(seeds)('keeps its promises: SEED=%i', { timeout: 60_000 }, async (seed) => {
        const schedule = scheduleOf(seed);
        const history = await Round.run(cluster().redis, randomUUID(), schedule);
        const { published, received, troubles } = history;
        const accepted = published.filter(({ answer }) => answer?.isAccepted).length;
        over({
          ...{ seed, accepted, refused: published.length - accepted, received: received.length },
          troubles: troubles.map(({ is }) => is),
          recoveries: recoveries(history).map(Math.round),
        });
        expect(brokenPromises(history).slice(0, 10), JSON.stringify(schedule)).toEqual([]);
      });
    },
    ...['--appendonly', 'yes', '--appendfsync', 'always'],
  );
}
