import type { Session } from '../../src/core/session.ts';
import { Replays } from '../../src/features/history/replays.ts';

/** The replays of a session; undefined where its server keeps no history. */
export function replaysOf({ features }: Session): Replays | undefined {
  return features.all.find((feature) => feature instanceof Replays);
}
